import numpy as np
import pytest
import shapely

from coverage.engine.mesh import build_mesh
from coverage.engine.owner import owner_of
from coverage.engine.pack import from_bytes
from coverage.engine.paint import (
    PaintedMesh,
    painted_mesh,
    painted_mesh_to_bytes,
    quantised,
    site_order,
    slot_to_bytes,
    vacancy_levels,
    weight_levels,
    weights_of_levels,
)
from coverage.engine.triangulation import doubled_areas
from tests.engine.coverage.pictures import HOLED, SQUARE, scattered, uneven

LARGE = shapely.affinity.scale(HOLED, 20, 20, origin=(0, 0))
TOWN = quantised(np.concatenate((scattered(70, width=2400, height=2000) + 1 / 3, [(7, 7), (7, 7)])))
WEIGHTS = uneven(72)
MESH = build_mesh(TOWN, LARGE)


def painted_owner(painted: PaintedMesh, weights, point) -> int:
    """What a fragment shader does at one point: least d / w in its triangle, or in the one behind its strip."""
    places = painted.places / 100 + painted.origin

    def least(triangle, x) -> int:
        return int(min(triangle, key=lambda place: np.hypot(*(places[place] - x)) / weights[place]))

    for triangle in painted.triangles:
        ring = places[triangle]
        sides = np.roll(ring, -1, axis=0) - ring
        if (sides[:, 0] * (point[1] - ring[:, 1]) - sides[:, 1] * (point[0] - ring[:, 0]) >= 0).all():
            return least(triangle, point)
    feet = []
    for strip in painted.strips:
        start, end = places[strip[:2]]
        along = np.clip((point - start) @ (end - start) / ((end - start) @ (end - start)), 0, 1)
        feet.append((np.hypot(*(start + along * (end - start) - point)), strip, start + along * (end - start)))
    _, strip, foot = min(feet, key=lambda found: found[0])
    return least(strip, foot)


def test_a_painted_map_shows_the_owner_by_the_definition_everywhere():
    painted = painted_mesh(MESH)
    weights = weights_of_levels(weight_levels(MESH, painted, WEIGHTS))
    points = np.random.default_rng(3).uniform((-600, -800), (3800, 2800), size=(100, 2))
    of_sites = weights[painted.place_of]

    shown = [painted_owner(painted, weights, point) for point in points]
    expected = painted.place_of[owner_of(MESH, of_sites, points)]

    assert shown == expected.tolist()


def test_weight_levels_are_exact_to_a_quarter_of_a_thousandth():
    painted = painted_mesh(MESH)
    weights = WEIGHTS.copy()
    weights[[3, 4]] = 0, 1e-300

    levels = weight_levels(MESH, painted, weights)
    shown = weights_of_levels(levels)[painted.place_of]

    assert levels.dtype == np.uint16
    assert shown[[3, 4]] == pytest.approx([1e-12, 1e-12])
    assert shown[5:70] == pytest.approx(weights[5:70] / weights.max(), rel=2.5e-4)


def test_sites_at_one_place_show_the_heaviest():
    painted = painted_mesh(MESH)

    shown = weights_of_levels(weight_levels(MESH, painted, WEIGHTS))

    assert painted.place_of[70] == painted.place_of[71]
    assert shown[painted.place_of[70]] == pytest.approx(WEIGHTS[70:].max() / WEIGHTS.max(), rel=2.5e-4)


def test_strips_go_once_around_the_hull_and_reach_past_the_target():
    painted = painted_mesh(MESH)
    places = painted.places / 100 + painted.origin
    hull = shapely.Polygon(places[painted.strips[:, 0]])

    assert painted.strips[:, 1].tolist() == np.roll(painted.strips[:, 0], -1).tolist()
    assert hull.symmetric_difference(shapely.MultiPoint(TOWN).convex_hull).area < 1e-6
    assert hull.exterior.is_ccw
    for (start, end, _), reach in zip(painted.strips, painted.reach, strict=True):
        along = (places[end] - places[start]) / np.hypot(*(places[end] - places[start]))
        strip = shapely.Polygon([places[start], places[end], *(places[[end, start]] + 9e9 * along[::-1] * (1, -1))])
        beyond = shapely.get_coordinates(shapely.intersection(strip, LARGE)) - places[start]
        assert (beyond @ (along[::-1] * (1, -1))).max(initial=0) <= reach / 100 + 1e-6


def test_a_packed_mesh_can_be_decoded_as_described():
    painted = painted_mesh(MESH)

    arrays = from_bytes(painted_mesh_to_bytes(painted))
    unfold = {
        name: (arrays[name] >> 1).astype(np.int64) ^ -(arrays[name] & 1).astype(np.int64)
        for name in ("places", "triangles")
    }
    first = np.cumsum(unfold["triangles"][0])

    assert np.cumsum(unfold["places"], axis=1).T.tolist() == painted.places.tolist()
    assert np.column_stack((first, first + unfold["triangles"][1], first + unfold["triangles"][2])).tolist() == (
        painted.triangles.tolist()
    )
    assert np.repeat(np.arange(71), arrays["sites_at"]).tolist() == painted.place_of[site_order(painted)].tolist()


def test_painted_triangles_are_those_of_the_mesh():
    painted = painted_mesh(MESH)

    areas = doubled_areas(painted.places / 100, painted.triangles.astype(np.intp))

    assert np.sort(areas) / 2 == pytest.approx(np.sort(MESH.triangles.areas))


def test_a_slot_holds_weights_by_place_and_vacancies():
    levels = np.array([0, 65535, 300], dtype=np.uint16)

    arrays = from_bytes(slot_to_bytes(levels, vacancy_levels([0, 0.5, np.nan, 1])))

    assert arrays["weights"].tolist() == [0, 65535, 300]
    assert arrays["vacancy"].tolist() == [0, 100, 255, 200]


def test_a_vacancy_stays_in_its_class():
    bounds = np.array([0.05, 0.2, 0.4, 0.6, 0.8, 0.95])

    at_a_bound = vacancy_levels(bounds.astype(np.float32))
    just_below = vacancy_levels(bounds - 0.0001)

    assert at_a_bound.tolist() == [10, 40, 80, 120, 160, 190]
    assert just_below.tolist() == [9, 39, 79, 119, 159, 189]


def test_vacancies_outside_their_range_are_refused():
    with pytest.raises(ValueError, match=r"vacancy 0 must be in \[0, 1\]"):
        vacancy_levels([1.2])


def test_only_whole_centimetres_and_one_network_can_be_painted():
    with pytest.raises(ValueError, match="whole centimetres"):
        painted_mesh(build_mesh([(0, 0), (50, 0.001), (3, 40)], SQUARE))
    with pytest.raises(ValueError, match="one network with triangles, got 2"):
        painted_mesh(build_mesh(scattered(6), [SQUARE, SQUARE], groups=[0, 0, 0, 1, 1, 1]))
