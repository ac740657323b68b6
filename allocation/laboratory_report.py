"""A comparison as tables and pictures, by name: what its page shows, its downloads hold and the command writes."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from allocation.engine.registry import ALL_POLICIES
from allocation.engine.state import LotState
from allocation.laboratory_drawing import Bar, Curve, Gantt, curves, gantt, standing_alone
from allocation.laboratory_results import CLAIRVOYANT_NAME, Comparison, PolicyRow
from allocation.models import PolicyName

Cell = str | int | float
TABLES = ("policies", "refused", "thresholds", "weights", "fairness", "spaces")
NOTHING = ""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class Table:
    """Named columns and rows; an empty cell is something that nobody knows."""

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def write(self, path: Path) -> None:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(self.lines())

    def lines(self) -> Iterator[Sequence[Cell]]:
        """Header and rows; a text that a spreadsheet would run as a formula gets an apostrophe before it."""
        yield self.header
        yield from ([_harmless(cell) for cell in row] for row in self.rows)


def table_of(comparison: Comparison, name: str) -> Table:
    """One of `TABLES`; KeyError for another name."""
    return {
        "policies": _policies,
        "refused": _refused,
        "thresholds": lambda one: _sweep(one, "thresholds", _("Threshold")),
        "weights": lambda one: _sweep(one, "weights", _("Weight of fragmentation")),
        "fairness": _fairness,
        "spaces": _spaces,
    }[name](comparison)


def sweep_picture(comparison: Comparison, name: str) -> str:
    """The paper's threshold curve, or its weight sweep, for these days; empty where there is none."""
    rows = comparison.sweep(name)
    if not rows:
        return ""
    xs = [row.value for row in rows]
    if name == "thresholds":
        return curves(
            [Curve(name=_("two-stage, all days"), xs=xs, ys=[row.accepted for row in rows])],
            title=_("Accepted requests by threshold"),
            x_label=_("threshold of fragmentation"),
            y_label=_("accepted requests"),
            is_log=True,
        )
    return curves(
        [Curve(name=_("two-stage, all days"), xs=xs, ys=[row.fragmentation for row in rows])],
        title=_("Fragmentation of what is left over, by weight"),
        x_label=_("weight of fragmentation"),
        y_label=_("fragmentation"),
    )


def day_picture(comparison: Comparison, number: int, policy: str | None) -> str:
    """The spaces of one day as shared, and with a policy as it filled them; empty where that took too long."""
    day = comparison.days[comparison.numbers.index(number)]
    instance = day.instance
    held = comparison.spaces_of(number, policy) if policy else [None] * len(instance.requests)
    if held is None:
        return ""
    bars = [
        Bar(row=space, start=one.start, end=one.end, name=f"{name} {_until(comparison, number, one.start, one.end)}")
        for name, one, space in zip(instance.request_ids, instance.requests, held, strict=True)
        if space is not None
    ]
    every = max(round(2 * 60 / instance.rules.slot_minutes), 1)
    picture = Gantt(
        names=instance.space_ids,
        slots=instance.importance.size,
        shared=list(LotState.from_free(instance.free).runs()),
        bars=bars,
        hours=[(slot, comparison.time_of(day, slot)) for slot in range(0, instance.importance.size, every)],
    )
    title = _("Bays as shared") if policy is None else _("Bays under %(policy)s") % {"policy": policy_label(policy)}
    return gantt(picture, title=title, key=f"{number}-{policy or 'shared'}")


def policy_label(name: str) -> str:
    return str(PolicyName(name).label) if name in PolicyName.values else str(CLAIRVOYANT_NAME)


def write_report(comparison: Comparison, folder: Path) -> list[Path]:
    """Write all tables as CSV and all pictures as SVG; return what was written."""
    pictures = {f"{name}.svg": sweep_picture(comparison, name) for name in ("thresholds", "weights")}
    for number in comparison.numbers:
        for policy in (None, *ALL_POLICIES):
            pictures[f"day{number + 1}-{policy or 'shared'}.svg"] = day_picture(comparison, number, policy)
    written = []
    for name in TABLES:
        written.append(folder / f"{name}.csv")
        table_of(comparison, name).write(written[-1])
    for name, svg in pictures.items():
        if svg:
            written.append(folder / name)
            written[-1].write_text(standing_alone(svg), encoding="utf-8")
    return written


def _policies(comparison: Comparison) -> Table:
    header = [
        _("Policy"),
        _("Accepted"),
        _("Refused"),
        _("Utilisation"),
        _("Revenue"),
        _("Share of the bound"),
        _("Fragmentation"),
        _("Fragmentation per unsold hour"),
        _("Milliseconds a decision"),
    ]
    return Table(name="policies", header=header, rows=[_policy(row) for row in comparison.policies])


def _policy(row: PolicyRow) -> list[Cell]:
    if not row.is_whole:
        return [str(row.label), *[NOTHING] * 8]
    return [
        str(row.label),
        row.accepted,
        row.refused,
        round(row.utilisation, 4),
        round(row.revenue, 2),
        NOTHING if row.share_of_bound is None else round(row.share_of_bound, 4),
        round(row.fragmentation, 2),
        round(row.fragmentation_per_unsold_hour, 4),
        round(row.decide_ms, 3),
    ]


def _refused(comparison: Comparison) -> Table:
    header = [_("Day"), _("Request"), _("Asked"), _("From"), _("Until"), _("Really accepted")]
    rows: list[list[Cell]] = []
    for number in comparison.numbers:
        for wish in comparison.wishes(number):
            really = NOTHING if wish.was_accepted is None else _yes_or_no(said_yes=wish.was_accepted)
            marks = [_yes_or_no(said_yes=policy not in wish.refused_by) for policy in ALL_POLICIES]
            rows.append([number + 1, wish.number, wish.asked_at, wish.starts_at, wish.ends_at, really, *marks])
    return Table(name="refused", header=[*header, *map(policy_label, ALL_POLICIES)], rows=rows)


def _sweep(comparison: Comparison, name: str, what: str) -> Table:
    header = [what, _("Accepted"), _("Utilisation"), _("Revenue"), _("Fragmentation"), _("Importance")]
    rows: list[list[Cell]] = [
        [
            round(row.value, 4),
            row.accepted,
            round(row.utilisation, 4),
            round(row.revenue * comparison.slot_hours, 2),
            round(row.fragmentation, 2),
            round(row.importance, 2),
        ]
        for row in comparison.sweep(name)
    ]
    return Table(name=name, header=header, rows=rows)


def _fairness(comparison: Comparison) -> Table:
    groups = max((len(row.shares) for row in comparison.policies), default=0)
    names = [_("Share of group %(n)s of %(all)s") % {"n": n + 1, "all": groups} for n in range(groups)]
    rows: list[list[Cell]] = [
        [str(row.label), round(row.spread.gini, 4), *(round(share, 4) for share in row.shares)]
        for row in comparison.policies
        if row.spread is not None and row.spread.gini is not None
    ]
    return Table(name="fairness", header=[_("Policy"), _("Gini coefficient of income"), *names], rows=rows)


def _spaces(comparison: Comparison) -> Table:
    """Every placement: what the pictures of the days show."""
    rows: list[list[Cell]] = []
    for number, day in zip(comparison.numbers, comparison.days, strict=True):
        for policy in ALL_POLICIES:
            held = comparison.spaces_of(number, policy) or []
            for name, one, space in zip(day.instance.request_ids, day.instance.requests, held, strict=False):
                if space is not None:
                    where, times = day.instance.space_ids[space], _bounds(comparison, number, one.start, one.end)
                    rows.append([number + 1, policy_label(policy), where, name, *times])
    return Table(
        name="spaces",
        header=[_("Day"), _("Policy"), _("Bay"), _("Request"), _("From"), _("Until")],
        rows=rows,
    )


def _bounds(comparison: Comparison, number: int, start: int, end: int) -> tuple[str, str]:
    day = comparison.days[comparison.numbers.index(number)]
    return comparison.time_of(day, start), comparison.time_of(day, end)


def _until(comparison: Comparison, number: int, start: int, end: int) -> str:
    return "–".join(_bounds(comparison, number, start, end))


def _yes_or_no(*, said_yes: bool) -> str:
    return _("yes") if said_yes else _("no")


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell


def lines_of(tables: Iterable[Table]) -> Iterator[str]:
    """Tables as text for a terminal."""
    for table in tables:
        widths = [
            max(len(str(row[place])) for row in [table.header, *table.rows]) for place in range(len(table.header))
        ]
        yield ""
        for row in (table.header, *table.rows):
            yield "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
