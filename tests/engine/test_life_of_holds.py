"""A lot's day as Hypothesis plays it, beside a plain list of who was promised what."""

from dataclasses import dataclass

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from allocation.engine.holds import Holds
from allocation.engine.policies.best_fit import BestFit
from allocation.engine.policies.foresight import Foresight
from allocation.engine.policies.reassign import Reassign
from allocation.engine.policy import Policy
from allocation.engine.prices import Outlook
from allocation.engine.request import Decision, Move, Request
from allocation.engine.state import LotState
from tests.engine.pictures import flat

SPACES, SLOTS = 4, 16
POLICIES = {"best_fit": BestFit, "reassign": Reassign, "foresight": Foresight}


@dataclass
class Promise:
    """A request, its space, the slot up to which the space is taken, and whether it may still move."""

    request: Request
    space: int
    until: int
    may_move: bool = True


class Lot(RuleBasedStateMachine):
    """Requests, slots, cancellations, no-shows, overstays, lost bays and shrinking windows in any order."""

    policy: Policy
    holds: Holds

    @initialize(
        name=st.sampled_from(sorted(POLICIES)),
        opens=st.lists(st.integers(0, 5), min_size=SPACES, max_size=SPACES),
        closes=st.lists(st.integers(9, SLOTS), min_size=SPACES, max_size=SPACES),
    )
    def open(self, name, opens, closes):
        slot = np.arange(SLOTS)
        self.offered = (np.array(opens)[:, None] <= slot) & (slot < np.array(closes)[:, None])
        self.holds = Holds.over(LotState.from_free(self.offered))
        self.policy = POLICIES[name](flat(SLOTS))
        self.promises: dict[int, Promise] = {}
        self.ended: set[int] = set()
        self.now, self.made = 0, 0

    @rule(start=st.integers(0, SLOTS - 1), stay=st.integers(1, 8), mask=st.none() | st.integers(1, 2**SPACES - 1))
    def request(self, start, stay, mask):
        start = max(start, self.now)
        eligible = None if mask is None else np.array([bool(mask >> space & 1) for space in range(SPACES)])
        wanted = Request(start=start, end=min(start + stay, SLOTS), requested_at=self.now, eligible=eligible)
        is_free = bool(self.holds.state.free_for(wanted.start, wanted.end, eligible).any())

        decision = self.policy.decide(self.holds.state, wanted, self.holds)

        if not isinstance(self.policy, Foresight):
            assert decision.space is not None or not is_free
        if decision.space is not None:
            assert eligible is None or eligible[decision.space]
            self.follow(decision.moves)
            self.holds.add(self.made, wanted, decision.space)
            self.promises[self.made] = Promise(wanted, decision.space, wanted.end)
            if start == self.now:
                self.settle(self.made)
            self.made += 1

    @precondition(lambda self: self.now < SLOTS - 1)
    @rule()
    def begin_slot(self):
        self.now += 1
        self.ended |= {key for key, one in self.promises.items() if one.until <= self.now}
        self.follow(self.policy.rearrange(self.holds, slot=self.now))
        starting = [key for key, one in self.holds.held.items() if one.request.start == self.now]
        held = [self.holds.held[key] for key in starting]
        spaces = self.policy.allocate(self.holds.state, held, slot=self.now)
        self.follow(tuple(Move(key, one.space, space) for key, one, space in zip(starting, held, spaces, strict=True)))
        for key in starting:
            self.settle(key)

    @rule(outlook=st.lists(st.integers(0, 3), min_size=SLOTS, max_size=SLOTS))
    def look_ahead(self, outlook):
        arrivals = np.array(outlook, dtype=float)
        self.policy = self.policy.looking_ahead(
            self.holds.state, lambda: Outlook(arrivals=arrivals, stays=np.array([0.25, 0.5, 0.25]))
        )

    @rule(pick=st.integers(0, 99))
    def cancel(self, pick):
        if waiting := sorted(self.holds.held):
            key = waiting[pick % len(waiting)]
            self.holds.remove(key)
            del self.promises[key]

    @rule(pick=st.integers(0, 99))
    def no_show(self, pick):
        if present := self.present():
            one = self.promises.pop(present[pick % len(present)])
            self.holds.unblock(one.space, one.request.start, one.until)

    @rule(pick=st.integers(0, 99), slots=st.integers(1, 3))
    def overstay(self, pick, slots):
        if present := self.present():
            one = self.promises[present[pick % len(present)]]
            self.clear(one.space, one.until, min(one.until + slots, SLOTS))
            until = one.until
            while until < min(one.until + slots, SLOTS) and self.holds.state.run_end[until, one.space]:
                until += 1
            if until > one.until:
                self.holds.block(one.space, one.until, until)
                one.until = until

    @rule(space=st.integers(0, SPACES - 1), first=st.integers(0, SLOTS - 1), slots=st.integers(1, 6))
    def shrink_window(self, space, first, slots):
        first, last = max(first, self.now), min(max(first, self.now) + slots, SLOTS)
        self.clear(space, first, last)
        for slot in range(first, last):
            if self.holds.state.run_end[slot, space]:
                self.holds.block(space, slot, slot + 1)
                self.offered[space, slot] = False

    @rule(pick=st.integers(0, 99))
    def find_the_bay_taken(self, pick):
        arriving = [key for key in self.present() if self.promises[key].request.start == self.now]
        if arriving:
            key = arriving[pick % len(arriving)]
            one = self.promises.pop(key)
            self.holds.unblock(one.space, self.now, one.until)
            self.holds.block(one.space, self.now, self.now + 1)
            self.offered[one.space, self.now] = False
            decision = self.elsewhere(Request(start=self.now, end=one.until, requested_at=self.now), one.space)
            if decision.space is not None:
                self.follow(decision.moves)
                self.holds.block(decision.space, self.now, one.until)
                self.promises[key] = Promise(one.request, decision.space, one.until, may_move=False)

    def clear(self, space: int, first: int, last: int) -> None:
        """Rehome what is held there, or release it."""
        for key, one in list(self.holds.held.items()):
            if one.space == space and one.request.start < last and one.request.end > first:
                self.holds.remove(key)
                decision = self.elsewhere(one.request, space)
                if decision.space is None:
                    del self.promises[key]
                    continue
                self.follow(decision.moves)
                self.holds.add(key, one.request, decision.space)
                self.promises[key].space = decision.space

    def elsewhere(self, request: Request, space: int) -> Decision:
        others = np.arange(SPACES) != space
        again = Request(start=request.start, end=request.end, requested_at=self.now, eligible=others)
        return Reassign(flat(SLOTS)).decide(self.holds.state, again, self.holds)

    def follow(self, moves: tuple[Move, ...]) -> None:
        for move in moves:
            assert self.promises[move.key].may_move
            assert self.promises[move.key].space == move.from_space
            self.promises[move.key].space = move.to_space
        self.holds.move(moves)

    def settle(self, key: int) -> None:
        self.holds.settle(key)
        self.promises[key].may_move = False

    def present(self) -> list[int]:
        return sorted(key for key, one in self.promises.items() if not one.may_move and key not in self.ended)

    @invariant()
    def everyone_has_the_space_they_were_promised(self):
        if not hasattr(self, "promises"):
            return
        free, fixed = self.offered.copy(), self.offered.copy()
        for one in self.promises.values():
            taken = slice(one.request.start, one.until)
            assert free[one.space, taken].all()
            free[one.space, taken] = False
            fixed[one.space, taken] &= one.may_move
        np.testing.assert_array_equal(self.holds.state.free, free)
        np.testing.assert_array_equal(self.holds.fixed.free, fixed)
        assert {key: one.space for key, one in self.holds.held.items()} == {
            key: one.space for key, one in self.promises.items() if one.may_move
        }


Lot.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestLot = Lot.TestCase
