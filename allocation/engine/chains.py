"""Making room for a request: ejection chains, and the exact feasibility problem."""

from dataclasses import dataclass, field

import numpy as np

from allocation.engine.holds import Holds
from allocation.engine.placement import cheapest_free_space
from allocation.engine.program import Limits, Packing, pack
from allocation.engine.request import Move, Request, Tentative
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation

Room = tuple[int, tuple[Move, ...]]


def room_by_chain(holds: Holds, request: Request, valuation: Valuation, *, depth: int, tries: int) -> Room | None:
    """Make room for a request by moving holds that are in its way.

    Parameters
    ----------
    holds
        Not changed.
    request
        No eligible space is free for all of its period.
    valuation
        Prices the other spaces of what is lifted.
    depth
        1: what is lifted goes to a free space. 2: it may lift others in turn. And so on.
    tries
        Give up after so many spaces were cleared for trial.

    Returns
    -------
    room
        The space and the moves that free it, or None where no chain was found.

    Notes
    -----
    Spaces are tried in order of how many slots are in the way, then of how many holds, then by number; what is lifted
    goes to its cheapest free space, the longest first, then by key. A chain that fails is undone exactly before the
    next is tried.
    """
    promised = {key: Tentative(_promised(one), one.space) for key, one in sorted(holds.held.items())}
    search = _Search(
        holds.state.copy(), holds.fixed, promised, valuation, tries, {key: one.space for key, one in promised.items()}
    )
    space = search.clear_for(request, depth=depth, barred=frozenset())
    if space is None:
        return None
    moves = (Move(key, promised[key].space, at) for key, at in search.at.items() if at is not None)
    return space, tuple(move for move in moves if move.from_space != move.to_space)


def room_by_program(holds: Holds, request: Request, *, limits: Limits) -> tuple[Room | None, Packing]:
    """Make room for a request if that is possible at all: solve the exact feasibility problem.

    Returns
    -------
    room
        The space and the moves that free it, or None.
    packing
        Says whether None is proved or the solver gave up.
    """
    keys = sorted(holds.held)
    requests = [_promised(holds.held[key]) for key in keys]
    everyone = [*requests, request]
    packing = pack(holds.fixed, everyone, np.zeros(len(everyone)), all_of_them=True, limits=limits)
    spaces = [space for space in packing.spaces if space is not None]
    if len(spaces) < len(everyone):
        return None, packing
    moves = (Move(key, holds.held[key].space, space) for key, space in zip(keys, spaces, strict=False))
    return (spaces[-1], tuple(move for move in moves if move.from_space != move.to_space)), packing


def _promised(one: Tentative) -> Request:
    """The request with its present space among the eligible ones."""
    mask = one.request.eligible
    if mask is None or mask[one.space]:
        return one.request
    wider = mask.copy()
    wider[one.space] = True
    return Request(start=one.request.start, end=one.request.end, requested_at=one.request.requested_at, eligible=wider)


@dataclass
class _Search:
    """Changes `state` and `held`, and back: `log` says which hold was where before each change, None for nowhere."""

    state: LotState
    fixed: LotState
    held: dict[int, Tentative]
    valuation: Valuation
    tries: int
    at: dict[int, int | None]
    log: list[tuple[int, int | None]] = field(default_factory=list)

    def clear_for(self, request: Request, *, depth: int, barred: frozenset[int]) -> int | None:
        """Free a space for a request by sending all that is in the way elsewhere; None leaves everything as it was."""
        for space, in_the_way in self._candidates(request, barred):
            if self.tries <= 0:
                return None
            self.tries -= 1
            mark = len(self.log)
            for key in in_the_way:
                self._put(key, None)
            self.state.place(space, request.start, request.end)
            found = all(self._rehome(key, depth=depth, barred=barred | {space}) for key in in_the_way)
            self.state.lift(space, request.start, request.end)
            if found:
                return space
            self._roll_back(mark)
        return None

    def _rehome(self, key: int, *, depth: int, barred: frozenset[int]) -> bool:
        request = self.held[key].request
        space = cheapest_free_space(self.state, request, self.valuation)
        if space is None and depth > 1:
            space = self.clear_for(request, depth=depth - 1, barred=barred)
        if space is None:
            return False
        self._put(key, space)
        return True

    def _candidates(self, request: Request, barred: frozenset[int]) -> list[tuple[int, list[int]]]:
        """Spaces whose windows admit the period, each with what is in the way, the longest first."""
        admitting = self.fixed.free_for(request.start, request.end, request.eligible)
        in_the_way: dict[int, list[int]] = {
            space: [] for space in np.flatnonzero(admitting).tolist() if space not in barred
        }
        amount = dict.fromkeys(in_the_way, 0)
        for key, space in self.at.items():
            one = self.held[key].request
            shared = min(one.end, request.end) - max(one.start, request.start)
            if space in in_the_way and shared > 0:
                in_the_way[space].append(key)
                amount[space] += shared
        for keys in in_the_way.values():
            keys.sort(key=lambda key: (self.held[key].request.start - self.held[key].request.end, key))
        return sorted(in_the_way.items(), key=lambda pair: (amount[pair[0]], len(pair[1]), pair[0]))

    def _put(self, key: int, space: int | None) -> None:
        request, before = self.held[key].request, self.at[key]
        if before is not None:
            self.state.lift(before, request.start, request.end)
        if space is not None:
            self.state.place(space, request.start, request.end)
        self.log.append((key, before))
        self.at[key] = space

    def _roll_back(self, mark: int) -> None:
        for key, before in reversed(self.log[mark:]):
            self._put(key, before)
        del self.log[mark:]
