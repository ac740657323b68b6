import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coverage.engine.potential import BLOCK, potential_change
from coverage.engine.rank import RankRules, network_of, network_with, rank
from tests.oracles import coverage as oracle

CORNERS = [(0, 0), (300, 0), (0, 400)]
HALF_FULL = [0.5, 0, 0.75]


def scores_of(positions, capability, vacancy, **options):
    return rank(network_of(positions, capability, **options), vacancy).scores


def city(seed: int, count: int):
    generator = np.random.default_rng(seed)
    return generator.uniform(size=(count, 2)) * 3000, generator.lognormal(size=count), generator.uniform(size=count)


def test_rank_of_the_worked_example():
    network = network_of(CORNERS, [2, 1, 1])

    assert network.potential == pytest.approx([7 / 1200, 13 / 1500, 7 / 1000], rel=1e-15)
    assert rank(network, HALF_FULL).scores == pytest.approx([7 / 18, 13 / 90, 7 / 15], rel=1e-15)


def test_strengths_are_ranks_before_their_division_by_the_sum():
    ranking = rank(network_of(CORNERS, [2, 1, 1]), HALF_FULL)

    assert ranking.strengths == pytest.approx([2 * 7 / 1200 / 0.5, 13 / 1500, 7 / 1000 / 0.25])
    assert ranking.strengths / ranking.strengths.sum() == pytest.approx(ranking.scores)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(3, 12))
@settings(max_examples=12, deadline=None)
def test_rank_is_what_the_iteration_of_the_paper_converges_to(seed, count):
    positions, capability, vacancy = city(seed, count)

    expected = oracle.stationary_by_iteration(positions.tolist(), capability.tolist(), (vacancy * 0.9).tolist())

    assert scores_of(positions, capability, vacancy * 0.9) == pytest.approx(expected, abs=1e-10)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 40))
@settings(max_examples=12, deadline=None)
def test_rank_is_stationary_and_balanced_in_detail(seed, count):
    positions, capability, vacancy = city(seed, count)
    vacancy[::3] = 1
    moves = oracle.transition_matrix(positions.tolist(), capability.tolist(), vacancy.tolist())

    scores = scores_of(positions, capability, vacancy)
    flow = scores[:, None] * moves

    assert scores @ moves == pytest.approx(scores, abs=1e-14)
    assert np.abs(flow - flow.T).max() < 1e-14
    assert scores.sum() == pytest.approx(1, abs=1e-14)


def test_rank_ignores_a_common_factor_and_rigid_motion():
    positions, capability, vacancy = city(1, 50)
    turned = positions @ [[0.6, 0.8], [-0.8, 0.6]] + np.array([5e5, 2.5e6])

    scores = scores_of(positions, capability, vacancy)

    assert scores_of(positions, 1e-9 * capability, vacancy) == pytest.approx(scores, rel=1e-12)
    assert scores_of(turned, capability, vacancy) == pytest.approx(scores, rel=1e-9)


def test_rank_rises_with_own_vacancy_and_own_capability():
    positions, capability, vacancy = city(2, 30)
    more_vacant, more_capable = vacancy.copy(), capability.copy()
    more_vacant[7], more_capable[7] = min(vacancy[7] + 0.1, 0.98), 1.1 * capability[7]
    scores = scores_of(positions, capability, vacancy)
    others = np.arange(30) != 7

    for raised in (scores_of(positions, capability, more_vacant), scores_of(positions, more_capable, vacancy)):
        assert raised[7] > scores[7]
        assert (raised[7] / raised[others] > scores[7] / scores[others]).all()


def test_an_empty_car_park_counts_as_vacant_up_to_the_accuracy_of_the_data():
    empty, nearly = scores_of(CORNERS, [1, 1, 1], [1, 0.2, 0.3]), scores_of(CORNERS, [1, 1, 1], [0.99, 0.2, 0.3])

    assert empty == pytest.approx(nearly, rel=1e-15)


def test_a_network_of_one_ranks_it_1():
    assert scores_of([(5, 5)], [3], [0.4]).tolist() == [1.0]


def test_in_a_network_of_two_capabilities_cancel():
    assert scores_of([(0, 0), (70, 0)], [1000, 0.001], [0.5, 0.75]) == pytest.approx([1 / 3, 2 / 3], rel=1e-14)


def test_two_full_car_parks_have_a_rank_although_the_iteration_does_not_converge():
    assert scores_of([(0, 0), (70, 0)], [9, 1], [0, 0]) == pytest.approx([0.5, 0.5])


def test_car_parks_at_one_place_are_the_floor_apart():
    rules = RankRules(floor_m=25)
    network = network_of([(0, 0), (0, 0), (30, 40)], [1, 2, 4], rules=rules)

    assert network.potential == pytest.approx([2 / 25 + 4 / 50, 1 / 25 + 4 / 50, 3 / 50])


def test_a_car_park_without_capability_ranks_0_and_does_not_disturb_the_others():
    with_it = scores_of([*CORNERS, (1, 1)], [2, 1, 1, 0], [*HALF_FULL, 0.9])

    assert with_it[3] == 0
    assert with_it[:3] == pytest.approx([7 / 18, 13 / 90, 7 / 15])


def test_the_only_capable_car_park_gets_everything():
    assert scores_of(CORNERS, [0, 3, 0], [1, 0, 0.5]).tolist() == [0.0, 1.0, 0.0]


def test_without_any_capability_all_rank_the_same():
    assert scores_of(CORNERS, [0, 0, 0], HALF_FULL) == pytest.approx([1 / 3] * 3)


def test_no_car_parks_have_no_ranks():
    assert scores_of([], [], []).tolist() == []


def test_networks_do_not_know_each_other():
    positions, capability, vacancy = city(3, 40)
    groups = np.arange(40) % 3

    scores = scores_of(positions, capability, vacancy, groups=groups)

    for number in range(3):
        own = groups == number
        assert scores[own] == pytest.approx(scores_of(positions[own], capability[own], vacancy[own]), rel=1e-13)


def test_potential_is_the_plain_sum_across_blocks():
    positions, capability, _ = city(4, 2 * BLOCK + 3)
    distance = np.maximum(np.hypot(*(positions[:, None] - positions).transpose(2, 0, 1)), 10)
    np.fill_diagonal(distance, np.inf)

    assert network_of(positions, capability).potential == pytest.approx((capability / distance).sum(axis=1), rel=1e-13)


def test_a_change_of_one_capability_is_added_to_the_potential():
    positions, capability, _ = city(5, 30)
    groups = np.arange(30) % 2
    changed = capability.copy()
    changed[4] += 2.5
    network = network_of(positions, capability, groups=groups)

    potential = network.potential + potential_change(positions, 4, 2.5, groups=groups, floor_m=10)
    updated, expected = network_with(changed, potential, groups), network_of(positions, changed, groups=groups)

    assert updated.potential == pytest.approx(expected.potential, rel=1e-13)
    assert updated.pull == pytest.approx(expected.pull, rel=1e-13)


@pytest.mark.parametrize("vacancy", [-0.1, 1.1, np.nan, np.inf])
def test_rank_refuses_vacancies_outside_0_to_1(vacancy):
    with pytest.raises(ValueError, match=r"vacancy 1 must be in \[0, 1\]"):
        scores_of(CORNERS, [1, 1, 1], [0, vacancy, 0])


@pytest.mark.parametrize("capability", [-1, np.nan, np.inf])
def test_rank_refuses_capabilities_that_are_negative_or_not_finite(capability):
    with pytest.raises(ValueError, match="capability 2 must be finite and at least 0"):
        network_of(CORNERS, [1, 1, capability])


def test_rank_refuses_degrees():
    with pytest.raises(ValueError, match="looks like degrees"):
        network_of([(114.05, 22.54), (114.11, 22.55)], [1, 1])


@pytest.mark.parametrize(
    ("groups", "message"), [([0, 2, 0], "numbered from 0 without a gap"), ([0, 0], "one entry for each of 3 sites")]
)
def test_rank_refuses_networks_that_are_not_numbered(groups, message):
    with pytest.raises(ValueError, match=message):
        network_of(CORNERS, [1, 1, 1], groups=groups)


@pytest.mark.parametrize("rules", [{"floor_m": 0}, {"floor_m": np.inf}, {"accuracy": 0}, {"accuracy": 1}])
def test_rank_rules_refuse_values_outside_their_range(rules):
    with pytest.raises(ValueError, match="must be"):
        RankRules(**rules)


@pytest.mark.parametrize(
    "positions",
    [[(0, 0), (1, np.nan)], [(0, 0), (1e10, 0)], [(0, 0, 0)], [[[0, 0]]]],
    ids=["nan", "far", "3-d", "deep"],
)
def test_positions_are_finite_pairs(positions):
    with pytest.raises(ValueError, match="position"):
        network_of(positions, np.ones(len(positions)))


@pytest.mark.parametrize(
    "positions",
    [
        [(0.1, 0.2), (1.1, 0.3)],
        [(100, 20), (101, 20)],
        [(100.5, 20.5), (150.5, 20.5)],
        [(5.5, 5.5), (5.5, 5.5)],
        [(500_000.5, 20), (500_001.5, 20)],
    ],
    ids=["at the origin", "whole numbers", "wide", "one place", "false easting"],
)
def test_small_drawings_in_metres_are_not_taken_for_degrees(positions):
    assert network_of(positions, [1, 1]).potential.shape == (2,)
