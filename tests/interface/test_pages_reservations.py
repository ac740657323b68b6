import pytest
from django.urls import reverse

from allocation import services
from parking_share import clock
from parking_share.notices.models import Notice
from parking_share.notices.services import write_notices
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import expect_arrival
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import Change, make_transition
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle
from tests.interface.pages import MOST_QUERIES, client_of, make_reservation, queries_of, text_of

pytestmark = pytest.mark.django_db
OWN_PAGES = ["web:reservation", "web:alternatives", "web:cancel"]
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def clock_stands_still(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


def page_of(reservation, name="web:reservation"):
    return reverse(name, args=[reservation.pk])


@pytest.mark.parametrize("name", [*OWN_PAGES])
def test_strangers_reservation_is_not_there(name):
    theirs = make_reservation(make_user(), make_shared_lot())

    assert client_of(make_user()).get(page_of(theirs, name)).status_code == 404


@pytest.mark.parametrize("name", ["web:cancel", "web:arrive", "web:leave"])
def test_stranger_can_not_touch_a_reservation(name):
    theirs = make_reservation(make_user(), make_shared_lot())

    assert client_of(make_user()).post(page_of(theirs, name)).status_code == 404
    theirs.refresh_from_db()
    assert theirs.status == Status.ACCEPTED


@pytest.mark.parametrize("name", OWN_PAGES)
def test_visitor_is_asked_to_log_in(client, name):
    theirs = make_reservation(make_user(), make_shared_lot())

    response = client.get(page_of(theirs, name))

    assert response.url == f"/account/login/?next={page_of(theirs, name)}"


@pytest.mark.parametrize(
    ("came_from", "goes_on_to"),
    [("http://testserver/book/1?from=now", "/book/1%3Ffrom%3Dnow"), ("http://elsewhere.example/x", "/"), ("", "/")],
    ids=["page", "elsewhere", "unknown"],
)
@pytest.mark.parametrize("name", ["web:cancel", "web:arrive", "web:leave"])
def test_form_sent_after_a_log_out_comes_back_to_its_page(client, name, came_from, goes_on_to):
    theirs = make_reservation(make_user(), make_shared_lot())

    response = client.post(page_of(theirs, name), headers={"Referer": came_from})

    assert response.url == f"/account/login/?next={goes_on_to}"


def test_fragment_asked_for_after_a_log_out_reloads_its_page(client):
    theirs = make_reservation(make_user(), make_shared_lot())

    response = client.get(page_of(theirs), headers=FRAGMENT)

    assert (response.status_code, response.headers["HX-Refresh"]) == (204, "true")


def test_undecided_request_asks_again_by_itself_with_and_without_scripts():
    driver = make_user()
    waiting = make_reservation(driver, make_shared_lot(), is_decided=False)
    Reservation.objects.update(requested_at=NOW)

    page = client_of(driver).get(page_of(waiting)).content.decode()

    assert 'hx-trigger="every 250ms"' in page
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page
    assert 'aria-live="polite"' in page


@pytest.mark.parametrize(("waited_h", "trigger"), [(6 / 3600, "every 1s"), (40 / 3600, "every 5s"), (1, "every 30s")])
def test_undecided_request_asks_more_slowly_as_time_goes(waited_h, trigger):
    driver = make_user()
    waiting = make_reservation(driver, make_shared_lot(), is_decided=False)
    Reservation.objects.update(requested_at=NOW - hours(waited_h))

    assert f'hx-trigger="{trigger}"' in client_of(driver).get(page_of(waiting)).content.decode()


def test_fragment_is_the_part_that_the_page_includes():
    driver = make_user()
    waiting = make_reservation(driver, make_shared_lot(), is_decided=False)
    client = client_of(driver)

    fragment = client.get(page_of(waiting), headers=FRAGMENT)

    assert fragment.content.decode().strip().startswith('<section id="status"')
    assert "HX-Request" in fragment.headers["Vary"]
    assert (
        "<html"
        in client.get(page_of(waiting), headers=FRAGMENT | {"HX-History-Restore-Request": "true"}).content.decode()
    )


def test_unchanged_status_is_a_304_and_a_changed_one_is_not():
    driver, lot = make_user(), make_shared_lot()
    waiting = make_reservation(driver, lot, is_decided=False)
    client = client_of(driver)
    seen = client.get(page_of(waiting), headers=FRAGMENT).headers["ETag"]

    unchanged = client.get(page_of(waiting), headers=FRAGMENT | {"If-None-Match": seen})
    services.decide(lot_id=lot.pk, now=NOW)
    changed = client.get(page_of(waiting), headers=FRAGMENT | {"If-None-Match": seen})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert changed.status_code == 200
    assert 'data-status="ACCEPTED"' in changed.content.decode()


def test_accepted_reservation_says_when_the_bay_is_announced():
    driver = make_user()
    coming = make_reservation(driver, make_shared_lot(), starts_at=NOW + hours(2))

    words = text_of(client_of(driver).get(page_of(coming)))

    assert "A bay is kept for you." in words
    assert "announced on Mon 23 Nov 09:45" in words


def test_announced_reservation_shows_bay_gates_and_end():
    driver, lot = make_user(), make_shared_lot()
    lot.gates.create(name="East gate", latitude=lot.latitude, longitude=lot.longitude)
    coming = make_reservation(driver, lot)
    services.assign_arrivals(lot_id=lot.pk, now=NOW)

    words = text_of(client_of(driver).get(page_of(coming)))

    assert f"Your bay: {lot.spaces.get().label}" in words
    assert "Gates East gate Until Mon 23 Nov 10:00" in words
    assert "I have parked" in words


def test_declined_reservation_says_why_and_loads_other_times():
    driver, lot = make_user(), make_shared_lot()
    make_reservation(make_user(), lot)
    declined = make_reservation(driver, lot)

    page = client_of(driver).get(page_of(declined))

    assert "No bay is free for the whole period." in text_of(page)
    assert f'hx-get="{page_of(declined, "web:alternatives")}"' in page.content.decode()
    assert 'hx-trigger="every' not in page.content.decode()


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        (Reason.VEHICLE_IS_BOOKED, ""),
        (Reason.TOO_LATE, ""),
        (Reason.LOT_CLOSED, "Look at other lots nearby for the same time"),
    ],
)
def test_no_other_times_are_looked_for_when_the_time_was_not_the_reason(reason, advice):
    driver, lot = make_user(), make_shared_lot()
    declined = make_reservation(driver, lot)
    Reservation.objects.update(status=Status.DECLINED, space=None, reason=reason)

    page = client_of(driver).get(page_of(declined, "web:alternatives"), headers=FRAGMENT)

    assert text_of(page) == advice


def test_driver_parks_and_leaves_by_their_own_buttons():
    driver, lot = make_user(), make_shared_lot()
    mine = make_reservation(driver, lot)
    services.assign_arrivals(lot_id=lot.pk, now=NOW)
    client = client_of(driver)

    client.post(page_of(mine, "web:arrive"))
    parked = Reservation.objects.get().status
    page = client.post(page_of(mine, "web:leave"), follow=True)

    assert (parked, Reservation.objects.get().status) == (Status.PARKED, Status.COMPLETED)
    assert "The bay is free for others again." in text_of(page)


@pytest.mark.django_db(transaction=True)
def test_button_that_comes_too_early_is_refused_in_a_sentence():
    driver = make_user()
    mine = make_reservation(driver, make_shared_lot())

    page = client_of(driver).post(page_of(mine, "web:leave"), follow=True)

    assert 'role="alert"' in page.content.decode()
    assert "any more" in text_of(page)


def test_cancelling_asks_first_and_then_does_it():
    driver = make_user()
    mine = make_reservation(driver, make_shared_lot())
    client = client_of(driver)

    question = client.get(page_of(mine, "web:cancel"))
    before = Reservation.objects.get().status
    page = client.post(page_of(mine, "web:cancel"), follow=True)

    assert "Cancel this reservation?" in text_of(question)
    assert (before, Reservation.objects.get().status) == (Status.ACCEPTED, Status.CANCELLED)
    assert "cancelled" in text_of(page)


@pytest.mark.django_db(transaction=True)
def test_cancelling_twice_is_a_refusal_not_an_error():
    driver = make_user()
    mine = make_reservation(driver, make_shared_lot())
    client = client_of(driver)
    client.post(page_of(mine, "web:cancel"))

    page = client.post(page_of(mine, "web:cancel"), follow=True)

    assert 'role="alert"' in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_whoever_was_let_in_is_told_why_it_is_too_late_to_cancel():
    driver = make_user()
    mine = make_reservation(driver, make_shared_lot())
    make_transition(Change(reservation_id=mine.pk, to=Status.ASSIGNED, reason=Reason.BAY_ANNOUNCED), at=NOW)
    client = client_of(driver)
    offered = page_of(mine, "web:cancel") in client.get(page_of(mine, "web:reservation")).content.decode()
    expect_arrival(reservation_id=mine.pk, now=NOW)

    page = client.post(page_of(mine, "web:cancel"), follow=True)

    assert (offered, page_of(mine, "web:cancel") in page.content.decode()) == (True, False)
    assert "Your car is in already." in text_of(page)
    assert Reservation.objects.get().status == Status.ASSIGNED


def test_list_shows_what_comes_first_soonest_then_what_was():
    driver, lot = make_user(), make_shared_lot(spaces=3)
    later = make_reservation(driver, lot, starts_at=NOW + hours(6))
    sooner = make_reservation(driver, lot, starts_at=NOW + hours(3))
    cancelled = make_reservation(driver, lot)
    client = client_of(driver)
    client.post(page_of(cancelled, "web:cancel"))
    make_reservation(make_user(), lot)

    page = client.get(reverse("web:reservations"))

    assert list(page.context["coming"]) == [sooner, later]
    assert list(page.context["page_obj"]) == [cancelled]


def test_empty_list_leads_to_the_search():
    words = text_of(client_of(make_user()).get(reverse("web:reservations")))

    assert "You have not booked anything yet. Find a bay" in words


@pytest.mark.parametrize("rows", [1, 3])
def test_lists_need_few_queries_whatever_their_length(rows):
    driver, lot = make_user(), make_shared_lot(spaces=6)
    client = client_of(driver)
    for number in range(rows):
        make_reservation(driver, lot, starts_at=NOW + hours(number * 2))
        client.post(page_of(make_reservation(driver, lot, starts_at=NOW + hours(number * 2)), "web:cancel"))
    write_notices(now=NOW)
    Notice.objects.bulk_create(
        Notice(recipient=driver, event=row.events.first(), created_at=NOW) for row in Reservation.objects.all()
    )

    counts = {name: queries_of(client, reverse(name)) for name in ["web:reservations", "web:vehicles", "web:notices"]}

    assert counts == {"web:reservations": 8, "web:vehicles": 4, "web:notices": 5}


@pytest.mark.parametrize("name", ["web:reservation", "web:cancel"])
def test_detail_needs_few_queries(name):
    driver, lot = make_user(), make_shared_lot()
    mine = make_reservation(driver, lot)
    services.assign_arrivals(lot_id=lot.pk, now=NOW)

    assert queries_of(client_of(driver), page_of(mine, name)) == {"web:reservation": 7, "web:cancel": 5}[name]


def test_vehicles_are_listed_masked_added_and_removed():
    driver = make_user()
    client = client_of(driver)

    client.post(reverse("web:vehicles"), {"plate": "粤B12345", "size": "2"})
    car = driver.vehicles.get()
    listed = text_of(client.get(reverse("web:vehicles")))
    page = client.post(reverse("web:vehicle_remove", args=[car.pk]), follow=True)

    assert "粤B••345" in listed
    assert "The car 粤B••345 is no longer in your account." in text_of(page)
    assert list(page.context["vehicles"]) == []


def test_car_that_is_listed_already_is_refused_beside_its_field():
    driver = make_user()
    make_vehicle(driver, "粤B12345")

    page = client_of(driver).post(reverse("web:vehicles"), {"plate": "粤B12345", "size": "2"})

    assert page.context["form"].errors == {"plate": ["This car is in your account already."]}


def test_somebody_elses_car_is_not_there():
    theirs = make_vehicle(make_user())

    assert client_of(make_user()).post(reverse("web:vehicle_remove", args=[theirs.pk])).status_code == 404


def test_notices_are_counted_in_the_header_until_they_are_read():
    driver, lot = make_user(), make_shared_lot()
    mine = make_reservation(driver, lot)
    Notice.objects.create(recipient=driver, event=mine.events.last(), created_at=NOW)
    client = client_of(driver)

    before = text_of(client.get(reverse("web:notices")))
    after = text_of(client.post(reverse("web:notices_read"), follow=True))

    assert "Notices unread: 1" in before
    assert "unread" not in after


@pytest.mark.parametrize("others", [0, 1, 3])
def test_alternatives_take_as_many_queries_however_many_lots_are_near(others):
    driver, lot = make_user(), make_shared_lot()
    make_reservation(make_user(), lot)
    declined = make_reservation(driver, lot)
    for _ in range(others):
        make_shared_lot()

    assert queries_of(client_of(driver), page_of(declined, "web:alternatives")) == 12 == MOST_QUERIES
