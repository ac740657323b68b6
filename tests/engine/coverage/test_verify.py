from dataclasses import replace

import numpy as np
import pytest
import shapely

from coverage.engine.city import flat_city, nested_city, tick
from coverage.engine.partition import Areas
from coverage.engine.verify import verify_areas, verify_ranking
from tests.engine.coverage.pictures import HOLED, scattered, uneven

LARGE = shapely.affinity.scale(HOLED, 20, 20, origin=(0, 0))
TOWN, CAPABILITY = scattered(80, width=2400, height=2000), uneven(80)
VACANCY = np.random.default_rng(5).uniform(size=80)
CITY = flat_city(TOWN, CAPABILITY, LARGE)
MOMENT = tick(CITY, VACANCY)


def problems_of(polygons, weights=MOMENT.ranking.scores) -> str:
    areas = Areas(np.array(polygons, dtype=object), MOMENT.areas.tolerance)
    found = verify_areas(CITY.mesh, weights, areas, generator=np.random.default_rng(0))
    assert not found.passed
    return " ".join(found.problems)


@pytest.mark.parametrize("build", [flat_city, nested_city])
def test_what_the_engine_makes_passes(build):
    city = build(TOWN, CAPABILITY, LARGE)
    moment = tick(city, VACANCY)

    areas = verify_areas(city.mesh, moment.ranking.scores, moment.areas, generator=np.random.default_rng(0))

    assert areas.problems == ()
    assert verify_ranking(city.network, VACANCY, moment.ranking).problems == ()


def test_a_polygon_that_is_not_valid_is_found():
    polygons = MOMENT.areas.polygons.copy()
    polygons[3] = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])

    assert problems_of(polygons) == "1 areas are not valid polygons, first that of site 3."


def test_a_missing_area_is_found():
    polygons = MOMENT.areas.polygons.copy()
    polygons[3] = shapely.Polygon()

    assert "do not add up to their target" in problems_of(polygons)


def test_an_overlap_is_found_although_areas_add_up():
    polygons = MOMENT.areas.polygons.copy()
    largest = int(np.argmax(MOMENT.areas.area_m2))
    turned = shapely.affinity.rotate(polygons[largest], 90, origin="centroid")
    polygons[largest] = turned

    assert "areas overlap by" in problems_of(polygons)


def test_exchanged_areas_are_found():
    polygons = MOMENT.areas.polygons.copy()
    polygons[[3, 4]] = polygons[[4, 3]]

    assert "sites are outside their own area" in problems_of(polygons)


def test_areas_made_from_other_weights_are_found():
    other = MOMENT.ranking.scores.copy()
    other[::2] *= 3

    assert "probe points are in another area than the definition says" in problems_of(MOMENT.areas.polygons, other)


def test_ranks_that_do_not_add_up_are_found():
    wrong = replace(MOMENT.ranking, scores=MOMENT.ranking.scores * 1.001)

    assert verify_ranking(CITY.network, VACANCY, wrong).problems == (
        "the ranks of 1 networks do not add up to 1, first of network 0.",
    )


def test_a_rank_out_of_balance_is_found():
    scores = MOMENT.ranking.scores.copy()
    scores[5], scores[6] = scores[5] * 1.01, scores[6] - scores[5] * 0.01

    found = verify_ranking(CITY.network, VACANCY, replace(MOMENT.ranking, scores=scores))

    assert found.problems == ("the ranks of 1 networks are out of balance, first of network 0.",)


@pytest.mark.parametrize("value", [-0.1, np.nan])
def test_a_rank_that_is_no_share_is_found(value):
    scores = MOMENT.ranking.scores.copy()
    scores[5] = value

    found = verify_ranking(CITY.network, VACANCY, replace(MOMENT.ranking, scores=scores))

    assert found.problems == ("1 ranks are negative or not finite.",)
