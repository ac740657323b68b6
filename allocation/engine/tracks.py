"""Free runs as tracks with movable reservations on them: re-matched by linear assignment, many at a time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from allocation.engine.holds import Holds
from allocation.engine.program import Limits, pack_runs
from allocation.engine.request import Move, Request
from allocation.engine.state import Indices, Mask
from allocation.engine.valuation import ROUNDING, Valuation, Values

FOREVER = 1 << 15
IMPOSSIBLE = 1e9
OPENING = 1e5
STAYING = 1e-6
NEWCOMER = NOWHERE = -1
LARGEST_BLOCK = 128
MOST_CUTS = 12
MOST_STARTS = 48

Lengths = NDArray[np.intp]
Period = tuple[int, int]


class Item(NamedTuple):
    """One movable reservation."""

    start: int
    end: int
    key: int
    home: int
    eligible: Mask | None


class Middle(NamedTuple):
    """What lies on the tracks between two cuts, one entry per track; tracks that the cuts do not touch are left out.

    `free_from` and `free_until` bound the room, `first` and `last` what fills it (-1 where nothing does), `cut`
    says which items that is.
    """

    tracks: list[int]
    free_from: Lengths
    free_until: Lengths
    first: Lengths
    last: Lengths
    cut: list[Period]


@dataclass(eq=False)
class Tracks:
    """The free runs of what cannot move, each with the movable reservations on it in order of time; build it with `of`.

    Changed in place by `rematch` and what is built on it; the holds that it was made of are not.

    Parameters
    ----------
    space, start, end
        Shape (tracks,): the space of a run and its bounds, by space and then by time.
    items
        What lies on each track.
    fragmentation
        Shape (slots + 1,): ``f`` by length in slots.
    """

    space: Lengths
    start: Lengths
    end: Lengths
    items: list[list[Item]]
    fragmentation: Values
    _masks: bool = field(init=False)
    _flat: tuple[Lengths, Lengths, Lengths] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._masks = any(item.eligible is not None for items in self.items for item in items)

    @classmethod
    def of(cls, holds: Holds, fragmentation: Values, *, since: int = 0, spaces: Indices | None = None) -> "Tracks":
        """Lay the holds out.

        Parameters
        ----------
        holds
            Not changed.
        fragmentation
            Shape (slots + 1,): ``f`` by length in slots.
        since
            Runs are cut off before this slot, or before the first hold if that is earlier.
        spaces
            Only these, ascending; by default all.
        """
        since = min([since, *(one.request.start for one in holds.held.values())])
        runs = [(space, max(start, since), end) for space, start, end in holds.fixed.runs(spaces) if end > since]
        on: defaultdict[int, list[Item]] = defaultdict(list)
        for key, one in holds.held.items():
            on[one.space].append(Item(one.request.start, one.request.end, key, one.space, one.request.eligible))
        items = [sorted(item for item in on[space] if start <= item.start < end) for space, start, end in runs]
        space, start, end = (np.array([run[side] for run in runs], dtype=np.intp) for side in range(3))
        return cls(space, start, end, items, fragmentation)

    def cost(self) -> float:
        """Sum of ``f`` over the gaps of all tracks."""
        on, begins, ends = self._in_order()
        follows = np.concatenate(([False], on[1:] == on[:-1]))[: on.size]
        before = np.where(follows, np.concatenate(([0], ends[:-1]))[: on.size], self.start[on])
        last = self.start.copy()
        last[on] = ends
        table = self.fragmentation
        return float(table[begins - before].sum() + table[self.end - last].sum())

    def rematch(self, first_cut: int, last_cut: int = FOREVER) -> bool:
        """Let the tracks exchange what lies between two cuts so that the sum of ``f`` falls most; say whether it fell.

        Notes
        -----
        Of each track the reservations that start before `first_cut` stay, and so do those that end after `last_cut`.
        The rest of a track goes to another one as a whole, so its cost depends on the two alone: a linear assignment
        problem, whose optimum is the best of factorially many exchanges. Without a last cut tracks exchange tails. Of
        exchanges that are equally good, the one in which most stays where it is.
        """
        middle = self._between(first_cut, last_cut)
        if len(middle.tracks) < 2:
            return False
        costs = self._costs(middle)
        present = costs.trace()
        np.fill_diagonal(costs, costs.diagonal() - STAYING)
        rows, columns = linear_sum_assignment(costs)
        if costs[rows, columns].sum() >= present - STAYING * len(rows) - ROUNDING:
            return False
        self._exchange(middle, columns.tolist())
        return True

    def polish(self, *, rounds: int) -> None:
        """Re-match the tails at every start, again until nothing falls or so many rounds are over.

        Notes
        -----
        Of more than 48 different starts those nearest to the newcomer, or without one the first: a horizon of weeks
        then costs no more than a day.
        """
        for _ in range(rounds):
            fell = [self.rematch(start) for start in self._starts_to_cut()]
            if not any(fell):
                return

    def insert(self, request: Request, key: int = NEWCOMER) -> int | None:
        """Put one more reservation where the sum of ``f`` rises least.

        Returns
        -------
        space
            Where it went: of equally good tracks the first. None if no track has room for it; nothing is changed then.
        """
        gaps = list(self._gaps_for(request))
        if not gaps:
            return None
        number, place, _ = min(gaps, key=lambda gap: self._rise(request, *gap[2]))
        space = int(self.space[number])
        self.items[number].insert(place, Item(request.start, request.end, key, space, request.eligible))
        self._masks = self._masks or request.eligible is not None
        self._flat = None
        return space

    def open_for(self, request: Request) -> bool:
        """Make room for a request by one exchange of what lies between two cuts; say whether that is possible.

        Notes
        -----
        Of the exchanges of tails at each cut within the period, the first that leaves some track free for all of
        the period; else those of middles that begin before its end.
        """
        starts = sorted({item.start for items in self.items for item in items})
        tails = sorted({request.start, request.end, *(cut for cut in starts if request.start < cut < request.end)})
        if any(self._open(request, cut, FOREVER) for cut in tails):
            return True
        before = [cut for cut in reversed(starts) if cut <= request.end]
        ends = sorted({item.end for items in self.items for item in items if item.end >= request.start})
        return any(
            self._open(request, first, last)
            for first in before[:MOST_CUTS]
            for last in ends[:MOST_CUTS]
            if first < last
        )

    def pack_with(self, request: Request, *, limits: Limits) -> bool:
        """Lay everything out anew with one more request, if the exact program can; say whether it could."""
        newcomer = Item(request.start, request.end, NEWCOMER, NOWHERE, request.eligible)
        everyone = [*sorted((item for items in self.items for item in items), key=lambda item: item.key), newcomer]
        runs = list(zip(self.space.tolist(), self.start.tolist(), self.end.tolist(), strict=True))
        requests = [_request(item) for item in everyone]
        packing = pack_runs(runs, requests, np.zeros(len(requests)), all_of_them=True, limits=limits)
        if not packing.spaces:
            return False
        number_of = {(space, slot): n for n, (space, start, end) in enumerate(runs) for slot in range(start, end)}
        self.items = [[] for _ in runs]
        for item, space in zip(everyone, packing.spaces, strict=True):
            if space is not None:
                self.items[number_of[space, item.start]].append(item)
        for items in self.items:
            items.sort()
        self._masks = self._masks or request.eligible is not None
        self._flat = None
        return True

    def moves(self) -> tuple[Move, ...]:
        """Return what has changed since the tracks were laid out, by key; the newcomer is not among it."""
        changed = [
            Move(item.key, item.home, int(space))
            for space, items in zip(self.space, self.items, strict=True)
            for item in items
            if item.home != space and item.key != NEWCOMER
        ]
        return tuple(sorted(changed, key=lambda move: move.key))

    def space_of(self, key: int) -> int:
        """Return where a reservation lies."""
        return next(
            int(space)
            for space, items in zip(self.space, self.items, strict=True)
            if any(item.key == key for item in items)
        )

    def _starts_to_cut(self) -> list[int]:
        starts = sorted({item.start for items in self.items for item in items})
        if len(starts) <= MOST_STARTS:
            return starts
        newcomers = (item.start for items in self.items for item in items if item.key == NEWCOMER)
        centre = next(newcomers, starts[0])
        return sorted(sorted(starts, key=lambda start: (abs(start - centre), start))[:MOST_STARTS])

    def _between(self, first_cut: int, last_cut: int) -> Middle:
        on, begins, ends = self._in_order()
        stays = begins < first_cut
        inside = ~stays & (ends <= last_cut)
        later = ~stays & ~inside
        free_from, free_until = self.start.copy(), self.end.copy()
        first, last = np.full_like(free_from, -1), np.full_like(free_from, -1)
        free_from[on[stays]] = ends[stays]
        last[on[inside]] = ends[inside]
        free_until[on[later][::-1]] = begins[later][::-1]
        first[on[inside][::-1]] = begins[inside][::-1]
        begin = np.bincount(on[stays], minlength=self.start.size)
        stop = begin + np.bincount(on[inside], minlength=self.start.size)
        touched = np.flatnonzero((self.start < last_cut) & (self.end > first_cut))
        cut = list(zip(begin[touched].tolist(), stop[touched].tolist(), strict=True))
        return Middle(touched.tolist(), free_from[touched], free_until[touched], first[touched], last[touched], cut)

    def _in_order(self) -> tuple[Lengths, Lengths, Lengths]:
        """Track, start and end of every item, by track and then by time: of several writes the last one counts."""
        if self._flat is None:
            flat = [(number, item.start, item.end) for number, items in enumerate(self.items) for item in items]
            on, begins, ends = np.array(flat, dtype=np.intp).reshape(-1, 3).T
            self._flat = on, begins, ends
        return self._flat

    def _costs(self, middle: Middle) -> Values:
        """Shape (tracks, tracks): ``f`` of what is left of a track around what lay on another."""
        free_from, free_until = middle.free_from[:, None], middle.free_until[:, None]
        empty = middle.first < 0
        before, after = middle.first - free_from, free_until - middle.last
        fits = (before >= 0) & (after >= 0) & ~empty
        table = self.fragmentation
        costs = np.where(fits, table[np.where(fits, before, 0)] + table[np.where(fits, after, 0)], IMPOSSIBLE)
        costs[:, empty] = table[middle.free_until - middle.free_from][:, None]
        if self._masks:
            self._exclude(middle, costs)
        return costs

    def _exclude(self, middle: Middle, costs: Values) -> None:
        spaces = self.space[middle.tracks]
        for column, (number, (begin, stop)) in enumerate(zip(middle.tracks, middle.cut, strict=True)):
            for item in self.items[number][begin:stop]:
                if item.eligible is not None:
                    costs[~(item.eligible[spaces] | (spaces == item.home)), column] = IMPOSSIBLE

    def _open(self, request: Request, first_cut: int, last_cut: int) -> bool:
        middle = self._between(first_cut, last_cut)
        if len(middle.tracks) < 2:
            return False
        costs = self._costs(middle)
        begins = np.where(middle.first < 0, middle.free_until[:, None], middle.first)
        ends = np.where(middle.first < 0, middle.free_from[:, None], middle.last)
        before = (middle.free_from[:, None] <= request.start) & (begins >= request.end)
        after = (ends <= request.start) & (middle.free_until[:, None] >= request.end)
        opens = (before | after) & (costs < IMPOSSIBLE)
        if request.eligible is not None:
            opens &= request.eligible[self.space[middle.tracks]][:, None]
        if not opens.any():
            return False
        rows, columns = linear_sum_assignment(costs - OPENING * opens)
        if not opens[rows, columns].any() or costs[rows, columns].max() >= IMPOSSIBLE:
            return False
        self._exchange(middle, columns.tolist())
        return True

    def _exchange(self, middle: Middle, columns: Sequence[int]) -> None:
        taken = [
            self.items[number][begin:stop] for number, (begin, stop) in zip(middle.tracks, middle.cut, strict=True)
        ]
        for row, column in enumerate(columns):
            if row != column:
                begin, stop = middle.cut[row]
                self.items[middle.tracks[row]][begin:stop] = taken[column]
        self._flat = None

    def _gaps_for(self, request: Request) -> Iterator[tuple[int, int, Period]]:
        """Yield track, place among its items, and bounds of every gap that holds the request."""
        around = np.flatnonzero((self.start <= request.start) & (self.end >= request.end)).tolist()
        for number in around:
            if request.eligible is not None and not request.eligible[self.space[number]]:
                continue
            items = self.items[number]
            place = sum(item.start < request.end for item in items)
            free_from = items[place - 1].end if place else int(self.start[number])
            free_until = items[place].start if place < len(items) else int(self.end[number])
            if free_from <= request.start:
                yield number, place, (free_from, free_until)

    def _rise(self, request: Request, free_from: int, free_until: int) -> float:
        table = self.fragmentation
        left = table[request.start - free_from] + table[free_until - request.end]
        return round(float(left - table[free_until - free_from]), 9)


def polished(holds: Holds, valuation: Valuation, *, slot: int, rounds: int = 3) -> tuple[Move, ...]:
    """Return the moves by which the sum of ``f`` over all gaps falls, before a slot is allocated.

    Notes
    -----
    Lots of more than 128 spaces are polished in blocks of so many, in order of their numbers.
    """
    since = valuation.rules.clipped_at(slot)
    moves: list[Move] = []
    for first in range(0, holds.state.spaces, LARGEST_BLOCK):
        block = np.arange(first, min(first + LARGEST_BLOCK, holds.state.spaces))
        tracks = Tracks.of(holds, valuation.fragmentation, since=since, spaces=block)
        tracks.polish(rounds=rounds)
        moves += tracks.moves()
    return tuple(sorted(moves, key=lambda move: move.key))


def _request(item: Item) -> Request:
    """What the item asks for, its home among the eligible spaces: it was promised."""
    mask = item.eligible
    if mask is not None and item.home != NOWHERE and not mask[item.home]:
        mask = mask.copy()
        mask[item.home] = True
    return Request(start=item.start, end=item.end, requested_at=item.start, eligible=mask)
