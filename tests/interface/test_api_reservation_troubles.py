"""Staying longer, and somebody else in one's bay, over REST."""

from datetime import datetime, timedelta

import pytest

from allocation import services as allocation
from parking_share import clock
from parking_share.fulfilment.models import Incident
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import record_arrival
from tests.interface.api import asked, driver, shared_lot

pytestmark = pytest.mark.django_db


def parked(calls, lot, *, ends_in=2) -> Reservation:
    """Asked a moment ago and arrived."""
    now = clock.now()
    wish = asked(calls.user, lot, starts_in=0.01, ends_in=ends_in)
    reservation = allocation.request_reservation(driver=calls.user, wish=wish, now=now)
    allocation.decide(lot_id=lot.pk, now=now)
    allocation.assign_arrivals(lot_id=lot.pk, now=now)
    record_arrival(reservation_id=reservation.pk, actor=calls.user, now=now)
    Reservation.objects.filter(pk=reservation.pk).update(held_from=now - timedelta(minutes=1))
    reservation.vehicle_rows.update(held_from=now - timedelta(minutes=1))
    return Reservation.objects.get(pk=reservation.pk)


def test_read_says_how_long_one_can_stay_and_extend_keeps_the_bay_until_then():
    calls, lot = driver(), shared_lot()
    own = parked(calls, lot)

    latest = calls.get(f"reservations/{own.pk}").json()["stay_until"]
    extended = calls.post(f"reservations/{own.pk}/extend", {"until": latest})
    again = calls.post(f"reservations/{own.pk}/extend", {"until": latest})

    assert datetime.fromisoformat(latest) > own.ends_at
    assert (extended.status_code, extended.json()["ends_at"]) == (200, latest)
    assert extended.json()["price_cents"] > own.price_cents
    assert again.json() == extended.json()


def test_extension_beyond_that_is_refused_with_the_time_that_is_possible():
    calls, lot = driver(), shared_lot()
    own = parked(calls, lot)
    latest = datetime.fromisoformat(calls.get(f"reservations/{own.pk}").json()["stay_until"])

    refused = calls.post(f"reservations/{own.pk}/extend", {"until": (latest + timedelta(minutes=15)).isoformat()})

    assert (refused.status_code, refused.json()["code"]) == (409, "no_free_space")
    assert "You can stay until" in refused.json()["detail"]


def test_extension_without_an_instant_is_malformed():
    calls, lot = driver(), shared_lot()
    own = parked(calls, lot)

    for until in (None, "tomorrow", "2026-11-23T10:00:00"):
        assert calls.post(f"reservations/{own.pk}/extend", {"until": until}).status_code == 400


def test_who_waits_or_is_through_has_nothing_to_stay_for():
    calls, lot = driver(), shared_lot()
    wish = asked(calls.user, lot)
    waiting = allocation.request_reservation(driver=calls.user, wish=wish, now=clock.now())

    assert calls.get(f"reservations/{waiting.pk}").json()["stay_until"] is None


def test_a_taken_bay_is_answered_with_another_one_and_twice_with_the_same():
    calls, lot = driver(), shared_lot(spaces=2)
    own = parked(calls, lot)

    first = calls.post(f"reservations/{own.pk}/bay-taken", {"plate": "粤B9999X"})
    second = calls.post(f"reservations/{own.pk}/bay-taken", {"plate": "粤B9999X"})

    moved = Reservation.objects.select_related("space").get(pk=own.pk)
    told = first.json()
    assert (first.status_code, told["outcome"], told["space"]) == (200, "ANOTHER_BAY", moved.space.label)
    assert (told["reservation"]["id"], told["reservation"]["space"]) == (own.pk, moved.space.label)
    assert second.json() == told
    assert "粤B9999X" not in first.content.decode()


def test_a_taken_bay_without_any_other_is_cancelled_free_of_charge_and_the_plate_may_be_left_out():
    calls, lot = driver(), shared_lot()
    own = parked(calls, lot)

    answer = calls.post(f"reservations/{own.pk}/bay-taken")

    assert (answer.status_code, answer.json()["outcome"]) == (200, "FREE_CANCELLATION")
    assert answer.json()["reservation"]["status"] == "RELEASED"


def test_a_report_of_nonsense_is_a_refusal_in_words():
    calls, lot = driver(), shared_lot()
    own = parked(calls, lot)

    refused = calls.post(f"reservations/{own.pk}/bay-taken", {"plate": "?!"})

    assert (refused.status_code, refused.json()["code"]) == (409, "plate_not_recognised")


@pytest.mark.parametrize("path", ["extend", "bay-taken"])
def test_a_strangers_reservation_is_not_there(path):
    calls, stranger, lot = driver(), driver(), shared_lot(spaces=2)
    own = parked(calls, lot)
    body = {"until": (own.ends_at + timedelta(hours=1)).isoformat(), "plate": "粤B9999X"}

    assert stranger.post(f"reservations/{own.pk}/{path}", body).status_code == 404
    assert Incident.objects.count() == 0
    assert Reservation.objects.get(pk=own.pk).ends_at == own.ends_at
