from datetime import timedelta

import pytest

from allocation.extending import ExtensionRefused, extend_reservation
from allocation.selectors import can_stay_until
from parking_share.reservations.services import cancel_reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import BookingLimits, ShareWindow
from tests.domain.lives import accepted, announced, asked, broken_promises_of_the_database, fresh, parked
from tests.factories import NOW, hours, make_shared_lot, make_space, make_user, make_vehicle, make_window

pytestmark = pytest.mark.django_db


def extend(reservation, ends_in, *, now=None):
    now = now or NOW + hours(1.5)
    return extend_reservation(
        reservation_id=reservation.pk, actor=reservation.driver, until=NOW + hours(ends_in), now=now
    )


def test_a_driver_can_stay_as_long_as_the_bay_is_shared():
    reservation = parked(make_shared_lot(ends_at=NOW + hours(5)))

    assert can_stay_until(reservation, now=NOW + hours(1)) == NOW + hours(5)


def test_a_driver_can_stay_until_the_next_one_comes():
    lot = make_shared_lot()
    reservation = parked(lot)
    accepted(lot, starts_in=4, ends_in=5)

    assert can_stay_until(reservation, now=NOW + hours(1)) == NOW + hours(4)


def test_a_slot_is_not_promised_twice_however_late_in_it_the_next_one_comes():
    lot = make_shared_lot()
    reservation = parked(lot)
    accepted(lot, starts_in=4 + 10 / 60, ends_in=5)

    assert can_stay_until(reservation, now=NOW + hours(1)) == NOW + hours(4)


def test_a_driver_can_stay_until_the_same_car_is_due_elsewhere_or_the_longest_stay_is_over():
    driver = make_user()
    car = make_vehicle(driver)
    lot = make_shared_lot()
    reservation = parked(lot, driver=driver, car=car)
    later = accepted(make_shared_lot(), starts_in=3.5, ends_in=4, driver=driver, car=car)

    assert can_stay_until(reservation, now=NOW + hours(1)) == NOW + hours(3.5)
    cancel_reservation(reservation_id=later.pk, actor=driver, now=NOW)
    BookingLimits.objects.create(lot=lot, longest_stay_min=180)
    assert can_stay_until(reservation, now=NOW + hours(1)) == NOW + hours(4)


def test_before_a_bay_is_announced_any_that_suits_may_do():
    lot = make_shared_lot(ends_at=NOW + hours(4))
    longest = make_space(lot)
    make_window(longest, NOW + hours(1), NOW + hours(9))
    unfit = make_space(lot, has_charger=True)
    make_window(unfit, NOW, NOW + hours(12))
    reservation = accepted(lot)

    assert can_stay_until(reservation, now=NOW) == NOW + hours(9)
    extended = extend(reservation, 8, now=NOW)
    assert (extended.space, extended.status, extended.ends_at) == (longest, Status.ACCEPTED, NOW + hours(8))
    assert broken_promises_of_the_database(NOW) == {}


def test_there_is_no_staying_after_the_end_or_without_a_bay_or_in_a_closed_lot():
    lot = make_shared_lot()
    reservation, waiting = parked(lot), asked(lot)

    assert can_stay_until(reservation, now=reservation.ends_at) == reservation.ends_at
    assert can_stay_until(waiting, now=NOW) == waiting.ends_at
    lot.is_open = False
    lot.save(update_fields=["is_open"])
    assert can_stay_until(fresh(reservation), now=NOW) == reservation.ends_at


def test_withdrawn_hours_are_not_extended():
    reservation = parked(make_shared_lot())
    ShareWindow.objects.update(superseded_at=NOW + hours(1))

    assert can_stay_until(reservation, now=NOW + hours(2)) == reservation.ends_at


def test_an_extension_is_held_billed_and_recorded():
    reservation = parked(make_shared_lot())
    price = reservation.price_cents

    extended = extend(reservation, 4)

    assert (extended.ends_at, extended.held_until, extended.status) == (NOW + hours(4), NOW + hours(4), Status.PARKED)
    assert extended.price_cents == price + price // 2
    event = extended.events.last()
    assert (event.reason, event.actor, event.ends_at) == ("EXTENDED", reservation.driver, NOW + hours(4))
    assert broken_promises_of_the_database(NOW + hours(3)) == {}


def test_the_same_extension_twice_is_one():
    reservation = parked(make_shared_lot())

    first, second = extend(reservation, 4), extend(reservation, 4)

    assert first.price_cents == second.price_cents
    assert second.events.filter(reason="EXTENDED").count() == 1


def test_an_announced_bay_is_extended_only_where_it_is():
    lot = make_shared_lot(ends_at=NOW + hours(4))
    reservation = announced(lot)
    make_window(make_space(lot), NOW, NOW + hours(12))

    with pytest.raises(ExtensionRefused) as refusal:
        extend(reservation, 5, now=NOW + hours(1))

    assert (refusal.value.code, refusal.value.until) == ("no_free_space", NOW + hours(4))
    assert "12:00" in refusal.value.sentence


def test_extension_is_refused_with_its_reason():
    lot = make_shared_lot()
    reservation = parked(lot)
    accepted(lot, starts_in=3, ends_in=5)
    codes = {}
    for name, ends_in, now in (
        ("next", 4, NOW + hours(2)),
        ("back", 2.5, NOW + hours(2)),
        ("over", 4, NOW + hours(3)),
    ):
        with pytest.raises(ExtensionRefused) as refusal:
            extend(reservation, ends_in, now=now)
        codes[name] = refusal.value.code

    assert codes == {"next": "no_free_space", "back": "ends_before", "over": "not_possible_now"}
    assert fresh(reservation).ends_at == NOW + hours(3)


def test_what_can_be_stayed_can_be_booked_and_not_a_minute_more():
    lot = make_shared_lot(spaces=2, ends_at=NOW + hours(6))
    reservation = parked(lot)
    accepted(lot, starts_in=4.5, ends_in=6)
    latest = can_stay_until(reservation, now=NOW + hours(1))

    with pytest.raises(ExtensionRefused):
        extend_reservation(
            reservation_id=reservation.pk, actor=None, until=latest + timedelta(minutes=1), now=NOW + hours(2)
        )
    extended = extend_reservation(reservation_id=reservation.pk, actor=None, until=latest, now=NOW + hours(2))
    assert extended.ends_at == latest
    assert broken_promises_of_the_database(NOW + hours(2)) == {}
