"""Free runs that are as good as each other: the types of the exact program."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from allocation.engine.request import Request

Run = tuple[int, int, int]
Period = tuple[int, int]
Signature = tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class RunType:
    """Free runs that all begin together or all end together, and whose spaces admit the same requests.

    Parameters
    ----------
    runs
        ``(space, start, end)``, at least one.
    """

    runs: tuple[Run, ...]

    @property
    def start(self) -> int:
        return min(start for _, start, _ in self.runs)

    @property
    def end(self) -> int:
        return max(end for _, _, end in self.runs)

    def admits(self, request: Request) -> bool:
        """Whether some run holds the request's period and the spaces may be used."""
        if request.eligible is not None and not request.eligible[self.runs[0][0]]:
            return False
        return any(start <= request.start and request.end <= end for _, start, end in self.runs)

    def room(self, slot: int) -> int:
        """How many of the runs contain a slot."""
        return sum(start <= slot < end for _, start, end in self.runs)

    def seat(self, periods: Sequence[Period]) -> list[int]:
        """Give periods spaces so that no two on one space overlap.

        Parameters
        ----------
        periods
            ``[start, end)`` each; in no slot more of them than the type has room.

        Returns
        -------
        spaces
            One for each period, in their order.

        Raises
        ------
        ValueError
            If more periods overlap than there is room.

        Notes
        -----
        A run that begins later or ends earlier than another counts as that other with one period more, which takes
        what it lacks. All lack it at the same side, so these periods overlap, and each gets a color of its own.
        """
        pads = [(row, pad) for row, run in enumerate(self.runs) for pad in self._lacking(run)]
        colors = colored([*periods, *(pad for _, pad in pads)])
        if max(colors, default=-1) >= len(self.runs):
            raise ValueError(f"{len(periods)} periods do not fit {len(self.runs)} runs.")
        run_of = {color: row for color, (row, _) in zip(colors[len(periods) :], pads, strict=True)}
        others = iter(sorted(set(range(len(self.runs))) - set(run_of.values())))
        for color in colors[: len(periods)]:
            if color not in run_of:
                run_of[color] = next(others)
        return [self.runs[run_of[color]][0] for color in colors[: len(periods)]]

    def _lacking(self, run: Run) -> Iterator[Period]:
        _, start, end = run
        if start > self.start:
            yield self.start, start
        if end < self.end:
            yield end, self.end


def run_types(runs: Iterable[Run], requests: Iterable[Request]) -> tuple[RunType, ...]:
    """Group free runs into few types.

    Parameters
    ----------
    runs
        ``(space, start, end)`` each.
    requests
        Those that will be packed: spaces that one of their masks tells apart are of different types.

    Returns
    -------
    types
        The fewest there can be; the same for the same runs.
    """
    masks = list({mask.tobytes(): mask for one in requests if (mask := one.eligible) is not None}.values())
    alike: defaultdict[Signature, list[Run]] = defaultdict(list)
    for run in runs:
        alike[tuple(bool(mask[run[0]]) for mask in masks)].append(run)
    return tuple(kind for runs in alike.values() for kind in _fewest(runs))


def colored(periods: Sequence[Period]) -> list[int]:
    """Color periods so that no two of one color overlap, with as few colors as the largest crowd has members.

    Notes
    -----
    Interval graphs are perfect: greedily by start, always the lowest color that is free. O(n log n).
    """
    colors = [-1] * len(periods)
    busy: list[tuple[int, int]] = []
    idle: list[int] = []
    for number in sorted(range(len(periods)), key=lambda number: (periods[number], number)):
        start, end = periods[number]
        while busy and busy[0][0] <= start:
            heappush(idle, heappop(busy)[1])
        colors[number] = heappop(idle) if idle else len(busy)
        heappush(busy, (end, colors[number]))
    return colors


def _fewest(runs: Sequence[Run]) -> Iterator[RunType]:
    """Cover runs by as few common starts and common ends as there can be: a least vertex cover, by König's theorem."""
    starts = {start: row for row, start in enumerate(sorted({start for _, start, _ in runs}))}
    ends = {end: row for row, end in enumerate(sorted({end for _, _, end in runs}))}
    edges = [(starts[start], ends[end]) for _, start, end in runs]
    covering = _covering_starts(edges, len(starts), len(ends))
    groups: defaultdict[tuple[bool, int], list[Run]] = defaultdict(list)
    for run, (start, end) in zip(runs, edges, strict=True):
        groups[(True, start) if start in covering else (False, end)].append(run)
    for _, members in sorted(groups.items()):
        yield RunType(tuple(members))


def _covering_starts(edges: Sequence[tuple[int, int]], starts: int, ends: int) -> set[int]:
    """Starts not reachable from an unmatched start along alternating paths belong to the cover."""
    unique = sorted(set(edges))
    rows, columns = zip(*unique, strict=True)
    graph = csr_array((np.ones(len(unique), dtype=np.int8), (rows, columns)), shape=(starts, ends))
    end_of = maximum_bipartite_matching(graph, perm_type="column").tolist()
    start_of = {end: start for start, end in enumerate(end_of) if end >= 0}
    ends_of: defaultdict[int, list[int]] = defaultdict(list)
    for start, end in unique:
        ends_of[start].append(end)
    reached = [start for start, end in enumerate(end_of) if end < 0]
    seen = set(reached)
    for start in reached:
        for end in ends_of[start]:
            if end in start_of and start_of[end] not in seen:
                seen.add(start_of[end])
                reached.append(start_of[end])
    return set(range(starts)) - seen
