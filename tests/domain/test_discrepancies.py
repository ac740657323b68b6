"""Bay sensors and reservations disagree: what is opened, what closes by itself, and who is moved."""

import pytest

from parking_share.fulfilment.closing import close_discrepancy
from parking_share.fulfilment.discrepancies import attend_discrepancies, discrepancies_seen_by
from parking_share.fulfilment.models import Discrepancy
from parking_share.fulfilment.outbox import handle_outbox
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import Lot, Role
from sensors.models import Kind
from tests.factories import NOW, grant, hours, make_shared_lot, make_user
from tests.gates import ask, book, make_camera, make_gate, make_sensor, minutes, plate_of_car, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def lot():
    return make_shared_lot(spaces=3, starts_at=NOW - hours(4), ends_at=NOW + hours(8))


@pytest.fixture
def sensors(lot):
    """A sensor in each bay, by space id; all bays are empty."""
    made = {space.pk: make_sensor(space, heartbeat_s=24 * 3600) for space in lot.spaces.all()}
    for sensor in made.values():
        store(sensor, Kind.VACANT, NOW - hours(1))
    return made


@pytest.fixture
def gated(lot):
    return make_camera(make_gate(lot))


def enter(camera, reservation, at=NOW):
    ask(camera, plate_of_car(reservation), at)
    handle_outbox(now=at)


def attend(at):
    handle_outbox(now=at)
    return attend_discrepancies(now=at)


def found():
    rows = Discrepancy.objects.order_by("pk").values_list("space", "kind", "reservation", "outcome")
    return [tuple(row) for row in rows]


def test_agreement_opens_nothing(lot, sensors, gated):
    mine = book(lot)
    enter(gated, mine)
    store(sensors[mine.space_id], Kind.OCCUPIED, NOW + minutes(4))

    assert attend(NOW + hours(1)) == 0
    assert found() == []


def test_stranger_in_a_shared_bay_is_reported_once_it_has_lasted_and_cleared_when_gone(lot, sensors):
    space_id = next(iter(sensors))
    store(sensors[space_id], Kind.OCCUPIED, NOW)

    assert attend(NOW + minutes(4.9)) == 0
    assert attend(NOW + minutes(5)) == 1
    assert attend(NOW + minutes(6)) == 0
    assert found() == [(space_id, "NOBODY_DUE", None, "")]
    store(sensors[space_id], Kind.VACANT, NOW + hours(1))
    assert attend(NOW + hours(1)) == 1
    assert found() == [(space_id, "NOBODY_DUE", None, "CLEARED")]


def test_owner_in_the_own_bay_at_the_own_time_is_nobodys_business(lot, sensors):
    store(next(iter(sensors.values())), Kind.OCCUPIED, NOW + hours(9))

    assert attend(NOW + hours(10)) == 0


def test_parked_car_whose_bay_is_empty_is_reported_and_cleared_when_it_stands_there(lot, sensors, gated):
    mine = book(lot)
    enter(gated, mine)

    assert attend(NOW + minutes(4)) == 0
    attend(NOW + minutes(5))
    assert found() == [(mine.space_id, "EMPTY_WHILE_PARKED", mine.pk, "")]
    store(sensors[mine.space_id], Kind.OCCUPIED, NOW + minutes(7))
    attend(NOW + minutes(7))
    assert found() == [(mine.space_id, "EMPTY_WHILE_PARKED", mine.pk, "CLEARED")]


def test_car_that_leaves_ends_what_was_said_of_it(lot, sensors, gated):
    mine = book(lot)
    space_id = mine.space_id
    enter(gated, mine)
    attend(NOW + minutes(10))
    ask(gated, plate_of_car(mine), NOW + minutes(20), kind=Kind.EXIT)

    attend(NOW + minutes(20))

    assert found() == [(space_id, "EMPTY_WHILE_PARKED", mine.pk, "COMPLETED")]


def test_driver_who_took_another_bay_is_one_discrepancy_not_two(lot, sensors, gated):
    mine = book(lot)
    other = next(space_id for space_id in sensors if space_id != mine.space_id)
    enter(gated, mine)
    store(sensors[other], Kind.OCCUPIED, NOW + minutes(6))

    attend(NOW + minutes(11))

    assert [row for row in found() if row[3] == ""] == [(other, "WRONG_BAY", mine.pk, "")]


def test_two_cars_that_may_have_taken_a_bay_are_not_told_apart(lot, sensors, gated):
    first, second = book(lot), book(lot)
    [other] = set(sensors) - {first.space_id, second.space_id}
    enter(gated, first)
    enter(gated, second, NOW + minutes(1))
    store(sensors[other], Kind.OCCUPIED, NOW + minutes(6))

    attend(NOW + minutes(20))

    assert sorted(kind for _space, kind, _reservation, _outcome in found()) == [
        "EMPTY_WHILE_PARKED",
        "EMPTY_WHILE_PARKED",
        "NOBODY_DUE",
    ]


def test_car_in_the_owners_own_time_is_reported(lot, sensors, gated):
    mine = book(lot, starts_in=6, ends_in=8)
    enter(gated, mine, NOW + hours(6))
    store(sensors[mine.space_id], Kind.OCCUPIED, NOW + hours(6.1))

    assert attend(NOW + hours(8) + minutes(9)) == 0
    assert attend(NOW + hours(8) + minutes(10)) == 1
    assert found() == [(mine.space_id, "NOT_BACK_IN_TIME", mine.pk, "")]


def test_silence_opens_nothing_and_closes_nothing(lot, sensors, gated):
    mine = book(lot)
    silent = make_sensor(lot.spaces.exclude(pk=mine.space_id).first(), heartbeat_s=60)
    store(silent, Kind.OCCUPIED, NOW)
    attend(NOW + minutes(1))
    assert found() == []
    type(silent).objects.filter(pk=silent.pk).update(heartbeat_s=24 * 3600)
    attend(NOW + minutes(6))
    assert found() == [(silent.space_id, "NOBODY_DUE", None, "")]
    type(silent).objects.filter(pk=silent.pk).update(heartbeat_s=60)
    attend(NOW + minutes(60))
    assert found() == [(silent.space_id, "NOBODY_DUE", None, "")]


def test_whoever_is_due_in_a_taken_bay_is_moved_before_the_start(lot, sensors):
    mine = book(lot, starts_in=0.5)
    space_id = mine.space_id
    store(sensors[space_id], Kind.OCCUPIED, NOW)

    attend(NOW + minutes(10))
    assert Reservation.objects.get().space_id == space_id, "there is time for the car to leave"
    attend(NOW + minutes(16))

    moved = Reservation.objects.get()
    assert (moved.status, moved.space_id != space_id) == (Status.ASSIGNED, True)
    assert found() == [(space_id, "NOBODY_DUE", mine.pk, "REHOMED")]
    attend(NOW + minutes(17))
    assert found()[1:] == [(space_id, "NOBODY_DUE", None, "")]


def test_whoever_is_due_in_a_bay_that_says_it_is_closed_is_moved_before_the_start(lot, sensors):
    mine = book(lot, starts_in=0.5)
    space_id = mine.space_id
    store(sensors[space_id], Kind.CLOSED, NOW)

    attend(NOW + minutes(10))
    assert Reservation.objects.get().space_id == space_id, "it may open again"
    attend(NOW + minutes(16))

    moved = Reservation.objects.get()
    assert (moved.status, moved.space_id != space_id) == (Status.ASSIGNED, True)
    assert found() == [(space_id, "CLOSED_WHILE_DUE", mine.pk, "REHOMED")]
    assert attend(NOW + minutes(17)) == 0


def test_closed_bay_without_another_is_shown_until_it_opens(sensors, lot):
    rows = [book(lot, starts_in=0.1) for _ in sensors]
    store(sensors[rows[0].space_id], Kind.CLOSED, NOW)

    attend(NOW + minutes(5))
    assert found() == [(rows[0].space_id, "CLOSED_WHILE_DUE", rows[0].pk, "")]
    store(sensors[rows[0].space_id], Kind.VACANT, NOW + minutes(7))
    attend(NOW + minutes(7))
    assert found() == [(rows[0].space_id, "CLOSED_WHILE_DUE", rows[0].pk, "CLEARED")]


def test_a_lot_that_can_not_be_judged_does_not_stop_the_others(lot, sensors):
    other = make_shared_lot(spaces=2, starts_at=NOW - hours(4), ends_at=NOW + hours(8))
    theirs, mine = book(lot, starts_in=0.5), book(other, starts_in=0.5)
    store(sensors[theirs.space_id], Kind.OCCUPIED, NOW)
    store(make_sensor(mine.space, heartbeat_s=24 * 3600), Kind.OCCUPIED, NOW)
    Lot.objects.filter(pk=lot.pk).update(time_zone="Nowhere/At_all")

    attend(NOW + minutes(17))

    assert Reservation.objects.get(pk=theirs.pk).space_id == theirs.space_id
    assert Reservation.objects.get(pk=mine.pk).space_id != mine.space_id


def test_sensor_cancels_nothing(lot, sensors, gated):
    mine = book(lot)
    enter(gated, mine)

    for step in range(5, 60, 5):
        attend(NOW + minutes(step))

    assert Reservation.objects.get().status == Status.PARKED


def test_what_staff_has_settled_stays_settled_until_the_sensor_says_something_else(lot, sensors):
    space_id, staff = next(iter(sensors)), make_user()
    store(sensors[space_id], Kind.OCCUPIED, NOW)
    attend(NOW + minutes(6))
    close_discrepancy(
        discrepancy_id=Discrepancy.objects.get().pk, actor=staff, note="A delivery.", now=NOW + minutes(7)
    )

    assert attend(NOW + minutes(8)) == 0
    store(sensors[space_id], Kind.VACANT, NOW + minutes(20))
    store(sensors[space_id], Kind.OCCUPIED, NOW + minutes(30))
    assert attend(NOW + minutes(40)) == 1
    assert [row[3] for row in found()] == ["STAFF", ""]


def test_what_staff_has_settled_of_one_car_is_not_settled_of_the_next(lot, sensors, gated):
    first = book(lot, ends_in=1)
    enter(gated, first)
    attend(NOW + minutes(6))
    close_discrepancy(
        discrepancy_id=Discrepancy.objects.get().pk, actor=make_user(), note="Looks empty.", now=NOW + minutes(7)
    )
    assert attend(NOW + minutes(8)) == 0
    ask(gated, plate_of_car(first), NOW + minutes(50), kind=Kind.EXIT)
    handle_outbox(now=NOW + minutes(50))
    second = book(lot, starts_in=1, now=NOW + minutes(50))
    Reservation.objects.filter(pk=second.pk).update(space=first.space_id)
    enter(gated, second, second.starts_at)

    attend(second.starts_at + minutes(6))

    assert [(row[1], row[2], row[3]) for row in found()] == [
        ("EMPTY_WHILE_PARKED", first.pk, "STAFF"),
        ("EMPTY_WHILE_PARKED", second.pk, ""),
    ]


def test_managers_and_city_staff_see_their_own(lot, sensors):
    store(next(iter(sensors.values())), Kind.OCCUPIED, NOW)
    attend(NOW + minutes(6))
    manager, staff, stranger = make_user(), make_user(), make_user()
    grant(manager, Role.MANAGER, lot=lot)
    grant(staff, Role.CITY_STAFF, district=lot.district)

    assert [discrepancies_seen_by(person).count() for person in (manager, staff, stranger)] == [1, 1, 0]


def test_comparing_costs_the_same_for_one_bay_and_for_many(lot, sensors, django_assert_num_queries):
    with django_assert_num_queries(7):
        attend_discrepancies(now=NOW)
    for space in make_shared_lot(spaces=5).spaces.all():
        store(make_sensor(space), Kind.VACANT, NOW)
    with django_assert_num_queries(7):
        attend_discrepancies(now=NOW)
