"""What a policy is: one call when a request comes, two when a slot begins, one when the outlook changes."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol, Self

from allocation.engine.holds import Holds
from allocation.engine.prices import Outlook
from allocation.engine.request import Decision, Move, Request, Tentative
from allocation.engine.state import LotState


class Policy(Protocol):
    """Answers for one lot over one horizon. No call changes the state or the holds: the caller does."""

    @abstractmethod
    def decide(self, state: LotState, request: Request, holds: Holds | None = None) -> Decision:
        """Accept the request at a tentative space, or say why not.

        With `holds`, whose state is `state`, the decision may move some of them; without, nothing moves.
        """

    @abstractmethod
    def allocate(self, state: LotState, held: Sequence[Tentative], *, slot: int) -> tuple[int, ...]:
        """Return the final space of every request that starts in `slot`, in the order of `held`."""

    def rearrange(self, holds: Holds, *, slot: int) -> tuple[Move, ...]:  # noqa: ARG002 -- for those that do
        """Improve the tentative spaces before a slot is allocated; all holds start in `slot` or later."""
        return ()

    def looking_ahead(self, state: LotState, outlook: Callable[[], Outlook]) -> Self:  # noqa: ARG002 -- as above
        """Return the policy for the demand still to come; call it as often as that changes."""
        return self


def tentative_spaces(held: Sequence[Tentative]) -> tuple[int, ...]:
    """Return what a policy without a second stage allocates."""
    return tuple(one.space for one in held)
