import numpy as np
import pytest
import shapely

from coverage.engine.city import flat_city, nested_city, tick
from coverage.engine.pack import areas_from_bytes, areas_to_bytes, city_from_bytes, city_to_bytes, from_bytes, to_bytes
from coverage.engine.partition import Areas
from tests.engine.coverage.pictures import HOLED, scattered, uneven

LARGE = shapely.affinity.scale(HOLED, 20, 20, origin=(0, 0))
TOWN, CAPABILITY = scattered(60, width=2400, height=2000), uneven(60)
VACANCY = np.random.default_rng(5).uniform(size=60)


@pytest.mark.parametrize("build", [flat_city, nested_city])
def test_a_packed_city_ticks_the_same_bit_for_bit(build):
    city = build(TOWN, CAPABILITY, LARGE)
    packed = city_to_bytes(city)

    moment, again = tick(city, VACANCY), tick(city_from_bytes(packed), VACANCY)

    assert again.ranking.scores.tolist() == moment.ranking.scores.tolist()
    assert shapely.equals_exact(again.areas.polygons, moment.areas.polygons).all()
    assert city_to_bytes(city_from_bytes(packed)) == packed


def test_packed_areas_come_back_exactly():
    moment = tick(flat_city(TOWN, CAPABILITY, LARGE), VACANCY, tolerance=0.25)

    areas = areas_from_bytes(areas_to_bytes(moment.areas))

    assert shapely.equals_identical(areas.polygons, moment.areas.polygons).all()
    assert areas.tolerance == 0.25


def test_areas_packed_by_centimetres_come_back_to_the_centimetre_and_smaller():
    moment = tick(
        flat_city(TOWN + np.array([500_000, 2_500_000]), CAPABILITY, shapely.affinity.translate(LARGE, 5e5, 25e5)),
        VACANCY,
    )
    packed = areas_to_bytes(moment.areas, quantum_m=0.01)

    areas = areas_from_bytes(packed)

    assert len(packed) < len(areas_to_bytes(moment.areas)) / 2
    assert np.nanmax(shapely.hausdorff_distance(areas.polygons, moment.areas.polygons)) < 0.0072
    assert areas.area_m2.sum() == pytest.approx(LARGE.area, rel=1e-6)


def test_empty_and_several_polygons_keep_their_kind():
    shapes = [shapely.Polygon(), HOLED, shapely.box(0, 0, 1, 1)]

    areas = areas_from_bytes(areas_to_bytes(Areas(np.array(shapes, dtype=object), 0.5)))

    assert [shape.geom_type for shape in areas.polygons] == ["Polygon", "MultiPolygon", "Polygon"]
    assert shapely.is_empty(areas.polygons).tolist() == [True, False, False]


@pytest.mark.parametrize("kind", ["<i1", "<u2", "<i4", ">i4", "<f4", "<f8"])
def test_arrays_come_back_with_shape_and_type(kind):
    array = np.arange(12).reshape(3, 4).astype(kind)

    back = from_bytes(to_bytes({"a": array, "none": array[:0]}))

    assert (back["a"] == array).all()
    assert back["a"].dtype == array.dtype.newbyteorder("<")
    assert back["none"].shape == (0, 4)


@pytest.mark.parametrize("block", [b"", b"nope", b"cov1damaged"])
def test_other_bytes_are_refused(block):
    with pytest.raises(ValueError, match="the block"):
        from_bytes(block)


def test_arrays_of_other_things_and_steps_of_nothing_are_refused():
    with pytest.raises(ValueError, match="must hold numbers, got object"):
        to_bytes({"a": np.array([None])})
    with pytest.raises(ValueError, match="quantum_m must be positive, got 0"):
        areas_to_bytes(Areas(np.array([HOLED], dtype=object), 0.5), quantum_m=0)
