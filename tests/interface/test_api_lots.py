"""Looking for a bay over REST, without an account too."""

import pytest
from django.core.cache import caches

from parking_share import clock
from parking_share.api.throttles import SearchThrottle
from parking_share.spaces.models import Space
from tests.factories import NOW, hours, make_lot, make_shared_lot, make_space, make_user, make_window
from tests.interface.api import Caller, period, shared_lot

HERE = {"latitude": 22.55, "longitude": 114.11}

pytestmark = pytest.mark.django_db


def search(**asked):
    return Caller().get("lots", HERE | period() | asked)


def test_search_counts_bays_for_exactly_the_period_nearest_first():
    far = shared_lot(name="far", latitude=22.553, spaces=2)
    near = shared_lot(name="near", latitude=22.551)
    too_short = make_lot(name="too short", latitude=22.552)
    make_window(make_space(too_short), clock.now(), clock.now() + hours(2))
    shared_lot(name="outside", latitude=22.6)
    shared_lot(name="closed", is_open=False)

    answer = search(radius_m=800)

    assert answer.status_code == 200
    rows = answer.json()["results"]
    assert [(row["lot"]["id"], row["bays_free"]) for row in rows] == [(near.pk, 1), (too_short.pk, 0), (far.pk, 2)]
    assert [row["distance_m"] for row in rows] == [112, 223, 334]
    assert rows[0]["price_cents"] > 0
    assert rows[0]["lot"]["entrance"] == {"latitude": 22.551, "longitude": 114.11}


def test_search_counts_residents_bays_for_residents_alone():
    lot = shared_lot()
    lot.spaces.update(admits=Space.Admits.RESIDENTS)
    resident = make_user()
    lot.residents.create(user=resident)

    strangers = search().json()["results"]
    theirs = Caller(resident).get("lots", HERE | period()).json()["results"]

    assert (strangers[0]["bays_free"], theirs[0]["bays_free"]) == (0, 1)


def test_search_for_a_charger_counts_bays_with_one():
    lot = shared_lot(spaces=2)
    Space.objects.filter(pk=lot.spaces.first().pk).update(has_charger=True)

    answer = search(needs_charger="true")

    assert answer.json()["results"][0]["bays_free"] == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"latitude": 91}, "latitude"),
        ({"latitude": "nan"}, "latitude"),
        ({"longitude": "inf"}, "longitude"),
        ({"radius_m": 5001}, "radius_m"),
        ({"radius_m": 0}, "radius_m"),
        ({"starts_at": "2026-11-23T10:00:00"}, "starts_at"),
        (period(3, 3), "ends_at"),
        (period(0, 24 * 32), "ends_at"),
        ({"needs_charger": "perhaps"}, "needs_charger"),
        ({"limit": 101}, "limit"),
    ],
)
def test_search_refuses_what_is_out_of_bounds(asked, field):
    answer = search(**asked)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


@pytest.mark.parametrize("lots", [1, 3])
def test_search_costs_the_same_however_many_lots(django_assert_num_queries, lots):
    for _ in range(lots):
        shared_lot(spaces=2)

    with django_assert_num_queries(3):
        answer = search()

    assert len(answer.json()["results"]) == lots


def test_search_with_nothing_near_is_an_empty_list():
    assert search().json() == {"count": 0, "next": None, "previous": None, "results": []}


def test_quote_tells_price_and_bays_of_one_lot():
    lot = make_shared_lot(peak_rate_cents=600)
    asked = {"starts_at": (NOW + hours(1)).isoformat(), "ends_at": (NOW + hours(3)).isoformat()}

    quoted = Caller().get(f"lots/{lot.pk}/quote", asked).json()
    read = Caller().get(f"lots/{lot.pk}").json()

    assert quoted["lot"] == read
    assert quoted["bays_free"] == 1
    assert 0 < quoted["price_cents"] <= 1200
    assert quoted["currency"] == "CNY"


def test_quote_of_a_closed_lot_has_no_bays():
    lot = shared_lot(is_open=False)

    quoted = Caller().get(f"lots/{lot.pk}/quote", period()).json()

    assert (quoted["bays_free"], quoted["lot"]["is_open"]) == (0, False)


def test_strangers_who_search_too_often_have_to_wait(monkeypatch):
    monkeypatch.setattr(SearchThrottle, "rate", "2/min", raising=False)
    caches["process"].clear()
    lot = shared_lot()

    answers = [Caller().get(f"lots/{lot.pk}/quote", period()) for _ in range(3)]
    signed_in = Caller(make_user()).get(f"lots/{lot.pk}/quote", period())

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 0
    assert signed_in.status_code == 200
    caches["process"].clear()
