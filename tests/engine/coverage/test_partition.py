import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Voronoi

from coverage.engine.mesh import build_mesh
from coverage.engine.owner import owner_of
from coverage.engine.partition import service_areas, uncut_cells, vertex_weights
from tests.engine.coverage.pictures import GENERATOR, HOLED, SQUARE, WORKED, divided, networks, scattered, uneven
from tests.oracles import coverage as oracle


def points_in(target, count, *, seed=GENERATOR):
    low_x, low_y, high_x, high_y = target.bounds
    drawn = np.random.default_rng(seed).uniform((low_x, low_y), (high_x, high_y), size=(count, 2))
    return drawn[shapely.contains_xy(target, drawn)]


@given(networks(), st.sampled_from([SQUARE, HOLED]))
@settings(max_examples=10, deadline=None)
def test_every_point_is_in_the_area_of_its_owner_by_the_definition(network, target):
    positions, weights = network
    mesh, areas = divided(positions, weights, target)
    places = [tuple(place) for place in positions.tolist()]
    triangles = oracle.delaunay(places)

    for point in points_in(target, 25).tolist():
        owners = oracle.owners(places, weights.tolist(), triangles, tuple(point))
        near = shapely.distance(areas.polygons[list(owners)], shapely.Point(point))
        border = shapely.distance(shapely.boundary(areas.polygons[list(owners)]), shapely.Point(point))

        assert owner_of(mesh, weights, [point])[0] in owners
        assert near.max() == 0 or border.min() <= 2 * areas.tolerance


@given(networks(least=1, most=30), st.sampled_from([SQUARE, HOLED]))
@settings(max_examples=12, deadline=None)
def test_areas_fill_the_target_without_overlap(network, target):
    mesh, areas = divided(*network, target, tolerance=0.5)
    cells = uncut_cells(mesh, vertex_weights(mesh, network[1]), tolerance=0.5)

    assert areas.area_m2.sum() == pytest.approx(target.area, rel=1e-12)
    assert shapely.is_valid(areas.polygons).all()
    assert len(cells) == 1 or shapely.coverage_is_valid(cells)


@given(networks(most=40))
@settings(max_examples=8, deadline=None)
def test_every_site_is_in_its_own_area_and_in_no_other(network):
    positions, weights = network
    _, areas = divided(positions, weights, tolerance=0.5)

    inside = shapely.contains(areas.polygons[:, None], shapely.points(positions))

    assert (inside == np.eye(len(positions), dtype=bool)).all()


@given(networks(most=20), st.integers(0, 19))
@settings(max_examples=8, deadline=None)
def test_raising_a_weight_takes_no_point_from_its_site_and_gives_none_to_another(network, which):
    positions, weights = network
    which %= len(weights)
    raised = weights.copy()
    raised[which] *= 1.5
    mesh = build_mesh(positions, SQUARE)
    points = points_in(SQUARE, 300)

    before, after = owner_of(mesh, weights, points), owner_of(mesh, raised, points)

    assert ((after == before) | (after == which)).all()


def test_scaling_all_weights_changes_nothing():
    mesh, weights = build_mesh(scattered(30), SQUARE), uneven(30)

    scaled = service_areas(mesh, 4e-7 * weights).area_m2

    assert scaled == pytest.approx(service_areas(mesh, weights).area_m2, rel=1e-9)


def test_rigid_motion_moves_the_areas_along():
    positions, weights = scattered(30), uneven(30)
    _, areas = divided(positions, weights)
    turn, shift = np.array([[0.6, 0.8], [-0.8, 0.6]]), (500_000, 2_500_000)
    moved_target = shapely.transform(SQUARE, lambda places: places @ turn + shift)

    _, moved = divided(positions @ turn + shift, weights, moved_target)
    expected = shapely.transform(areas.polygons, lambda places: places @ turn + shift)

    assert moved.area_m2 == pytest.approx(areas.area_m2, rel=1e-7)
    assert shapely.hausdorff_distance(moved.polygons, expected).max() < 1e-6


@pytest.mark.parametrize("name", WORKED)
def test_areas_of_the_worked_triangles(name):
    positions, weights, areas = WORKED[name]
    triangle = shapely.Polygon(positions)

    _, found = divided(positions, weights, triangle, tolerance=1e-8)

    assert found.area_m2 == pytest.approx(areas, rel=1e-6)


def test_a_cut_leaves_an_area_in_two_parts():
    positions, weights, _ = WORKED["breach and cut"]

    _, areas = divided(positions, weights, shapely.Polygon(positions))

    assert shapely.get_num_geometries(areas.polygons).tolist() == [2, 1, 1]


def test_outside_the_hull_borders_go_on_along_the_normals():
    mesh, areas = divided([(0, 0), (60, 0), (30, 50)], [2, 1, 1], shapely.box(0, -100, 60, 0))

    assert areas.area_m2 == pytest.approx([4000, 2000, 0])
    assert owner_of(mesh, [2, 1, 1], [(39, -90), (41, -90)]).tolist() == [0, 1]


def test_a_breach_reaches_beyond_the_hull():
    positions, weights, _ = WORKED["breach"]
    below = shapely.box(-5, -5, 5, 5)

    mesh, areas = divided(positions, weights[::-1], below)

    assert owner_of(mesh, weights[::-1], [(0.5, -4)]).tolist() == [2]
    assert areas.polygons[2].contains(shapely.Point(0.5, -4))


def test_a_cut_at_the_hull_reaches_beyond_it():
    positions, weights, _ = WORKED["breach and cut"]

    mesh, areas = divided(positions, weights, shapely.box(-50, -50, 210, 60))

    assert owner_of(mesh, weights, [(20, -40), (50, -40), (100, -40)]).tolist() == [0, 2, 0]
    assert areas.polygons[2].contains(shapely.Point(50, -40))
    assert shapely.get_num_geometries(areas.polygons[0]) == 2
    assert areas.area_m2.sum() == pytest.approx(260 * 110, rel=1e-14)


def test_equal_weights_give_the_voronoi_diagram_where_no_triangle_is_obtuse():
    side = np.arange(6)
    positions = np.array([(x + 0.5 * (y % 2), y * 0.9) for y in side for x in side]) * 10
    mesh = build_mesh(positions, shapely.box(0, 0, 55, 45))
    diagram = Voronoi(positions)

    areas = service_areas(mesh, np.ones(36))

    for site in (7, 8, 14, 15, 20, 21):
        region = diagram.vertices[diagram.regions[diagram.point_region[site]]]
        assert areas.polygons[site].symmetric_difference(shapely.MultiPoint(region).convex_hull).area < 1e-9


def test_a_single_site_owns_the_whole_target():
    _, areas = divided([(500, 500)], [0], HOLED)

    assert shapely.equals(areas.polygons[0], HOLED)


def test_two_sites_share_by_a_line_across_their_division_point():
    mesh, areas = divided([(0, 0), (60, 0)], [2, 1], shapely.box(-10, -10, 70, 30))

    assert areas.area_m2 == pytest.approx([50 * 40, 30 * 40], rel=1e-14)
    assert owner_of(mesh, [2, 1], [(39, 25), (41, 25)]).tolist() == [0, 1]


def test_sites_on_a_line_share_by_strips_between_neighbours():
    positions = np.outer([30, 0, 10, 60], [0.6, 0.8]) + np.array([1000, 2000])
    weights = [1, 1, 3, 2]
    target = shapely.Point(1018, 2024).buffer(100)
    mesh, areas = divided(positions, weights, target)

    borders = np.array([2.5, 25, 40])
    points = np.random.default_rng(1).uniform((930, 1930), (1100, 2100), size=(300, 2))
    along = (points - (1000, 2000)) @ [0.6, 0.8]
    expected = np.array([1, 2, 0, 3])[np.searchsorted(borders, along)]

    assert owner_of(mesh, weights, points).tolist() == expected.tolist()
    assert areas.area_m2.sum() == pytest.approx(target.area, rel=1e-13)
    assert shapely.distance(areas.polygons, shapely.points(positions)).tolist() == [0, 0, 0, 0]


def test_of_sites_at_one_place_the_heaviest_gets_the_area_and_of_equals_the_first():
    positions = [(0, 0), (50, 50), (0, 0), (50, 50), (100, 0)]
    mesh, areas = divided(positions, [1, 3, 2, 3, 1])
    alone = divided([(0, 0), (50, 50), (100, 0)], [2, 3, 1])[1]

    assert areas.area_m2[[2, 1, 4]] == pytest.approx(alone.area_m2)
    assert shapely.is_empty(areas.polygons).tolist() == [True, False, False, True, False]
    assert owner_of(mesh, [1, 3, 2, 3, 1], [(1, 1), (50, 51)]).tolist() == [2, 1]


def test_all_sites_at_one_place_leave_one_owner():
    _, areas = divided([(5, 5), (5, 5)], [1, 1])

    assert areas.area_m2 == pytest.approx([SQUARE.area, 0])


def test_weights_of_zero_count_as_equal_when_all_are():
    positions = scattered(12)

    assert divided(positions, np.zeros(12))[1].area_m2 == pytest.approx(divided(positions, np.ones(12))[1].area_m2)


def test_a_weight_of_zero_leaves_its_site_next_to_nothing():
    positions, weights = scattered(40), uneven(40)
    weights[[3, 11, 25]] = 0

    _, areas = divided(positions, weights)

    assert areas.area_m2[[3, 11, 25]].max() < 1e-6
    assert areas.area_m2.sum() == pytest.approx(SQUARE.area, rel=1e-13)
    assert shapely.is_valid(areas.polygons).all()


def test_cells_below_the_resolution_of_large_coordinates_vanish_and_the_others_stay_valid():
    positions = scattered(300, width=40_000, height=40) + np.array([500_000, 2_500_000])
    weights = uneven(300)
    weights[::4] = 0
    target = shapely.MultiPoint(positions).envelope.buffer(50)

    _, areas = divided(positions, weights, target, tolerance=0.5)

    assert shapely.is_valid(areas.polygons).all()
    assert areas.area_m2.sum() == pytest.approx(target.area, rel=1e-9)


def test_a_target_that_touches_what_a_site_can_own_in_a_line_only_is_no_trouble():
    positions = np.stack(np.meshgrid([0, 100, 200], [0, 100, 200]), axis=-1).reshape(-1, 2)
    target = shapely.MultiPolygon([shapely.box(50, 50, 150, 150), shapely.box(201, 20, 300, 300)])

    mesh, areas = divided(positions, np.ones(9), target)

    assert set(shapely.get_type_id(mesh.frontier.pieces).tolist()) <= {3, 6}
    assert areas.area_m2.sum() == pytest.approx(target.area, rel=1e-14)


def test_sites_outside_the_target_take_part():
    inner, outer = shapely.box(0, 0, 10, 10), [(5, 5), (14, 5), (50, 90)]

    _, areas = divided(outer, [1, 1, 1], inner)

    assert areas.area_m2 == pytest.approx([95, 5, 0])


@pytest.mark.parametrize("weights", [[1, -1, 1], [1, np.nan, 1], [1, np.inf, 1]])
def test_weights_that_are_negative_or_not_finite_are_refused(weights):
    with pytest.raises(ValueError, match="weight 1 must be finite and at least 0"):
        divided(scattered(3), weights)


@pytest.mark.parametrize("tolerance", [0, -1, np.nan])
def test_a_tolerance_that_is_not_positive_is_refused(tolerance):
    with pytest.raises(ValueError, match="tolerance must be finite and positive"):
        divided(scattered(3), [1, 1, 1], tolerance=tolerance)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (shapely.Point(0, 0), "must be a polygon or multipolygon, got Point"),
        (shapely.Polygon(), "must be a polygon or multipolygon, got Polygon"),
        (shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), "must be valid, got Self-intersection"),
        (shapely.box(113.9, 22.4, 114.3, 22.7), "in metres of a projected plane"),
    ],
)
def test_targets_that_are_no_area_in_metres_are_refused(target, message):
    with pytest.raises(ValueError, match=message):
        build_mesh(scattered(3), target)


def test_no_sites_and_unequal_numbers_of_networks_and_targets_are_refused():
    with pytest.raises(ValueError, match="at least one site"):
        build_mesh([], SQUARE)
    with pytest.raises(ValueError, match="every network needs one target area, got 2"):
        build_mesh(scattered(3), [SQUARE, SQUARE])


def test_owners_are_told_of_points_close_together():
    mesh = build_mesh([(90, 20), (110, 20), (100, 40)], SQUARE)

    assert owner_of(mesh, [1, 1, 1], [(99.3, 20.2), (100.4, 20.2)]).tolist() == [0, 1]


def test_owner_of_several_networks_needs_to_know_which():
    mesh = build_mesh(scattered(4), [SQUARE, HOLED], groups=[0, 0, 1, 1])

    with pytest.raises(ValueError, match="need a network each"):
        owner_of(mesh, np.ones(4), [(0, 0)])
