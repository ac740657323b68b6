"""Exits that no gate saw: the next entry of the car ends what it left open, and a late word of the exit corrects it."""

import pytest

from parking_share.fulfilment import lists
from parking_share.fulfilment.models import Overstay
from parking_share.fulfilment.outbox import handle_outbox
from parking_share.fulfilment.overstays import attend_overstays
from parking_share.reservations.states import Status
from sensors.models import Kind, Stay
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle
from tests.gates import ask, book, make_camera, make_gate, minutes, plate_of_car, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def lot():
    return make_shared_lot(spaces=3, starts_at=NOW - hours(4), ends_at=NOW + hours(20))


@pytest.fixture
def gated(lot):
    return make_camera(make_gate(lot))


def come(camera, plate, at, *, kind=Kind.ENTER):
    ask(camera, plate, at, kind=kind)
    handle_outbox(now=at)


def stays():
    return list(Stay.objects.order_by("began_at", "pk").values_list("reservation", "began_at", "ended_at"))


def status_of(reservation):
    reservation.refresh_from_db()
    return reservation.status


def test_listed_car_that_comes_in_again_had_left(gated, lot):
    lists.add_plate(lot=lot, actor=make_user(), plate="粤B12345", valid_from=NOW, now=NOW)
    come(gated, "粤B12345", NOW)

    come(gated, "粤B12345", NOW + hours(3))

    assert stays() == [(None, NOW, NOW + hours(3)), (None, NOW + hours(3), None)]


def test_car_that_is_read_twice_at_the_barrier_came_once(gated, lot):
    mine = book(lot)
    come(gated, plate_of_car(mine), NOW)

    come(gated, plate_of_car(mine), NOW + minutes(9))

    assert stays() == [(mine.pk, NOW, None)]


def test_car_that_comes_back_in_its_own_time_goes_on_with_its_stay(gated, lot):
    mine = book(lot, ends_in=5)
    come(gated, plate_of_car(mine), NOW)

    come(gated, plate_of_car(mine), NOW + hours(3))

    assert (status_of(mine), stays()) == (Status.PARKED, [(mine.pk, NOW, None)])


def test_next_reservation_of_the_car_begins_where_the_one_before_was_never_seen_to_end(gated, lot):
    driver = make_user()
    car = make_vehicle(driver)
    first = book(lot, driver=driver, car=car, ends_in=2)
    later = book(lot, driver=driver, car=car, starts_in=5, ends_in=7)
    come(gated, car.plate, NOW)
    attend_overstays(now=NOW + hours(2.5))
    assert Overstay.objects.get().ended_at is None

    come(gated, car.plate, NOW + hours(5))

    assert (status_of(first), status_of(later)) == (Status.COMPLETED, Status.PARKED)
    assert stays() == [(first.pk, NOW, NOW + hours(5)), (later.pk, NOW + hours(5), None)]
    assert Overstay.objects.get().ended_at == NOW + hours(5)


@pytest.mark.parametrize("exits", [(1, 4), (4, 1)])
def test_exit_that_is_told_after_the_next_entry_ends_the_stay_when_it_did(gated, lot, exits):
    lists.add_plate(lot=lot, actor=make_user(), plate="粤B12345", valid_from=NOW, now=NOW)
    come(gated, "粤B12345", NOW)
    come(gated, "粤B12345", NOW + hours(3))

    for after in exits:
        store(gated, Kind.EXIT, NOW + hours(after), now=NOW + hours(6), plate="粤B12345", is_live=False)
        handle_outbox(now=NOW + hours(6))

    assert stays() == [(None, NOW, NOW + hours(1)), (None, NOW + hours(3), NOW + hours(4))]
