"""The manager's pages: approvals, cars, bays in bulk, limits, residents; and nobody else's lot."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from allocation import services as allocation
from parking_share import clock
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish, record_arrival
from parking_share.spaces.models import BookingLimits, Lot, Role, ShareWindow
from parking_share.spaces.selectors import limits_of
from tests.factories import grant, hours, make_lot, make_space, make_user, make_vehicle, make_window

pytestmark = pytest.mark.django_db

MOST_QUERIES = 12
PAGES = ["manager_lot", "manager_bays", "manager_limits", "manager_residents"]


@pytest.fixture(autouse=True)
def in_english(client) -> None:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"


@pytest.fixture
def manager(client):
    user = make_user()
    client.force_login(user)
    return user


@pytest.fixture
def lot(manager) -> Lot:
    lot = make_lot(name="Bamboo Court")
    grant(manager, Role.MANAGER, lot=lot)
    return lot


def page(name: str, *args) -> str:
    return reverse(f"web:{name}", args=args)


def text(response) -> str:
    return " ".join(response.content.decode().split())


def a_car(lot: Lot, *, starts_in_min: int = 10, is_parked: bool = False) -> Reservation:
    """A car with a bay announced, or parked in it."""
    now, driver = clock.now(), make_user()
    make_window(make_space(lot), now - hours(1), now + hours(8))
    starts_at = now + timedelta(minutes=starts_in_min)
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=starts_at, ends_at=starts_at + hours(2))
    reservation = allocation.request_reservation(driver=driver, wish=wish, now=now)
    allocation.decide(lot_id=lot.pk, now=now)
    allocation.assign_arrivals(lot_id=lot.pk, now=now)
    if is_parked:
        record_arrival(reservation_id=reservation.pk, actor=driver, now=now)
    reservation.refresh_from_db()
    return reservation


def test_a_manager_sees_her_lots_and_what_waits(client, lot):
    make_space(lot, standing="PENDING")
    make_lot(name="Elsewhere")

    shown = text(client.get(page("manager_lots")))

    assert "Bamboo Court" in shown
    assert "1 to approve" in shown
    assert "Elsewhere" not in shown


@pytest.mark.parametrize("name", PAGES)
def test_another_managers_lot_is_not_there(client, lot, name):
    theirs = make_lot()

    assert client.get(page(name, theirs.pk)).status_code == 404
    assert client.get(page(name, lot.pk)).status_code == 200


def test_nothing_can_be_changed_in_another_managers_lot(client, lot):
    theirs = make_lot()
    space, resident = make_space(theirs, standing="PENDING"), theirs.residents.create(user=make_user())

    answers = [
        client.post(page("manager_bays", theirs.pk), {"spaces": [space.pk], "do": "APPROVED"}).status_code,
        client.post(page("manager_limits", theirs.pk), {"drop": "1"}).status_code,
        client.post(page("manager_residents", theirs.pk), {"contact": "x@example.org"}).status_code,
        client.post(page("manager_resident_remove", theirs.pk, resident.pk)).status_code,
        client.post(page("manager_resident_remove", lot.pk, resident.pk)).status_code,
    ]

    assert set(answers) == {404}
    assert theirs.residents.count() == 1


@pytest.mark.parametrize("role", [None, Role.GATEWAY])
def test_who_manages_nothing_finds_nothing(client, role):
    user, lot = make_user(), make_lot()
    if role:
        grant(user, role, lot=lot)
    client.force_login(user)

    assert [client.get(url).status_code for url in (page("manager_lots"), page("manager_lot", lot.pk))] == [404, 404]


def test_a_stranger_is_asked_to_sign_in(client):
    lot = make_lot()

    for url in [page("manager_lots"), *(page(name, lot.pk) for name in PAGES)]:
        assert client.get(url)["Location"].startswith(reverse("account_login"))


def test_an_operator_manages_every_lot(client):
    operator, lot = make_user(), make_lot(name="Anywhere")
    grant(operator, Role.OPERATOR)
    client.force_login(operator)

    assert "Anywhere" in text(client.get(page("manager_lots"), {"q": "any"}))
    assert client.get(page("manager_lot", lot.pk)).status_code == 200


@pytest.mark.parametrize(
    ("do", "now_is", "becomes"),
    [
        ("APPROVED", "PENDING", "APPROVED"),
        ("REFUSED", "PENDING", "REFUSED"),
        ("PAUSED", "APPROVED", "PAUSED"),
    ],
)
def test_bays_are_approved_refused_and_paused(client, lot, do, now_is, becomes):
    spaces = [make_space(lot, standing=now_is) for _ in range(2)]

    answer = client.post(
        page("manager_bays", lot.pk), {"spaces": [space.pk for space in spaces], "do": do}, follow=True
    )

    assert "2 bays changed." in text(answer)
    assert {space.standing for space in lot.spaces.all()} == {becomes}


def test_what_is_not_possible_is_said_and_nothing_changes(client, lot):
    pending, used = make_space(lot, standing="PENDING"), make_space(lot, label="used")

    answer = client.post(page("manager_bays", lot.pk), {"spaces": [pending.pk, used.pk], "do": "REFUSED"})

    pending.refresh_from_db()
    assert answer.status_code == 400
    assert "not possible for: used" in text(answer)
    assert pending.standing == "PENDING"


@pytest.mark.parametrize(
    "given",
    [{"do": "APPROVED"}, {"do": "APPROVED", "spaces": ["0"]}, {"do": "SELL", "spaces": ["own"]}, {"spaces": ["own"]}],
)
def test_forms_that_make_no_sense_are_refused(client, lot, given):
    space = make_space(lot, standing="PENDING")
    given = {key: [space.pk] if value == ["own"] else value for key, value in given.items()}

    answer = client.post(page("manager_bays", lot.pk), given)

    space.refresh_from_db()
    assert answer.status_code == 400
    assert 'role="alert"' in text(answer)
    assert space.standing == "PENDING"


HOURS = {
    "do": "PUBLISH",
    "weekdays": ["1", "2", "3", "4", "5"],
    "starts_at_local": "08:30",
    "ends_at_local": "18:00",
    "first_date": "2026-01-01",
    "last_date": "",
}


def test_hours_are_published_for_several_bays_of_the_compound(client, lot):
    spaces = [make_space(lot) for _ in range(2)]

    client.post(page("manager_bays", lot.pk), HOURS | {"spaces": [space.pk for space in spaces]})

    assert set(ShareWindow.objects.values_list("space_id", flat=True)) == {space.pk for space in spaces}


def test_hours_of_an_owners_bay_are_refused(client, lot):
    space = make_space(lot, owner=make_user(), label="theirs")

    answer = client.post(page("manager_bays", lot.pk), HOURS | {"spaces": [space.pk]})

    assert "Only their owners publish hours for: theirs." in text(answer)
    assert not ShareWindow.objects.exists()


def test_hours_with_something_missing_are_refused_beside_the_field(client, lot):
    space = make_space(lot)

    answer = client.post(page("manager_bays", lot.pk), HOURS | {"spaces": [space.pk], "weekdays": []})

    assert "Choose at least one weekday." in text(answer)
    assert not ShareWindow.objects.exists()


def test_cars_are_expected_and_parked_under_masked_plates(client, lot):
    soon, parked = a_car(lot), a_car(lot, starts_in_min=1, is_parked=True)
    far = a_car(lot, starts_in_min=90)

    answer = client.get(page("manager_lot", lot.pk))

    assert answer.context["cars"].expected == [soon]
    assert answer.context["cars"].parked == [parked]
    for reservation in (soon, parked, far):
        vehicle = reservation.vehicle_rows.get().vehicle
        assert vehicle.plate not in text(answer)
        assert (vehicle.masked_plate in text(answer)) == (reservation != far)


LIMITS = {
    "shortest_stay_min": 30,
    "longest_stay_min": 240,
    "furthest_ahead_days": 7,
    "open_requests_per_driver": 3,
    "announce_before_min": 20,
    "no_show_grace_min": 45,
}


def test_limits_start_from_those_that_hold_everywhere_and_become_the_lots_own(client, lot):
    BookingLimits.objects.filter(lot=None).update(longest_stay_min=777)
    shown = text(client.get(page("manager_limits", lot.pk)))
    assert "Everywhere else: 777" in shown
    assert 'value="777"' in shown

    client.post(page("manager_limits", lot.pk), LIMITS)
    assert limits_of(lot).longest_stay_min == 240

    client.post(page("manager_limits", lot.pk), {"drop": "1"})
    assert limits_of(lot).longest_stay_min == 777
    assert BookingLimits.objects.get(lot=None).longest_stay_min == 777


@pytest.mark.parametrize("wrong", [{"longest_stay_min": 10}, {"shortest_stay_min": ""}, {"furthest_ahead_days": 90}])
def test_limits_that_make_no_sense_are_refused(client, lot, wrong):
    answer = client.post(page("manager_limits", lot.pk), LIMITS | wrong)

    assert answer.context["form"].errors
    assert not BookingLimits.objects.filter(lot=lot).exists()


def test_residents_are_added_and_removed(client, lot):
    neighbour = make_user(email="neighbour@example.org")

    client.post(page("manager_residents", lot.pk), {"contact": "Neighbour@example.org"})
    resident = lot.residents.get()
    assert resident.user == neighbour

    unknown = client.post(page("manager_residents", lot.pk), {"contact": "nobody@example.org"})
    assert "Ask the person to sign up first." in text(unknown)

    client.post(page("manager_resident_remove", lot.pk, resident.pk))
    assert not lot.residents.exists()


def count_queries(client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_pages_cost_the_same_for_one_row_and_for_three(client, manager, lot):
    def grow() -> None:
        a_car(lot)
        a_car(lot, starts_in_min=1, is_parked=True)
        make_space(lot, standing="PENDING", owner=make_user())
        lot.residents.create(user=make_user())
        grant(manager, Role.MANAGER, lot=make_lot())

    urls = [page("manager_lots"), *(page(name, lot.pk) for name in PAGES)]
    grow()
    client.get(urls[0])
    before = {url: count_queries(client, url) for url in urls}

    grow()
    grow()

    assert {url: count_queries(client, url) for url in urls} == before
    assert max(before.values()) <= MOST_QUERIES


def test_words_that_no_database_stores_find_what_the_rest_means(client, lot):
    assert lot.name in text(client.get(page("manager_lots"), {"q": f"{lot.name}\x00"}))
