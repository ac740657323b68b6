"""Which of several car parks: what a place costs in money, in steps, and in what it leaves of the others' time."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from allocation.engine.holds import Holds
from allocation.engine.placement import placement_costs
from allocation.engine.request import Decision, Request
from allocation.engine.valuation import Valuation, Values


@dataclass(frozen=True, kw_only=True)
class ChoiceWeights:
    """What a walk and a broken gap are worth in money; refuses values that are negative or not finite.

    Parameters
    ----------
    walk_per_100m
        Minor units for 100 metres between the entrance and the point, there and back together.
    sustainability
        Minor units for one unit of sustainability cost (eq. 6).
    """

    walk_per_100m: float
    sustainability: float

    def __post_init__(self) -> None:
        for name, value in (("walk_per_100m", self.walk_per_100m), ("sustainability", self.sustainability)):
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and not negative, got {value}.")


def totals(price: Values, walk_m: Values, cost: Values, *, weights: ChoiceWeights) -> Values:
    """Return what each place costs in all.

    Parameters
    ----------
    price
        Shape (n,): minor units.
    walk_m
        Shape (n,): metres.
    cost
        Shape (n,): sustainability cost of the placement there.

    Notes
    -----
    ``price + walk_per_100m · walk_m / 100 + sustainability · cost``. In money, so that a place's total does not change
    when others come or go.
    """
    total: Values = price + weights.walk_per_100m * walk_m / 100 + weights.sustainability * cost
    return total


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search saw: the place it takes, or None; totals of those that would do; those that said no, early or late.

    A place that is in none of them was not asked: even without its cost it is dearer than the one that was taken.
    """

    chosen: int | None
    totals: dict[int, float]
    refused: tuple[int, ...]
    dropped: tuple[int, ...]


def search(least: Values, walk_m: Values, *, ask: Callable[[int], float | None], keeps: Callable[[int], bool]) -> Found:
    """Find the place of least total without asking more places than it takes.

    Parameters
    ----------
    least
        Shape (n,): what each place costs at least, its total without what asking adds.
    walk_m
        Shape (n,): metres; breaks ties.
    ask
        Returns a place's total, at least its `least`, or None where it says no.
    keeps
        Whether a place keeps to its yes when looked at closely; called for the best only.

    Notes
    -----
    Best first: places are asked in order of `least` until none that is left can beat the best that was found. Of equal
    totals, the nearer, then the lower-numbered.
    """
    waiting = np.lexsort((np.arange(least.size), walk_m, least)).tolist()
    known: dict[int, float] = {}
    refused: list[int] = []
    dropped: list[int] = []
    while True:
        able = [place for place in known if place not in dropped]
        best = min(able, key=lambda place: (known[place], walk_m[place], place), default=None)
        if waiting and (best is None or least[waiting[0]] <= known[best]):
            place = waiting.pop(0)
            total = ask(place)
            if total is None:
                refused.append(place)
            else:
                known[place] = total
        elif best is None or keeps(best):
            return Found(chosen=best, totals=known, refused=tuple(refused), dropped=tuple(dropped))
        else:
            dropped.append(best)


def cost_of(decision: Decision, request: Request, holds: Holds, valuation: Valuation) -> float:
    """Return the sustainability cost of an accepted request where it would be placed, after the moves that it asks for.

    Raises
    ------
    ValueError
        If the request was declined.
    """
    if decision.space is None:
        raise ValueError("a request that was declined has no cost.")
    state = holds.state.copy()
    for move in decision.moves:
        moved = holds.held[move.key].request
        state.lift(move.from_space, moved.start, moved.end)
    for move in decision.moves:
        moved = holds.held[move.key].request
        state.place(move.to_space, moved.start, moved.end)
    return float(placement_costs(state, request, valuation)[decision.space])
