"""Asking for any lot in reach of a point, over REST."""

import pytest

from allocation.areas import decide_area
from parking_share import clock
from parking_share.reservations.models import Reservation
from tests.factories import make_vehicle
from tests.interface.api import driver, period, shared_lot

pytestmark = pytest.mark.django_db

HERE = {"latitude": 22.55, "longitude": 114.11, "radius_m": 400}


def wish(calls, **fields):
    return {"area": HERE, "vehicles": [make_vehicle(calls.user).pk]} | period() | fields


def test_the_answer_names_the_lot_that_was_chosen_and_what_was_weighed():
    calls = driver()
    dear, cheap = shared_lot(peak_rate_cents=6000), shared_lot(peak_rate_cents=600, latitude=22.551)

    asked = calls.post("reservations", wish(calls), Idempotency_Key="one")
    decide_area(reservation_id=asked.json()["id"], now=clock.now())
    chosen = calls.get(f"reservations/{asked.json()['id']}").json()

    assert (asked.status_code, asked.json()["status"]) == (202, "REQUESTED")
    assert asked.json()["area"] == HERE | {"considered": []}
    assert (chosen["status"], chosen["lot"]["id"]) == ("ACCEPTED", cheap.pk)
    best, other = chosen["area"]["considered"]
    assert (best["lot"], best["price_cents"], best["walk_m"], best["refusal"]) == (
        cheap.pk,
        chosen["price_cents"],
        111,
        "",
    )
    assert (other["lot"], other["walk_m"]) == (dear.pk, 0)
    assert best["total"] == pytest.approx(best["price_cents"] + 111 + 30 * best["cost"], abs=0.01)
    assert (other["total"], other["cost"], other["refusal"]) == (None, None, "")


def test_a_request_for_a_lot_has_no_area():
    calls, lot = driver(), shared_lot()

    asked = calls.post(
        "reservations",
        {key: value for key, value in wish(calls, lot=lot.pk).items() if key != "area"},
        Idempotency_Key="one",
    ).json()

    assert (asked["area"], calls.get(f"reservations/{asked['id']}").json()["area"]) == (None, None)


def test_the_same_key_asks_once():
    calls = driver()
    shared_lot()
    body = wish(calls)

    first = calls.post("reservations", body, Idempotency_Key="one")
    decide_area(reservation_id=first.json()["id"], now=clock.now())
    again = calls.post("reservations", body, Idempotency_Key="one")

    assert Reservation.objects.count() == 1
    assert (again.status_code, again.json()["id"], again["Idempotent-Replayed"]) == (201, first.json()["id"], "true")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        pytest.param({"lot": 1}, "lot", id="lot and area"),
        pytest.param({"area": None}, "area", id="no area"),
        pytest.param({"area": HERE | {"radius_m": 49}}, "area", id="too near"),
        pytest.param({"area": HERE | {"radius_m": 2001}}, "area", id="too far"),
        pytest.param({"area": HERE | {"latitude": 91}}, "area", id="off the globe"),
        pytest.param({"area": {"latitude": 1}}, "area", id="half a point"),
    ],
)
def test_what_is_no_area_is_refused_by_name(fields, named):
    calls, lot = driver(), shared_lot()
    if "lot" in fields:
        fields = {"lot": lot.pk}

    answer = calls.post("reservations", wish(calls, **fields), Idempotency_Key="one")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [named])


def test_neither_a_lot_nor_an_area_is_refused():
    calls = driver()
    body = wish(calls)
    del body["area"]

    answer = calls.post("reservations", body, Idempotency_Key="one")

    assert answer.json()["errors"] == {"lot": ["Name a lot or an area, and not both."]}


def test_an_area_without_lots_is_a_rule_that_says_no():
    calls = driver()

    answer = calls.post("reservations", wish(calls), Idempotency_Key="one")

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_in_reach")


def test_somebody_elses_area_is_not_there():
    calls, stranger = driver(), driver()
    shared_lot()
    asked = calls.post("reservations", wish(calls), Idempotency_Key="one").json()

    assert stranger.get(f"reservations/{asked['id']}").status_code == 404
