"""First come, first served: the paper's baseline."""

from collections.abc import Sequence
from dataclasses import dataclass

from allocation.engine.holds import Holds
from allocation.engine.policy import Policy, tentative_spaces
from allocation.engine.request import Decision, Reason, Request, Tentative
from allocation.engine.state import LotState


@dataclass(frozen=True)
class FirstComeFirstServed(Policy):
    """Accept whatever fits, at the lowest-numbered space."""

    def decide(self, state: LotState, request: Request, holds: Holds | None = None) -> Decision:  # noqa: ARG002 -- nothing moves
        free = state.free_for(request.start, request.end, request.eligible)
        if not free.any():
            return Decision.declined(Reason.NO_FREE_SPACE)
        return Decision.accepted_at(int(free.argmax()))

    def allocate(
        self,
        state: LotState,  # noqa: ARG002 -- the protocol's signature
        held: Sequence[Tentative],
        *,
        slot: int,  # noqa: ARG002 -- the protocol's signature
    ) -> tuple[int, ...]:
        return tentative_spaces(held)
