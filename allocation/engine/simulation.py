"""Run a policy over a whole day of requests."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from time import perf_counter

import numpy as np

from allocation.engine.forecast import outlook_from
from allocation.engine.holds import Holds
from allocation.engine.metrics import Metrics, measure
from allocation.engine.policy import Policy
from allocation.engine.request import Decision, Move, Reason, Request
from allocation.engine.rules import Rules
from allocation.engine.state import LotState, Mask
from allocation.engine.valuation import Valuation, Values


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


def simulate(
    free: Mask,
    requests: Sequence[Request],
    policy: Policy,
    *,
    valuation: Valuation,
    mode: Mode,
    expected_demand: Values | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Outcome:
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
    expected_demand
        Shape (slots,): how many requests want each slot on average, for policies that look ahead. None if that is
        not known: then as many as there are spaces in the busiest slot, in others by importance.
    progress
        Called with the number of decided requests and of all.

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
    keeps its tentative space. A policy that looks ahead does so once for each slot in which a request is made.
    """
    began = perf_counter()
    before = LotState.from_free(free)
    valuation.check_slots(before.slots)
    if expected_demand is None:
        expected_demand = before.spaces * np.diff(valuation.importance_before)
    day = _Day(Holds.over(before), policy, valuation.rules, expected_demand)
    for number, request in enumerate(requests):
        if mode is Mode.ONLINE:
            day.allocate_through(request.requested_at)
        day.decide(request)
        if progress is not None:
            progress(number + 1, len(requests))
    day.allocate_through(before.slots - 1)

    accepted = sum(decision.space is not None for decision in day.decisions)
    return Outcome(
        fates=tuple(
            Fate(decision.space, day.final.get(number), decision.reason)
            for number, decision in enumerate(day.decisions)
        ),
        metrics=measure(before, day.holds.state, valuation, accepted=accepted),
        decide_seconds=tuple(day.decide_seconds),
        total_seconds=perf_counter() - began,
    )


@dataclass
class _Day:
    """One day in progress; `final` holds the space of every request that has been allocated, by its number."""

    holds: Holds
    policy: Policy
    rules: Rules
    expected_demand: Values
    asked: list[Request] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    final: dict[int, int] = field(default_factory=dict)
    starting: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    decide_seconds: list[float] = field(default_factory=list)
    next_slot: int = 0
    looked_ahead_at: int | None = None

    def decide(self, request: Request) -> None:
        self._look_ahead(request.requested_at)
        began = perf_counter()
        decision = self.policy.decide(self.holds.state, request, self.holds)
        self.decide_seconds.append(perf_counter() - began)
        if decision.space is not None:
            number = len(self.decisions)
            self.holds.move(decision.moves)
            self.holds.add(number, request, decision.space)
            self.starting[request.start].append(number)
            if request.start < self.next_slot:
                self._settle(number)
        self.asked.append(request)
        self.decisions.append(decision)

    def allocate_through(self, last_slot: int) -> None:
        for slot in range(self.next_slot, last_slot + 1):
            if slot in self.starting:
                self._allocate(slot, self.starting[slot])
        self.next_slot = max(self.next_slot, last_slot + 1)

    def _look_ahead(self, now: int) -> None:
        if now != self.looked_ahead_at:
            outlook = partial(outlook_from, self.expected_demand, tuple(self.asked), now=now, rules=self.rules)
            self.policy = self.policy.looking_ahead(self.holds.state, outlook)
            self.looked_ahead_at = now

    def _allocate(self, slot: int, starting: list[int]) -> None:
        self.holds.move(self.policy.rearrange(self.holds, slot=slot))
        held = [self.holds.held[number] for number in starting]
        spaces = self.policy.allocate(self.holds.state, held, slot=slot)
        self.holds.move(
            Move(number, one.space, space) for number, one, space in zip(starting, held, spaces, strict=True)
        )
        for number in starting:
            self._settle(number)

    def _settle(self, number: int) -> None:
        self.final[number] = self.holds.settle(number).space
