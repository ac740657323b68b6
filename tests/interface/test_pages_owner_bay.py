"""The owner's first question: is somebody in my bay, until when, and does it come back on time?"""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from parking_share import clock
from parking_share.fulfilment.returns import Returns
from parking_share.reservations.services import record_departure
from parking_share.web.owner_bay import BayNow
from sensors.models import Occupancy
from sensors.selectors import NEVER_HEARD
from tests.domain.lives import accepted, parked, sense
from tests.factories import NOW, hours, make_lot, make_space, make_user, make_window
from tests.interface.pages import MOST_QUERIES, client_of, queries_of, text_of

pytestmark = pytest.mark.django_db

WINDOW_ENDS = NOW + hours(4)


@pytest.fixture
def bay():
    space = make_space(make_lot(), owner=make_user(), label="B-12")
    make_window(space, NOW, WINDOW_ENDS)
    return space


def shown_at(bay, monkeypatch, now) -> str:
    monkeypatch.setattr(clock, "now", lambda: now)
    response: Any = client_of(bay.owner).get(reverse("web:owner_space", args=[bay.pk]))
    return text_of(response)


def test_a_bay_without_sensor_and_booking_says_what_is_known(bay, monkeypatch):
    shown = shown_at(bay, monkeypatch, NOW + hours(1))

    assert "Nobody has booked it now. This bay has no sensor" in shown
    assert "You share it at this hour." in shown
    assert "It is yours at this hour." in shown_at(bay, monkeypatch, WINDOW_ENDS)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (
            Occupancy.OCCUPIED,
            "A car, and nobody has booked the bay now. If it is not yours, tell the property manager.",
        ),
        (Occupancy.FREE, "○ Free."),
        (Occupancy.CLOSED, "✕ Closed."),
    ],
)
def test_what_the_sensor_says_is_told_with_its_age(bay, monkeypatch, state, said):
    sense(bay, state, at=NOW + hours(1))

    shown = shown_at(bay, monkeypatch, NOW + hours(3))

    assert said in shown
    assert "The sensor was heard 2 hours ago." in shown


def test_a_booked_bay_says_until_when_and_whether_somebody_came(bay, monkeypatch):
    stay = accepted(bay.lot)
    coming = shown_at(bay, monkeypatch, NOW + hours(1.1))
    sense(bay, Occupancy.FREE, at=NOW + hours(1))
    empty = shown_at(bay, monkeypatch, NOW + hours(1.2))
    sense(bay, Occupancy.OCCUPIED, at=NOW + hours(1.3))
    taken = shown_at(bay, monkeypatch, NOW + hours(1.3))

    assert "The bay is booked until Mon 23 Nov 11:00 ; the driver has not come yet." in coming
    assert "Nobody yet. The bay is booked until Mon 23 Nov 11:00 ." in empty
    assert "A car. The bay is booked until Mon 23 Nov 11:00 ." in taken
    assert str(stay.driver) not in coming + empty + taken


def test_a_driver_in_the_bay_is_told_until_when_and_past_the_end_what_happens(bay, monkeypatch):
    stay = parked(bay.lot, ends_in=2)

    assert "A driver with a booking, until Mon 23 Nov 10:00 ." in shown_at(bay, monkeypatch, NOW + hours(1.5))
    type(stay).objects.filter(pk=stay.pk).update(held_until=NOW + hours(2.5))
    late = shown_at(bay, monkeypatch, NOW + hours(2.1))
    assert "A driver whose booking ended on Mon 23 Nov 10:00 ." in late
    assert "pays for the delay" in late


def test_back_on_time_comes_with_its_base(bay, monkeypatch):
    assert "Back on time No data yet." in shown_at(bay, monkeypatch, NOW)
    stay = parked(bay.lot)
    record_departure(reservation_id=stay.pk, actor=None, now=NOW + hours(3))

    assert "Back on time 100.0 % of 1 share No car was ever there after your shared hours." in shown_at(
        bay, monkeypatch, NOW + hours(24)
    )


def test_a_late_return_is_not_rounded_away(bay, monkeypatch):
    bay_now = BayNow(view=NEVER_HEARD, booking=None, is_shared_now=False, returns=Returns(shares=3000, on_time=2999))
    late = parked(bay.lot, ends_in=4)
    record_departure(reservation_id=late.pk, actor=None, now=WINDOW_ENDS + timedelta(minutes=16))

    assert bay_now.per_cent_on_time == 99.9
    assert "0.0 % of 1 share 1 time a car was still there" in shown_at(bay, monkeypatch, NOW + hours(24))


def test_the_page_costs_the_same_with_much_going_on(bay, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW + hours(1.5))
    client, url = client_of(bay.owner), reverse("web:owner_space", args=[bay.pk])
    before = queries_of(client, url)
    parked(bay.lot)
    sense(bay, Occupancy.OCCUPIED, at=NOW + hours(1.5))

    assert queries_of(client, url) == before <= MOST_QUERIES
