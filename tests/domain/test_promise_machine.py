"""Any order of asking, coming, staying too long, leaving and taking back: the promises of the database hold throughout.

FAULT_ROUNDS=full runs the 300 lives of 60 steps of the acceptance list; without it a few are enough to notice a slip.
"""

import os
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from allocation import services
from allocation.extending import extend_reservation
from allocation.keeping import admit_now, rehome
from allocation.selectors import can_stay_until
from parking_share.errors import DomainError
from parking_share.fulfilment import arrivals
from parking_share.fulfilment.discrepancies import attend_discrepancies
from parking_share.fulfilment.incidents import report_taken_bay
from parking_share.fulfilment.models import BrokenPromise, Overstay
from parking_share.fulfilment.outbox import handle_outbox
from parking_share.fulfilment.overstays import attend_overstays
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish, cancel_reservation, expect_arrival
from parking_share.reservations.states import HOLDS_A_SPACE, Reason, Status
from parking_share.spaces.models import Lot, ShareWindow, Space
from sensors.models import BayState, Occupancy, Stay
from tests.domain.lives import broken_promises_of_the_database, sense, watch_gates
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle

pytestmark = pytest.mark.django_db

IS_FULL = os.environ.get("FAULT_ROUNDS") == "full"
STEP = timedelta(minutes=5)
ANY = st.integers(0, 999)


class Promises(RuleBasedStateMachine):
    """One lot without gates, one with; a clock that moves in steps of five minutes, with the periodic jobs at each."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.now, self.refusals = NOW, 0
        self.lots = [make_shared_lot(spaces=3), make_shared_lot(spaces=2, latitude=22.552)]
        watch_gates(self.lots[1])
        self.drivers = [make_user() for _ in range(7)]
        self.cars = [make_vehicle(driver) for driver in self.drivers]

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def one(self, number: int, *statuses: str) -> Reservation:
        """Any reservation in one of these statuses."""
        rows = Reservation.objects.filter(status__in=statuses).order_by("pk")
        return rows[number % rows.count()]

    def some(self, *statuses: str) -> bool:
        return Reservation.objects.filter(status__in=statuses).exists()

    def attempt(self, call) -> None:
        """A rule may say no; nothing may break."""
        try:
            with transaction.atomic():
                call()
        except DomainError:
            self.refusals += 1

    @rule(who=st.integers(0, 6), where=st.integers(0, 1), ahead=st.integers(0, 6), length=st.integers(1, 8))
    def ask(self, who: int, where: int, ahead: int, length: int) -> None:
        starts_at = self.now + ahead * timedelta(minutes=15)
        wish = Wish(
            lot=Lot.objects.get(pk=self.lots[where].pk),
            vehicles=[self.cars[who]],
            starts_at=starts_at,
            ends_at=starts_at + length * timedelta(minutes=15),
        )
        self.attempt(lambda: services.request_reservation(driver=self.drivers[who], wish=wish, now=self.now))
        for lot in self.lots:
            services.decide(lot_id=lot.pk, now=self.now)
            services.assign_arrivals(lot_id=lot.pk, now=self.now)

    @rule(steps=st.integers(1, 6))
    def pass_time(self, steps: int) -> None:
        for _ in range(steps):
            self.now += STEP
            for lot in self.lots:
                services.assign_arrivals(lot_id=lot.pk, now=self.now)
            handle_outbox(now=self.now)
            attend_discrepancies(now=self.now)
            attend_overstays(now=self.now)

    @precondition(lambda self: self.some("ASSIGNED"))
    @rule(number=ANY)
    def arrive(self, number: int) -> None:
        reservation = self.one(number, "ASSIGNED")
        self.attempt(
            lambda: arrivals.record_arrival(reservation_id=reservation.pk, actor=reservation.driver, now=self.now)
        )
        assert reservation.space is not None
        sense(reservation.space, Occupancy.OCCUPIED, at=self.now, is_looked_at=True)

    @precondition(lambda self: self.some("ACCEPTED", "ASSIGNED"))
    @rule(number=ANY)
    def come_to_the_gate(self, number: int) -> None:
        reservation = self.one(number, "ACCEPTED", "ASSIGNED")

        def come() -> None:
            admit_now(reservation_id=reservation.pk, now=self.now)
            if expect_arrival(reservation_id=reservation.pk, now=self.now):
                arrivals.see_arrival(reservation_id=reservation.pk, at=self.now, source=Stay.Source.GATE, now=self.now)

        self.attempt(come)

    @precondition(lambda self: self.some("PARKED"))
    @rule(number=ANY)
    def leave(self, number: int) -> None:
        reservation = self.one(number, "PARKED")
        space = reservation.space
        arrivals.record_departure(reservation_id=reservation.pk, actor=reservation.driver, now=self.now)
        if space is not None and BayState.objects.filter(space=space).exists():
            sense(space, Occupancy.FREE, at=self.now, is_looked_at=True)

    @precondition(lambda self: self.some("PARKED"))
    @rule(number=ANY, quarters=st.integers(-1, 8))
    def extend(self, number: int, quarters: int) -> None:
        reservation = self.one(number, "ACCEPTED", "ASSIGNED", "PARKED")
        until = reservation.ends_at + quarters * timedelta(minutes=15)
        latest = can_stay_until(reservation, now=self.now)
        self.attempt(lambda: extend_reservation(reservation_id=reservation.pk, actor=None, until=until, now=self.now))
        reservation.refresh_from_db()
        assert reservation.ends_at <= max(latest, reservation.ends_at)

    @precondition(lambda self: self.some("ASSIGNED", "PARKED"))
    @rule(number=ANY, plate=st.sampled_from(["", "粤B9999X", "粤B8888X"]))
    def find_the_bay_taken(self, number: int, plate: str) -> None:
        reservation = self.one(number, "ASSIGNED", "PARKED")
        self.attempt(
            lambda: report_taken_bay(reservation_id=reservation.pk, actor=None, plate_text=plate, now=self.now)
        )

    @precondition(lambda self: self.some("ACCEPTED", "ASSIGNED"))
    @rule(number=ANY)
    def lose_the_bay(self, number: int) -> None:
        reservation = self.one(number, "ACCEPTED", "ASSIGNED")
        rehome(reservation_ids=[reservation.pk], reason=Reason.MOVED, now=self.now)

    @precondition(lambda self: self.some("REQUESTED", "ACCEPTED", "ASSIGNED"))
    @rule(number=ANY)
    def cancel(self, number: int) -> None:
        reservation = self.one(number, "REQUESTED", "ACCEPTED", "ASSIGNED")
        self.attempt(lambda: cancel_reservation(reservation_id=reservation.pk, actor=reservation.driver, now=self.now))

    @rule(number=ANY, state=st.sampled_from(["FREE", "OCCUPIED", "CLOSED"]))
    def sensor_says(self, number: int, state: str) -> None:
        spaces = Space.objects.order_by("pk")
        sense(spaces[number % spaces.count()], Occupancy(state), at=self.now, is_looked_at=True)

    @rule(number=ANY)
    def take_back_the_hours(self, number: int) -> None:
        windows = ShareWindow.objects.filter(superseded_at__isnull=True).order_by("pk")
        if windows.count() > 2:
            ShareWindow.objects.filter(pk=windows[number % windows.count()].pk).update(superseded_at=self.now)

    @rule(number=ANY)
    def offer_more_hours(self, number: int) -> None:
        spaces = Space.objects.exclude(windows__superseded_at__isnull=True).order_by("pk")
        if spaces.exists():
            ShareWindow.objects.create(
                space=spaces[number % spaces.count()],
                starts_at=self.now,
                ends_at=self.now + hours(6),
                created_at=self.now,
            )

    @invariant()
    def promises_of_the_database_hold(self) -> None:
        assert broken_promises_of_the_database(self.now) == {}

    @invariant()
    def whoever_lost_a_bay_is_compensated_by_the_next_round(self) -> None:
        lost = Reservation.objects.filter(status=Status.RELEASED)
        waiting = lost.filter(broken_promise__isnull=True)
        assert not waiting.exclude(events__happened_at__gte=self.now - STEP, events__to_status="RELEASED").exists()
        assert not BrokenPromise.objects.exclude(reservation__status=Status.RELEASED).exists()

    @invariant()
    def a_replacement_is_one_and_for_the_same_driver(self) -> None:
        for broken in BrokenPromise.objects.filter(replacement__isnull=False).select_related(
            "reservation", "replacement"
        ):
            assert broken.replacement is not None
            assert broken.replacement.driver_id == broken.reservation.driver_id
            assert broken.replacement.price_cents <= broken.reservation.price_cents

    @invariant()
    def overstays_belong_to_cars_that_are_there_or_have_ended(self) -> None:
        going_on = Overstay.objects.filter(ended_at__isnull=True)
        assert not going_on.exclude(reservation__status__in=HOLDS_A_SPACE).exists()


def test_promises_hold_whatever_happens():
    run_state_machine_as_test(
        Promises,
        settings=settings(
            max_examples=300 if IS_FULL else 3,
            stateful_step_count=60 if IS_FULL else 20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, *([Phase.shrink] if IS_FULL else [])],
            derandomize=not IS_FULL,
        ),
    )
