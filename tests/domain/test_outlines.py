"""The ground of a city, taken in from GeoJSON of any datum."""

import json

import pytest
import shapely
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import translation
from shapely.geometry import mapping, shape

from coverage.models import CityOutline
from parking_share.spaces.datum import Datum, from_wgs84

pytestmark = pytest.mark.django_db
SQUARE = shapely.box(114.10, 22.54, 114.12, 22.56)
LAKE = shapely.box(114.105, 22.545, 114.110, 22.550)


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def take_in(tmp_path, document, *, datum="wgs84", city="深圳"):
    path = tmp_path / "outline.geojson"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    call_command("import_boundary", path, "--city", city, "--datum", datum)


def outline_in_force(city="深圳"):
    return shape(CityOutline.objects.get(city=city, superseded_at__isnull=True).outline)


def test_a_polygon_with_a_hole_is_taken_in_as_it_is(tmp_path):
    take_in(tmp_path, mapping(SQUARE - LAKE))

    assert outline_in_force().equals(SQUARE - LAKE)


def test_features_make_one_outline(tmp_path):
    features = [
        {"type": "Feature", "properties": {}, "geometry": mapping(part)}
        for part in (SQUARE, shapely.box(114.12, 22.54, 114.13, 22.56))
    ]
    take_in(tmp_path, {"type": "FeatureCollection", "features": features})

    assert outline_in_force().area == pytest.approx(SQUARE.area * 1.5)


def test_a_chinese_datum_is_turned_into_wgs84(tmp_path):
    shifted = [from_wgs84(north, east, datum=Datum.GCJ02) for east, north in SQUARE.exterior.coords]
    take_in(tmp_path, {"type": "Polygon", "coordinates": [[[east, north] for north, east in shifted]]}, datum="gcj02")

    assert outline_in_force().symmetric_difference(SQUARE).area < 1e-6 * SQUARE.area


def test_the_same_outline_twice_changes_nothing_and_another_supersedes(tmp_path, capsys):
    take_in(tmp_path, mapping(SQUARE))
    take_in(tmp_path, mapping(SQUARE))
    take_in(tmp_path, mapping(SQUARE - LAKE))

    assert CityOutline.objects.count() == 2
    assert outline_in_force().equals(SQUARE - LAKE)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("{", "is no JSON"),
        ({"type": "Point", "coordinates": [114, 22]}, "no GeoJSON polygon"),
        ({"type": "FeatureCollection", "features": []}, "holds no polygon"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]}, "not a valid polygon"),
        (
            {"type": "Polygon", "coordinates": [[[22.5, 114.1], [22.6, 114.1], [22.6, 114.2], [22.5, 114.1]]]},
            "longitude first",
        ),
        ({"type": "Polygon", "coordinates": "none"}, "can't be read"),
        ([], "no GeoJSON polygon"),
    ],
)
def test_what_is_no_outline_is_refused_with_a_sentence(tmp_path, document, sentence):
    with pytest.raises(CommandError, match=sentence):
        take_in(tmp_path, document)

    assert not CityOutline.objects.exists()


def test_a_datum_must_be_named(tmp_path):
    with pytest.raises(CommandError, match="--datum"):
        call_command("import_boundary", tmp_path / "outline.geojson", "--city", "深圳")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandError, match="can't be read: No such file"):
        call_command("import_boundary", tmp_path / "none.geojson", "--city", "深圳", "--datum", "wgs84")
