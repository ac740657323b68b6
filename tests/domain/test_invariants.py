"""Every invariant is broken once behind the services' back, and must be reported: the negative controls."""

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from allocation import services
from parking_share.fulfilment.promises import attend_promises
from parking_share.reservations.invariants import check_invariants, rooms
from parking_share.reservations.models import IdempotencyKey, Reservation, ReservationEvent, ReservationVehicle
from parking_share.reservations.services import OnceOnly, Wish
from parking_share.reservations.states import Reason, Status
from parking_share.spaces.models import ShareWindow
from tests.factories import NOW, hours, make_shared_lot, make_space, make_user, make_vehicle, make_window

pytestmark = pytest.mark.django_db

RESERVATION, VEHICLE_ROW = "reservations_reservation", "reservations_reservationvehicle"


def broken(*, now=NOW) -> list[str]:
    return [one.name for one in check_invariants(now=now, since=NOW - timedelta(days=7)) if one.rows]


def drop(table: str, constraint: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE {table} DROP CONSTRAINT {constraint}")


def allow_rewriting_events() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE reservations_reservationevent DISABLE TRIGGER append_only"
        )


def accepted(lot, *, starts_in=1, ends_in=3, **extra) -> Reservation:
    driver = make_user()
    wish = Wish(
        lot=lot, vehicles=[make_vehicle(driver)], starts_at=NOW + hours(starts_in), ends_at=NOW + hours(ends_in)
    )
    reservation = services.request_reservation(driver=driver, wish=wish, now=NOW, **extra)
    services.decide(lot_id=lot.pk, now=NOW)
    reservation.refresh_from_db()
    return reservation


def overwrite(reservation: Reservation, **fields) -> None:
    """Write to the row past every service."""
    Reservation.objects.filter(pk=reservation.pk).update(**fields)


def test_names_of_the_queries_are_all_found():
    by_room = {room.sql.parent.name: [name for name, _ in room.queries] for room in rooms()}

    names = [name for names in by_room.values() for name in names]
    assert len(names) == len(set(names))
    assert {name[:2] for name in by_room["reservations"]} == {"I1", "I2", "I3", "I4", "I5", "I9"}
    assert (len(by_room["reservations"]), len(by_room["sensors"])) == (12, 6)


def test_nothing_is_broken_by_a_life_through_the_services():
    lot = make_shared_lot(spaces=2)
    first = accepted(lot, once=OnceOnly(key="a", fingerprint="b"))
    accepted(lot)
    declined = accepted(lot)
    services.assign_arrivals(lot_id=lot.pk, now=NOW + hours(1) - timedelta(minutes=15))
    services.reservation_services.cancel_reservation(
        reservation_id=first.pk, actor=first.driver, now=NOW + hours(1) - timedelta(minutes=5)
    )

    assert declined.status == Status.DECLINED
    assert broken(now=NOW + hours(1)) == []


def test_two_reservations_of_one_bay_are_reported():
    lot = make_shared_lot(spaces=2)
    first, second = accepted(lot), accepted(lot)
    drop(RESERVATION, "reservation_no_overlap_in_space")
    allow_rewriting_events()

    overwrite(second, space=first.space)
    second.events.filter(to_status=Status.ACCEPTED).update(to_space=first.space)

    assert broken() == ["I1 no space is promised twice"]


def test_a_car_in_two_places_is_reported():
    lot = make_shared_lot(spaces=2)
    first, second = accepted(lot), accepted(lot)
    drop(VEHICLE_ROW, "vehicle_is_in_one_place")

    second.vehicle_rows.update(plate_exact_hash=first.vehicle_rows.get().plate_exact_hash)

    assert broken() == ["I1 no car is in two places"]


@pytest.mark.parametrize("change", [{"is_held": False}, {"held_until": NOW + hours(4)}])
def test_a_car_that_is_not_held_as_its_reservation_is_reported(change):
    accepted(make_shared_lot()).vehicle_rows.update(**change)

    assert broken() == ["I1 a car is held exactly as its reservation is"]


def test_a_reservation_without_a_car_is_reported():
    accepted(make_shared_lot()).vehicle_rows.all().delete()

    assert broken() == ["I1 a car is held exactly as its reservation is"]


def test_a_slot_promised_more_often_than_shared_is_reported():
    lot = make_shared_lot(spaces=2)
    first, second = accepted(lot), accepted(lot)
    ShareWindow.objects.filter(space=second.space).delete()

    assert broken() == [
        "I2 no slot of a lot is promised more often than it is shared",
        "I3 a space was shared for the whole period when it was given",
    ]
    assert first.space_id != second.space_id


def test_a_window_withdrawn_after_acceptance_breaks_nothing():
    reservation = accepted(make_shared_lot())

    ShareWindow.objects.filter(space=reservation.space).update(superseded_at=NOW + hours(0.5))

    assert broken(now=NOW + hours(0.5)) == []


@pytest.mark.parametrize(
    "window",
    [
        {"superseded_at": NOW - hours(0.5)},
        {"created_at": NOW + hours(0.5)},
        {"ends_at": NOW + hours(2)},
        {"starts_at": NOW + hours(2)},
    ],
)
def test_a_bay_given_outside_its_windows_is_reported(window):
    reservation = accepted(make_shared_lot())

    ShareWindow.objects.filter(space=reservation.space).update(**window)

    assert "I3 a space was shared for the whole period when it was given" in broken()


def test_a_move_to_a_bay_that_was_never_shared_is_reported():
    reservation = accepted(make_shared_lot())
    unshared = make_space(reservation.lot)
    ReservationEvent.objects.create(
        reservation=reservation,
        from_status=Status.ACCEPTED,
        to_status=Status.ACCEPTED,
        from_space=reservation.space,
        to_space=unshared,
        reason=Reason.MOVED,
        happened_at=NOW,
    )
    overwrite(reservation, space=unshared)

    assert broken() == ["I3 a space was shared for the whole period when it was given"]


def test_two_windows_in_force_that_overlap_are_reported():
    space = make_space(make_shared_lot())
    make_window(space, NOW, NOW + hours(2))
    drop("spaces_sharewindow", "share_window_no_overlap_in_space")

    make_window(space, NOW + hours(1), NOW + hours(3))

    assert broken() == ["I3 no two windows in force overlap"]


def test_a_leap_in_the_history_is_reported():
    reservation = accepted(make_shared_lot())
    ReservationEvent.objects.create(
        reservation=reservation,
        from_status=Status.ACCEPTED,
        to_status=Status.PARKED,
        from_space=reservation.space,
        to_space=reservation.space,
        reason=Reason.ARRIVED,
        happened_at=NOW,
    )
    overwrite(reservation, status=Status.PARKED)

    assert broken() == ["I4 every history is a legal path"]


def test_a_decision_made_twice_is_reported():
    reservation = accepted(make_shared_lot())
    ReservationEvent.objects.create(
        reservation=reservation,
        from_status=Status.REQUESTED,
        to_status=Status.ACCEPTED,
        to_space=reservation.space,
        reason=Reason.ROOM_FOUND,
        happened_at=NOW,
    )

    assert broken() == ["I4 every history is a legal path"]


def test_a_missing_beginning_is_reported():
    reservation = accepted(make_shared_lot())
    allow_rewriting_events()

    reservation.events.filter(to_status=Status.REQUESTED).delete()

    assert broken() == ["I4 every history is a legal path"]


def test_a_state_that_no_event_explains_is_reported():
    reservation = accepted(make_shared_lot())

    overwrite(reservation, status=Status.ASSIGNED)

    assert broken() == ["I4 every history ends in the present state"]


def test_a_bay_never_announced_is_reported_after_the_start():
    accepted(make_shared_lot())

    assert broken(now=NOW + hours(1)) == []
    assert broken(now=NOW + hours(1.5)) == ["I5 nobody waits for a bay after the start"]


def test_a_bay_announced_late_stays_reported_for_a_while():
    lot = make_shared_lot()
    accepted(lot)
    services.assign_arrivals(lot_id=lot.pk, now=NOW + hours(1.5))

    assert broken(now=NOW + hours(2)) == ["I5 no bay was announced after the start"]
    later = check_invariants(now=NOW + timedelta(days=9), since=NOW + timedelta(days=2))
    assert [one.name for one in later if one.rows] == []


def test_a_driver_who_was_released_with_a_reason_is_not_reported():
    lot = make_shared_lot()
    reservation = accepted(lot)
    services.assign_arrivals(lot_id=lot.pk, now=NOW + hours(2.5))

    reservation.refresh_from_db()
    assert (reservation.status, reservation.reason) == (Status.RELEASED, Reason.NEVER_ANNOUNCED)
    attend_promises(now=NOW + hours(2.5))
    assert broken(now=NOW + hours(3)) == []


def test_a_key_that_stands_twice_is_reported():
    reservation = accepted(make_shared_lot(), once=OnceOnly(key="a", fingerprint="b"))
    drop("reservations_idempotencykey", "idempotency_key_once_per_caller")

    IdempotencyKey.objects.create(caller=reservation.driver, key="a", fingerprint="c", reservation=reservation)

    assert broken() == ["I9 an idempotency key made one thing, for its own caller"]


def test_a_key_of_somebody_elses_reservation_is_reported():
    reservation = accepted(make_shared_lot())

    IdempotencyKey.objects.create(caller=make_user(), key="a", fingerprint="b", reservation=reservation)

    assert broken() == ["I9 an idempotency key made one thing, for its own caller"]


def test_a_request_that_nobody_decides_is_reported():
    driver = make_user()
    wish = Wish(
        lot=make_shared_lot(), vehicles=[make_vehicle(driver)], starts_at=NOW + hours(1), ends_at=NOW + hours(2)
    )
    services.request_reservation(driver=driver, wish=wish, now=NOW)

    assert broken(now=NOW + timedelta(minutes=4)) == []
    assert broken(now=NOW + timedelta(minutes=6)) == ["I9 no request is left without a decision"]


def test_command_says_that_all_holds(capsys):
    call_command("check_invariants")

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == sum(len(room.queries) for room in rooms())
    assert all(line.endswith("  holds") for line in lines)


def test_command_prints_the_rows_and_fails(capsys):
    reservation = accepted(make_shared_lot())
    ReservationVehicle.objects.filter(reservation=reservation).update(is_held=False)

    with pytest.raises(SystemExit) as ending:
        call_command("check_invariants")

    printed = capsys.readouterr().out
    assert ending.value.code == 1
    assert re.search(r"^I1 a car is held exactly as its reservation is +1 rows$", printed, re.MULTILINE)
    assert f"{reservation.pk} | ACCEPTED" in printed
