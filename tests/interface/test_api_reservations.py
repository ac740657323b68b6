"""Reservations over REST: what a driver's program sends and reads."""

from datetime import timedelta

import pytest

from allocation import services as allocation
from parking_share import clock
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import expect_arrival
from parking_share.spaces.models import BookingLimits
from tests.factories import make_user
from tests.interface.api import Caller, asked, driver, shared_lot, wish

pytestmark = pytest.mark.django_db


def book(calls, lot, key="one", **times):
    """Ask, let the worker's service decide, and read what came of it."""
    answer = calls.post("reservations", wish(calls, lot, **times), Idempotency_Key=key)
    assert answer.status_code == 202, answer.content
    allocation.decide(lot_id=lot.pk, now=clock.now())
    return calls.get(f"reservations/{answer.json()['id']}").json()


def test_create_answers_202_with_its_address_until_it_is_decided():
    calls, lot = driver(), shared_lot()

    answer = calls.post("reservations", wish(calls, lot), Idempotency_Key="one")

    assert (answer.status_code, answer.json()["status"]) == (202, "REQUESTED")
    assert answer["Location"] == f"/api/v1/reservations/{answer.json()['id']}"
    assert answer["Retry-After"] == "1"
    assert "Preference-Applied" not in answer


def test_read_shows_the_decision_and_hides_the_bay_until_it_is_announced():
    calls, lot = driver(), shared_lot()

    reservation = book(calls, lot)

    assert reservation["status"] == "ACCEPTED"
    assert reservation["reason"] == {"code": "ROOM_FOUND", "sentence": "A bay is kept for you."}
    assert reservation["lot"]["id"] == lot.pk
    assert reservation["space"] is None
    assert reservation["alternatives"] == []
    assert "•" in reservation["vehicles"][0]["plate"]
    assert reservation["price_cents"] > 0


def test_decline_is_an_answer_with_a_reason_and_other_periods():
    lot = shared_lot()
    book(driver(), lot, starts_in=2, ends_in=4)

    declined = book(driver(), lot, starts_in=3.5, ends_in=5.5)

    assert (declined["status"], declined["reason"]["code"]) == ("DECLINED", "NO_FREE_SPACE")
    assert declined["alternatives"]
    offered = {"lot", "distance_m", "starts_at", "ends_at", "price_cents", "currency"}
    assert offered == declined["alternatives"][0].keys()
    assert declined["alternatives"][0]["starts_at"] > declined["starts_at"]


def test_read_of_a_decline_long_past_has_no_alternatives():
    calls, lot = driver(), shared_lot()
    book(driver(), lot)
    declined = book(calls, lot)
    Reservation.objects.filter(pk=declined["id"]).update(
        starts_at=clock.now() - timedelta(days=9), ends_at=clock.now() - timedelta(days=9) + timedelta(hours=2)
    )

    answer = calls.get(f"reservations/{declined['id']}")

    assert (answer.status_code, answer.json()["alternatives"]) == (200, [])


def test_read_with_the_etag_of_an_unchanged_reservation_is_304():
    calls, lot = driver(), shared_lot()
    address = f"reservations/{book(calls, lot)['id']}"

    etag = calls.get(address)["ETag"]

    unchanged = calls.get(address, If_None_Match=etag)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    calls.post(f"{address}/cancel")
    changed = calls.get(address, If_None_Match=etag)
    assert (changed.status_code, changed.json()["status"]) == (200, "CANCELLED")


@pytest.mark.django_db(transaction=True)  # a refused transition ends its transaction
def test_cancel_frees_the_bay_and_is_refused_the_second_time():
    calls, lot = driver(), shared_lot()
    reservation = book(calls, lot)

    cancelled = calls.post(f"reservations/{reservation['id']}/cancel")
    again = calls.post(f"reservations/{reservation['id']}/cancel")

    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "CANCELLED")
    assert (again.status_code, again.json()["code"]) == (409, "not_possible_now")
    assert book(driver(), lot)["status"] == "ACCEPTED"


@pytest.mark.django_db(transaction=True)  # a refused transition ends its transaction
def test_cancel_is_refused_once_a_gate_has_let_the_car_in():
    calls, lot = driver(), shared_lot()
    reservation = book(calls, lot, starts_in=0.1, ends_in=2)
    allocation.assign_arrivals(lot_id=lot.pk, now=clock.now())
    expect_arrival(reservation_id=reservation["id"], now=clock.now())

    answer = calls.post(f"reservations/{reservation['id']}/cancel")

    assert (answer.status_code, answer.json()["code"]) == (409, "car_is_inside")
    assert calls.get(f"reservations/{reservation['id']}").json()["status"] == "ASSIGNED"


@pytest.mark.django_db(transaction=True)  # a refused transition ends its transaction
def test_arrive_and_leave_follow_the_announced_bay():
    calls, lot = driver(), shared_lot()
    reservation = book(calls, lot, starts_in=0.1, ends_in=2)
    address = f"reservations/{reservation['id']}"
    too_early = calls.post(f"{address}/arrive")
    allocation.assign_arrivals(lot_id=lot.pk, now=clock.now())

    announced = calls.get(address).json()
    parked = calls.post(f"{address}/arrive").json()
    left = calls.post(f"{address}/leave").json()

    assert too_early.status_code == 409
    assert (announced["status"], announced["space"]) == ("ASSIGNED", lot.spaces.get().label)
    assert [parked["status"], left["status"]] == ["PARKED", "COMPLETED"]


@pytest.mark.parametrize(
    ("method", "suffix"), [("get", ""), ("post", "/cancel"), ("post", "/arrive"), ("post", "/leave")]
)
def test_a_reservation_of_somebody_else_is_not_there(method, suffix):
    reservation = book(driver(), shared_lot())

    answer = getattr(driver(), method)(f"reservations/{reservation['id']}{suffix}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert Reservation.objects.get().status == "ACCEPTED"


def test_a_car_of_somebody_else_can_not_be_named():
    calls, lot = driver(), shared_lot()
    theirs = wish(driver(), lot)

    answer = calls.post("reservations", theirs, Idempotency_Key="one")

    assert answer.status_code == 400
    assert answer.json()["errors"] == {"vehicles": ["One of these cars is not in your account."]}


@pytest.mark.parametrize(
    ("times", "code"),
    [
        ({"starts_in": 3, "ends_in": 2}, "ends_before_start"),
        ({"starts_in": -2, "ends_in": 2}, "in_the_past"),
        ({"starts_in": 1, "ends_in": 1.1}, "too_short"),
        ({"starts_in": 1, "ends_in": 200}, "too_long"),
        ({"starts_in": 900, "ends_in": 902}, "too_far_ahead"),
    ],
)
def test_a_rule_that_says_no_is_a_409_with_its_code(times, code):
    calls, lot = driver(), shared_lot()

    answer = calls.post("reservations", wish(calls, lot, **times), Idempotency_Key="one")

    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert not Reservation.objects.exists()


def test_limit_of_open_reservations_holds():
    calls, lot = driver(), shared_lot(spaces=3)
    BookingLimits.objects.create(lot=lot, open_requests_per_driver=1)
    calls.post("reservations", wish(calls, lot), Idempotency_Key="one")

    answer = calls.post("reservations", wish(calls, lot), Idempotency_Key="two")

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_open")


def test_list_has_only_the_callers_own_in_pages():
    calls, lot = driver(), shared_lot(spaces=3)
    theirs = book(driver(), lot)
    own = [book(calls, lot, key=f"key{number}", starts_in=number, ends_in=number + 1)["id"] for number in (1, 3)]

    listed = calls.get("reservations").json()
    first_page = calls.get("reservations", {"limit": 1}).json()
    second_page = calls.client.get(first_page["next"], headers=calls.headers).json()

    assert [row["id"] for row in listed["results"]] == own[::-1]
    assert theirs["id"] not in own
    assert [row["id"] for row in first_page["results"] + second_page["results"]] == own[::-1]


@pytest.mark.parametrize("rows", [1, 3])
def test_list_costs_the_same_however_long(django_assert_num_queries, rows):
    user = make_user()
    calls, lot = Caller(user), shared_lot(spaces=3)
    for number in range(rows):
        allocation.request_reservation(driver=user, wish=asked(user, lot, 1 + number, 2 + number), now=clock.now())
    calls.get("reservations")

    with django_assert_num_queries(4):
        calls.get("reservations")


@pytest.mark.parametrize("bays", [1, 3])
def test_detail_of_a_decline_costs_at_most_12_queries(django_assert_num_queries, bays):
    calls, lot = driver(), shared_lot(spaces=bays)
    for _ in range(bays):
        book(driver(), lot)
    declined = book(calls, lot)

    with django_assert_num_queries(11):
        answer = calls.get(f"reservations/{declined['id']}")

    assert answer.json()["status"] == "DECLINED"
