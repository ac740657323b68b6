"""Booking any lot in reach of a point: from the search to the reason why this lot was chosen."""

from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.urls import reverse

from allocation import services
from allocation.areas import decide_area
from parking_share import clock
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle
from tests.interface.pages import MOST_QUERIES, client_of, make_reservation, queries_of, text_of

pytestmark = pytest.mark.django_db
PAGE = reverse("web:book_nearby")
HERE = {"lat": "22.55", "lon": "114.11", "radius": "400", "where": "罗湖"}
TIMES = {"from": "2026-11-23T00:00Z", "until": "2026-11-23T02:00Z"}


@pytest.fixture(autouse=True)
def clock_stands_still(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def driver():
    return make_user()


@pytest.fixture
def lots():
    """A dear one here and a cheap one a little further off."""
    return make_shared_lot(peak_rate_cents=6000), make_shared_lot(peak_rate_cents=600, latitude=22.552)


def data_of(car, **fields):
    return HERE | TIMES | {"vehicle": str(car.pk), "token": str(uuid4())} | fields


def booked(driver) -> Reservation:
    client_of(driver).post(PAGE, data_of(make_vehicle(driver)))
    return Reservation.objects.get(driver=driver)


def detail(reservation):
    return text_of(client_of(reservation.driver).get(reverse("web:reservation", args=[reservation.pk])))


def test_search_leads_to_a_page_that_shows_what_is_in_reach(driver, lots):
    client = client_of(driver)
    found = client.get(
        reverse("web:search"), {"where": "罗湖", "from": "2026-11-23T08:00", "until": "2026-11-23T10:00"}
    )
    page = client.get(PAGE, HERE | TIMES)

    assert f'action="{PAGE}"' in found.content.decode()
    assert [offer.lot for offer in page.context["offers"]] == list(lots)
    assert "Any car park within 400 m Around 罗湖" in text_of(page)
    assert "2 in reach, 2 with a free bay now" in text_of(page)


def test_the_reservation_says_which_lot_was_chosen_and_why(driver, lots):
    dear, cheap = lots
    reservation = booked(driver)
    waiting = detail(reservation)
    listed = text_of(client_of(driver).get(reverse("web:reservations")))
    decide_area(reservation_id=reservation.pk, now=NOW)
    chosen = detail(reservation)

    reservation.refresh_from_db()
    assert (reservation.lot, reservation.status) == (cheap, Status.ACCEPTED)
    assert "Any car park within 400 m" in waiting
    assert "Any car park within 400 m" in listed
    assert dear.name not in waiting + listed
    assert f"¥{reservation.price_cents // 100}" not in waiting
    assert chosen.startswith(f"{cheap.name} · ")
    assert "A bay is kept for you." in chosen
    assert "Of the car parks within 400 m this one is the best for you" in chosen
    assert "200 m on foot." in chosen
    assert f"{dear.name} " in chosen
    assert "costs more in all" in chosen


def test_a_decline_says_of_every_lot_why_not(driver):
    full, strict = make_shared_lot(), make_shared_lot(starts_at=NOW + hours(1))
    make_reservation(make_user(), full)
    reservation = booked(driver)

    decide_area(reservation_id=reservation.pk, now=NOW)
    words = detail(reservation)

    assert "None of the car parks within 400 m could take you." in words
    assert words.count("No bay is free for the whole period.") == 3
    assert {full.name, strict.name} <= {word for word in (full.name, strict.name) if word in words}


def test_a_form_that_is_sent_twice_books_once(driver, lots):
    client, data = client_of(driver), data_of(make_vehicle(driver))

    first, again = client.post(PAGE, data), client.post(PAGE, data)
    other = client.post(PAGE, data | {"radius": "800"})

    assert Reservation.objects.count() == 1
    assert first.url == again.url
    assert "This form has made a reservation already." in text_of(other)


def test_nothing_in_reach_is_said_in_a_sentence(driver):
    page = client_of(driver).post(PAGE, data_of(make_vehicle(driver)))

    assert "No car park in reach takes reservations. Search in a larger circle." in text_of(page)


def test_a_refusal_stands_in_the_form(driver, lots):
    past = {"from": "2026-11-22T00:00Z", "until": "2026-11-22T02:00Z"}

    page = client_of(driver).post(PAGE, data_of(make_vehicle(driver), **past))

    assert "The start lies in the past." in text_of(page)
    assert not Reservation.objects.exists()


@pytest.mark.parametrize("spoiled", [{"radius": "9"}, {"lat": "north"}, {"from": ""}])
def test_a_link_that_makes_no_sense_leads_to_the_landing_page(driver, spoiled):
    assert client_of(driver).get(PAGE, HERE | TIMES | spoiled).url == reverse("web:landing")


def test_a_period_that_ends_before_it_starts_leads_back_to_the_search(driver, lots):
    answer = client_of(driver).get(PAGE, HERE | {"from": TIMES["until"], "until": TIMES["from"]})

    assert urlsplit(answer.url).path == reverse("web:search")
    assert parse_qs(urlsplit(answer.url).query)["lat"] == ["22.55"]
    assert "The end must lie after the start." in text_of(client_of(driver).get(answer.url))


def test_a_stranger_sees_nothing_of_it(driver, lots):
    reservation = booked(driver)
    services.decide(lot_id=reservation.lot_id, now=NOW)

    assert client_of(make_user()).get(reverse("web:reservation", args=[reservation.pk])).status_code == 404


@pytest.mark.parametrize("others", [0, 2])
def test_pages_take_few_queries_however_many_lots_are_in_reach(driver, lots, others):
    for _ in range(others):
        make_shared_lot()
    reservation = booked(driver)
    decide_area(reservation_id=reservation.pk, now=NOW)
    client = client_of(driver)
    query = "&".join(f"{name}={value}" for name, value in (HERE | TIMES).items())

    assert queries_of(client, f"{PAGE}?{query}") <= MOST_QUERIES
    assert queries_of(client, reverse("web:reservation", args=[reservation.pk])) == 7
