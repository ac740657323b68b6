"""The paper's two algorithms, transcribed step by step in exact fractions; slow, and shares nothing with the engine.

A lot is a list of rows ``a[n][t]``, 1 where the space is occupied; a request is a row ``q[t]``.
"""

from fractions import Fraction
from itertools import product

Row = list[int]
Run = tuple[int, int, int]


def free_runs(a: list[Row]) -> list[Run]:
    runs: list[Run] = []
    for n, row in enumerate(a):
        start: int | None = None
        for t, occupied in enumerate([*row, 1]):
            if occupied and start is not None:
                runs.append((n, start, t))
                start = None
            elif not occupied and start is None:
                start = t
    return runs


def new_fragments(before: list[Row], after: list[Row], *, since: int = 0) -> list[Run]:
    """Free runs after that were not free runs before; of both, only what lies at or after `since`."""
    known = [clipped(run, since) for run in free_runs(before)]
    runs = [clipped(run, since) for run in free_runs(after)]
    return [(n, start, end) for n, start, end in runs if (n, start, end) not in known and start < end]


def clipped(run: Run, since: int) -> Run:
    n, start, end = run
    return n, max(start, since), max(end, since)


def fragmentation(runs: list[Run], mode_hours: Fraction, slot_minutes: int) -> Fraction:
    total = Fraction(0)
    for _, start, end in runs:
        hours = Fraction((end - start) * slot_minutes, 60)
        total += mode_hours / hours
    return total


def summed(runs: list[Run], values: list[Fraction]) -> Fraction:
    total = Fraction(0)
    for _, start, end in runs:
        for t in range(start, end):
            total += values[t]
    return total


def algorithm_1(
    a: list[Row],
    q: Row,
    w: list[Fraction],
    *,
    threshold: Fraction,
    mode_hours: Fraction,
    slot_minutes: int,
    eligible: list[bool],
    since: int,
) -> tuple[int | None, str | None]:
    """Steps 1 to 5; returns the accepted space, or the reason."""
    z = 0
    w_max = Fraction(0)
    x = [0] * len(a)
    some_free = False
    for n in range(len(a)):
        b = [a[n][t] + q[t] for t in range(len(q))]
        if not eligible[n] or max(b) > 1:
            continue
        some_free = True
        left = new_fragments([a[n]], [b], since=since)
        f = fragmentation(left, mode_hours, slot_minutes)
        if f == 0:
            x[n] = 1
            break
        if f <= threshold:
            x[n] = 1
            z = 1
            continue
        if z == 0:
            value = sum((q[t] * w[t] for t in range(len(q))), Fraction(0)) - summed(left, w)
            if value > w_max:
                w_max = value
                x[n] = 1
    candidates = [n for n in range(len(a)) if x[n] == 1]
    if candidates:
        return max(candidates), None
    return None, "fragments_outweigh_revenue" if some_free else "no_free_space"


def algorithm_2(
    a: list[Row],
    requests: list[Row],
    tentative: list[int],
    g: list[Fraction],
    *,
    weights: tuple[Fraction, Fraction],
    mode_hours: Fraction,
    slot_minutes: int,
    eligible: list[list[bool]],
    since: int,
) -> Fraction:
    """Steps 1 to 5 by enumeration; returns the least cost of all plans without conflict."""
    lifted = [list(row) for row in a]
    for q, m in zip(requests, tentative, strict=True):
        lifted[m] = [lifted[m][t] - q[t] for t in range(len(q))]
    best = None
    for plan in product(range(len(a)), repeat=len(requests)):
        cost = plan_cost(
            lifted, requests, plan, g, weights=weights, mode_hours=mode_hours, slot_minutes=slot_minutes,
            eligible=eligible, since=since,
        )  # fmt: skip
        if cost is not None and (best is None or cost < best):
            best = cost
    assert best is not None
    return best


def plan_cost(
    lifted: list[Row],
    requests: list[Row],
    plan: tuple[int, ...],
    g: list[Fraction],
    *,
    weights: tuple[Fraction, Fraction],
    mode_hours: Fraction,
    slot_minutes: int,
    eligible: list[list[bool]],
    since: int,
) -> Fraction | None:
    """Return the cost of one plan (eq. 6), None where it breaks a constraint (eq. 7)."""
    if not all(eligible[j][n] for j, n in enumerate(plan)):
        return None
    after = [list(row) for row in lifted]
    for q, n in zip(requests, plan, strict=True):
        after[n] = [after[n][t] + q[t] for t in range(len(q))]
    if any(max(row) > 1 for row in after):
        return None
    left = new_fragments(lifted, after, since=since)
    return weights[0] * fragmentation(left, mode_hours, slot_minutes) + weights[1] * summed(left, g)
