"""Accept whatever fits, where it leaves the most usable rest."""

from collections.abc import Sequence
from dataclasses import dataclass

from allocation.engine.assignment import assign_spaces
from allocation.engine.holds import Holds
from allocation.engine.placement import cheapest_free_space
from allocation.engine.policy import Policy
from allocation.engine.request import Decision, Reason, Request, Tentative
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation


@dataclass(frozen=True)
class BestFit(Policy):
    """Take the free space of least sustainability cost (eq. 6), the optimum of algorithm 2 when its slot begins."""

    valuation: Valuation

    def decide(self, state: LotState, request: Request, holds: Holds | None = None) -> Decision:  # noqa: ARG002 -- nothing moves
        space = cheapest_free_space(state, request, self.valuation)
        return Decision.declined(Reason.NO_FREE_SPACE) if space is None else Decision.accepted_at(space)

    def allocate(self, state: LotState, held: Sequence[Tentative], *, slot: int) -> tuple[int, ...]:
        return assign_spaces(state, held, self.valuation, slot=slot)
