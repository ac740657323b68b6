"""How well a day went."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum

from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation, Values

Run = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The measures of the paper's tables, over the whole horizon.

    Parameters
    ----------
    accepted
        Number of accepted requests.
    utilisation
        Reserved slots over slots that were free at the beginning; 0 if none was.
    revenue
        Sum of ``w`` over the reserved slots, in slot units: times the length of a slot in hours for money.
    fragmentation, importance
        Sums of ``f`` and of ``g`` over all free runs left at the end.
    new_fragmentation, new_importance
        The same over those runs that are not one of the initial free runs.
    fragmentation_per_unsold_hour
        `fragmentation` over the hours of all free runs left at the end; 0 if none is.
    """

    accepted: int
    utilisation: float
    revenue: float
    fragmentation: float
    importance: float
    new_fragmentation: float
    new_importance: float
    fragmentation_per_unsold_hour: float


def measure(before: LotState, after: LotState, valuation: Valuation, *, accepted: int) -> Metrics:
    """Measure what became of a lot; works for every policy.

    Parameters
    ----------
    before, after
        The lot before the first request and after the last; what is free after must have been free before.
    valuation
        Tables over the same horizon.
    accepted
        Number of accepted requests.

    Raises
    ------
    ValueError
        If the horizons or the numbers of spaces differ.
    """
    valuation.check_slots(after.slots)
    if before.run_end.shape != after.run_end.shape:
        raise ValueError(f"a lot cannot change from {before.run_end.shape} to {after.run_end.shape} slots and spaces.")
    initial, left_over = list(before.runs()), list(after.runs())
    unchanged = set(initial)
    new = [run for run in left_over if run not in unchanged]
    importance = valuation.importance_before
    offered = sum(end - start for _, start, end in initial)
    unsold = sum(end - start for _, start, end in left_over)
    fragmentation = _broken(valuation, left_over)
    return Metrics(
        accepted=accepted,
        utilisation=(offered - unsold) / offered if offered else 0.0,
        revenue=_summed(valuation.rate_before, initial) - _summed(valuation.rate_before, left_over),
        fragmentation=fragmentation,
        importance=_summed(importance, left_over),
        new_fragmentation=_broken(valuation, new),
        new_importance=_summed(importance, new),
        fragmentation_per_unsold_hour=fragmentation * 60 / (unsold * valuation.rules.slot_minutes) if unsold else 0.0,
    )


def _summed(before: Values, runs: Iterable[Run]) -> float:
    return fsum(float(before[end] - before[start]) for _, start, end in runs)


def _broken(valuation: Valuation, runs: Iterable[Run]) -> float:
    return fsum(float(valuation.fragmentation[end - start]) for _, start, end in runs)
