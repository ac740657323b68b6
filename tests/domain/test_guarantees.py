"""What the database refuses, whatever the code does: every guarantee is attacked past the services."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from allocation import services
from allocation.models import Assignment, Decision
from parking_share.accounts.models import User, Vehicle
from parking_share.reservations.models import IdempotencyKey, Reservation, ReservationEvent, ReservationVehicle
from parking_share.reservations.services import OnceOnly, Wish
from parking_share.reservations.states import Status
from parking_share.spaces.models import BookingLimits, ShareWindow, Space
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle, make_window

pytestmark = pytest.mark.django_db


def accepted(lot, *, starts_in=1, ends_in=3, driver=None, car=None, once=None) -> Reservation:
    driver = driver or make_user()
    wish = Wish(
        lot=lot,
        vehicles=[car or make_vehicle(driver)],
        starts_at=NOW + hours(starts_in),
        ends_at=NOW + hours(ends_in),
    )
    reservation = services.request_reservation(driver=driver, wish=wish, now=NOW, once=once)
    services.decide(lot_id=lot.pk, now=NOW)
    reservation.refresh_from_db()
    return reservation


def refused(name: str):
    """The next statement must be refused by this constraint or trigger."""
    return pytest.raises(IntegrityError, match=name)


def write(row, **fields) -> None:
    """Write past services and models; the savepoint lets the test go on."""
    with transaction.atomic():
        type(row)._base_manager.filter(pk=row.pk).update(**fields)


def test_two_holds_of_one_space_may_not_overlap():
    lot = make_shared_lot(spaces=2)
    first, second = accepted(lot), accepted(lot)

    with refused("reservation_no_overlap_in_space"):
        write(second, space=first.space)


def test_holds_of_one_space_may_touch():
    lot = make_shared_lot()
    first, second = accepted(lot, starts_in=1, ends_in=3), accepted(lot, starts_in=3, ends_in=5)

    assert first.space_id == second.space_id
    with refused("reservation_no_overlap_in_space"):
        write(second, held_from=NOW + hours(3) - timedelta(microseconds=1))


def test_hold_that_is_prolonged_may_not_reach_into_the_next():
    lot = make_shared_lot()
    first, _second = accepted(lot, starts_in=1, ends_in=3), accepted(lot, starts_in=3, ends_in=5)

    with refused("reservation_no_overlap_in_space"):
        write(first, held_until=NOW + hours(3.25))


def test_one_car_may_not_be_held_twice_though_two_people_registered_it():
    lot = make_shared_lot(spaces=2)
    owner, partner = make_user(), make_user()
    first = accepted(lot, driver=owner, car=make_vehicle(owner, plate="粤B1X345"))
    second = accepted(lot, driver=partner, car=make_vehicle(partner, plate="粤B1X345"))

    assert (first.status, second.status) == (Status.ACCEPTED, Status.DECLINED)
    with refused("vehicle_is_in_one_place"):
        write(second.vehicle_rows.get(), is_held=True)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"space": None}, "reservation_holds_exactly_when_it_has_a_space"),
        ({"status": "CANCELLED"}, "reservation_holds_exactly_when_it_has_a_space"),
        ({"status": "REQUESTED"}, "reservation_holds_exactly_when_it_has_a_space"),
        ({"status": "LOST", "space": None}, "reservation_status_is_known"),
        ({"decided_at": None}, "reservation_is_decided_once_it_left_the_queue"),
        ({"ends_at": NOW + hours(1)}, "reservation_ends_after_start"),
        ({"starts_at": NOW + hours(4)}, "reservation_ends_after_start"),
        ({"held_until": NOW + hours(1)}, "reservation_held_until_after_from"),
        ({"price_cents": -1}, "price_cents"),
    ],
)
def test_reservation_that_makes_no_sense_is_refused(fields, name):
    reservation = accepted(make_shared_lot())

    with refused(name):
        write(reservation, **fields)


def test_space_in_which_somebody_is_can_not_be_deleted():
    reservation = accepted(make_shared_lot())

    with refused("foreign key"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM spaces_sharewindow; DELETE FROM spaces_space WHERE id = %s", [reservation.space_id])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("model", [ReservationEvent, Decision, Assignment])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_what_happened_is_neither_changed_nor_deleted(model, statement):
    lot = make_shared_lot()
    accepted(lot)
    services.assign_arrivals(lot_id=lot.pk, now=NOW + hours(1))
    assert model.objects.exists()

    with refused("append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(model._meta.db_table))


def test_decision_names_a_space_exactly_when_it_accepts():
    reservation = accepted(make_shared_lot())
    waiting = accepted(make_shared_lot())
    fields = {"reason": "ROOM_FOUND", "policy_name": "fcfs", "policy_version": 1, "spaces_considered": 1}

    for is_accepted, space in ((True, None), (False, reservation.space)):
        with refused("decision_names_a_space_exactly_when_accepted"), transaction.atomic():
            Decision.objects.create(reservation=waiting, is_accepted=is_accepted, space=space, decided_at=NOW, **fields)


def test_request_is_decided_once():
    reservation = accepted(make_shared_lot())
    fields = {"reason": "NO_FREE_SPACE", "policy_name": "fcfs", "policy_version": 1, "spaces_considered": 1}

    with refused("reservation_id"), transaction.atomic():
        Decision.objects.create(reservation=reservation, is_accepted=False, decided_at=NOW, **fields)


def test_windows_of_one_space_may_touch_but_not_overlap():
    space = make_shared_lot().spaces.get()
    make_window(space, NOW + hours(12), NOW + hours(14))

    with refused("share_window_no_overlap_in_space"), transaction.atomic():
        make_window(space, NOW + hours(13), NOW + hours(15))
    with refused("share_window_ends_after_start"), transaction.atomic():
        make_window(space, NOW + hours(16), NOW + hours(16))


def test_superseded_window_makes_room_for_its_next_version():
    space = make_shared_lot().spaces.get()
    ShareWindow.objects.filter(space=space).update(superseded_at=NOW)

    assert make_window(space, NOW, NOW + hours(13)).pk


def test_key_stands_once_per_caller():
    reservation = accepted(make_shared_lot(), once=OnceOnly(key="a", fingerprint="b"))

    with refused("idempotency_key_once_per_caller"), transaction.atomic():
        IdempotencyKey.objects.create(caller=reservation.driver, key="a", fingerprint="c", reservation=reservation)
    assert IdempotencyKey.objects.create(caller=make_user(), key="a", fingerprint="c", reservation=reservation).pk


def test_car_is_named_once_per_reservation():
    row = accepted(make_shared_lot()).vehicle_rows.get()

    with refused("vehicle_named_once_per_reservation"), transaction.atomic():
        ReservationVehicle.objects.create(
            reservation_id=row.reservation_id,
            vehicle_id=row.vehicle_id,
            plate_exact_hash=row.plate_exact_hash,
            held_from=row.held_from,
            held_until=row.held_until,
        )


@pytest.mark.parametrize(
    ("model", "fields", "name"),
    [
        (User, {"email": None, "phone": None}, "user_has_email_or_phone"),
        (User, {"email": "Capital@example.org"}, "user_email_is_lower_case"),
        (Vehicle, {"plate_exact_hash": b"short"}, "vehicle_hashes_are_32_bytes"),
        (Vehicle, {"height_cm": 10}, "vehicle_height_is_plausible"),
        (Space, {"return_margin_min": 999}, "space_return_margin_is_plausible"),
        (BookingLimits, {"shortest_stay_min": 10, "longest_stay_min": 5}, "booking_limits_leave_something_possible"),
    ],
)
def test_row_that_makes_no_sense_is_refused(model, fields, name):
    make_vehicle(make_user())
    make_shared_lot()

    with refused(name):
        write(model.objects.first(), **fields)
