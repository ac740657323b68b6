"""Run a policy over a whole day of requests."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter

from allocation.engine.metrics import Metrics, measure
from allocation.engine.policy import Policy
from allocation.engine.request import Decision, Reason, Request, Tentative
from allocation.engine.state import LotState, Mask
from allocation.engine.valuation import Valuation


class Mode(StrEnum):
    """When slots are allocated: after all decisions, as in the paper, or as time goes by."""

    SEQUENTIAL = "sequential"
    ONLINE = "online"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one request: its tentative and its final space, or why it has none."""

    tentative: int | None
    space: int | None
    reason: Reason | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A simulated day.

    Parameters
    ----------
    fates
        One per request, in their order.
    metrics
        The measures of the paper's tables.
    decide_seconds
        How long each decision took, in order.
    total_seconds
        How long the day took.
    """

    fates: tuple[Fate, ...]
    metrics: Metrics
    decide_seconds: tuple[float, ...]
    total_seconds: float


def simulate(free: Mask, requests: Sequence[Request], policy: Policy, *, valuation: Valuation, mode: Mode) -> Outcome:
    """Decide every request in order and allocate every slot.

    Parameters
    ----------
    free
        Shape (spaces, slots): whether the space can be sold in that slot.
    requests
        In the order in which they are made.
    policy
        Decides and allocates.
    valuation
        Tables over the same horizon, for the metrics.
    mode
        `Mode.SEQUENTIAL` decides all requests and then allocates slot by slot. `Mode.ONLINE` allocates all slots
        up to and including `requested_at` before it decides a request.

    Returns
    -------
    outcome
        The same for the same input, times apart.

    Raises
    ------
    ValueError
        If horizons, masks or periods do not fit together.

    Notes
    -----
    In online mode a request made in the slot in which it starts comes after that slot's allocation and so
    keeps its tentative space.
    """
    began = perf_counter()
    before = LotState.from_free(free)
    day = _Day(before.copy(), policy)
    for request in requests:
        if mode is Mode.ONLINE:
            day.allocate_through(request.requested_at)
        day.decide(request)
    day.allocate_through(before.slots - 1)

    accepted = sum(decision.space is not None for decision in day.decisions)
    return Outcome(
        fates=tuple(
            Fate(decision.space, day.final.get(number), decision.reason)
            for number, decision in enumerate(day.decisions)
        ),
        metrics=measure(before, day.state, valuation, accepted=accepted),
        decide_seconds=tuple(day.decide_seconds),
        total_seconds=perf_counter() - began,
    )


@dataclass
class _Day:
    """One day in progress; `final` holds the present space of every accepted request by its number."""

    state: LotState
    policy: Policy
    decisions: list[Decision] = field(default_factory=list)
    final: dict[int, int] = field(default_factory=dict)
    starting: defaultdict[int, dict[int, Request]] = field(default_factory=lambda: defaultdict(dict))
    decide_seconds: list[float] = field(default_factory=list)
    next_slot: int = 0

    def decide(self, request: Request) -> None:
        began = perf_counter()
        decision = self.policy.decide(self.state, request)
        self.decide_seconds.append(perf_counter() - began)
        if decision.space is not None:
            number = len(self.decisions)
            self.state.place(decision.space, request.start, request.end)
            self.final[number] = decision.space
            self.starting[request.start][number] = request
        self.decisions.append(decision)

    def allocate_through(self, last_slot: int) -> None:
        for slot in range(self.next_slot, last_slot + 1):
            if slot in self.starting:
                self._allocate(slot, self.starting[slot])
        self.next_slot = max(self.next_slot, last_slot + 1)

    def _allocate(self, slot: int, starting: dict[int, Request]) -> None:
        held = [Tentative(request, self.final[number]) for number, request in starting.items()]
        spaces = self.policy.allocate(self.state, held, slot=slot)
        for one in held:
            self.state.lift(one.space, one.request.start, one.request.end)
        for (number, request), space in zip(starting.items(), spaces, strict=True):
            self.state.place(space, request.start, request.end)
            self.final[number] = space
