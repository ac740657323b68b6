"""What a policy is: two calls, one when a request comes and one when a slot begins."""

from collections.abc import Sequence
from typing import Protocol

from allocation.engine.request import Decision, Request, Tentative
from allocation.engine.state import LotState


class Policy(Protocol):
    """Answers for one lot over one horizon. Neither call changes the state: the caller places and lifts."""

    def decide(self, state: LotState, request: Request) -> Decision:
        """Accept the request at a tentative space, or say why not."""
        ...

    def allocate(self, state: LotState, held: Sequence[Tentative], *, slot: int) -> tuple[int, ...]:
        """Return the final space of every request that starts in `slot`, in the order of `held`."""
        ...


def tentative_spaces(held: Sequence[Tentative]) -> tuple[int, ...]:
    """Return what a policy without a second stage allocates."""
    return tuple(one.space for one in held)
