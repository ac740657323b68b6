from datetime import UTC, datetime

import pytest
from django.urls import reverse

from allocation import services
from parking_share import clock
from parking_share.accounts.models import Vehicle
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import BookingLimits
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle
from tests.interface.pages import booking_data, client_of, make_reservation, queries_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock_stands_still(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


def booking_page(lot):
    return reverse("web:book", args=[lot.pk])


def test_booking_asks_for_the_log_in_and_comes_back(client):
    lot = make_shared_lot()
    address = f"{booking_page(lot)}?from=2026-11-23T00:00Z&until=2026-11-23T02:00Z"

    response = client.get(address)

    assert response.status_code == 302
    assert response.url.startswith("/account/login/?next=/book/")


def test_booking_page_shows_the_price_of_the_whole_period():
    lot = make_shared_lot(spaces=2, peak_rate_cents=1200)
    client = client_of(make_user())

    page = client.get(f"{booking_page(lot)}?from=2026-11-23T00:00Z&until=2026-11-23T02:00Z")

    price = page.context["offer"].price_cents
    assert f"Book for ¥{price // 100}.{price % 100:02d}" in text_of(page)
    assert "Mon 23 Nov 08:00 – 10:00" in text_of(page)
    assert "2 bays free for this period" in text_of(page)


def test_booking_page_reads_a_local_time_in_the_zone_of_the_lot():
    lot = make_shared_lot(time_zone="Asia/Tokyo")
    client = client_of(make_user())

    page = client.get(f"{booking_page(lot)}?from=2026-11-23T09:00&until=2026-11-23T11:00")

    assert page.context["question"].starts_at == NOW


def test_booking_page_without_a_period_leads_to_the_search():
    client = client_of(make_user())

    assert client.get(booking_page(make_shared_lot())).url == "/"


@pytest.mark.parametrize("until", ["2026-11-22T23:00Z", "2099-11-23T02:00Z"])
def test_booking_page_for_a_period_without_sense_leads_to_the_search_that_says_why(until):
    client = client_of(make_user())

    page = client.get(f"{booking_page(make_shared_lot())}?from=2026-11-23T00:00Z&until={until}", follow=True)

    assert page.request["PATH_INFO"] == "/search"
    assert list(page.context["form"].errors) == ["until"]


def test_endless_period_that_is_sent_costs_nothing():
    page = client_of(make_user()).post(
        booking_page(make_shared_lot()), booking_data(until="2099-11-23T02:00Z", plate="粤B12345")
    )

    assert page.url.startswith("/search?")


def test_half_an_hour_over_the_change_of_clocks_can_be_booked(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 10, 31, tzinfo=UTC))
    lot = make_shared_lot(time_zone="America/New_York")
    period = {"from": "2026-11-01T05:45Z", "until": "2026-11-01T06:15Z"}  # 01:45 and again 01:15 on the wall

    page = client_of(make_user()).post(booking_page(lot), booking_data(plate="粤B12345", **period))

    assert page.url.startswith("/reservations/")


def test_sent_form_becomes_a_request_and_its_page():
    driver, lot = make_user(), make_shared_lot()
    car = make_vehicle(driver)

    response = client_of(driver).post(booking_page(lot), booking_data(car))

    made = Reservation.objects.get()
    assert response.url == reverse("web:reservation", args=[made.pk])
    assert (made.driver, made.lot, made.status) == (driver, lot, Status.REQUESTED)
    assert (made.starts_at, made.ends_at) == (NOW, NOW + hours(2))
    assert [row.vehicle for row in made.vehicle_rows.all()] == [car]


def test_form_sent_twice_books_once():
    driver, lot = make_user(), make_shared_lot(spaces=2)
    client, data = client_of(driver), booking_data(make_vehicle(driver))

    first, second = client.post(booking_page(lot), data), client.post(booking_page(lot), data)

    assert second.url == first.url
    assert Reservation.objects.count() == 1


def test_form_sent_twice_at_the_limit_of_open_reservations_lands_on_the_first():
    driver, lot = make_user(), make_shared_lot(spaces=2)
    BookingLimits.objects.filter(lot=None).update(open_requests_per_driver=1)
    client, data = client_of(driver), booking_data(make_vehicle(driver))

    first, second = client.post(booking_page(lot), data), client.post(booking_page(lot), data)

    assert second.url == first.url


def test_form_sent_again_with_another_car_is_refused_once_and_then_counts_anew():
    driver, lot = make_user(), make_shared_lot(spaces=2)
    client, data = client_of(driver), booking_data(make_vehicle(driver))
    client.post(booking_page(lot), data)

    page = client.post(booking_page(lot), data | {"vehicle": make_vehicle(driver).pk})
    fresh_token = page.context["form"].data["token"]

    assert "This form has made a reservation already." in text_of(page)
    assert fresh_token != data["token"]
    assert Reservation.objects.count() == 1


def test_typed_plate_is_registered_and_used():
    driver, lot = make_user(), make_shared_lot()

    client_of(driver).post(booking_page(lot), booking_data(plate="粤b-12345"))

    car = Vehicle.objects.get()
    assert (car.driver, car.plate) == (driver, "粤B12345")
    assert Reservation.objects.get().vehicle_rows.get().vehicle == car


def test_typed_plate_that_is_known_already_is_used_as_it_is():
    driver, lot = make_user(), make_shared_lot()
    car = make_vehicle(driver, "粤B12345")

    client_of(driver).post(booking_page(lot), booking_data(plate="粤B·12345"))

    assert Reservation.objects.get().vehicle_rows.get().vehicle == car


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"plate": "?!"}, "does not look like a number plate"),
        ({"until": "2026-11-22T23:00Z", "plate": "粤B12345"}, "The end must lie after the start."),
        ({"from": "2026-11-20T00:00Z", "plate": "粤B12345"}, "The start lies in the past."),
        ({"accessible": "on", "plate": "粤B12345"}, "Accessible bays are kept for holders of a permit."),
        ({}, "Name the car that you will come with."),
    ],
    ids=["plate", "order", "past", "permit", "no car"],
)
def test_refusal_is_a_sentence_on_the_form(fields, sentence):
    page = client_of(make_user()).post(booking_page(make_shared_lot()), booking_data(**fields))

    assert sentence in text_of(page)
    assert Reservation.objects.count() == 0


def test_refusal_by_a_rule_is_announced():
    page = client_of(make_user()).post(booking_page(make_shared_lot(is_open=False)), booking_data(plate="粤B12345"))

    assert '<p class="alert alert--no" role="alert">This lot takes no reservations' in page.content.decode()


def test_somebody_elses_car_can_not_be_chosen():
    theirs = make_vehicle(make_user())

    page = client_of(make_user()).post(booking_page(make_shared_lot()), booking_data(theirs))

    assert page.status_code == 200
    assert Reservation.objects.count() == 0


def test_plates_are_masked_on_the_form():
    driver = make_user()
    make_vehicle(driver, "粤B98765")

    page = client_of(driver).get(f"{booking_page(make_shared_lot())}?from=2026-11-23T00:00Z&until=2026-11-23T02:00Z")

    assert "粤B••765" in text_of(page)
    assert "粤B98765" not in page.content.decode()


@pytest.mark.parametrize("cars", [1, 3])
def test_booking_page_needs_few_queries(cars):
    driver, lot = make_user(), make_shared_lot(spaces=3)
    for _ in range(cars):
        make_vehicle(driver)

    count = queries_of(client_of(driver), f"{booking_page(lot)}?from=2026-11-23T00:00Z&until=2026-11-23T02:00Z")

    assert count == 7


def test_declined_request_offers_other_times_that_book_at_one_click():
    driver, lot = make_user(), make_shared_lot(ends_at=NOW + hours(2.5))
    make_reservation(make_user(), lot, length_h=0.5)
    declined = make_reservation(driver, lot)
    client = client_of(driver)

    page = client.get(reverse("web:alternatives", args=[declined.pk]))
    forms = page.context["times"]
    offer, token = forms[0]
    car = declined.vehicle_rows.get().vehicle
    data = {"from": _text(offer.starts_at), "until": _text(offer.ends_at), "token": token, "vehicle": car.pk}
    booked = client.post(booking_page(lot), data)
    again = client.post(booking_page(lot), data)

    assert [(offer.starts_at, offer.ends_at) for offer, _token in forms] == [(NOW + hours(0.5), NOW + hours(2.5))]
    assert f'value="{_text(offer.starts_at)}"' in page.content.decode()
    assert again.url == booked.url
    services.decide(lot_id=lot.pk, now=NOW)
    assert Reservation.objects.get(starts_at=NOW + hours(0.5)).status == Status.ACCEPTED


def _text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%MZ}"
