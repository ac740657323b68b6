"""Claims about promises under concurrency, each with real threads on connections of their own."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError

from allocation import services
from allocation.extending import ExtensionRefused, extend_reservation
from allocation.keeping import NoBayYet, admit_now
from allocation.replacing import replace_reservation
from parking_share.fulfilment.incidents import report_taken_bay
from parking_share.fulfilment.models import BrokenPromise, Incident, Overstay
from parking_share.fulfilment.overstays import attend_overstays
from parking_share.fulfilment.promises import break_promise, make_good
from parking_share.notices.models import Notice
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import expect_arrival, record_arrival, record_departure
from parking_share.reservations.states import Status
from parking_share.reservations.transitions import TransitionRefused
from sensors.models import Occupancy
from tests.domain.lives import (
    accepted,
    announced,
    asked,
    broken_promises_of_the_database,
    fresh,
    parked,
    sense,
)
from tests.domain.test_races import at_once, deadlocks
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle

pytestmark = pytest.mark.django_db(transaction=True)

END = NOW + hours(2)


def failures(answers) -> list[Exception]:
    return [one for one in answers if isinstance(one, Exception)]


def overstayer(lot, **wish) -> Reservation:
    reservation = parked(lot, **({"ends_in": 2} | wish))
    assert reservation.space is not None
    sense(reservation.space, Occupancy.OCCUPIED, at=reservation.starts_at)
    return reservation


@pytest.mark.parametrize("_round", range(2))
def test_two_overstays_in_two_lots_whose_next_parties_go_crosswise_do_not_deadlock(_round):
    here, there = make_shared_lot(spaces=2), make_shared_lot(spaces=2, latitude=22.552)
    for lot in (here, there):
        overstayer(lot)
        parked(lot, ends_in=2)
    following = [announced(lot, starts_in=2, ends_in=4) for lot in (here, there) for _ in range(2)]
    before = deadlocks()

    answers = at_once([lambda: attend_overstays(now=END)] * 4)

    assert failures(answers) == []
    assert deadlocks() == before
    lost = [row for row in map(fresh, following) if row.status == Status.RELEASED]
    assert BrokenPromise.objects.count() == len(lost)
    assert Notice.objects.filter(kind="PROMISE_BROKEN").count() == len(lost)
    assert broken_promises_of_the_database(END) == {}


def test_two_overstays_whose_next_parties_could_swap_lose_nobody_twice():
    lot = make_shared_lot(spaces=3)
    first, second = overstayer(lot), overstayer(lot)
    following = [announced(lot, starts_in=2, ends_in=4) for _ in range(3)]

    answers = at_once([lambda: attend_overstays(now=END)] * 4)

    assert failures(answers) == []
    rows = [fresh(row) for row in following]
    assert sorted(row.status for row in rows) == ["ASSIGNED", "RELEASED", "RELEASED"]
    assert {fresh(first).held_until, fresh(second).held_until} == {END + timedelta(minutes=15)}
    assert BrokenPromise.objects.count() == 2
    assert broken_promises_of_the_database(END) == {}


def test_overstay_is_charged_once_however_many_workers_attend():
    lot = make_shared_lot(peak_rate_cents=800)
    overstayer(lot)
    at = END + timedelta(minutes=40)

    answers = at_once([lambda: attend_overstays(now=at)] * 8)

    assert answers == [1] * 8
    assert Overstay.objects.get().penalty_cents == 800
    assert Notice.objects.filter(kind="OVERSTAY").count() == 1


@pytest.mark.parametrize("has_room", [True, False])
def test_a_taken_bay_reported_twenty_times_at_once_is_one_incident(has_room):
    lot, _nearby = make_shared_lot(spaces=5 if has_room else 1), make_shared_lot(latitude=22.552)
    reservation = announced(lot)

    answers = at_once(
        [
            lambda: report_taken_bay(
                reservation_id=reservation.pk,
                actor=reservation.driver,
                plate_text="粤B9999X",
                now=NOW + hours(1),
            )
        ]
        * 20
    )

    assert failures(answers) == []
    assert {(one.pk, one.outcome, one.moved_to_id, one.replacement_id) for one in answers} == {
        (answers[0].pk, "ANOTHER_BAY" if has_room else "ANOTHER_LOT", answers[0].moved_to_id, answers[0].replacement_id)
    }
    assert Incident.objects.count() == 1
    assert BrokenPromise.objects.count() == Reservation.objects.count() - 1 == (0 if has_room else 1)
    assert broken_promises_of_the_database(NOW + hours(1)) == {}


def test_drivers_of_one_lot_who_all_find_their_bay_taken_share_what_is_left():
    lot = make_shared_lot(spaces=8)
    make_shared_lot(spaces=1, latitude=22.552)
    rows = [announced(lot) for _ in range(5)]

    answers = at_once(
        [
            lambda row=row: report_taken_bay(reservation_id=row.pk, actor=row.driver, plate_text="", now=NOW + hours(1))
            for row in rows
        ]
    )

    assert failures(answers) == []
    assert sorted(one.outcome for one in answers) == ["ANOTHER_BAY"] * 3 + ["ANOTHER_LOT", "FREE_CANCELLATION"]
    assert broken_promises_of_the_database(NOW + hours(1)) == {}


@pytest.mark.parametrize("_round", range(3))
def test_an_extension_and_a_booking_of_the_same_gap_give_it_to_one(_round):
    lot = make_shared_lot()
    reservation = parked(lot, ends_in=2)
    rival = asked(lot, starts_in=2, ends_in=4)

    answers = at_once(
        [
            lambda: extend_reservation(
                reservation_id=reservation.pk, actor=None, until=NOW + hours(3), now=NOW + hours(1.5)
            ),
            lambda: services.decide(lot_id=lot.pk, now=NOW + hours(1.5)),
        ]
    )

    extended = isinstance(answers[0], Reservation)
    assert extended or isinstance(answers[0], ExtensionRefused)
    assert answers[1] == 1
    assert fresh(rival).status == (Status.DECLINED if extended else Status.ACCEPTED)
    assert fresh(reservation).ends_at == (NOW + hours(3) if extended else END)
    assert broken_promises_of_the_database(NOW + hours(1.5)) == {}


def test_one_extension_asked_ten_times_is_billed_once():
    reservation = parked(make_shared_lot(), ends_in=2)
    extend = {"reservation_id": reservation.pk, "actor": None, "until": NOW + hours(4), "now": NOW + hours(1.5)}

    answers = at_once([lambda: extend_reservation(**extend)] * 10)

    assert failures(answers) == []
    assert fresh(reservation).price_cents == 3 * reservation.price_cents
    assert reservation.events.filter(reason="EXTENDED").count() == 1


@pytest.mark.parametrize("_round", range(5))
def test_a_car_at_the_gate_is_either_expected_or_expired(_round):
    lot = make_shared_lot()
    reservation = announced(lot)
    instant = timedelta(microseconds=1)
    before, after = reservation.lapses_at - instant, reservation.lapses_at

    answers = at_once(
        [
            lambda: expect_arrival(reservation_id=reservation.pk, now=before),
            lambda: services.assign_arrivals(lot_id=lot.pk, now=after),
        ]
    )

    assert failures(answers) == []
    row = fresh(reservation)
    assert (answers[0], row.status) in {(True, Status.ASSIGNED), (False, Status.EXPIRED)}
    assert (row.lapses_at is None) is answers[0] or row.status == Status.EXPIRED
    assert broken_promises_of_the_database(NOW + hours(1)) == {}


def test_two_early_drivers_and_one_free_bay():
    lot = make_shared_lot(spaces=2)
    parked(lot, starts_in=0.25, ends_in=1)
    early = [accepted(lot, starts_in=1, ends_in=3) for _ in range(2)]

    answers = at_once([lambda row=row: admit_now(reservation_id=row.pk, now=NOW + hours(0.5)) for row in early] * 3)

    assert {type(one) for one in answers} == {Reservation, NoBayYet}
    assert sum(fresh(row).held_from == NOW + hours(0.5) for row in early) == 1
    assert broken_promises_of_the_database(NOW + hours(0.5)) == {}


def test_leaving_while_the_overstay_is_attended_to_ends_it_in_either_order():
    lot = make_shared_lot()
    rows = [overstayer(lot)]
    at = END + timedelta(minutes=20)

    answers = at_once(
        [lambda: attend_overstays(now=at)] * 4
        + [lambda: record_departure(reservation_id=rows[0].pk, actor=None, now=at)] * 2
    )
    attend_overstays(now=at)

    assert {type(one) for one in failures(answers)} == {TransitionRefused}
    assert fresh(rows[0]).status == Status.COMPLETED
    assert not Overstay.objects.filter(ended_at__isnull=True).exists()
    assert broken_promises_of_the_database(at) == {}


def test_a_lost_bay_is_replaced_once_by_however_many_sweepers():
    lot = make_shared_lot()
    for latitude in (22.551, 22.552, 22.553):
        make_shared_lot(latitude=latitude)
    lost = announced(lot)
    broken = break_promise(reservation_id=lost.pk, cause=BrokenPromise.Cause.INTRUDER, now=NOW + hours(1))

    answers = at_once([lambda: make_good(broken_id=broken.pk, now=NOW + hours(1))] * 8)

    assert failures(answers) == []
    assert len({one.replacement_id for one in answers}) == 1
    assert Reservation.objects.filter(driver=lost.driver).count() == 2
    assert Notice.objects.filter(kind="PROMISE_BROKEN").count() == 1


def test_one_car_is_not_replaced_and_booked_at_once():
    driver = make_user()
    car = make_vehicle(driver)
    lot, there, elsewhere = make_shared_lot(), make_shared_lot(), make_shared_lot()
    lost = announced(lot, driver=driver, car=car)
    break_promise(reservation_id=lost.pk, cause=BrokenPromise.Cause.INTRUDER, now=NOW + hours(1))
    lost = fresh(lost)
    rival = asked(elsewhere, starts_in=1, ends_in=3, driver=driver, car=car)

    answers = at_once(
        [
            lambda: replace_reservation(lost=lost, lot_id=there.pk, now=NOW + hours(1)),
            lambda: services.decide(lot_id=elsewhere.pk, now=NOW + hours(1)),
        ]
    )

    assert failures(answers) == []
    assert (answers[0] is None) == (fresh(rival).status == Status.ACCEPTED)
    assert broken_promises_of_the_database(NOW + hours(1)) == {}


def test_arriving_while_the_bay_is_taken_away_ends_in_one_of_the_two_orders():
    lot = make_shared_lot(spaces=2)
    overstayer(lot)
    parked(lot, ends_in=4)
    following = announced(make_shared_lot(), starts_in=2, ends_in=4)
    here = announced(lot, starts_in=2, ends_in=4)

    answers = at_once(
        [
            lambda: attend_overstays(now=END),
            lambda: record_arrival(reservation_id=here.pk, actor=None, now=END),
            lambda: record_arrival(reservation_id=following.pk, actor=None, now=END),
        ]
    )

    assert {type(one) for one in failures(answers)} <= {TransitionRefused}
    assert fresh(here).status in {Status.PARKED, Status.RELEASED}
    assert broken_promises_of_the_database(END) == {}


def test_bare_constraint_is_the_net_when_nobody_locks():
    """Negative control: without the lot's lock two neighbours grow into one gap, and the database refuses one."""
    lot = make_shared_lot()
    before, behind = parked(lot, ends_in=2), accepted(lot, starts_in=3, ends_in=4)

    answers = at_once(
        [
            lambda: Reservation.objects.filter(pk=before.pk).update(held_until=NOW + hours(2.75)),
            lambda: Reservation.objects.filter(pk=behind.pk).update(held_from=NOW + hours(2.25)),
        ]
    )

    assert answers.count(1) == 1
    assert {type(one) for one in failures(answers)} <= {IntegrityError, OperationalError}
