"""What was promised and lost without anybody's call: found by the sweep, compensated once, replaced where possible."""

from datetime import timedelta

import pytest

from allocation import services
from allocation.replacing import replace_reservation
from parking_share.fulfilment.models import BrokenPromise, LotRules
from parking_share.fulfilment.promises import (
    attend_promises,
    break_promise,
    lots_with_room,
    make_good,
    record_broken,
)
from parking_share.notices.models import Notice
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import Change, make_transition
from parking_share.spaces.models import Space
from tests.domain.lives import accepted, announced, broken_promises_of_the_database, fresh
from tests.factories import NOW, hours, make_shared_lot, make_space, make_user, make_vehicle, make_window
from tests.gates import ask, book, make_camera, make_gate, plate_of_car

pytestmark = pytest.mark.django_db

Cause = BrokenPromise.Cause


def lost(lot, *, reason=Reason.SPACE_LOST, **wish):
    reservation = announced(lot, **wish)
    return make_transition(Change(reservation_id=reservation.pk, to=Status.RELEASED, reason=reason), at=NOW + hours(1))


def test_a_bay_that_was_never_announced_is_a_broken_promise_and_the_lot_itself_may_replace_it():
    lot = make_shared_lot()
    reservation = accepted(lot)
    late = reservation.lapses_at
    services.assign_arrivals(lot_id=lot.pk, now=late)
    assert fresh(reservation).reason == Reason.NEVER_ANNOUNCED

    assert attend_promises(now=late) == 1
    assert attend_promises(now=late) == 0

    broken = BrokenPromise.objects.get()
    assert (broken.cause, broken.reservation, broken.attended_at) == (Cause.NEVER_ANNOUNCED, reservation, late)
    assert (broken.replacement.lot, broken.replacement.starts_at) == (lot, late)
    assert broken_promises_of_the_database(late) == {}


def test_a_bay_that_an_operator_took_is_a_broken_promise():
    lot = make_shared_lot()
    reservation = lost(lot)

    attend_promises(now=NOW + hours(1))

    broken = BrokenPromise.objects.get()
    assert (broken.cause, broken.reservation, broken.replacement) == (Cause.TAKEN_BACK, reservation, None)
    assert Notice.objects.get(kind="PROMISE_BROKEN").recipient == reservation.driver


def test_cancelled_and_expired_reservations_are_no_broken_promises():
    lot = make_shared_lot()
    missed = announced(lot)
    services.assign_arrivals(lot_id=lot.pk, now=missed.lapses_at)

    assert fresh(missed).status == Status.EXPIRED
    assert attend_promises(now=missed.lapses_at) == 0


def test_a_promise_is_broken_once():
    reservation = announced(make_shared_lot())
    first = break_promise(reservation_id=reservation.pk, cause=Cause.OVERSTAY, now=NOW + hours(1))

    assert make_good(broken_id=first.pk, now=NOW + hours(1)) == make_good(broken_id=first.pk, now=NOW + hours(1.1))
    assert BrokenPromise.objects.get().attended_at == NOW + hours(1)


@pytest.mark.parametrize(("percent", "least", "due"), [(100, 0, 333), (50, 0, 167), (0, 500, 500), (200, 500, 666)])
def test_compensation_is_a_share_of_the_price_and_at_least_the_least(percent, least, due):
    lot = make_shared_lot()
    LotRules.objects.create(lot=lot, compensation_percent=percent, least_compensation_cents=least)
    reservation = lost(lot)
    type(reservation).objects.filter(pk=reservation.pk).update(price_cents=333)

    attend_promises(now=NOW + hours(1))

    assert BrokenPromise.objects.get().compensation_cents == due


def test_only_open_lots_within_a_walk_with_a_bay_that_suits_are_asked_nearest_first():
    lot = make_shared_lot(spaces=2)
    second, first = make_shared_lot(latitude=22.556), make_shared_lot(latitude=22.552)
    make_shared_lot(latitude=22.553, is_open=False)
    make_shared_lot(latitude=22.57)
    unfit = make_shared_lot(latitude=22.551, spaces=0)
    make_window(make_space(unfit, admits=Space.Admits.RESIDENTS), NOW, NOW + hours(12))
    reservation = lost(lot)

    assert lots_with_room(reservation, cause=Cause.OVERSTAY, now=NOW + hours(1)) == [first.pk, second.pk]
    assert lots_with_room(reservation, cause=Cause.NEVER_ANNOUNCED, now=NOW + hours(1))[0] == lot.pk
    assert lots_with_room(reservation, cause=Cause.OVERSTAY, now=reservation.ends_at - timedelta(minutes=14)) == []


def test_a_replacement_for_later_is_announced_in_its_time():
    there = make_shared_lot(latitude=22.552)
    reservation = lost(make_shared_lot(), starts_in=4, ends_in=6)
    record_broken(reservation, cause=Cause.TAKEN_BACK, now=NOW + hours(1))

    replacement = replace_reservation(lost=reservation, lot_id=there.pk, now=NOW + hours(1))

    assert (replacement.status, replacement.reason) == (Status.ACCEPTED, Reason.REPLACEMENT)
    assert (replacement.starts_at, replacement.decision.is_accepted) == (reservation.starts_at, True)
    services.assign_arrivals(lot_id=there.pk, now=NOW + hours(4) - timedelta(minutes=10))
    assert fresh(replacement).status == Status.ASSIGNED
    assert broken_promises_of_the_database(NOW + hours(4) - timedelta(minutes=10)) == {}


def test_a_dearer_lot_costs_no_more_and_a_cheaper_one_less():
    dear, cheap = make_shared_lot(peak_rate_cents=5000), make_shared_lot(peak_rate_cents=100)
    reservation = lost(make_shared_lot(peak_rate_cents=1000))

    first = replace_reservation(lost=reservation, lot_id=dear.pk, now=NOW)
    type(first).objects.filter(pk=first.pk).update(requested_at=NOW)
    make_transition(Change(reservation_id=first.pk, to=Status.CANCELLED, reason=Reason.CANCELLED_BY_DRIVER), at=NOW)
    second = replace_reservation(lost=reservation, lot_id=cheap.pk, now=NOW)

    assert first.price_cents == reservation.price_cents
    assert 0 < second.price_cents < reservation.price_cents


def test_a_full_lot_and_a_car_that_is_promised_elsewhere_make_no_row():
    driver = make_user()
    car = make_vehicle(driver)
    full, roomy = make_shared_lot(spaces=0), make_shared_lot(spaces=2)
    reservation = lost(make_shared_lot(), driver=driver, car=car)
    rows = type(reservation).objects.count()

    assert replace_reservation(lost=reservation, lot_id=full.pk, now=NOW + hours(1)) is None
    assert type(reservation).objects.count() == rows
    accepted(roomy, driver=driver, car=car)
    assert replace_reservation(lost=reservation, lot_id=roomy.pk, now=NOW + hours(1)) is None


def test_a_second_worker_that_is_late_undoes_its_own_replacement():
    """Whoever attends first counts; the loser's reservation is rolled back with its transaction."""
    lot, there = make_shared_lot(), make_shared_lot(latitude=22.552)
    reservation = announced(lot)
    broken = break_promise(reservation_id=reservation.pk, cause=Cause.INTRUDER, now=NOW + hours(1))
    BrokenPromise.objects.filter(pk=broken.pk).update(attended_at=NOW)

    assert make_good(broken_id=broken.pk, now=NOW + hours(1)).replacement is None
    assert there.reservations.count() == 0


def test_who_is_sent_away_at_the_gate_reads_when_to_come_back():
    lot = make_shared_lot(spaces=1, starts_at=NOW - hours(4), ends_at=NOW + hours(20))
    camera = make_camera(make_gate(lot))
    book(lot, starts_in=0, ends_in=1)
    mine = book(lot, starts_in=1, ends_in=2, status=Status.ACCEPTED)

    for _ in range(2):
        ask(camera, plate_of_car(mine))

    notice = Notice.objects.get(kind="COME_LATER")
    assert (notice.recipient, notice.reservation) == (mine.driver, mine)
    assert notice.facts == {"earliest_at": (NOW + hours(1)).isoformat()}


def test_a_promise_that_can_not_be_recorded_does_not_stop_the_others():
    failing, other = lost(make_shared_lot()), lost(make_shared_lot())
    LotRules.objects.create(lot=failing.lot, compensation_percent=1000)
    type(failing).objects.filter(pk=failing.pk).update(price_cents=2**31 - 1)

    attend_promises(now=NOW + hours(1))

    assert BrokenPromise.objects.get().reservation == other
