"""Vacancy of lots in a slot, and what it rests on."""

from datetime import date, timedelta

import pytest

from coverage.vacancy import PEAK_SHARE_OF_PRIOR, Basis, vacancies_in
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import AccessClass, DayType, LandUse, Lot, ShareWindow
from sensors.models import OccupancyProfile, OccupancySlot
from tests.factories import NOW, hours, make_lot, make_shared_lot, make_slot, make_space, make_user, make_window

pytestmark = pytest.mark.django_db
SLOT = timedelta(minutes=15)
AFTER = NOW + SLOT


def make_public_lot(capacity=40):
    return make_lot(access_class=AccessClass.objects.get(code="PUBLIC"), land_use=LandUse.PUBLIC, capacity=capacity)


def hold(space, starts_at, ends_at, **fields):
    chosen = {"status": Status.ASSIGNED, "decided_at": NOW, "requested_at": NOW, "price_cents": 0, "currency": "CNY"}
    period = {"starts_at": starts_at, "ends_at": ends_at, "held_from": starts_at, "held_until": ends_at}
    return Reservation.objects.create(driver=make_user(), lot=space.lot, **{"space": space} | chosen | period | fields)


def vacancy_of(lot, *, now=AFTER, slot=NOW):
    lot = Lot.objects.select_related("access_class").get(pk=lot.pk)
    found = vacancies_in([lot], slot_starts_at=slot, now=now)
    return round(float(found.vacancy[0]), 4), Basis(found.basis[0]), round(float(found.open_bays[0]), 4)


def test_where_the_public_has_no_business_only_shared_bays_count():
    lot = make_shared_lot(spaces=4, capacity=200)
    make_space(lot)
    first = lot.spaces.order_by("pk").first()
    hold(first, NOW, NOW + hours(1))

    assert vacancy_of(lot) == (0.75, Basis.BOOKINGS, 4)


def test_a_hold_that_lapsed_or_ended_before_takes_no_bay():
    lot = make_shared_lot(spaces=2, starts_at=NOW - hours(3))
    one, other = lot.spaces.order_by("pk")
    hold(one, NOW - hours(2), NOW + hours(1), lapses_at=NOW - hours(1))
    hold(other, NOW - hours(2), NOW)

    assert vacancy_of(lot) == (1.0, Basis.BOOKINGS, 2)


def test_a_slot_of_the_past_counts_stays_that_are_over_and_windows_of_that_time():
    lot = make_shared_lot(spaces=2)
    one = lot.spaces.order_by("pk").first()
    stayed = hold(one, NOW, NOW + hours(1))
    Reservation.objects.filter(pk=stayed.pk).update(status=Status.COMPLETED, space=None)
    ShareWindow.objects.filter(space=one).update(superseded_at=NOW + hours(5))

    found = vacancy_of(lot, now=NOW + hours(10))

    assert found == (0.5, Basis.BOOKINGS, 2)


def test_a_lot_without_open_bays_is_closed_and_not_full():
    lot = make_lot(capacity=200)
    make_window(make_space(lot), NOW + hours(3), NOW + hours(9))

    assert vacancy_of(lot) == (0.0, Basis.CLOSED, 0)


def test_sensors_say_how_full_a_public_lot_is():
    lot = make_public_lot()
    make_slot(lot, NOW, 10.0, newest_reading_at=NOW + timedelta(minutes=12))

    assert vacancy_of(lot) == (0.75, Basis.SEEN, 40)


def test_closed_bays_are_not_open_and_unknown_ones_count_by_the_usual():
    lot = make_public_lot()
    make_slot(lot, NOW, 10.0, unknown_share=0.25, closed_share=0.5)
    _learn(lot, share=0.5)

    assert vacancy_of(lot) == (0.25, Basis.SEEN, 20)


def test_a_stale_slot_gives_way_to_the_profile():
    lot = make_public_lot()
    make_slot(lot, NOW - hours(2), 10.0)
    _learn(lot, share=0.5)

    assert vacancy_of(lot) == (0.5, Basis.PROFILE, 40)


def test_a_stuck_counter_is_not_believed():
    lot = make_public_lot()
    make_slot(lot, NOW, 10.0, quality=OccupancySlot.Quality.STUCK)
    _learn(lot, share=0.5)

    assert vacancy_of(lot)[1] == Basis.PROFILE


def test_a_lot_never_measured_is_as_full_as_its_land_use_at_that_hour():
    lot = make_public_lot()

    assert vacancy_of(lot) == (round(1 - PEAK_SHARE_OF_PRIOR * 0.9, 4), Basis.PRIOR, 40)


def test_the_number_of_queries_does_not_depend_on_the_number_of_lots(django_assert_num_queries):
    for _ in range(3):
        make_public_lot()
        make_shared_lot(spaces=2)
    lots = list(Lot.objects.select_related("access_class"))

    with django_assert_num_queries(5):
        vacancies_in(lots, slot_starts_at=NOW, now=AFTER)


def _learn(lot, *, share):
    OccupancyProfile.objects.create(
        lot=lot,
        day_type=DayType.WORKDAY,
        version=1,
        bays=lot.capacity,
        mean_occupied=[share * lot.capacity] * 96,
        samples=[5] * 96,
        first_date=date(2026, 11, 2),
        last_date=date(2026, 11, 6),
        learned_at=NOW,
    )
