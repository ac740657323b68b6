"""The table that stands at the end of a replay: policies side by side."""

from collections.abc import Callable, Sequence
from statistics import quantiles

from parking_share.demo.replay import Outcome

Cell = Callable[[Outcome], str]


def report(outcomes: Sequence[Outcome], *, stays: int, currency: str) -> str:
    """One column a policy, one row a measure; reasons that occur get a row each."""
    rows: list[tuple[str, Cell]] = [
        ("stays asked for", lambda _one: str(stays)),
        ("accepted", lambda one: _share(len(one.accepted), stays)),
        ("bay assigned by the worker", lambda one: str(one.assigned)),
    ]
    rows += [(f"declined: {code}", _count_of("declined", code)) for code in _codes(outcomes, "declined")]
    rows += [(f"refused: {code}", _count_of("refused", code)) for code in _codes(outcomes, "refused")]
    rows += [
        ("utilisation of the shared time", lambda one: f"{one.metrics.utilisation:.1%}" if one.metrics else "-"),
        (f"revenue, {currency}", lambda one: f"{one.revenue_cents / 100:,.2f}"),
        ("fragmentation", lambda one: f"{one.metrics.fragmentation:,.1f}" if one.metrics else "-"),
        ("  of new fragments", lambda one: f"{one.metrics.new_fragmentation:,.1f}" if one.metrics else "-"),
        ("request to decision, median", lambda one: _milliseconds(one.seconds, 50)),
        ("request to decision, p95", lambda one: _milliseconds(one.seconds, 95)),
    ]
    table = [["", *(one.policy for one in outcomes)]]
    table += [[title, *(cell(one) for one in outcomes)] for title, cell in rows]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    return "\n".join(_line(line, widths) for line in table)


def _codes(outcomes: Sequence[Outcome], kind: str) -> list[str]:
    return sorted({code for one in outcomes for code in getattr(one, kind)})


def _count_of(kind: str, code: str) -> Cell:
    return lambda one: str(getattr(one, kind)[code])


def _share(count: int, total: int) -> str:
    return f"{count} ({count / total:.1%})" if total else str(count)


def _milliseconds(seconds: Sequence[float], percent: int) -> str:
    if len(seconds) < 2:
        return "-"
    return f"{quantiles(seconds, n=100, method='inclusive')[percent - 1] * 1000:.0f} ms"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = cells
    padded = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
    return "  ".join([first.ljust(widths[0]), *padded]).rstrip()
