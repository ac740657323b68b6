"""Degrees into metres of a plane and back, against Singapore's own grid and against itself."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverage.projection import CityPlane

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
GUIYANG = CityPlane(latitude=26.65, longitude=106.63)


@given(st.floats(-80, 80), st.floats(-170, 170), st.floats(-2, 2), st.floats(-2, 2))
def test_there_and_back_is_where_we_were(latitude, longitude, north, east):
    plane = CityPlane(latitude=latitude, longitude=longitude)

    lat, lon = plane.degrees(plane.metres([latitude + north], [longitude + east]))

    assert lat[0] == pytest.approx(latitude + north, abs=1e-10)
    assert lon[0] == pytest.approx(longitude + east, abs=1e-10)


def test_the_middle_is_the_origin():
    assert GUIYANG.metres([26.65], [106.63]) == pytest.approx(np.zeros((1, 2)), abs=1e-9)


def test_a_degree_of_the_meridian_has_its_length():
    """110.8 km at 26.65 degrees north: 111132.954 - 559.822 cos 2φ + 1.175 cos 4φ metres a degree."""
    north = GUIYANG.metres([26.15, 27.15], [106.63, 106.63])[:, 1]
    angle = np.radians(26.65)

    assert north[1] - north[0] == pytest.approx(
        111132.954 - 559.822 * np.cos(2 * angle) + 1.175 * np.cos(4 * angle), abs=1
    )


def test_angles_and_lengths_hold_within_50_km():
    """Conformal: a small square stays one, and grows by less than 4e-5."""
    step = 1e-4
    lat, lon = 26.65 + 0.3, 106.63 + 0.45
    corner, east, north = GUIYANG.metres([lat, lat, lat + step], [lon, lon + step, lon])
    to_east, to_north = east - corner, north - corner
    plain = CityPlane(latitude=lat, longitude=lon).metres([lat, lat, lat + step], [lon, lon + step, lon])

    assert to_east @ to_north / (np.hypot(*to_east) * np.hypot(*to_north)) == pytest.approx(0, abs=1e-6)
    assert np.hypot(*to_north) / np.hypot(*(plain[2] - plain[0])) == pytest.approx(1, abs=4e-5)


def test_singapore_publishes_the_same_metres():
    path = DATA / "singapore_hdb" / "hdb_carparks.csv.gz"
    if not path.exists():
        pytest.skip("Real car parks are not at hand: ../shared/data/singapore_hdb is absent.")
    with gzip.open(path, "rt", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    published = np.array([(float(row["x_svy21"]), float(row["y_svy21"])) for row in rows])
    grid = CityPlane(latitude=1 + 22 / 60, longitude=103 + 50 / 60)

    ours = grid.metres([float(row["lat_wgs84"]) for row in rows], [float(row["lon_wgs84"]) for row in rows])

    assert ours + np.array([28001.642, 38744.572]) == pytest.approx(published, abs=0.005)


def test_a_point_of_another_city_is_refused():
    with pytest.raises(ValueError, match=r"point 1 at 31\.2, 121\.5 lies more than 3 degrees"):
        GUIYANG.metres([26.6, 31.2], [106.6, 121.5])


def test_a_city_at_the_pole_is_refused():
    with pytest.raises(ValueError, match="can't lie at 89"):
        CityPlane(latitude=89, longitude=0)


def test_the_plane_goes_through_the_middle_of_the_points():
    assert CityPlane.through([26.1, 26.9], [106.2, 107.2]) == CityPlane(latitude=26.5, longitude=106.7)
