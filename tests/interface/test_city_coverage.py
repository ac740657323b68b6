"""Coverage in words, tables and files: of one's own districts only, with its age, and few bays not told."""

import csv
import json
from datetime import timedelta
from io import BytesIO, StringIO

import pytest
import shapely
from django.urls import reverse
from PIL import Image
from shapely.geometry import shape

from coverage.models import CoverageRun
from coverage.selectors import newest_picture
from parking_share.spaces.models import District, Lot, Role
from tests.coverage_city import CITY, SLOT, make_picture, make_public_lots
from tests.factories import NOW, grant, make_lot, make_user
from tests.interface.pages import MOST_QUERIES, at, client_of, queries_of, text_of

pytestmark = pytest.mark.django_db

URL = reverse("web:city_coverage")
LATER = NOW + SLOT + timedelta(minutes=3)
DOWNLOADS = [
    "city_coverage_areas_geojson",
    "city_coverage_areas_csv",
    "city_coverage_districts_csv",
    "city_coverage_shortages_csv",
    "city_coverage_png",
    "city_coverage_clusters_geojson",
]


@pytest.fixture
def district() -> District:
    return District.objects.create(city=CITY, name="福田")


@pytest.fixture
def lots(district) -> list[Lot]:
    return make_public_lots(district)


@pytest.fixture
def staff(district, monkeypatch):
    user = make_user()
    grant(user, Role.CITY_STAFF, district=district)
    with at(monkeypatch, LATER):
        yield client_of(user)


def rows_of(response) -> list[dict[str, str]]:
    assert response.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(StringIO(response.content.decode("utf-8-sig"))))


def test_districts_and_shortages_come_with_their_age_and_basis(staff, lots):
    make_picture(**{f"lot{lots[0].pk}": 18})

    shown = text_of(staff.get(URL))

    assert "3 minutes ago" in shown
    assert "1 measured 5 estimated" in shown
    assert f"{lots[0].name} over" in shown
    assert "<5" in shown


def test_a_city_without_a_picture_says_so(staff, lots):
    shown = text_of(staff.get(URL))

    assert "There is no picture of 深圳 yet." in shown
    assert "Pictures are late" in shown
    assert [staff.get(reverse(f"web:{name}")).status_code for name in DOWNLOADS] == [404] * len(DOWNLOADS)


def test_a_refused_picture_is_told_with_what_the_checks_found(staff, lots):
    make_picture()
    CoverageRun.objects.update(status=CoverageRun.Status.REFUSED, complaint="areas <overlap>.")
    make_picture(NOW - SLOT)

    response = staff.get(URL)

    assert "failed its checks" in text_of(response)
    assert "areas &lt;overlap&gt;." in response.content.decode()


def test_a_lots_day_shows_two_curves_and_their_table(staff, lots):
    make_picture(**{f"lot{lots[5].pk}": 35})

    response = staff.get(reverse("web:city_coverage_lot", args=[lots[5].pk]))

    assert 'd="M32,50.0h1"' in response.content.decode()  # 08:00 in Shanghai, half free
    shown = text_of(response)
    assert "35 of 70 open" in shown
    assert "measured" in shown
    assert "1 minute when the slot ended" in shown or "60 seconds when the slot ended" in shown
    assert "08:00" in shown


def test_a_lots_day_can_be_beside_another(staff, lots):
    make_picture()
    make_picture(NOW - timedelta(days=1))
    address = reverse("web:city_coverage_lot", args=[lots[0].pk])

    shown = staff.get(address, {"day": "2026-11-23", "beside": "2026-11-22"})

    assert "Mon 23 Nov, working day" in text_of(shown)
    assert "Sun 22 Nov, day off" in text_of(shown)
    assert shown.context["day"].rank_curve.compared_path.startswith("M32,")
    assert staff.get(address, {"day": "nonsense", "beside": "2026-99-99"}).status_code == 200


def test_a_lot_that_is_on_no_picture_says_why(staff, lots, district):
    make_picture()
    unknown = make_lot(district=district, capacity=None)

    assert "lots whose number of bays is not known" in text_of(
        staff.get(reverse("web:city_coverage_lot", args=[unknown.pk]))
    )


def test_clusters_are_counted_and_those_of_others_not_named(staff, lots):
    elsewhere = District.objects.create(city=CITY, name="宝安")
    theirs = make_lot(
        district=elsewhere,
        name="Theirs",
        latitude=22.6,
        longitude=114.2,
        capacity=500,
        access_class=lots[0].access_class,
    )
    make_picture()

    shown = text_of(staff.get(reverse("web:city_coverage_clusters")))

    assert "7 clusters of 1 to 1 lots" in shown
    assert "a lot of another district 1 none of your districts" in shown
    assert theirs.name not in shown
    assert "500" not in shown


def test_exact_areas_are_wgs84_counterclockwise_and_of_ones_own_lots(staff, lots):
    elsewhere = District.objects.create(city=CITY, name="宝安")
    make_lot(district=elsewhere, latitude=22.58, longitude=114.13, capacity=90, access_class=lots[0].access_class)
    make_picture(**{f"lot{lots[0].pk}": 19})

    response = staff.get(reverse("web:city_coverage_areas_geojson"))
    document = json.loads(response.content)

    assert response.headers["Content-Type"] == "application/geo+json"
    assert [feature["id"] for feature in document["features"]] == [lot.pk for lot in lots]
    values = newest_picture(CITY).values
    for row, (lot, feature) in enumerate(zip(lots, document["features"], strict=True)):
        polygon = shape(feature["geometry"])
        assert polygon.contains(shapely.Point(lot.longitude, lot.latitude))
        assert all(part.exterior.is_ccw for part in shapely.get_parts(polygon))
        assert feature["properties"]["area_m2"] == pytest.approx(values.area_m2[row], abs=0.1)
    assert document["features"][0]["properties"]["free_bays"] == "<5"
    assert document["features"][0]["properties"]["vacancy"] == "<25 %"


def test_areas_of_an_older_slot_can_be_asked_for(staff, lots):
    make_picture()
    make_picture(NOW + SLOT)

    older = staff.get(reverse("web:city_coverage_areas_geojson"), {"at": "2026-11-23T00:05:00Z"})

    assert json.loads(older.content)["slot_starts_at"] == "2026-11-23T08:00+08:00"
    assert "Show the newest" in text_of(staff.get(URL, {"at": "2026-11-23T00:05:00Z"}))


def test_tables_hold_every_lot_and_no_formula(staff, lots):
    Lot.objects.filter(pk=lots[0].pk).update(name="=1+1")
    make_picture(**{f"lot{lots[1].pk}": 28})

    rows = rows_of(staff.get(reverse("web:city_coverage_areas_csv")))

    assert [row["Lot"] for row in rows] == ["'=1+1", *(lot.name for lot in lots[1:])]
    assert (rows[1]["Open bays"], rows[1]["Free bays"], rows[1]["Vacancy"]) == ("30", "<5", "<17 %")
    assert (rows[1]["Known from"], rows[1]["Age in seconds"]) == ("measured", "60")
    assert float(rows[1]["Rank"]) == pytest.approx(newest_picture(CITY).values.score[1])


def test_tables_of_districts_shortages_and_days(staff, lots):
    make_picture(**{f"lot{lots[1].pk}": 28})

    (row,) = rows_of(staff.get(reverse("web:city_coverage_districts_csv")))
    short = rows_of(staff.get(reverse("web:city_coverage_shortages_csv")))
    (slot,) = rows_of(staff.get(reverse("web:city_coverage_lot_csv", args=[lots[1].pk])))

    assert (row["District"], row["Lots"], row["Measured"], row["Estimated"]) == ("福田", "6", "1", "5")
    assert len(short) == 6
    assert {one["Lot"]: one["Hectares for each free bay"][0] for one in short}[lots[1].name] == ">"
    assert slot["Slot"] == "2026-11-23T08:00+08:00"
    assert slot["Free bays"] == "<5"


def test_the_picture_is_a_png_with_all_five_classes(staff, lots):
    make_picture()

    response = staff.get(reverse("web:city_coverage_png"))

    with Image.open(BytesIO(response.content)) as picture:
        assert picture.size == (1600, 1200)
        assert len(picture.getcolors(maxcolors=1 << 20)) > 5


def test_the_ground_of_clusters_is_not_sent_twice(staff, lots):
    make_picture()
    address = reverse("web:city_coverage_clusters_geojson")

    first = staff.get(address)
    again = staff.get(address, headers={"If-None-Match": first.headers["ETag"]})

    assert sum(feature["properties"]["lots"] for feature in json.loads(first.content)["features"]) == 6
    assert again.status_code == 304


@pytest.mark.parametrize("role", [None, Role.MANAGER, Role.GUARD])
def test_who_oversees_no_district_finds_nothing(role, lots):
    make_picture()
    user = make_user()
    if role:
        grant(user, role, lot=lots[0])
    stranger = client_of(user)

    pages = [URL, reverse("web:city_coverage_clusters"), *(reverse(f"web:{name}") for name in DOWNLOADS)]
    of_a_lot = [reverse(f"web:{name}", args=[lots[0].pk]) for name in ("city_coverage_lot", "city_coverage_lot_csv")]
    assert {stranger.get(page).status_code for page in [*pages, *of_a_lot]} == {404}


def test_staff_of_another_city_see_neither_this_one_nor_its_lots(lots):
    make_picture()
    user = make_user()
    grant(user, Role.CITY_STAFF, district=District.objects.create(city="广州", name="天河"))
    theirs = client_of(user)

    assert theirs.get(URL, {"city": CITY}).status_code == 404
    assert theirs.get(reverse("web:city_coverage_lot", args=[lots[0].pk])).status_code == 404
    assert lots[0].name not in text_of(theirs.get(URL))


def test_a_stranger_is_asked_to_sign_in(client):
    assert client.get(URL)["Location"].startswith(reverse("account_login"))


def test_pages_cost_the_same_for_six_lots_and_for_twelve(district, lots, staff):
    make_picture()
    pages = [URL, reverse("web:city_coverage_clusters"), reverse("web:city_coverage_lot", args=[lots[0].pk])]
    before = [queries_of(staff, page) for page in pages]
    for number in range(6):
        make_lot(
            district=district,
            latitude=22.57 + 0.002 * number,
            longitude=114.1,
            capacity=30,
            access_class=lots[0].access_class,
        )
    make_picture(NOW + SLOT)

    assert [queries_of(staff, page) for page in pages] == before
    assert max(before) <= MOST_QUERIES


def test_pages_begin_with_the_city_that_the_map_begins_with(lots, monkeypatch):
    operator = make_user()
    grant(operator, Role.OPERATOR)
    make_lot(district=District.objects.create(city="A city before all others", name="Small"))
    make_picture()

    with at(monkeypatch, LATER):
        client = client_of(operator)
        cities = [client.get(reverse("web:city")).context["city"], client.get(URL).context["scope"].city]

    assert cities == [CITY, CITY]
