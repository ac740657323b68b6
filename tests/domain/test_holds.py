"""What a bay is blocked for follows reality; what was booked stays as it was, unless the driver extends it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from allocation import services
from parking_share.reservations.invariants import check_invariants
from parking_share.reservations.models import Reservation, ReservationEvent
from parking_share.reservations.selectors import Question, bays_free
from parking_share.reservations.services import Wish, expect_arrival, record_arrival, record_departure
from parking_share.reservations.states import CHANGES_THE_HOLD, Reason, Status
from parking_share.reservations.transitions import HoldChange, change_holds
from parking_share.spaces.models import ShareWindow
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle

pytestmark = pytest.mark.django_db


def accepted(lot, *, starts_in=1, ends_in=3, driver=None, car=None) -> Reservation:
    driver = driver or make_user()
    wish = Wish(
        lot=lot, vehicles=[car or make_vehicle(driver)], starts_at=NOW + hours(starts_in), ends_at=NOW + hours(ends_in)
    )
    reservation = services.request_reservation(driver=driver, wish=wish, now=NOW)
    services.decide(lot_id=lot.pk, now=NOW)
    return Reservation.objects.get(pk=reservation.pk)


def announced(lot, **period) -> Reservation:
    reservation = accepted(lot, **period)
    services.assign_arrivals(lot_id=lot.pk, now=reservation.starts_at - timedelta(minutes=10))
    return Reservation.objects.get(pk=reservation.pk)


def parked(lot, **period) -> Reservation:
    reservation = announced(lot, **period)
    return record_arrival(reservation_id=reservation.pk, actor=reservation.driver, now=reservation.starts_at)


def broken() -> list[str]:
    return [one.name for one in check_invariants(now=NOW + hours(1), since=NOW - hours(24)) if one.rows]


def test_a_longer_hold_moves_the_cars_along_and_leaves_an_event():
    reservation = parked(make_shared_lot())
    longer = HoldChange(reservation_id=reservation.pk, reason=Reason.HELD_LONGER, held_until=NOW + hours(3.25))

    changed = change_holds([longer], at=NOW + hours(3))

    reservation.refresh_from_db()
    car, event = reservation.vehicle_rows.get(), reservation.events.last()
    assert [row.pk for row in changed] == [reservation.pk]
    assert (reservation.ends_at, reservation.held_until) == (NOW + hours(3), NOW + hours(3.25))
    assert (car.held_from, car.held_until) == (reservation.held_from, reservation.held_until)
    assert (event.from_status, event.to_status, event.reason) == ("PARKED", "PARKED", "HELD_LONGER")
    assert (event.from_space_id, event.to_space_id) == (reservation.space_id, reservation.space_id)
    assert (event.held_from, event.held_until, event.ends_at) == (NOW + hours(1), NOW + hours(3.25), NOW + hours(3))
    assert broken() == []


def test_a_hold_that_stays_or_is_over_writes_nothing():
    lot = make_shared_lot(spaces=2)
    here, gone = parked(lot), parked(lot)
    record_departure(reservation_id=gone.pk, actor=gone.driver, now=NOW + hours(2))
    events = ReservationEvent.objects.count()
    changes = [
        HoldChange(reservation_id=here.pk, reason=Reason.HELD_LONGER, held_until=here.held_until),
        HoldChange(reservation_id=gone.pk, reason=Reason.HELD_LONGER, held_until=NOW + hours(4)),
    ]

    assert change_holds(changes, at=NOW + hours(3)) == []
    assert ReservationEvent.objects.count() == events


def test_two_neighbours_move_their_common_border_in_one_change():
    lot = make_shared_lot()
    first, second = parked(lot, ends_in=2), accepted(lot, starts_in=2, ends_in=4)
    border = NOW + hours(2.25)
    changes = [
        HoldChange(reservation_id=first.pk, reason=Reason.HELD_LONGER, held_until=border),
        HoldChange(reservation_id=second.pk, reason=Reason.HELD_LATER, held_from=border),
    ]

    change_holds(changes, at=NOW + hours(2))

    first.refresh_from_db()
    second.refresh_from_db()
    assert first.held_until == second.held_from == border
    assert second.starts_at == NOW + hours(2)
    assert broken() == []


def test_a_hold_never_grows_into_the_next():
    lot = make_shared_lot()
    first = parked(lot, ends_in=2)
    accepted(lot, starts_in=2, ends_in=4)
    longer = HoldChange(reservation_id=first.pk, reason=Reason.HELD_LONGER, held_until=NOW + hours(2.25))

    with pytest.raises(IntegrityError, match="reservation_no_overlap_in_space"), transaction.atomic():
        change_holds([longer], at=NOW + hours(2))


def test_an_early_leave_frees_the_rest_at_once():
    lot = make_shared_lot()
    reservation = parked(lot)
    rest = Question(starts_at=NOW + hours(2), ends_at=NOW + hours(3))

    record_departure(reservation_id=reservation.pk, actor=reservation.driver, now=NOW + hours(2))

    reservation.refresh_from_db()
    car = reservation.vehicle_rows.get()
    assert bays_free([lot.pk], rest, now=NOW + hours(2)) == {lot.pk: 1}
    assert (reservation.held_until, reservation.ends_at) == (NOW + hours(2), NOW + hours(3))
    assert (car.held_until, car.is_held) == (NOW + hours(2), False)
    assert reservation.events.last().held_until == NOW + hours(2)


def test_leaving_before_the_time_began_leaves_the_periods_alone():
    reservation = announced(make_shared_lot())
    early = NOW + timedelta(minutes=55)
    record_arrival(reservation_id=reservation.pk, actor=None, now=early)

    record_departure(reservation_id=reservation.pk, actor=None, now=early)

    reservation.refresh_from_db()
    assert (reservation.status, reservation.held_until) == (Status.COMPLETED, NOW + hours(3))


def test_a_car_at_the_gate_is_expected_and_no_longer_given_up():
    lot = make_shared_lot()
    reservation = announced(lot)

    assert expect_arrival(reservation_id=reservation.pk, now=NOW + hours(1.5))
    services.assign_arrivals(lot_id=lot.pk, now=NOW + hours(2.5))

    reservation.refresh_from_db()
    assert (reservation.status, reservation.lapses_at) == (Status.ASSIGNED, None)
    assert expect_arrival(reservation_id=reservation.pk, now=NOW + hours(2.5))


def test_a_car_that_comes_after_the_grace_is_not_expected():
    reservation = announced(make_shared_lot())

    assert not expect_arrival(reservation_id=reservation.pk, now=reservation.lapses_at)
    assert not expect_arrival(reservation_id=accepted(make_shared_lot()).pk, now=NOW)


@pytest.mark.parametrize("reason", sorted(CHANGES_THE_HOLD))
def test_a_change_of_the_hold_is_a_legal_step(reason):
    reservation = parked(make_shared_lot())
    change_holds(
        [HoldChange(reservation_id=reservation.pk, reason=Reason(reason), held_until=NOW + hours(4))],
        at=NOW + hours(1),
    )

    assert broken() == []


def test_standing_still_for_any_other_reason_is_reported():
    reservation = parked(make_shared_lot())
    change_holds(
        [HoldChange(reservation_id=reservation.pk, reason=Reason.ARRIVED, held_until=NOW + hours(4))], at=NOW + hours(1)
    )

    assert broken() == ["I4 every history is a legal path"]


def test_an_extension_beyond_the_windows_is_reported():
    reservation = parked(make_shared_lot())
    end = NOW + hours(13)
    change = HoldChange(reservation_id=reservation.pk, reason=Reason.EXTENDED, held_until=end, ends_at=end)
    change_holds([change], at=NOW + hours(2))

    assert "I3 a space was shared for the whole period when it was given" in broken()


def test_an_extension_into_hours_that_were_shared_later_is_not_reported():
    reservation = parked(make_shared_lot(ends_at=NOW + hours(3)))
    ShareWindow.objects.create(
        space=reservation.space, starts_at=NOW + hours(3), ends_at=NOW + hours(9), created_at=NOW + hours(2)
    )
    end = NOW + hours(5)
    change = HoldChange(reservation_id=reservation.pk, reason=Reason.EXTENDED, held_until=end, ends_at=end)
    change_holds([change], at=NOW + hours(2.5))

    assert broken() == []
