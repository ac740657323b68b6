"""The city's pages: districts, shortage, export, policies; scoped to the districts of the grant."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from allocation import policies
from allocation import services as allocation
from allocation.models import PolicyName
from parking_share import clock
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish
from parking_share.spaces.models import District, Lot, Role
from tests.factories import grant, hours, make_lot, make_space, make_user, make_vehicle, make_window

pytestmark = pytest.mark.django_db

MOST_QUERIES = 12


@pytest.fixture(autouse=True)
def in_english(client) -> None:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"


@pytest.fixture
def district() -> District:
    return District.objects.create(city="深圳", name="福田")


@pytest.fixture
def staff(client, district):
    user = make_user()
    grant(user, Role.CITY_STAFF, district=district)
    client.force_login(user)
    return user


def page(name: str, *args) -> str:
    return reverse(f"web:{name}", args=args)


def text(response) -> str:
    return " ".join(response.content.decode().split())


def lot_of(district: District, *, spaces: int = 1, **fields) -> Lot:
    lot = make_lot(district=district, **fields)
    for _ in range(spaces):
        make_window(make_space(lot), clock.now() - hours(2), clock.now() + hours(20))
    return lot


def ask(lot: Lot, *, driver=None, starts_in_h: float = 0, decide: bool = True) -> Reservation:
    driver, now = driver or make_user(), clock.now()
    starts_at = now + hours(starts_in_h)
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=starts_at, ends_at=starts_at + hours(2))
    reservation = allocation.request_reservation(driver=driver, wish=wish, now=now)
    if decide:
        allocation.decide(lot_id=lot.pk, now=now)
    return reservation


def usage_shown(client, district: District):
    rows = client.get(page("city_overview")).context["rows"]
    return next(row["usage"] for row in rows if row["district"] == district)


def test_a_district_is_counted(client, staff, district):
    lot = lot_of(district, spaces=2)
    lot_of(district, spaces=1)
    make_space(lot)
    make_window(make_space(lot, standing="PAUSED"), clock.now() - hours(1), clock.now() + hours(1))
    ask(lot)
    ask(lot, starts_in_h=5)
    for _ in range(2):
        ask(lot)
    ask(lot, decide=False)

    usage = usage_shown(client, district)

    assert (usage.bays, usage.shared, usage.held, usage.free) == (4, 3, 2, 1)
    assert (usage.accepted, usage.waiting, usage.drivers) == (3, 1, 5)
    assert usage.reasons == [("No bay is free for the whole period.", 1)]
    assert client.get(page("city_overview")).context["rows"][0]["district"].lot_count == 2


def test_what_was_decided_before_today_counts_for_the_week_only(client, staff, district):
    lot = lot_of(district)
    driver, then = make_user(), clock.now() - timedelta(days=2)
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=then + hours(1), ends_at=then + hours(2))
    allocation.request_reservation(driver=driver, wish=wish, now=then)
    allocation.decide(lot_id=lot.pk, now=then)

    assert (usage_shown(client, district).declined_in_all, usage_shown(client, district).drivers) == (0, 0)
    row = client.get(page("city_lots")).context["rows"][0]
    assert row["usage"].declined_in_all == 1
    assert [(lot.pk, lot.turned_away) for lot in client.get(page("city_overview")).context["short"]] == [(lot.pk, 1)]


def test_lots_short_of_bays_come_with_the_worst_first(client, staff, district):
    mild, worst, fine = (lot_of(district, spaces=0, name=name) for name in ("mild", "worst", "fine"))
    elsewhere = make_lot()
    for lot, times in ((mild, 1), (worst, 3), (elsewhere, 4)):
        for _ in range(times):
            ask(lot)

    short = client.get(page("city_overview")).context["short"]

    assert [(lot.name, lot.turned_away) for lot in short] == [("worst", 3), ("mild", 1)]
    assert fine not in short


@pytest.mark.parametrize(("drivers", "shown"), [(4, "&lt;5"), (5, "5")])
def test_few_drivers_are_not_counted_out(client, staff, district, drivers, shown):
    lot = lot_of(district, spaces=0)
    for _ in range(drivers):
        ask(lot)

    assert f'<td class="number">{shown}</td> </tr>' in text(client.get(page("city_overview")))


def test_staff_see_their_district_and_no_other(client, staff, district):
    mine, theirs = lot_of(district, name="Mine"), make_lot(name="Theirs")

    everything = "".join(
        text(client.get(url))
        for url in (
            page("city_overview"),
            page("city_lots"),
            page("city_export"),
            f"{page('city_lots')}?district={theirs.district_id}",
            f"{page('city_export')}?district={theirs.district_id}",
        )
    )

    assert mine.name in everything
    assert theirs.name not in everything
    assert str(theirs.district) not in everything
    assert client.get(page("city_policy", theirs.pk)).status_code == 404
    assert client.post(page("city_policy", theirs.pk), POLICY).status_code == 404


@pytest.mark.parametrize("role", [None, Role.MANAGER])
def test_who_oversees_no_district_finds_nothing(client, role):
    user, lot = make_user(), make_lot()
    if role:
        grant(user, role, lot=lot)
    client.force_login(user)

    urls = [page("city_overview"), page("city_lots"), page("city_export"), page("city_policy", lot.pk)]

    assert {client.get(url).status_code for url in urls} == {404}


@pytest.mark.parametrize("name", ["city_lots", "city_export"])
def test_words_that_no_database_stores_find_what_the_rest_means(client, staff, district, name):
    lot = lot_of(district)

    answer = client.get(page(name), {"q": f"{lot.name}\x00"})

    assert lot.name in answer.content.decode()


def test_a_stranger_is_asked_to_sign_in(client):
    for url in (page("city_overview"), page("city_lots"), page("city_export"), page("city_policy", 1)):
        assert client.get(url)["Location"].startswith(reverse("account_login"))


def test_an_operator_oversees_all_districts(client, district):
    operator = make_user()
    grant(operator, Role.OPERATOR)
    client.force_login(operator)
    other = make_lot().district

    shown = {row["district"] for row in client.get(page("city_overview")).context["rows"]}

    assert shown == {district, other}


def test_the_export_holds_the_numbers_and_no_formula(client, staff, district):
    lot_of(district, name='=HYPERLINK("http://x")', spaces=2)
    lot_of(district, name=" @SUM(A1)")
    lot_of(district, name="翠竹苑, 二期")

    response = client.get(page("city_export"))

    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert {row[1] for row in rows[1:]} == {'\'=HYPERLINK("http://x")', "' @SUM(A1)", "翠竹苑, 二期"}
    assert all(len(row) == len(rows[0]) for row in rows)
    assert all(row[-1] == "<5" for row in rows[1:])


POLICY = {"name": "two_stage", "threshold": "2", "fragment_weight": "0.5", "modal_stay_h": "4", "why": "a trial"}


def test_a_policy_is_changed_and_its_history_shown(client, staff, district):
    lot = lot_of(district)
    client.post(page("city_policy", lot.pk), POLICY)

    shown = client.post(page("city_policy", lot.pk), POLICY | {"name": "fcfs"}, follow=True)

    versions = policies.history_of(lot)
    assert [(row.version, row.name, row.changed_by) for row in versions] == [
        (2, "fcfs", staff),
        (1, "two_stage", staff),
    ]
    assert "In force: first come, first served, version 2." in text(shown)
    assert "<td>a trial</td>" in text(shown)


def test_a_policy_is_one_click_away_and_keeps_the_numbers(client, staff, district):
    lot = lot_of(district)
    client.post(page("city_policy", lot.pk), POLICY)

    shown = client.post(page("city_policy", lot.pk), {"switch": "fcfs"}, follow=True)

    newest = policies.history_of(lot)[0]
    assert (newest.name, newest.threshold, newest.modal_stay_h) == ("fcfs", 2, 4)
    assert "In force: first come, first served, version 2." in text(shown)
    assert client.post(page("city_policy", lot.pk), {"switch": "magic"}).status_code == 200
    assert policies.history_of(lot).count() == 2


def test_the_price_of_the_busiest_hour_is_changed_with_the_policy(client, staff, district):
    lot = lot_of(district, peak_rate_cents=600)
    client.post(page("city_policy", lot.pk), POLICY | {"peak_rate": "6.00"})
    client.post(page("city_policy", lot.pk), POLICY | {"peak_rate": "7.50"})

    lot.refresh_from_db()
    assert [row.peak_rate_cents for row in policies.history_of(lot)] == [750, None]
    assert lot.peak_rate_cents == 750


@pytest.mark.parametrize("change", [{"switch": "fcfs"}, POLICY | {"name": "fcfs", "peak_rate": "9.00"}])
def test_another_policy_does_not_bring_an_old_price_back(client, staff, district, change):
    lot = lot_of(district, peak_rate_cents=600)
    client.post(page("city_policy", lot.pk), POLICY | {"peak_rate": "7.50"})
    Lot.objects.filter(pk=lot.pk).update(peak_rate_cents=900)

    client.post(page("city_policy", lot.pk), change)

    lot.refresh_from_db()
    present = policies.history_of(lot).first()
    assert (present.name, present.peak_rate_cents, lot.peak_rate_cents) == ("fcfs", 900, 900)


def test_every_policy_is_explained_on_the_page(client, staff, district):
    shown = client.get(page("city_policy", lot_of(district).pk))

    assert [label for _, label, _, _ in shown.context["explained"]] == PolicyName.labels
    assert text(shown).count("For drivers:") == len(PolicyName)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "magic"},
        {"fragment_weight": "1.5"},
        {"threshold": "nan"},
        {"modal_stay_h": ""},
        {"modal_stay_h": "1e308"},
        {"why": ""},
        {"peak_rate": "-1"},
        {"fairness_tolerance": "nan"},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(client, staff, district, wrong):
    lot = lot_of(district)

    answer = client.post(page("city_policy", lot.pk), POLICY | wrong)

    assert answer.context["form"].errors
    assert not lot.policies.exists()


def test_the_same_policy_again_is_refused_in_a_sentence(client, staff, district):
    lot = lot_of(district)
    client.post(page("city_policy", lot.pk), POLICY)

    assert "These settings are in force already." in text(client.post(page("city_policy", lot.pk), POLICY))


def count_queries(client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_pages_cost_the_same_for_one_row_and_for_three(client, staff, district):
    lot = lot_of(district)

    def grow() -> None:
        other = District.objects.create(city="深圳", name=f"district {District.objects.count()}")
        grant(staff, Role.CITY_STAFF, district=other)
        for place in (district, other):
            ask(lot_of(place))
            ask(lot_of(place, spaces=0))
        settings = policies.Settings(name="fcfs", threshold=lot.policies.count(), fragment_weight=0.5, modal_stay_h=3)
        policies.change_policy(lot=lot, settings=settings, changed_by=staff, now=clock.now())

    urls = [page("city_overview"), page("city_lots"), page("city_export"), page("city_policy", lot.pk)]
    grow()
    client.get(urls[0])
    before = {url: count_queries(client, url) for url in urls}

    grow()
    grow()

    assert {url: count_queries(client, url) for url in urls} == before
    assert max(before.values()) <= MOST_QUERIES


def test_a_long_list_of_lots_comes_in_pages(client, staff, district):
    for number in range(51):
        make_lot(district=district, name=f"Lot of many {number:02d}")

    assert len(client.get(page("city_lots")).context["rows"]) == 50
    assert [row["lot"].name for row in client.get(page("city_lots"), {"page": 2}).context["rows"]] == ["Lot of many 50"]
