"""Accept what turns out to be best: knows all requests beforehand, so it is a bound and no way to run a lot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from allocation.engine.bound import Objective, clairvoyant_bound
from allocation.engine.holds import Holds
from allocation.engine.policy import Policy, tentative_spaces
from allocation.engine.program import Limits
from allocation.engine.request import Decision, Reason, Request, Tentative
from allocation.engine.state import LotState, Mask
from allocation.engine.valuation import Valuation


@dataclass(frozen=True)
class Clairvoyant(Policy):
    """Answer from a plan, made for one day; build it with `of`.

    Parameters
    ----------
    plan
        The space of every request of the day, None for those that are left out. Requests are known by identity.
    """

    plan: dict[Request, int | None]

    @classmethod
    def of(
        cls,
        free: Mask,
        requests: Sequence[Request],
        valuation: Valuation,
        *,
        objective: Objective = Objective.REVENUE,
        limits: Limits | None = None,
    ) -> Self:
        """Plan a day; see `clairvoyant_bound`.

        Raises
        ------
        ValueError
            If horizons, masks or periods do not fit together.
        RuntimeError
            If a limit was reached before any plan was found.
        """
        packing = clairvoyant_bound(free, requests, valuation, objective=objective, limits=limits)
        if len(packing.spaces) != len(requests):
            raise RuntimeError("no plan was found within the limits.")
        return cls(dict(zip(requests, packing.spaces, strict=True)))

    def decide(
        self,
        state: LotState,
        request: Request,
        holds: Holds | None = None,  # noqa: ARG002 -- nothing moves
    ) -> Decision:
        space = self.plan[request]
        if space is not None:
            return Decision.accepted_at(space)
        is_free = bool(state.free_for(request.start, request.end, request.eligible).any())
        later = Reason.EXPECTED_DEMAND_OUTWEIGHS_REVENUE
        return Decision.declined(later if is_free else Reason.NO_FREE_SPACE)

    def allocate(
        self,
        state: LotState,  # noqa: ARG002 -- the protocol's signature
        held: Sequence[Tentative],
        *,
        slot: int,  # noqa: ARG002 -- the protocol's signature
    ) -> tuple[int, ...]:
        return tentative_spaces(held)
