"""The paper's two stages."""

from collections.abc import Sequence
from dataclasses import dataclass

from allocation.engine.assignment import assign_spaces
from allocation.engine.decision import decide_request
from allocation.engine.holds import Holds
from allocation.engine.policy import Policy
from allocation.engine.request import Decision, Request, Tentative
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation


@dataclass(frozen=True)
class TwoStage(Policy):
    """Algorithm 1 when a request comes, the optimum of algorithm 2 when its slot begins."""

    valuation: Valuation

    def decide(self, state: LotState, request: Request, holds: Holds | None = None) -> Decision:  # noqa: ARG002 -- nothing moves
        return decide_request(state, request, self.valuation)

    def allocate(self, state: LotState, held: Sequence[Tentative], *, slot: int) -> tuple[int, ...]:
        return assign_spaces(state, held, self.valuation, slot=slot)
