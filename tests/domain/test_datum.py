import csv
import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking_share.spaces import datum
from parking_share.spaces.datum import Datum, OutsideChinaRefused, from_wgs84, to_wgs84
from parking_share.spaces.selectors import distance_m

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
in_china = st.tuples(st.floats(18.0, 53.5), st.floats(73.6, 135.0))
in_the_box = st.tuples(
    st.floats(datum.SOUTH, datum.NORTH, exclude_min=True, exclude_max=True),
    st.floats(datum.WEST, datum.EAST, exclude_min=True, exclude_max=True),
)
SHIFTED = [Datum.GCJ02, Datum.BD09]


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
        ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
        ((39.915, 116.404), (39.91640428150164, 116.41024449916938)),
    ],
    ids=["Shanghai", "Shenzhen", "Beijing", "Beijing, rounded"],
)
def test_gcj02_of_published_points(wgs84, gcj02):
    assert datum.wgs84_to_gcj02(wgs84) == pytest.approx(gcj02, abs=1e-9)


def test_bd09_of_a_published_point():
    assert datum.gcj02_to_bd09((39.915, 116.404)) == pytest.approx((39.92133699351021, 116.41036949371029), abs=1e-9)


def test_bd09_back_to_gcj02_of_a_published_point():
    # the published inverse is an approximation, good to a metre
    assert datum.bd09_to_gcj02((39.915, 116.404)) == pytest.approx((39.90865673957631, 116.39762729119315), abs=1e-5)


@given(point=in_the_box)
@pytest.mark.parametrize("shifted", SHIFTED)
def test_a_round_trip_comes_back(shifted, point):
    there = from_wgs84(*point, datum=shifted)

    assert to_wgs84(*there, datum=shifted) == pytest.approx(point, abs=1e-6)


@given(point=in_china)
@pytest.mark.parametrize("shifted", SHIFTED)
def test_a_chinese_point_is_shifted_by_some_hundred_metres(shifted, point):
    metres = distance_m(point, from_wgs84(*point, datum=shifted))

    assert 20 < metres < 2_500


@given(point=st.tuples(st.floats(-90, 90), st.floats(-180, 180)).filter(lambda p: not datum.is_in_china(*p)))
@pytest.mark.parametrize("shifted", SHIFTED)
def test_outside_china_nothing_is_shifted(shifted, point):
    assert from_wgs84(*point, datum=shifted) == point


@given(point=st.tuples(st.floats(-90, 90), st.floats(-180, 180)))
def test_wgs84_is_taken_as_it_is(point):
    assert to_wgs84(*point, datum=Datum.WGS84) == point


@pytest.mark.parametrize("shifted", SHIFTED)
@pytest.mark.parametrize("point", [(52.5, 13.4), (34.05, -118.24), (114.11, 22.56)], ids=["Berlin", "LA", "swapped"])
def test_a_chinese_datum_is_refused_elsewhere(shifted, point):
    with pytest.raises(OutsideChinaRefused) as refusal:
        to_wgs84(*point, datum=shifted)

    assert shifted.value.upper() in refusal.value.sentence


def test_bd09_positions_of_a_real_city_land_on_their_landmarks():
    source = DATA / "shenzhen_carparks" / "shenzhen_carparks_except_nanshan.csv.gz"
    if not source.exists():
        pytest.skip("Real car parks are not at hand: ../shared/data/shenzhen_carparks is absent.")
    with gzip.open(source, "rt", encoding="utf-8") as table:
        stated = {row["name"]: (float(row["lat_bd09"]), float(row["lon_bd09"])) for row in csv.DictReader(table)}
    kk100 = "京基100大厦-a座停车场"

    landed = {name: to_wgs84(*point, datum=Datum.BD09) for name, point in stated.items()}

    assert distance_m(landed[kk100], (22.5458, 114.1017)) < 150
    assert distance_m(stated[kk100], (22.5458, 114.1017)) > 1_000
    assert {round(stated[name][0] - landed[name][0], 3) for name in stated} <= {0.002, 0.003, 0.004}
    assert {round(stated[name][1] - landed[name][1], 3) for name in stated} <= {0.010, 0.011, 0.012}
