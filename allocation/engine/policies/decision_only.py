"""The paper's decision stage, whose tentative spaces are final."""

from collections.abc import Sequence
from dataclasses import dataclass

from allocation.engine.decision import decide_request
from allocation.engine.holds import Holds
from allocation.engine.policy import Policy, tentative_spaces
from allocation.engine.request import Decision, Request, Tentative
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation


@dataclass(frozen=True)
class DecisionOnly(Policy):
    """Algorithm 1 alone."""

    valuation: Valuation

    def decide(self, state: LotState, request: Request, holds: Holds | None = None) -> Decision:  # noqa: ARG002 -- nothing moves
        return decide_request(state, request, self.valuation)

    def allocate(
        self,
        state: LotState,  # noqa: ARG002 -- the protocol's signature
        held: Sequence[Tentative],
        *,
        slot: int,  # noqa: ARG002 -- the protocol's signature
    ) -> tuple[int, ...]:
        return tentative_spaces(held)
