"""Lives in which policies move what is accepted and staff say otherwise: no promise breaks, every decision replays.

FAULT_ROUNDS=full runs 100 lives of 60 steps; without it a few are enough to notice a slip.
"""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from allocation.models import Decision, LotPolicy
from allocation.overruling import Wish, overrule, pin, unpin
from allocation.replaying import replay
from parking_share.reservations.models import ReservationEvent
from parking_share.reservations.states import Reason
from parking_share.reservations.transitions import change_spaces
from tests.domain.lives import announced, broken_promises_of_the_database
from tests.domain.test_promise_machine import ANY, IS_FULL, Promises
from tests.factories import NOW, hours, make_shared_lot, make_user

pytestmark = pytest.mark.django_db


class MovingPromises(Promises):
    """As its parent, under policies that move, with staff who overrule, pin and unpin."""

    policies = st.sampled_from(["reassign", "foresight"])

    @initialize(first=policies, second=policies, tolerance=st.sampled_from([0, 1]))
    def choose_policies(self, first: str, second: str, tolerance: float) -> None:
        self.staff, self.seen = make_user(), 0
        for lot, name in zip(self.lots, (first, second), strict=True):
            LotPolicy.objects.create(lot=lot, name=name, fairness_tolerance=tolerance, valid_from=NOW)

    def wish(self, number: int, status: str, *, bay: int | None) -> Wish:
        reservation = self.one(number, status)
        spaces = list(reservation.lot.spaces.order_by("pk"))
        space_id = None if bay is None else spaces[bay % len(spaces)].pk
        return Wish(reservation_id=reservation.pk, made_by=self.staff, why="because", space_id=space_id)

    @precondition(lambda self: self.some("DECLINED"))
    @rule(number=ANY, bay=st.none() | st.integers(0, 9))
    def staff_overrules(self, number: int, bay: int | None) -> None:
        self.attempt(lambda: overrule(self.wish(number, "DECLINED", bay=bay), now=self.now))

    @precondition(lambda self: self.some("ACCEPTED"))
    @rule(number=ANY, bay=st.none() | st.integers(0, 9))
    def staff_pins(self, number: int, bay: int | None) -> None:
        self.attempt(lambda: pin(self.wish(number, "ACCEPTED", bay=bay), now=self.now))

    @precondition(lambda self: self.some("ACCEPTED"))
    @rule(number=ANY)
    def staff_lifts_a_pin(self, number: int) -> None:
        unpin(reservation_id=self.one(number, "ACCEPTED").pk, by=self.staff, now=self.now)

    @invariant()
    def every_decision_replays(self) -> None:
        for decision in Decision.objects.filter(pk__gt=getattr(self, "seen", 0), place__isnull=False).order_by("pk"):
            found = replay(decision)
            assert (found.is_identical, found.upset_before) == (True, ())
            self.seen = decision.pk


def test_promises_hold_while_policies_move_and_staff_overrule():
    run_state_machine_as_test(
        MovingPromises,
        settings=settings(
            max_examples=100 if IS_FULL else 3,
            stateful_step_count=60 if IS_FULL else 20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, *([Phase.shrink] if IS_FULL else [])],
            derandomize=not IS_FULL,
        ),
    )


def test_a_policy_that_moved_an_announced_bay_would_be_noticed():
    lot = make_shared_lot(spaces=2)
    told = announced(lot)
    at = NOW + hours(1) - timedelta(minutes=5)
    other = lot.spaces.exclude(pk=told.space_id).get()
    assert broken_promises_of_the_database(at) == {}

    change_spaces({told.pk: other.pk}, at=at, reason=Reason.REARRANGED)

    event = ReservationEvent.objects.get(reason=Reason.REARRANGED)
    broken = broken_promises_of_the_database(at)
    assert broken == {
        "A1 no policy moves who was told a bay, has begun or is pinned": ((told.pk, event.pk, "ASSIGNED", at),)
    }
