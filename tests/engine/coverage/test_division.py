import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from coverage.engine.arcs import Arcs, chords_of, inner_points, segment_areas
from coverage.engine.divide import Division, divide, thorns_of
from coverage.engine.mesh import build_mesh
from coverage.engine.partition import service_areas, vertex_weights
from coverage.engine.pieces import exact_areas, piece_areas
from coverage.engine.topology import Triangles, triangles_of
from tests.engine.coverage.pictures import SQUARE, WORKED, networks
from tests.oracles import coverage as oracle


def one_triangle(positions, weights) -> tuple[Triangles, Division]:
    triangles = triangles_of(np.array(positions, dtype=float), np.array([[0, 1, 2]]))
    return triangles, divide(triangles, thorns_of(triangles), np.array(weights, dtype=float))


@pytest.mark.parametrize("name", WORKED)
def test_pieces_of_the_worked_triangles(name):
    positions, weights, areas = WORKED[name]

    pieces = piece_areas(*one_triangle(positions, weights))

    assert pieces[:, 0] == pytest.approx(areas, rel=1e-9)
    assert pieces.sum() == pytest.approx(shapely.Polygon(positions).area, rel=1e-14)


def test_common_point_of_the_worked_triangle():
    _, division = one_triangle(*WORKED["common point"][:2])

    assert division.breacher.tolist() == [-1]
    assert (division.middle_x[0, 0], division.middle_y[0, 0]) == pytest.approx((1.7365173488, 1.3323292220), abs=1e-10)


def test_breach_and_cut_of_the_worked_triangle():
    _, division = one_triangle(*WORKED["breach and cut"][:2])
    cuts = division.cuts

    assert division.breacher.tolist() == [0]
    assert (cuts.x.tolist(), cuts.y.tolist(), cuts.z.tolist()) == ([0], [2], [1])
    assert (160 * cuts.first[0], 160 * cuts.second[0]) == pytest.approx((33.1201394542, 79.7325251226), abs=1e-9)


@pytest.mark.parametrize(("weight", "breacher"), [(3**0.5 - 1e-9, -1), (3**0.5 + 1e-9, 0)])
def test_an_equilateral_triangle_is_breached_above_the_square_root_of_three(weight, breacher):
    _, division = one_triangle([(0, 0), (1, 0), (0.5, 3**0.5 / 2)], [weight, 1, 1])

    assert division.breacher[0] == breacher


@pytest.mark.parametrize(("height", "breacher"), [(4.9, 2), (5.1, -1)])
def test_with_equal_weights_the_vertex_with_an_obtuse_angle_breaches(height, breacher):
    _, division = one_triangle([(0, 0), (10, 0), (5, height)], [1, 1, 1])

    assert division.breacher[0] == breacher


def test_with_equal_weights_the_common_point_is_the_centre_of_the_circle():
    _, division = one_triangle([(0, 0), (10, 0), (3, 9)], [7, 7, 7])

    from_centre = np.hypot(
        division.middle_x[0, 0] - np.array([0, 10, 3]), division.middle_y[0, 0] - np.array([0, 0, 9])
    )
    assert from_centre == pytest.approx([from_centre[0]] * 3, rel=1e-14)


@given(
    seed=st.integers(0, 2**32 - 1),
    thinness=st.sampled_from([1.0, 0.1, 1e-3]),
    spread=st.sampled_from([0.0, 0.5, 3.0]),
)
@settings(max_examples=30, deadline=None)
def test_points_where_pieces_meet_belong_to_all_of_them(seed, thinness, spread):
    generator = np.random.default_rng(seed)
    corners = generator.uniform(size=(3, 2)) * (100, 100 * thinness)
    if np.linalg.det(corners[1:] - corners[0]) < 0:
        corners = corners[::-1]
    weights = np.exp(generator.normal(0, spread, 3))
    triangles, division = one_triangle(corners, weights)

    def ratios(x, y):
        return [
            oracle.distance((x, y), tuple(corner)) / weight for corner, weight in zip(corners, weights, strict=True)
        ]

    k = int(division.breacher[0])
    sharing = [(0, 1, 2), (0, 1, 2)] if k < 0 else [(k, (k + 1) % 3), (k, (k + 2) % 3)]
    for end in (0, 1):
        values = ratios(division.middle_x[end, 0], division.middle_y[end, 0])
        shared = [values[vertex] for vertex in sharing[end]]
        assert shared == pytest.approx([shared[0]] * len(shared), rel=1e-6)
        assert min(values) >= shared[0] * (1 - 1e-6)
    pieces = piece_areas(triangles, division)
    assert pieces.sum() == pytest.approx(triangles.areas[0], rel=1e-9)
    assert pieces.min() > -1e-9 * triangles.areas[0]


@given(networks(), st.sampled_from([0.0, 1.0]))
@settings(max_examples=8, deadline=None)
def test_exact_areas_are_what_finer_and_finer_chords_approach(network, margin):
    positions, weights = network
    hull = shapely.MultiPoint(positions).convex_hull
    mesh = build_mesh(positions, hull.buffer(margin) if margin else hull)

    polygons = service_areas(mesh, weights, tolerance=1e-6).polygons
    within = shapely.area(shapely.intersection(polygons, hull))

    assert exact_areas(mesh, vertex_weights(mesh, weights))[mesh.vertex_of] == pytest.approx(within, abs=2e-3)


def arc(chord: float, curvature: float) -> Arcs:
    return Arcs(*(np.array([value]) for value in (0.0, 0.0, chord, 0.0, curvature)))


@pytest.mark.parametrize("curvature", [0.9, -0.9, 0.02, -1e-9, 0.0])
def test_sampled_points_are_on_the_circle_and_within_the_tolerance(curvature):
    whole = arc(2.0, curvature)
    bulges = whole.bulges()
    chords = chords_of(whole, bulges, tolerance=1e-4)

    _, _, x, y = inner_points(whole, bulges, chords)
    path = np.column_stack((np.concatenate(([0], x, [2])), np.concatenate(([0], y, [0]))))
    sides = np.hypot(*np.diff(path, axis=0).T)

    assert len(path) == chords[0] + 1
    assert (np.sign(y) == -np.sign(curvature)).all()
    if abs(curvature) > 1e-6:
        centre = (1, np.sqrt(1 / curvature**2 - 1) * np.sign(curvature))
        assert np.hypot(*(path - centre).T) == pytest.approx(np.full(len(path), 1 / abs(curvature)))
        assert (sides**2 * abs(curvature) / 8 <= 1.01e-4).all()
        assert (2 * np.arcsin(sides * abs(curvature) / 2) <= np.radians(22)).all()


@pytest.mark.parametrize("curvature", [0.999, 0.3, 0.051, 0.049, 1e-5, -0.3])
def test_segment_areas_are_those_of_circles(curvature):
    whole = arc(2.0, curvature)
    theta = np.arcsin(abs(curvature))
    expected = (theta - np.sin(theta) * np.cos(theta)) / curvature**2 if abs(curvature) > 1e-3 else 2 * theta / 3

    assert segment_areas(whole, whole.bulges())[0] == pytest.approx(np.sign(curvature) * expected, rel=1e-9)


def test_weights_that_are_equal_up_to_rounding_give_straight_borders():
    mesh = build_mesh([(0, 0), (60, 0), (30, 50)], SQUARE)

    equal = service_areas(mesh, [1, 1, 1]).area_m2
    nearly = service_areas(mesh, [1, 1 + 1e-15, 1 - 1e-15]).area_m2

    assert nearly == pytest.approx(equal, rel=1e-13)
