"""Rules of the trade: who may use which bay, what a period means, which holds count."""

from datetime import timedelta

import pytest

from allocation import services
from parking_share.accounts.models import SizeClass
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import Question, bays_free
from parking_share.reservations.services import RequestRefused, Wish
from parking_share.reservations.states import Reason, Status
from parking_share.spaces.models import BookingLimits, Resident, Space
from tests.factories import NOW, hours, make_lot, make_shared_lot, make_space, make_user, make_vehicle, make_window

pytestmark = pytest.mark.django_db


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def ask(lot, starts_in=1.0, ends_in=3.0, *, driver=None, vehicle=None, now=NOW, **needs) -> Reservation:
    driver = driver or make_user()
    wish = Wish(
        lot=lot,
        vehicles=[vehicle or make_vehicle(driver)],
        starts_at=NOW + hours(starts_in),
        ends_at=NOW + hours(ends_in),
        **needs,
    )
    return services.request_reservation(driver=driver, wish=wish, now=now)


def decided(lot, *arguments, now=NOW, **fields) -> Reservation:
    reservation = ask(lot, *arguments, now=now, **fields)
    services.decide(lot_id=lot.pk, now=now)
    reservation.refresh_from_db()
    return reservation


def free(lot, starts_in=1.0, ends_in=3.0, *, now=NOW, **needs) -> int:
    question = Question(starts_at=NOW + hours(starts_in), ends_at=NOW + hours(ends_in), **needs)
    return bays_free([lot.pk], question, now=now)[lot.pk]


def test_bay_is_free_again_at_the_minute_the_last_one_ends():
    lot = make_shared_lot()

    assert decided(lot, 0, 2).status == Status.ACCEPTED
    assert free(lot, 2, 4) == 1
    assert decided(lot, 2, 4).status == Status.ACCEPTED
    assert decided(lot, 1, 3).status == Status.DECLINED


def test_request_may_cross_from_one_window_into_the_next():
    space = make_space(make_lot())
    make_window(space, NOW, NOW + hours(2))
    make_window(space, NOW + hours(2), NOW + hours(4))

    assert decided(space.lot, 1, 3).status == Status.ACCEPTED


def test_request_may_not_cross_a_gap_between_windows():
    space = make_space(make_lot())
    make_window(space, NOW, NOW + hours(2))
    make_window(space, NOW + hours(2.25), NOW + hours(4))

    assert decided(space.lot, 1, 3).status == Status.DECLINED


def test_lapsed_hold_blocks_nobody_though_no_job_ran():
    lot = make_shared_lot()
    no_show = decided(lot, 1, 6)
    after_grace = NOW + hours(2.1)

    assert free(lot, 3, 5, now=NOW + hours(1.9)) == 0
    assert free(lot, 3, 5, now=after_grace) == 1
    assert decided(lot, 3, 5, now=after_grace).status == Status.ACCEPTED
    no_show.refresh_from_db()
    assert no_show.status == Status.RELEASED


def test_announced_driver_who_does_not_come_is_a_no_show():
    lot = make_shared_lot()
    no_show = decided(lot, 1, 6)
    services.assign_arrivals(lot_id=lot.pk, now=NOW + hours(0.9))

    assert decided(lot, 3, 5, now=NOW + hours(2.1)).status == Status.ACCEPTED
    no_show.refresh_from_db()
    assert (no_show.status, no_show.reason) == (Status.EXPIRED, Reason.NO_SHOW)


def test_car_whose_hold_lapsed_elsewhere_may_be_booked_at_once():
    here, elsewhere = make_shared_lot(), make_shared_lot()
    driver = make_user()
    car = make_vehicle(driver)
    missed = decided(elsewhere, 1, 6, driver=driver, vehicle=car)

    again = decided(here, 3, 5, driver=driver, vehicle=car, now=NOW + hours(2.1))

    missed.refresh_from_db()
    assert (missed.status, again.status) == (Status.RELEASED, Status.ACCEPTED)


def test_cancelled_reservation_frees_its_bay_and_its_car_at_once():
    lot = make_shared_lot()
    driver = make_user()
    car = make_vehicle(driver)
    first = decided(lot, driver=driver, vehicle=car)

    services.reservation_services.cancel_reservation(reservation_id=first.pk, actor=driver, now=NOW)

    assert free(lot) == 1
    assert decided(lot, driver=driver, vehicle=car).status == Status.ACCEPTED


@pytest.mark.parametrize(
    ("window", "period", "accepted"),
    [
        ((0, 60), (5, 50), True),
        ((0, 60), (0, 60), True),
        ((5, 65), (10, 55), False),
        ((5, 65), (15, 60), True),
        ((0, 55), (15, 50), False),
        ((0, 55), (15, 45), True),
    ],
)
def test_requests_are_rounded_outward_and_windows_inward(window, period, accepted):
    space = make_space(make_lot())
    make_window(space, NOW + minutes(60 + window[0]), NOW + minutes(60 + window[1]))

    reservation = decided(space.lot, 1 + period[0] / 60, 1 + period[1] / 60)

    assert (reservation.status == Status.ACCEPTED) is accepted


def test_bill_is_for_the_minutes_asked_not_for_the_slots():
    lot = make_shared_lot(peak_rate_cents=600)
    exact, odd = ask(lot, 1, 2), ask(lot, 1, 1 + 50 / 60)

    assert odd.price_cents == pytest.approx(exact.price_cents * 50 / 60, abs=1)


@pytest.mark.parametrize(
    ("car", "bay", "fits"),
    [
        ({"size": SizeClass.LARGE}, {"size": SizeClass.STANDARD}, False),
        ({"size": SizeClass.LARGE}, {"size": SizeClass.LARGE}, True),
        ({"size": SizeClass.COMPACT}, {"size": SizeClass.LARGE}, True),
        ({"height_cm": 200}, {"height_limit_cm": 190}, False),
        ({"height_cm": 190}, {"height_limit_cm": 190}, True),
        ({"height_cm": 250}, {}, True),
    ],
)
def test_car_gets_only_a_bay_it_fits(car, bay, fits):
    space = make_space(make_lot(), **bay)
    make_window(space, NOW, NOW + hours(12))
    driver = make_user()
    vehicle = make_vehicle(driver, **car)

    assert free(space.lot, vehicles=(vehicle,)) == int(fits)
    assert (decided(space.lot, driver=driver, vehicle=vehicle).status == Status.ACCEPTED) is fits


@pytest.mark.parametrize(
    ("bay", "needs", "suits"),
    [
        ({"has_charger": True}, {"needs_charger": True}, True),
        ({"has_charger": True}, {}, False),
        ({}, {"needs_charger": True}, False),
        ({"is_accessible": True}, {"needs_accessible": True}, True),
        ({"is_accessible": True}, {}, False),
        ({}, {"needs_accessible": True}, False),
    ],
)
def test_chargers_and_accessible_bays_are_for_those_who_need_them(bay, needs, suits):
    space = make_space(make_lot(), **bay)
    make_window(space, NOW, NOW + hours(12))
    driver = make_user(has_accessible_permit=True)

    assert free(space.lot, driver=driver, **needs) == int(suits)
    assert (decided(space.lot, driver=driver, **needs).status == Status.ACCEPTED) is suits


def test_residents_bays_are_for_residents_of_that_lot():
    space = make_space(make_lot(), admits=Space.Admits.RESIDENTS)
    make_window(space, NOW, NOW + hours(12))
    resident, neighbour, stranger = make_user(), make_user(), make_user()
    Resident.objects.create(lot=space.lot, user=resident)
    Resident.objects.create(lot=make_lot(), user=neighbour)

    assert [free(space.lot, driver=person) for person in (resident, neighbour, stranger, None)] == [1, 0, 0, 0]
    assert decided(space.lot, driver=neighbour).status == Status.DECLINED
    assert decided(space.lot, driver=stranger).status == Status.DECLINED
    assert decided(space.lot, driver=resident).status == Status.ACCEPTED


def test_listed_bay_is_for_the_people_on_its_list():
    space = make_space(make_lot(), admits=Space.Admits.LISTED)
    make_window(space, NOW, NOW + hours(12))
    guest, stranger = make_user(), make_user()
    space.guests.add(guest)

    assert [free(space.lot, driver=person) for person in (guest, stranger, None)] == [1, 0, 0]
    assert decided(space.lot, driver=stranger).status == Status.DECLINED
    assert decided(space.lot, driver=guest).status == Status.ACCEPTED


@pytest.mark.parametrize("standing", [Space.Standing.PENDING, Space.Standing.PAUSED])
def test_bay_that_is_not_approved_is_nobodys(standing):
    space = make_space(make_lot(), standing=standing)
    make_window(space, NOW, NOW + hours(12))

    assert free(space.lot) == 0
    assert decided(space.lot).status == Status.DECLINED


def test_car_is_promised_one_bay_at_a_time_whoever_registered_it():
    lot = make_shared_lot(spaces=3)
    owner, partner = make_user(), make_user()
    mine, ours = make_vehicle(owner, plate="粤B1X345"), make_vehicle(partner, plate="粤b·1x345")

    first, second = ask(lot, driver=owner, vehicle=mine), ask(lot, driver=partner, vehicle=ours)
    services.decide(lot_id=lot.pk, now=NOW)

    first.refresh_from_db()
    second.refresh_from_db()
    assert first.status == Status.ACCEPTED
    assert (second.status, second.reason) == (Status.DECLINED, Reason.VEHICLE_IS_BOOKED)
    assert decided(lot, 3, 5, driver=partner, vehicle=ours).status == Status.ACCEPTED


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"starts_in": 1, "ends_in": 1}, "ends_before_start"),
        ({"starts_in": 2, "ends_in": 1}, "ends_before_start"),
        ({"starts_in": -1, "ends_in": 1}, "in_the_past"),
        ({"starts_in": -0.2, "ends_in": 0}, "in_the_past"),
        ({"starts_in": 1, "ends_in": 1.4}, "too_short"),
        ({"starts_in": 1, "ends_in": 5.1}, "too_long"),
        ({"starts_in": 49, "ends_in": 50}, "too_far_ahead"),
    ],
)
def test_request_outside_the_limits_is_refused_by_name(change, code):
    lot = make_shared_lot()
    BookingLimits.objects.create(lot=lot, shortest_stay_min=30, longest_stay_min=240, furthest_ahead_days=2)

    with pytest.raises(RequestRefused) as refusal:
        ask(lot, **change)

    assert refusal.value.code == code


@pytest.mark.parametrize(("starts_in", "ends_in"), [(1, 1.5), (1, 5), (48, 49), (-0.2, 1)])
def test_request_at_the_edge_of_the_limits_is_taken(starts_in, ends_in):
    lot = make_shared_lot()
    BookingLimits.objects.create(lot=lot, shortest_stay_min=30, longest_stay_min=240, furthest_ahead_days=2)

    assert ask(lot, starts_in, ends_in).status == Status.REQUESTED


def test_limit_of_open_requests_counts_what_is_open_only():
    lot = make_shared_lot(spaces=4)
    BookingLimits.objects.create(lot=lot, open_requests_per_driver=2)
    driver = make_user()
    first, _second = ask(lot, 1, 2, driver=driver), ask(lot, 2, 3, driver=driver)

    with pytest.raises(RequestRefused) as refusal:
        ask(lot, 3, 4, driver=driver)
    services.reservation_services.cancel_reservation(reservation_id=first.pk, actor=driver, now=NOW)

    assert refusal.value.code == "too_many_open"
    assert ask(lot, 3, 4, driver=driver).status == Status.REQUESTED
    assert ask(lot, 3, 4).status == Status.REQUESTED


def test_closed_lot_takes_no_request_and_declines_what_waits():
    lot = make_shared_lot()
    waiting = ask(lot)
    type(lot).objects.filter(pk=lot.pk).update(is_open=False)
    lot.refresh_from_db()

    services.decide(lot_id=lot.pk, now=NOW)

    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == (Status.DECLINED, Reason.LOT_CLOSED)
    with pytest.raises(RequestRefused) as refusal:
        ask(lot)
    assert refusal.value.code == "lot_closed"


def test_request_that_waited_past_its_end_is_declined_with_the_reason():
    lot = make_shared_lot()
    waiting = ask(lot, 0, 0.5)

    services.decide(lot_id=lot.pk, now=NOW + hours(1))

    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == (Status.DECLINED, Reason.TOO_LATE)


def test_accessible_bay_needs_a_permit():
    with pytest.raises(RequestRefused) as refusal:
        ask(make_shared_lot(), needs_accessible=True)

    assert refusal.value.code == "no_accessible_permit"
