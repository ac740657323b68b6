"""Who earns: spaces that cost nearly the same go to the owner who has earned least."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allocation.engine.holds import Holds
from allocation.engine.placement import placement_costs
from allocation.engine.policy import Policy
from allocation.engine.request import Decision, Request
from allocation.engine.state import LotState
from allocation.engine.valuation import ROUNDING, Valuation


@dataclass(frozen=True, kw_only=True, eq=False)
class Fairness:
    """How much dearer a placement may be so that income spreads over owners.

    Parameters
    ----------
    income
        Shape (spaces,), >= 0: what the owner of each space has earned of late.
    tolerance
        By how much the sustainability cost may exceed that of the policy's choice, >= 0.

    Raises
    ------
    ValueError
        For negative or infinite numbers.
    """

    income: NDArray[np.int64]
    tolerance: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.tolerance) and self.tolerance >= 0):
            raise ValueError(f"tolerance must be finite and not negative, got {self.tolerance}.")
        if self.income.ndim != 1 or (self.income < 0).any():
            raise ValueError("income must be one number for each space, none negative.")


def fairer_space(state: LotState, request: Request, valuation: Valuation, space: int, fairness: Fairness) -> int:
    """Return the space of the owner who has earned least, among those that cost no more than is tolerated.

    Parameters
    ----------
    state
        Without the request.
    space
        What the policy chose.

    Notes
    -----
    Of owners who have earned the same the cheaper space, of spaces that cost the same the lowest-numbered. A choice
    that is not free in `state` stays: others have to move for it.
    """
    if fairness.income.size != state.spaces:
        raise ValueError(f"income covers {fairness.income.size} spaces, the lot has {state.spaces}.")
    costs = placement_costs(state, request, valuation)
    if not np.isfinite(costs[space]):
        return space
    near = np.flatnonzero(costs <= costs[space] + fairness.tolerance + ROUNDING)
    return int(near[np.lexsort((near, np.round(costs[near], 9), fairness.income[near]))[0]])


def decide_fairly(
    policy: Policy, holds: Holds, request: Request, valuation: Valuation, fairness: Fairness | None
) -> Decision:
    """Ask the policy; of spaces that cost nearly the same take the one whose owner has earned least.

    Where others have to move, the policy's choice stands. Nothing is changed.
    """
    decision = policy.decide(holds.state, request, holds)
    if fairness is None or decision.space is None or decision.moves:
        return decision
    return Decision.accepted_at(fairer_space(holds.state, request, valuation, decision.space, fairness))
