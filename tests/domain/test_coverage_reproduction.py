"""The paper's figures on an invented district: what is counted is counted right, and every picture is one."""

import csv
import gzip
from io import BytesIO

import numpy as np
import pytest
import shapely
from django.core.management import call_command
from PIL import Image

from coverage.reproduction import districts
from coverage.reproduction.comparison import areas_by_use, lines_of, study_of
from coverage.reproduction.districts import Use, real_district, synthetic_district
from coverage.reproduction.figures import figures_of
from coverage.reproduction.unbounded import enclosed_among, enclosed_without_bounds, owners_without_bounds

LOTS = 150
COLUMNS = "id,name,address,district,district_source,type,type_reading,capacity,lat_bd09,lon_bd09"


@pytest.fixture(scope="module")
def study():
    return study_of(synthetic_district(lots=LOTS))


def is_a_disc_of_its_own(positions, weights, row) -> bool:
    """By sampling: just inside the smallest circle of a heavier site all is its own, just outside the other's."""
    circles = []
    for other in np.flatnonzero(weights > weights[row]):
        ratio = weights[row] / weights[other]
        centre = (positions[row] - ratio**2 * positions[other]) / (1 - ratio**2)
        distance = np.hypot(*(positions[row] - positions[other]))
        circles.append((ratio * distance / (1 - ratio**2), other, centre))
    if not circles:
        return False
    radius, other, centre = min(circles, key=lambda circle: circle[0])
    angle = np.linspace(0, 2 * np.pi, 2000)
    around = np.column_stack((np.cos(angle), np.sin(angle)))
    inside, outside = (centre + factor * radius * around for factor in (0.9999, 1.0001))
    owners = [set(owners_without_bounds(positions, weights, ring).tolist()) for ring in (inside, outside)]
    return owners == [{row}, {int(other)}]


def test_enclosed_sites_are_those_with_a_disc_of_their_own():
    generator = np.random.default_rng(5)
    seen = 0
    for _city in range(15):
        positions, weights = generator.uniform(0, 1000, size=(12, 2)), generator.lognormal(0, 1, size=12)

        found = enclosed_without_bounds(positions, weights)

        expected = [row for row in range(12) if is_a_disc_of_its_own(positions, weights, row)]
        assert found.tolist() == expected
        seen += len(found)
    assert seen > 30


def test_of_two_the_lighter_is_enclosed_and_of_equals_none():
    places = np.array([[0.0, 0.0], [100.0, 0.0]])

    assert enclosed_without_bounds(places, np.array([2.0, 1.0])).tolist() == [1]
    assert enclosed_without_bounds(places, np.array([1.0, 1.0])).tolist() == []
    assert enclosed_without_bounds(np.zeros((2, 2)), np.array([2.0, 1.0])).tolist() == []


def test_an_island_in_another_area_is_enclosed_and_one_at_the_edge_is_not():
    target = shapely.box(0, 0, 100, 100)
    island, corner = shapely.box(40, 40, 60, 60), shapely.box(0, 0, 10, 10)
    rest = target.difference(island).difference(corner)

    assert enclosed_among(np.array([rest, island, corner], dtype=object), target).tolist() == [1]


def test_bounds_leave_no_lot_enclosed(study):
    assert len(study.enclosed_unbounded) > 0.2 * LOTS
    assert study.enclosed.tolist() == []


def test_the_statements_of_the_paper_hold(study):
    lines = {line.what: line for line in lines_of(study)}

    assert lines["car parks"].ours == str(LOTS)
    assert [line.what for line in lines.values() if line.agrees is False] == []
    assert sum(line.agrees is True for line in lines.values()) == 8


def test_shares_of_the_small_network_add_up(study):
    shares = areas_by_use(study, hour=12, is_day_off=False)

    assert sum(shares.values()) == pytest.approx(1)
    assert set(np.unique(study.district.uses[study.members])) == set(Use)


def test_vacancy_follows_the_hour_and_the_kind_of_day():
    district = synthetic_district(lots=60)
    homes = district.uses == Use.RESIDENTIAL

    night, noon = (district.vacancy(hour=hour, is_day_off=False) for hour in (3, 12))

    assert (night[homes] < noon[homes]).all()
    between = district.vacancy(hour=7.5, is_day_off=False)
    assert between == pytest.approx(
        (district.vacancy(hour=7, is_day_off=False) + district.vacancy(hour=8, is_day_off=False)) / 2, abs=0.03
    )
    assert all(len(curve.split()) == 24 for curve in districts._IN_USE.values())


def test_every_figure_is_a_picture_with_something_on_it(study):
    found = dict(figures_of(study))

    assert list(found) == ["fig2", "fig3", "fig5", "fig6", "fig7"]
    for png in found.values():
        with Image.open(BytesIO(png)) as picture:
            assert picture.width >= 1200
            assert len(picture.getcolors(maxcolors=1 << 22)) > 20


def real_table(folder):
    path = folder / "shenzhen_carparks" / "shenzhen_carparks_except_nanshan.csv.gz"
    path.parent.mkdir(parents=True)
    rows = [
        f"{number},{name},x,{district},address,4,{kind},{bays},{22.55 + 0.002 * number},{114.12 + 0.001 * (number % 5)}"
        for number, (name, district, kind, bays) in enumerate(
            [("a", "罗湖", "residential", "100"), ("b", "罗湖", "office", ""), ("c", "宝安", "office", "")] * 8
        )
    ]
    path.write_bytes(gzip.compress("\n".join([COLUMNS, *rows]).encode()))
    return path


def test_the_real_district_is_read_from_its_table(tmp_path):
    district = real_district(real_table(tmp_path))

    assert len(district.positions) == 16
    assert set(district.uses.tolist()) == {Use.RESIDENTIAL, Use.OFFICE}
    assert np.abs(district.positions).max() < 5000
    homes = district.capability[district.uses == Use.RESIDENTIAL]
    assert len(np.unique(np.round(homes * 8.5, 6))) <= 3  # one hundred bays each, three fees


def test_a_table_without_the_district_is_refused(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(f"{COLUMNS}\n1,a,x,宝安,address,4,office,,22.5,114.1".encode()))

    with pytest.raises(ValueError, match="罗湖"):
        real_district(path)


def test_the_command_writes_pictures_and_a_table(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(synthetic_district, "__kwdefaults__", {"lots": LOTS, "seed": districts.SEED})

    call_command("reproduce_coverage_paper", "--output", str(tmp_path / "out"), "--data", str(tmp_path))

    said = capsys.readouterr()
    assert "= neither gaps nor overlaps: yes | verified" in said.out
    assert "shenzhen_carparks" in said.err
    assert len(list((tmp_path / "out").glob("synthetic-fig*.png"))) == 5
    with (tmp_path / "out" / "synthetic-comparison.csv").open(encoding="utf-8") as file:
        assert {row["agrees"] for row in csv.DictReader(file)} == {"", "true"}
