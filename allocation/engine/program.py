"""Which of a set of requests fit together: a 0/1 program without a variable per space."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp
from scipy.sparse import csr_array

from allocation.engine.intervals import Run, RunType, run_types
from allocation.engine.request import Request
from allocation.engine.state import LotState
from allocation.engine.valuation import Values

OPTIMAL, STOPPED, INFEASIBLE = 0, 1, 2
NO_LIMIT = 2**31 - 1
CLEAR, PROOF, DEEPEST_DIVE = 1e-7, 1e-9, 60


class Verdict(StrEnum):
    """What is known about a program when its solver stops."""

    OPTIMAL = "optimal"
    IMPOSSIBLE = "impossible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When the solver gives up.

    Parameters
    ----------
    nodes
        Branch-and-bound nodes; None for no limit. The same on every machine.
    seconds
        Elapsed time; None for no limit. A net below the nodes: results that it cuts short differ by machine.
    """

    nodes: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Packing:
    """A choice of requests and their spaces.

    Parameters
    ----------
    verdict
        `Verdict.OPTIMAL`: `spaces` is the best choice there is. `Verdict.IMPOSSIBLE`: there is none.
        `Verdict.UNKNOWN`: the solver reached a limit, and `spaces` is the best that it found, if any.
    spaces
        One entry for each request, None for those that are left out; empty where nothing was found.
    worth
        Sum of the worths of the chosen requests.
    bound
        No choice is worth more; infinite where that is not known.
    """

    verdict: Verdict
    spaces: tuple[int | None, ...] = ()
    worth: float = 0.0
    bound: float = float("inf")


@dataclass(frozen=True)
class _Program:
    """One column for each request and type that admits it."""

    requests: Sequence[Request]
    types: Sequence[RunType]
    request_of: NDArray[np.intp]
    type_of: NDArray[np.intp]

    def capacity(self) -> LinearConstraint | None:
        """At no slot may a type hold more than it has runs: one row for each slot in which that can become true."""
        rows: list[int] = []
        columns: list[int] = []
        room: list[int] = []
        for kind, members in self._columns_by_type():
            wanted = [self.requests[self.request_of[column]] for column in members]
            for crowd, most in _crowds(self.types[kind], wanted):
                rows += [len(room)] * len(crowd)
                columns += [members[one] for one in crowd]
                room.append(most)
        if not room:
            return None
        matrix = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(room), self.request_of.size))
        return LinearConstraint(matrix, -np.inf, np.array(room))

    def once(self, *, all_of_them: bool) -> LinearConstraint:
        """Take every request at most once, or exactly once."""
        entries = (np.ones(self.request_of.size), (self.request_of, np.arange(self.request_of.size)))
        matrix = csr_array(entries, shape=(len(self.requests), self.request_of.size))
        return LinearConstraint(matrix, 1 if all_of_them else -np.inf, 1)

    def spaces(self, chosen: NDArray[np.bool_]) -> tuple[int | None, ...]:
        """Colour what each type holds."""
        spaces: list[int | None] = [None] * len(self.requests)
        for kind, members in self._columns_by_type():
            held = [int(self.request_of[column]) for column in members if chosen[column]]
            periods = [(self.requests[one].start, self.requests[one].end) for one in held]
            for one, space in zip(held, self.types[kind].seat(periods), strict=True):
                spaces[one] = space
        return tuple(spaces)

    def _columns_by_type(self) -> Iterator[tuple[int, list[int]]]:
        members: defaultdict[int, list[int]] = defaultdict(list)
        for column, kind in enumerate(self.type_of.tolist()):
            members[kind].append(column)
        yield from members.items()


def pack(
    state: LotState, requests: Sequence[Request], worth: Values, *, all_of_them: bool, limits: Limits | None = None
) -> Packing:
    """Choose the requests of greatest worth that a lot can hold together, or hold all of them.

    Parameters
    ----------
    state
        The lot without these requests; not changed.
    requests
        Periods and masks.
    worth
        Shape (requests,), >= 0: what choosing a request adds.
    all_of_them
        Whether a choice without all requests is none.
    limits
        When to give up; by default never.

    Returns
    -------
    packing
        Spaces for the chosen requests. Impossible only if `all_of_them`.

    Raises
    ------
    ValueError
        For worths of another number, or masks made for another number of spaces.

    Notes
    -----
    Free runs with the same bounds and the same masks are interchangeable, and `k` of them hold a set of periods if
    and only if at no slot more than `k` overlap, because interval graphs are perfect. So one 0/1 variable for
    each request and type of run, and for each type one row per largest crowd of overlapping periods, are enough;
    greedy colouring gives the spaces back. Solved to proved optimality [highs]: the linear relaxation is nearly always
    worth no more than the best choice, and a dive that fixes what it leaves open, one column at a time, finds one;
    else branch and cut does. A choice within 1e-9 of the relaxed worth counts as proved.
    """
    for one in requests:
        if one.eligible is not None:
            state.check_mask(one.eligible)
    return pack_runs(list(state.runs()), requests, worth, all_of_them=all_of_them, limits=limits)


def pack_runs(
    runs: Sequence[Run], requests: Sequence[Request], worth: Values, *, all_of_them: bool, limits: Limits | None = None
) -> Packing:
    """As `pack`, for some of the free runs of a lot."""
    if worth.shape != (len(requests),):
        raise ValueError(f"worth must have one entry for each of {len(requests)} requests, got {worth.shape}.")
    types = run_types(runs, requests)
    pairs = [(j, k) for j, one in enumerate(requests) for k, kind in enumerate(types) if kind.admits(one)]
    if all_of_them and len({j for j, _ in pairs}) < len(requests):
        return Packing(verdict=Verdict.IMPOSSIBLE)
    if not pairs:
        return Packing(verdict=Verdict.OPTIMAL, spaces=(None,) * len(requests), bound=0.0)
    request_of, type_of = (np.array(side, dtype=np.intp) for side in zip(*pairs, strict=True))
    return _solve(
        _Program(requests, types, request_of, type_of), worth, all_of_them=all_of_them, limits=limits or Limits()
    )


def _solve(program: _Program, worth: Values, *, all_of_them: bool, limits: Limits) -> Packing:
    """Relax; fix what the relaxation leaves open; only where that falls short of the relaxed worth, branch and cut."""
    solver = _Solver(program, worth, all_of_them=all_of_them, limits=limits)
    relaxed = solver.run(whole=False, bounds=(0.0, 1.0))
    if relaxed.status == INFEASIBLE:
        return Packing(verdict=Verdict.IMPOSSIBLE)
    if relaxed.status == OPTIMAL:
        whole = solver.dive(relaxed)
        if whole is not None:
            return solver.packing(whole, verdict=Verdict.OPTIMAL, bound=-relaxed.fun)
    answer = solver.run(whole=True, bounds=(0.0, 1.0))
    if answer.status == INFEASIBLE:
        return Packing(verdict=Verdict.IMPOSSIBLE)
    bound = float("inf") if answer.mip_dual_bound is None else -float(answer.mip_dual_bound)
    verdict = Verdict.OPTIMAL if answer.status == OPTIMAL else Verdict.UNKNOWN
    return solver.packing(answer.x, verdict=verdict, bound=bound)


class _Solver:
    """A program made ready for HiGHS, with one clock for all its runs."""

    def __init__(self, program: _Program, worth: Values, *, all_of_them: bool, limits: Limits) -> None:
        self.program, self.worth, self.limits = program, worth, limits
        rows = (program.once(all_of_them=all_of_them), program.capacity())
        self.constraints = [row for row in rows if row is not None]
        self.began = perf_counter()

    def dive(self, relaxed: OptimizeResult) -> Values | None:
        """Fix one column after the other, as long as the relaxation stays worth the same; None if it can't."""
        floor = relaxed.fun + PROOF * max(1.0, abs(relaxed.fun))
        lower, upper = np.zeros(relaxed.x.size), np.ones(relaxed.x.size)
        x: Values = relaxed.x
        for _ in range(DEEPEST_DIVE):
            lower[x > 1 - CLEAR] = 1.0
            is_open = (x > CLEAR) & (x < 1 - CLEAR)
            if not is_open.any():
                return x
            column = int(np.argmax(np.where(is_open, x, 0.0)))
            for value in (1.0, 0.0):
                lower[column] = upper[column] = value
                answer = self.run(whole=False, bounds=(lower, upper))
                if answer.status == OPTIMAL and answer.fun <= floor:
                    x = answer.x
                    break
            else:
                return None
        return None

    def run(self, *, whole: bool, bounds: tuple[object, object]) -> OptimizeResult:
        limits, columns = self.limits, self.program.request_of.size
        lower, upper = (np.broadcast_to(np.asarray(side, dtype=float), columns) for side in bounds)
        left = float("inf") if limits.seconds is None else max(0.0, limits.seconds + self.began - perf_counter())
        answer = milp(
            -self.worth[self.program.request_of],
            integrality=np.full(columns, whole, dtype=np.int8),
            bounds=Bounds(lower, upper),
            constraints=self.constraints,
            options={
                "mip_rel_gap": 0.0,
                "node_limit": NO_LIMIT if limits.nodes is None else limits.nodes,
                "time_limit": left,
            },
        )
        if answer.status not in {OPTIMAL, STOPPED, INFEASIBLE}:
            raise RuntimeError(f"the solver failed: {answer.message}")
        return answer

    def packing(self, x: Values | None, *, verdict: Verdict, bound: float) -> Packing:
        if x is None:
            return Packing(verdict=verdict, bound=bound)
        spaces = self.program.spaces(x > 0.5)
        taken = float(self.worth[[space is not None for space in spaces]].sum())
        return Packing(verdict=verdict, spaces=spaces, worth=taken, bound=bound)


def _crowds(kind: RunType, wanted: Sequence[Request]) -> Iterator[tuple[list[int], int]]:
    """Yield the sets of periods that overlap in one slot and are more than the type has room for, and that room.

    Only slots matter in which a period starts or a run ends, and of neighbours only those that say more.
    """
    slots = {one.start for one in wanted} | {end for _, _, end in kind.runs if end < kind.end}
    before: tuple[set[int], int] = (set(), 0)
    for slot in sorted(slots, reverse=True):
        crowd = {number for number, one in enumerate(wanted) if one.start <= slot < one.end}
        room = kind.room(slot)
        if len(crowd) > room and not (crowd <= before[0] and room >= before[1]):
            yield sorted(crowd), room
            before = crowd, room
