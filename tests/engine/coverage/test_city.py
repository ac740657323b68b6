import numpy as np
import pytest
import shapely

from coverage.engine.city import City, cluster_areas, flat_city, nested_city, part_of, tick
from coverage.engine.cluster import cluster_sites
from coverage.engine.mesh import build_mesh
from coverage.engine.partition import service_areas
from coverage.engine.rank import network_of, rank
from tests.engine.coverage.pictures import HOLED, scattered, uneven

LARGE = shapely.affinity.scale(HOLED, 20, 20, origin=(0, 0))
TOWN = scattered(120, width=2400, height=2000)
CAPABILITY = uneven(120)
VACANCY = np.random.default_rng(5).uniform(size=120)


def town_in_clusters() -> City:
    return nested_city(TOWN, CAPABILITY, LARGE)


def test_a_flat_city_is_ranked_as_one_network_and_divided_by_rank():
    moment = tick(flat_city(TOWN, CAPABILITY, LARGE), VACANCY)

    scores = rank(network_of(TOWN, CAPABILITY), VACANCY).scores
    expected = service_areas(build_mesh(TOWN, LARGE), scores)

    assert moment.ranking.scores.tolist() == scores.tolist()
    assert moment.areas.area_m2.tolist() == expected.area_m2.tolist()


def test_a_nested_city_is_one_network_for_each_cluster():
    labels = cluster_sites(TOWN, CAPABILITY).labels
    city = town_in_clusters()

    moment = tick(city, VACANCY)

    assert labels.max() > 5
    assert city.network.groups.tolist() == labels.tolist()
    assert np.bincount(labels, weights=moment.ranking.scores) == pytest.approx(np.ones(labels.max() + 1))


def test_clusters_share_the_city_by_the_cells_of_their_members():
    labels = cluster_sites(TOWN, CAPABILITY).labels
    mesh = build_mesh(TOWN, LARGE)

    areas = cluster_areas(mesh, CAPABILITY, labels)
    cells = service_areas(mesh, CAPABILITY).area_m2

    assert shapely.area(areas) == pytest.approx(np.bincount(labels, weights=cells), rel=1e-12)
    assert shapely.is_valid(areas).all()


def test_each_cluster_is_divided_among_its_members_without_a_rest():
    city = town_in_clusters()

    areas = tick(city, VACANCY).areas
    targets = shapely.area(np.array(city.mesh.targets, dtype=object))

    assert np.bincount(city.network.groups, weights=areas.area_m2) == pytest.approx(targets, rel=1e-10)
    assert areas.area_m2.sum() == pytest.approx(LARGE.area, rel=1e-12)
    assert shapely.is_valid(areas.polygons).all()


def test_a_cluster_of_one_owns_its_whole_area_whatever_its_vacancy():
    city = town_in_clusters()
    sizes = np.bincount(city.network.groups)
    lonely = np.flatnonzero(sizes[city.network.groups] == 1)

    empty, full = tick(city, np.ones(120)).areas, tick(city, np.zeros(120)).areas

    assert lonely.size
    for site in lonely:
        whole = city.mesh.targets[city.network.groups[site]]
        assert empty.polygons[site].equals(whole)
        assert full.polygons[site].equals(whole)


def test_a_part_of_a_nested_city_gives_the_same_ranks_and_areas():
    city = town_in_clusters()
    whole = tick(city, VACANCY)

    part, sites = part_of(city, [4, 0, 2])
    moment = tick(part, VACANCY[sites])

    assert sites.tolist() == np.flatnonzero(np.isin(city.network.groups, [4, 0, 2])).tolist()
    assert moment.ranking.scores == pytest.approx(whole.ranking.scores[sites], rel=1e-14)
    assert moment.areas.area_m2 == pytest.approx(whole.areas.area_m2[sites], rel=1e-9)


def test_all_parts_together_are_the_city():
    city = town_in_clusters()
    count = len(city.mesh.targets)

    parts = [part_of(city, range(low, min(low + 4, count))) for low in range(0, count, 4)]
    total = sum(tick(part, VACANCY[sites]).areas.area_m2.sum() for part, sites in parts)

    assert np.sort(np.concatenate([sites for _, sites in parts])).tolist() == list(range(120))
    assert total == pytest.approx(LARGE.area, rel=1e-10)


def test_clusters_may_be_given():
    labels = np.arange(120) % 3

    city = nested_city(TOWN, CAPABILITY, LARGE, labels=labels)

    assert len(city.mesh.targets) == 3
    assert tick(city, VACANCY).areas.area_m2.sum() == pytest.approx(LARGE.area, rel=1e-10)


def test_a_cluster_outside_the_target_has_no_area():
    city = nested_city([(0, 0), (50, 0), (5000, 0)], [1, 1, 1], shapely.box(-100, -100, 100, 100))

    assert tick(city, [0.5, 0.5, 0.5]).areas.area_m2 == pytest.approx([25 * 200 + 100 * 200, 75 * 200, 0])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_tiny_cities_are_divided_too(count):
    for build in (flat_city, nested_city):
        areas = tick(build(TOWN[:count], CAPABILITY[:count], LARGE), VACANCY[:count]).areas
        assert areas.area_m2.sum() == pytest.approx(LARGE.area, rel=1e-12)
