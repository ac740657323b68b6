"""Accept whatever can be made to fit: an accepted driver was promised a space, not this space."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from allocation.engine.assignment import assign_spaces
from allocation.engine.chains import Room, room_by_chain, room_by_program
from allocation.engine.holds import Holds, saturated
from allocation.engine.placement import cheapest_free_space
from allocation.engine.policy import Policy
from allocation.engine.program import Limits
from allocation.engine.request import Decision, Move, Reason, Request, Tentative
from allocation.engine.state import LotState
from allocation.engine.tracks import polished
from allocation.engine.valuation import Valuation


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How far the search for room goes; only `exact.seconds` makes results depend on the machine.

    Parameters
    ----------
    depth
        Longest chain: 1 or 2 holds deep.
    tries
        Spaces cleared for trial per request.
    exact
        Limits of the exact program after that; None leaves it out.
    rounds
        Rounds of polishing before a slot is allocated.
    """

    depth: int = 2
    tries: int = 200
    exact: Limits | None = field(default_factory=lambda: Limits(nodes=200))
    rounds: int = 3


@dataclass(frozen=True)
class Reassign(Policy):
    """As best fit; and where no space is free, move what has neither started nor been announced."""

    valuation: Valuation
    effort: Effort = field(default_factory=Effort)

    def decide(self, state: LotState, request: Request, holds: Holds | None = None) -> Decision:
        space = cheapest_free_space(state, request, self.valuation)
        if space is not None:
            return Decision.accepted_at(space)
        room = None if holds is None or saturated(state, request) else self._room(holds, request)
        return Decision.declined(Reason.NO_FREE_SPACE) if room is None else Decision.accepted_at(*room)

    def allocate(self, state: LotState, held: Sequence[Tentative], *, slot: int) -> tuple[int, ...]:
        return assign_spaces(state, held, self.valuation, slot=slot)

    def rearrange(self, holds: Holds, *, slot: int) -> tuple[Move, ...]:
        return polished(holds, self.valuation, slot=slot, rounds=self.effort.rounds)

    def _room(self, holds: Holds, request: Request) -> Room | None:
        room = room_by_chain(holds, request, self.valuation, depth=self.effort.depth, tries=self.effort.tries)
        if room is None and self.effort.exact is not None:
            room, _ = room_by_program(holds, request, limits=self.effort.exact)
        return room
