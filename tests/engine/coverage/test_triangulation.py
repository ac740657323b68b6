import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coverage.engine.lawson import exact_delaunay, in_circle, orientation
from coverage.engine.topology import triangles_of
from coverage.engine.triangulation import doubled_areas, triangulate
from tests.engine.coverage.pictures import scattered
from tests.oracles import coverage as oracle


def grid(side: int, *, turn: float = 0.0) -> np.ndarray:
    places = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) * 100.0
    cosine, sine = np.cos(turn), np.sin(turn)
    return places @ [[cosine, sine], [-sine, cosine]]


def as_sets(triangles) -> set[frozenset[int]]:
    return {frozenset(triangle) for triangle in np.asarray(triangles).tolist()}


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(3, 9))
@settings(max_examples=12, deadline=None)
def test_triangles_have_no_other_site_in_their_circle(seed, count):
    places = scattered(count, seed=seed)
    expected = as_sets(oracle.delaunay([tuple(place) for place in places.tolist()]))

    assert as_sets(triangulate(places)) == expected
    assert as_sets(exact_delaunay(places)) == expected


@pytest.mark.parametrize("turn", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("method", [triangulate, exact_delaunay])
def test_a_grid_is_filled_although_its_sites_are_on_circles(method, turn):
    places = grid(7, turn=turn)

    areas = doubled_areas(places, method(places))

    assert areas.sum() / 2 == pytest.approx(360_000)
    assert areas.min() >= -1e-9


@pytest.mark.parametrize("apart", [1e-9, 1e-6])
def test_every_site_is_a_vertex_although_two_nearly_coincide(apart):
    places = scattered(200, width=40_000, height=40_000)
    places[100:110] = places[:10] + apart

    assert np.unique(triangulate(places)).size == 200


def test_flat_triangles_on_the_hull_are_dropped_and_lose_no_site():
    places = grid(12, turn=0.3) + 2.5e6
    exact = places - 2.5e6

    triangles = triangulate(exact)

    assert len(triangles) == 2 * 11 * 11
    assert np.unique(triangles).size == 144
    assert doubled_areas(exact, triangles).min() == pytest.approx(10_000)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_sites_on_a_line_have_no_triangles(count):
    along = np.arange(count) ** 2
    places = np.column_stack((along * 0.6, along * 0.8))

    assert triangulate(places).shape == (0, 3)


def test_the_same_sites_always_give_the_same_triangles():
    places = grid(9)

    assert triangulate(places).tolist() == triangulate(places.copy()).tolist()


def test_orientation_and_circle_are_decided_exactly_where_rounding_would_not_do():
    assert orientation((0.1, 0.1), (0.3, 0.3), (0.7, 0.7)) == orientation((0.5, 0.5), (12, 12), (24, 24)) == 0
    assert orientation((0, 0), (1, 1), (2, 2 + 4.5e-16)) == 1
    assert not in_circle((0, 0), (1, 0), (1, 1), (0, 1))
    assert in_circle((0, 0), (1, 0), (1, 1), (0, 1 - 1e-16))


def test_corners_around_a_vertex_follow_each_other_counterclockwise():
    places = scattered(60)
    triangles = triangles_of(places, triangulate(places))

    for vertex in range(60):
        around = triangles.ring[triangles.ring_first[vertex] : triangles.ring_first[vertex + 1]]
        k, t = np.divmod(around, triangles.count)
        nexts, previous = triangles.corners[(k + 1) % 3, t], triangles.corners[(k + 2) % 3, t]
        assert (triangles.corners[k, t] == vertex).all()
        assert (previous[:-1] == nexts[1:]).all()
        on_hull = (triangles.across[(k + 2) % 3, t] < 0)[0]
        assert on_hull or previous[-1] == nexts[0]


def test_corners_across_an_edge_face_each_other():
    places = scattered(60)
    triangles = triangles_of(places, triangulate(places))
    here = np.flatnonzero(triangles.across.ravel() >= 0)
    there = triangles.across.ravel()[here]

    assert (triangles.across.ravel()[there] == here).all()
    assert (triangles.edges.ravel()[there] == triangles.edges.ravel()[here]).all()
