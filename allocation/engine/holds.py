"""What has been promised and may still move, beside what may not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from allocation.engine.request import Move, Request, Tentative
from allocation.engine.state import LotState


@dataclass(eq=False, slots=True)
class Holds:
    """Accepted requests that have neither started nor been announced, by key; build it with `over`.

    Like `LotState` it is changed in place. Work on a `copy` to try something.

    Parameters
    ----------
    state
        The lot with everything in it: what policies see.
    fixed
        The lot with only what cannot move.

    Notes
    -----
    A key is the caller's number of a reservation. Policies break ties by it, never by the order of adding.
    """

    state: LotState
    fixed: LotState
    _held: dict[int, Tentative] = field(default_factory=dict)

    @classmethod
    def over(cls, fixed: LotState) -> Self:
        """Begin with a lot in which nothing may move; it is copied."""
        return cls(fixed.copy(), fixed.copy())

    @property
    def held(self) -> Mapping[int, Tentative]:
        """Every hold with its present space."""
        return MappingProxyType(self._held)

    def copy(self) -> Self:
        return type(self)(self.state.copy(), self.fixed.copy(), dict(self._held))

    def add(self, key: int, request: Request, space: int) -> None:
        """Hold a space for a request.

        Raises
        ------
        ValueError
            If the key is taken, or the space not free for the whole period.
        """
        if key in self._held:
            raise ValueError(f"hold {key} exists already.")
        self.state.place(space, request.start, request.end)
        self._held[key] = Tentative(request, space)

    def remove(self, key: int) -> Tentative:
        """Give a hold up: cancelled, expired."""
        one = self._known(key)
        self.state.lift(one.space, one.request.start, one.request.end)
        del self._held[key]
        return one

    def settle(self, key: int) -> Tentative:
        """Let a hold never move again: started, announced."""
        one = self._known(key)
        self.fixed.place(one.space, one.request.start, one.request.end)
        del self._held[key]
        return one

    def block(self, space: int, start: int, end: int) -> None:
        """Occupy a free period with something that cannot move: an overstay, a window that shrinks, a walk-in.

        Raises
        ------
        ValueError
            If something is held there: move or remove it first.
        """
        self.state.place(space, start, end)
        self.fixed.place(space, start, end)

    def unblock(self, space: int, start: int, end: int) -> None:
        """Free again what cannot move: an early leave."""
        self.fixed.lift(space, start, end)
        self.state.lift(space, start, end)

    def move(self, moves: Iterable[Move]) -> None:
        """Move holds, all at once: two may change places. Nothing is changed if one of them cannot.

        Raises
        ------
        ValueError
            If a hold is unknown, is not where it is said to be, or does not fit its new space.
        """
        moves = tuple(moves)
        before = {one.key: self._known(one.key) for one in moves}
        for one in moves:
            if before[one.key].space != one.from_space:
                raise ValueError(f"hold {one.key} is in space {before[one.key].space}, not {one.from_space}.")
        for hold in before.values():
            self.state.lift(hold.space, hold.request.start, hold.request.end)
        placed: list[Tentative] = []
        try:
            for one in moves:
                hold = Tentative(before[one.key].request, one.to_space)
                self.state.place(hold.space, hold.request.start, hold.request.end)
                placed.append(hold)
        except ValueError:
            for hold in placed:
                self.state.lift(hold.space, hold.request.start, hold.request.end)
            for hold in before.values():
                self.state.place(hold.space, hold.request.start, hold.request.end)
            raise
        self._held |= {one.key: Tentative(before[one.key].request, one.to_space) for one in moves}

    def _known(self, key: int) -> Tentative:
        if key not in self._held:
            raise ValueError(f"there is no hold {key}.")
        return self._held[key]


def saturated(state: LotState, request: Request) -> bool:
    """Whether some slot of a period has no free space at all: then no move makes room for it."""
    free = state.run_end[request.start : request.end] > 0
    return not bool(free.any(axis=1).all())
