"""The policy laboratory: who sees what, what a comparison shows while it runs and after, what may be uploaded."""

import csv
import re
from datetime import timedelta
from io import StringIO

import pytest
from defusedxml import ElementTree
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from allocation import laboratory, services
from allocation.engine.registry import ALL_POLICIES
from allocation.laboratory_report import TABLES
from allocation.models import LabRun
from parking_share import clock
from parking_share.reservations.services import Wish
from parking_share.spaces.models import District, Role
from tests.factories import grant, hours, make_lot, make_space, make_user, make_vehicle, make_window
from tests.interface.lab_rows import day_file, make_comparison
from tests.interface.pages import client_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def district():
    return District.objects.create(city="Here", name="Home")


@pytest.fixture
def staff(district):
    person = make_user()
    grant(person, Role.CITY_STAFF, district=district)
    return client_of(person)


@pytest.fixture
def asked_lot(district):
    """A lot of two bays that three people asked for, nine days ago."""
    lot = make_lot(name="Asked lot", district=district)
    then = clock.now() - timedelta(days=9)
    for _ in range(2):
        make_window(make_space(lot), then, then + hours(12))
    for _ in range(3):
        driver = make_user()
        wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=then + hours(1), ends_at=then + hours(3))
        services.request_reservation(driver=driver, wish=wish, now=then)
    services.decide(lot_id=lot.pk, now=then)
    return lot


def week_of(lot) -> str:
    return f"{(clock.now() - timedelta(days=9)).astimezone(lot.zone):%Y-%m-%d}"


def page(run: LabRun, **query: object) -> str:
    return reverse("web:city_comparison", args=[run.pk], query=query or None)


def rows_of(answer) -> list[list[str]]:
    return list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))


def test_a_week_of_a_lot_is_compared_in_the_background(staff, asked_lot):
    answer = staff.post(reverse("web:city_laboratory"), {"lot": asked_lot.pk, "week": week_of(asked_lot)})

    run = LabRun.objects.get()
    assert answer.headers["Location"] == page(run)
    assert (run.lot, run.state, run.first_date.weekday()) == (asked_lot, "WAITING", 0)
    waiting = staff.get(page(run)).content.decode()
    assert "0 of 70 steps" in waiting
    assert 'http-equiv="refresh"' in waiting
    assert "Cancel" in waiting

    laboratory.work_on(run_id=run.pk, now=clock.now())

    done = staff.get(page(run)).content.decode()
    assert "3 requests on 7 days. 2 were really accepted." in done
    assert 'http-equiv="refresh"' not in done
    assert '<th scope="row">r3</th>' in done
    assert "in force" in done


def test_the_fragment_asks_again_until_there_is_a_result(staff, district):
    run = make_comparison(district, state="RUNNING")

    under_way = staff.get(page(run), headers=HTMX)
    LabRun.objects.filter(pk=run.pk).update(state="DONE")
    done = staff.get(page(run), headers=HTMX)

    assert 'hx-trigger="every 2s"' in under_way.content.decode()
    assert "<html" not in under_way.content.decode()
    assert (done.status_code, done.headers["HX-Refresh"]) == (204, "true")


def test_the_result_shows_every_policy_in_tables_and_pictures(staff, district):
    shown = staff.get(page(make_comparison(district))).content.decode()

    for words in ("two-stage", "who knows all requests beforehand", "Before: as shared", "The same as a table"):
        assert words in shown
    assert shown.count("<svg") - shown.count('aria-hidden="true"><path') >= 4
    assert "A file does not say to whom bays belong." in shown
    assert not re.search(r"<svg[^>]*style=", shown)


@pytest.mark.parametrize("policy", ALL_POLICIES)
def test_any_policys_day_can_be_chosen(staff, district, policy):
    run = make_comparison(district)

    shown = staff.get(page(run, day=0, policy=policy)).content.decode()

    assert f'<option value="{policy}" selected>' in shown


@pytest.mark.parametrize("query", [{"day": "7"}, {"day": "x"}, {"policy": "none"}, {"day": "٣"}])
def test_a_strange_address_shows_what_there_is(staff, district, query):
    assert staff.get(page(make_comparison(district), **query)).status_code == 200


@pytest.mark.parametrize("table", TABLES)
def test_every_table_can_be_taken_home(staff, district, table):
    run = make_comparison(district)

    rows = rows_of(staff.get(reverse("web:city_comparison_table", args=[run.pk, table])))

    lengths = {"policies": 9, "refused": 9, "thresholds": 19, "weights": 12, "fairness": 1}
    assert len(rows) == lengths.get(table, len(rows))
    assert len({len(row) for row in rows}) == 1


def test_pictures_can_be_taken_home(staff, district):
    run = make_comparison(district)

    for picture in ("thresholds", "weights", "day"):
        answer = staff.get(reverse("web:city_comparison_picture", args=[run.pk, picture]))
        assert answer.headers["Content-Type"] == "image/svg+xml"
        assert ElementTree.fromstring(answer.content.decode()).get("color") == "#1a1a1a"


def test_what_there_is_not_is_not_found(staff, district):
    run = make_comparison(district)

    assert staff.get(reverse("web:city_comparison_table", args=[run.pk, "nothing"])).status_code == 404
    assert staff.get(reverse("web:city_comparison_picture", args=[run.pk, "nothing"])).status_code == 404


def test_a_stranger_sees_no_comparison(staff, district):
    theirs = make_comparison(District.objects.create(city="There", name="Away"))

    assert staff.get(page(theirs)).status_code == 404
    assert staff.post(reverse("web:city_comparison_cancel", args=[theirs.pk])).status_code == 404
    assert "day.json" not in staff.get(reverse("web:city_laboratory")).content.decode()


def test_another_districts_lot_cannot_be_compared(staff, asked_lot):
    other = make_lot(district=District.objects.create(city="There", name="Away"))

    answer = staff.post(reverse("web:city_laboratory"), {"lot": other.pk, "week": "2026-01-05"})

    assert answer.status_code == 400
    assert LabRun.objects.count() == 0


def test_a_refusal_stands_beside_the_form(staff, asked_lot):
    answer = staff.post(reverse("web:city_laboratory"), {"lot": asked_lot.pk, "week": "2020-01-05"})

    assert answer.status_code == 400
    assert "Nobody asked for a bay of this lot in that week." in answer.content.decode()


def test_a_file_is_compared_for_its_district(staff, district):
    file = SimpleUploadedFile("my day.json", day_file(), content_type="application/json")

    answer = staff.post(reverse("web:city_laboratory_upload"), {"district": district.pk, "instance": file})

    run = LabRun.objects.get()
    assert answer.headers["Location"] == page(run)
    assert (run.file_name, run.district) == ("my day.json", district)


def test_a_malformed_file_gets_one_sentence(staff, district):
    file = SimpleUploadedFile("a.json", day_file().replace(b'"threshold": 1.5', b'"threshold": -1'))

    answer = staff.post(reverse("web:city_laboratory_upload"), {"district": district.pk, "instance": file})

    assert answer.status_code == 400
    assert "threshold: must be at least 0, got -1" in answer.content.decode()
    assert LabRun.objects.count() == 0


def test_names_in_a_file_are_only_text(staff, district):
    nasty = day_file().replace(b'"A1"', b'"<script>alert(1)</script>"').replace(b'"A2"', b'"=1+1"')
    run = laboratory.compare_file(
        district=district, file_name="<b>.json", content=nasty, made_by=None, now=timezone.now()
    )
    laboratory.work_on(run_id=run.pk, now=clock.now())

    shown = staff.get(page(run)).content.decode()
    table = staff.get(reverse("web:city_comparison_table", args=[run.pk, "spaces"])).content.decode()

    assert "<script>alert" not in shown
    assert "<b>.json" not in shown
    assert "&lt;script&gt;alert" in shown
    assert ",=1+1" not in table


def test_a_comparison_can_be_cancelled_once(staff, district):
    run = make_comparison(district, state="RUNNING")
    address = reverse("web:city_comparison_cancel", args=[run.pk])

    first, second = staff.post(address), staff.post(address)

    assert (first.status_code, second.status_code) == (302, 409)
    assert "This comparison has ended already." in second.content.decode()
    assert "What follows are the days that were whole by then." in staff.get(page(run)).content.decode()


def test_a_policy_that_took_too_long_is_said_to_have(staff, district):
    run = make_comparison(district)
    run.steps.filter(name__in=["foresight", "thresholds", "clairvoyant"]).update(found={"too_long": True})

    shown = staff.get(page(run)).content.decode()

    assert shown.count("took too long") >= 3
    assert "This took too long on some day." in shown


@pytest.mark.parametrize("runs", [1, 3])
def test_the_list_costs_the_same_however_long(staff, district, asked_lot, runs, django_assert_max_num_queries):
    for _ in range(runs):
        make_comparison(district)

    with django_assert_max_num_queries(22):
        shown = staff.get(reverse("web:city_laboratory")).content.decode()

    assert shown.count("day.json") == runs
    assert "Asked lot" in shown


def test_refusals_of_few_drivers_are_not_counted_out(staff, asked_lot):
    shown = staff.get(reverse("web:city_laboratory")).content.decode()

    refusals = shown[shown.index("<h2>Refusals by district</h2>") :]
    assert "<td>–</td>" in refusals
    assert "No bay is free" not in refusals


@pytest.mark.parametrize("named", ["own", "other", "x", "9" * 30])
def test_the_lot_of_the_address_is_chosen_already(staff, asked_lot, named):
    other = make_lot(district=District.objects.create(city="There", name="Away"), name="Other lot")
    number = {"own": asked_lot.pk, "other": other.pk}.get(named, named)

    shown = staff.get(reverse("web:city_laboratory", query={"lot": number})).content.decode()

    assert f'<option value="{asked_lot.pk}" selected>' in shown
    assert "Other lot" not in shown
