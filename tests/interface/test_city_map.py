"""The city map: what it draws with, who gets it, and the same figures in words."""

import json
import re
from datetime import timedelta

import numpy as np
import pytest
import shapely
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coverage import bases, runs
from coverage.engine.pack import from_bytes
from coverage.engine.paint import painted_mesh, site_order
from coverage.models import CoverageRun, CoverageSettings, Mode
from coverage.services import slot_of
from parking_share import clock
from parking_share.base_maps import base_map_of
from parking_share.spaces.models import AccessClass, District, LandUse, Role
from parking_share.web.city_colours import CAPABILITY, VACANCY
from parking_share.web.city_map import workday_and_day_off
from tests.factories import grant, hours, make_lot, make_slot, make_user

pytestmark = pytest.mark.django_db

CITY = "深圳"
SLOT = timedelta(minutes=15)
MOST_QUERIES = 22
PLACES = [(22.550, 114.110), (22.553, 114.113), (22.556, 114.109), (22.549, 114.118), (22.560, 114.120)]


@pytest.fixture(autouse=True)
def in_english(client) -> None:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"


@pytest.fixture
def district() -> District:
    return District.objects.create(city=CITY, name="福田")


@pytest.fixture
def lots(district):
    public = AccessClass.objects.get(code="PUBLIC")
    return [
        make_lot(
            name=f"Lot {number}",
            district=district,
            latitude=north,
            longitude=east,
            access_class=public,
            land_use=LandUse.PUBLIC,
            capacity=20 + 10 * number,
        )
        for number, (north, east) in enumerate(PLACES)
    ]


@pytest.fixture
def staff(client, district):
    user = make_user()
    grant(user, Role.CITY_STAFF, district=district)
    client.force_login(user)
    return user


def newest_slot():
    return slot_of(clock.now()) - SLOT


def picture(*, back: timedelta = timedelta()) -> CoverageRun:
    run = runs.compute_slot(CITY, slot_starts_at=newest_slot() - back, now=clock.now(), is_backfill=bool(back))
    assert run is not None
    return run


def page(name: str, *args) -> str:
    return reverse(f"web:{name}", args=args)


def text(response) -> str:
    return " ".join(response.content.decode().split())


def slots_of(client, **query):
    query.setdefault("day", f"{timezone.localtime(newest_slot()):%Y-%m-%d}")
    return client.get(page("coverage_slots"), query).json()


def test_mesh_ground_and_slot_are_what_the_run_was_painted_with(client, lots, staff):
    run = picture()

    told = slots_of(client)
    one = next(slot for slot in told["slots"] if slot.get("run") == run.pk)
    base = told["bases"][one["base"]]
    mesh, ground, slot = (
        from_bytes(client.get(address).content) for address in (base["mesh"], base["ground"], one["slot"])
    )

    city = bases.city_of(run.base)
    assert mesh["triangles"].shape == painted_mesh(city.mesh).triangles.T.shape
    assert ground["lots"].tolist() == np.array(run.base.lot_ids)[site_order(painted_mesh(city.mesh))].tolist()
    assert ground["plane"].tolist() == [run.base.plane_latitude, run.base.plane_longitude]
    assert slot["weights"].min() == 0
    assert len(slot["vacancy"]) == len(lots)


def test_the_rings_of_the_ground_are_the_target(client, lots, staff):
    run = picture()

    ground = from_bytes(client.get(page("coverage_ground", run.base_id)).content)

    mesh = bases.city_of(run.base).mesh
    rings = np.cumsum(ground["rings"], axis=1).T * 0.01 + mesh.origin
    assert ground["ring_lengths"].sum() == len(rings)
    assert shapely.Polygon(rings).area == pytest.approx(mesh.targets[0].area, rel=1e-5)


def test_what_never_changes_may_be_kept_for_a_year(client, lots, staff):
    run = picture()
    address = next(slot for slot in slots_of(client)["slots"] if slot.get("run"))["slot"]

    named = client.get(address)
    unnamed = client.get(page("coverage_slot", run.pk))
    again = client.get(address, headers={"if-none-match": named.headers["ETag"]})

    assert "immutable" in named.headers["Cache-Control"]
    assert "private" in named.headers["Cache-Control"]
    assert "no-cache" in unnamed.headers["Cache-Control"]
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["coverage_slot", "coverage_picture", "coverage_summary"])
def test_runs_of_other_cities_are_not_there(client, lots, name):
    run = picture()
    stranger = make_user()
    grant(stranger, Role.CITY_STAFF, district=District.objects.create(city="贵阳", name="南明"))
    client.force_login(stranger)

    assert client.get(page(name, run.pk)).status_code == 404
    assert client.get(page("coverage_mesh", run.base_id)).status_code == 404
    assert client.get(page("coverage_lot", run.pk, lots[0].pk)).status_code == 404
    assert client.get(page("coverage_slots"), {"city": CITY}).status_code == 404


def test_slots_of_a_day_say_what_became_of_each(client, lots, staff):
    run = picture()
    base = CoverageRun.objects.get(pk=run.pk).base
    refused_at = newest_slot() - SLOT
    CoverageRun.objects.create(
        base=base,
        city=CITY,
        slot_starts_at=refused_at,
        status=CoverageRun.Status.REFUSED,
        input_at=refused_at,
        began_at=refused_at,
        ended_at=refused_at,
        parameters={},
        engine_version="1",
        complaint="areas overlap",
    )

    states = {
        slot["starts_at"]: slot["state"]
        for day in (newest_slot(), refused_at, newest_slot() - 2 * SLOT, newest_slot() + 2 * SLOT)
        for slot in slots_of(client, day=f"{timezone.localtime(day):%Y-%m-%d}")["slots"]
    }

    def state(instant):
        return states[timezone.localtime(instant).isoformat()]

    assert state(newest_slot()) == "published"
    assert state(refused_at) == "refused"
    assert state(newest_slot() - 2 * SLOT) == "late"
    assert state(newest_slot() + 2 * SLOT) == "future"


def test_a_slot_is_compared_with_the_week_before_only_where_the_lots_are_the_same(client, lots, staff):
    week = timedelta(days=7)
    before, run = picture(back=week), picture()

    def told():
        return next(slot for slot in slots_of(client)["slots"] if slot.get("run"))

    assert told()["before"].startswith(page("coverage_slot", before.pk))
    run.delete()
    type(lots[0]).objects.filter(pk=lots[0].pk).update(capacity=500)
    picture()
    assert told()["before"] is None


def test_a_nested_city_has_no_mesh_but_a_picture(client, lots, staff):
    CoverageSettings.objects.create(city=CITY, mode=Mode.NESTED, cluster_radius_m=400)
    run = picture()
    for part in run.parts.all():
        runs.compute_part(part.pk, now=clock.now())

    told = slots_of(client)

    assert [base["mesh"] for base in told["bases"].values()] == [None]
    assert client.get(page("coverage_mesh", run.base_id)).status_code == 404
    assert client.get(page("coverage_picture", run.pk)).content.count(b"<path") > 0


def test_in_a_nested_city_a_lot_is_shown_against_its_own_network(client, lots, staff):
    CoverageSettings.objects.create(city=CITY, mode=Mode.NESTED, cluster_radius_m=1)  # every lot for itself
    run = picture()
    for part in run.parts.all():
        runs.compute_part(part.pk, now=clock.now())

    rows = client.get(page("city")).context["rows"]
    drawn = client.get(page("coverage_picture", run.pk)).content.decode()

    assert [row["figure"].share for row in rows] == pytest.approx([1.0] * len(lots))
    assert set(re.findall(r'path fill="([^"]+)"', drawn)) == {CAPABILITY.colour(1.0)}


def test_a_rate_at_a_bound_has_the_colour_above_it():
    assert [VACANCY.colour(float(np.float32(bound))) for bound in VACANCY.bounds] == VACANCY.colours[1:]
    assert [VACANCY.colour(bound - 0.0001) for bound in VACANCY.bounds] == VACANCY.colours[:-1]


def test_the_drawn_picture_has_the_areas_colours_and_size(client, lots, staff):
    make_slot(lots[0], newest_slot(), 0.0)
    run = picture()

    drawn = client.get(page("coverage_picture", run.pk), {"colour": "vacancy"})

    assert drawn.headers["Content-Type"] == "image/svg+xml"
    assert drawn.content.count(b"z") >= len(lots)
    assert b"#fff7f3" in drawn.content
    assert b"style" not in drawn.content


def test_the_drawn_picture_is_made_again_once_areas_were_thinned_out(client, lots, staff):
    run = picture()
    before = client.get(page("coverage_picture", run.pk)).content

    CoverageRun.objects.filter(pk=run.pk).update(areas=None)

    assert len(client.get(page("coverage_picture", run.pk)).content) == pytest.approx(len(before), rel=0.05)


def test_the_page_shows_the_newest_picture_and_the_table(client, lots, staff):
    picture()

    shown = client.get(page("city"))

    assert shown.context["rows"][0]["figure"].share > 0
    assert "data-city-map" in text(shown)
    assert json.loads(shown.context["map_data"])["vacancy"]["bounds"][0] == 0.05
    assert "Lot 4" in text(shown)


def test_the_table_is_searched_and_paged_on_the_server(client, lots, staff):
    picture()

    found = client.get(page("city"), {"q": "Lot 3"})

    assert [row["lot"].name for row in found.context["rows"]] == ["Lot 3"]


def test_the_page_of_another_time_shows_that_picture(client, lots, staff):
    earlier, _ = picture(back=hours(24)), picture()
    at = timezone.localtime(earlier.slot_starts_at)

    shown = client.get(page("city"), {"day": f"{at:%Y-%m-%d}", "at": f"{at:%H:%M}"})

    assert shown.context["run"].pk == earlier.pk
    assert "computed afterwards" in text(shown)


def test_a_working_day_stands_beside_a_day_off(client, lots, staff):
    newest = timezone.localtime(newest_slot()).date()
    for _, day in workday_and_day_off(newest):
        picture(back=newest - day)
    picture()

    shown = client.get(page("city"), {"compare": "1"})

    first, second = shown.context["maps"]
    assert [first.kind, second.kind] == ["working day", "day off"]
    assert first.run is not None
    assert second.run is not None
    assert text(shown).count("data-city-map ") == 2


def test_late_and_refused_pictures_are_said_on_the_page(client, lots, staff):
    run = picture(back=hours(2))
    CoverageRun.objects.create(
        base=run.base,
        city=CITY,
        slot_starts_at=newest_slot(),
        status=CoverageRun.Status.REFUSED,
        input_at=clock.now(),
        began_at=clock.now(),
        ended_at=clock.now(),
        parameters={},
        engine_version="1",
        complaint="areas overlap",
    )

    shown = text(client.get(page("city")))

    assert "New pictures are late" in shown
    assert "failed its checks" in shown
    assert "areas overlap" in shown


def test_a_city_without_a_picture_says_so(client, lots, staff):
    assert "There is no picture yet" in text(client.get(page("city")))


def test_few_bays_are_not_counted_out(client, lots, staff):
    make_slot(lots[0], newest_slot(), 18.0)
    run = picture()

    assert "&lt;5 of 20" in text(client.get(page("coverage_lot", run.pk, lots[0].pk)))


def test_a_closed_lot_has_no_number_of_free_bays(client, lots, staff):
    office = make_lot(
        district=lots[0].district, access_class=AccessClass.objects.get(code="OFFICE"),
        latitude=22.557, longitude=114.115, capacity=30,
    )  # fmt: skip
    run = picture()

    told = text(client.get(page("coverage_lot", run.pk, office.pk)))

    assert "closed" in told
    assert "&lt;5" not in told


def test_figures_of_lots_in_districts_of_others_are_not_shown(client, lots, staff):
    theirs = make_lot(
        district=District.objects.create(city=CITY, name="罗湖"), latitude=22.557, longitude=114.115, capacity=30
    )
    run = picture()

    shown = text(client.get(page("coverage_lot", run.pk, theirs.pk)))

    assert "you don't oversee" in shown.replace("&#x27;", "'")
    assert "Vacancy" not in shown
    assert theirs.name not in text(client.get(page("city")))


def test_queries_do_not_grow_with_lots(client, lots, staff):
    picture()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(page("city")).status_code == 200

    assert len(queries) <= MOST_QUERIES, [query["sql"][:90] for query in queries]


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"kind": "google"}, "must be one of"),
        ({"kind": "pmtiles"}, "BASE_MAP_ADDRESS"),
        ({"kind": "tianditu"}, "BASE_MAP_KEY"),
        ({"hosts": ["https://tiles.example.org; script-src *"]}, "origins"),
    ],
)
def test_a_base_map_that_cannot_work_stops_the_start(fields, part):
    with pytest.raises(ImproperlyConfigured, match=part):
        base_map_of(**{"kind": "none", "address": "", "key": "", "hosts": []} | fields)


def test_a_base_map_elsewhere_is_let_in_by_its_origin_only():
    made = base_map_of(kind="style", address="https://maps.example.org/a/style.json", key="", hosts=[])

    assert made["hosts"] == ["https://maps.example.org"]
    assert base_map_of(kind="pmtiles", address="/tiles/city.pmtiles", key="", hosts=[])["hosts"] == []
