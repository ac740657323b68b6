"""Willingness on the map: by district, of five answers or more, and bounds where few said yes or few said no."""

import json
from datetime import timedelta

import pytest
import shapely
from django.urls import reverse
from shapely.geometry import shape

from parking_share.spaces.models import District, Role
from parking_share.web.city_coverage_willingness import COLOURS, DistrictLine
from surveys.selectors import Willingness
from tests.coverage_city import CITY, SLOT, make_picture, make_public_lots
from tests.factories import NOW, grant, make_lot, make_user
from tests.interface.pages import MOST_QUERIES, at, client_of, queries_of, text_of
from tests.survey_rows import GOOD, make_questionnaire, make_responses, make_wave

pytestmark = pytest.mark.django_db

URL, LAYER = reverse("web:city_willingness"), reverse("web:city_willingness_geojson")


@pytest.fixture
def district() -> District:
    return District.objects.create(city=CITY, name="福田")


@pytest.fixture
def lots(district):
    lots = make_public_lots(district)
    make_picture()
    return lots


@pytest.fixture
def staff(district, monkeypatch):
    user = make_user()
    grant(user, Role.CITY_STAFF, district=district)
    with at(monkeypatch, NOW + SLOT + timedelta(minutes=3)):
        yield client_of(user)


def answer(wave, district, *, yes: int, no: int) -> None:
    said_no = {"share": (2,), "hours": None}
    make_responses(wave, *[GOOD] * yes, *[said_no] * no, district_id=district.pk)


@pytest.mark.parametrize(
    ("willing", "asked", "shown", "colour"),
    [
        (30, 50, "60 %", 3),
        (2, 50, "under 10 %", 0),
        (50, 50, "over 90 %", 4),
        (5, 10, "50 %", 2),
        (3, 10, "under 50 %", 2),
        (9, 9, "–", None),
    ],
)
def test_only_a_bound_is_told_where_few_said_yes_or_no(willing, asked, shown, colour):
    line = DistrictLine(district=District(name="x"), found=Willingness(willing=willing, asked=asked))

    assert line.shown == shown
    assert line.colour == colour
    assert line.has_interval == (shown in {"60 %", "50 %"})


def test_the_layer_colours_the_ground_of_ones_own_districts(staff, lots, district):
    theirs = District.objects.create(city=CITY, name="宝安")
    make_lot(district=theirs, latitude=22.58, longitude=114.13, capacity=90, access_class=lots[0].access_class)
    make_picture(NOW + SLOT)
    wave = make_wave(make_questionnaire(city=CITY))
    answer(wave, district, yes=6, no=6)
    answer(wave, theirs, yes=9, no=9)

    document = json.loads(staff.get(LAYER).content)
    page = staff.get(URL)

    (feature,) = document["features"]
    assert feature["properties"] == {"name": "福田", "class": 2, "share": "50 %", "answers": 12}
    assert shape(feature["geometry"]).contains(shapely.Point(lots[0].longitude, lots[0].latitude))
    assert "福田 50 % 25–75 % 12" in text_of(page)
    assert "宝安" not in text_of(page)
    assert page.context["maps"][0].overlay.startswith(LAYER)
    assert json.loads(page.context["maps"][0].overlay_colours) == COLOURS


def test_a_district_of_few_answers_has_no_colour(staff, lots, district):
    answer(make_wave(make_questionnaire(city=CITY)), district, yes=2, no=2)

    (feature,) = json.loads(staff.get(LAYER).content)["features"]

    assert feature["properties"] == {"name": "福田", "class": None, "share": "–", "answers": "<5"}
    assert "福田 – – <5" in text_of(staff.get(URL))


def test_invented_surveys_count_only_where_asked_and_are_said_to(staff, lots, district):
    answer(make_wave(make_questionnaire(city=CITY), is_synthetic=True), district, yes=6, no=6)

    assert "福田 – – <5" in text_of(staff.get(URL))
    shown = text_of(staff.get(URL, {"synthetic": "1"}))
    assert "Invented answers are counted too" in shown
    assert "福田 50 %" in shown


def test_without_a_picture_there_is_a_table_and_no_layer(staff, district):
    assert staff.get(URL).status_code == 200
    assert staff.get(LAYER).status_code == 404


def test_who_oversees_no_district_finds_nothing(lots, client):
    stranger = client_of(make_user())

    assert stranger.get(URL).status_code == stranger.get(LAYER).status_code == 404
    assert client.get(URL)["Location"].startswith(reverse("account_login"))


def test_the_page_costs_the_same_for_one_district_and_for_three(lots, district, monkeypatch):
    user = make_user()
    grant(user, Role.CITY_STAFF, district=district)
    with at(monkeypatch, NOW + SLOT + timedelta(minutes=3)):
        staff = client_of(user)
        before = queries_of(staff, URL)
        for name in ("宝安", "南山"):
            grant(user, Role.CITY_STAFF, district=District.objects.create(city=CITY, name=name))

        assert queries_of(staff, URL) == before <= MOST_QUERIES
