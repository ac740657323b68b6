"""Which of several car parks: what a place costs in money, in steps, and in what it leaves of the others' time."""

import math
from dataclasses import dataclass

import numpy as np

from allocation.engine.holds import Holds
from allocation.engine.placement import placement_costs
from allocation.engine.request import Decision, Request
from allocation.engine.valuation import ROUNDING, Valuation, Values


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


def ranked(total: Values, walk_m: Values) -> list[int]:
    """Return the places from the best to the worst; of equal totals, within 1e-9, the nearer, then the first."""
    return [int(place) for place in np.lexsort((np.arange(total.size), walk_m, np.round(total / ROUNDING)))]


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
