import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coverage.engine.cluster import ClusterRules, NotConvergedError, cluster_sites
from tests.oracles import coverage as oracle

ROW = [(0, 0), (200, 0), (410, 0), (1000, 0)]


def town(seed: int, count: int = 25):
    generator = np.random.default_rng(seed)
    return generator.uniform(size=(count, 2)) * (1200, 700), generator.lognormal(size=count)


def test_clusters_of_the_worked_example():
    clusters = cluster_sites(ROW, [4, 1, 1, 2])

    assert clusters.labels.tolist() == [0, 0, 0, 1]
    assert clusters.places == pytest.approx(np.array([(84.51851851851852, 0), (1000, 0)]), abs=1e-9)
    assert clusters.steps == 3


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_clusters_are_those_of_the_plain_algorithm(seed):
    positions, weights = town(seed)

    labels, steps = oracle.mean_shift([tuple(place) for place in positions.tolist()], weights.tolist())
    clusters = cluster_sites(positions, weights)

    assert clusters.labels.tolist() == labels
    assert clusters.steps == steps


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_clusters_end_more_than_the_radius_apart(seed):
    clusters = cluster_sites(*town(seed, 80))
    apart = np.hypot(*(clusters.places[:, None] - clusters.places).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)

    assert apart.min(initial=np.inf) > 220


def test_labels_do_not_depend_on_order_scale_or_rigid_motion():
    positions, weights = town(7, 100)
    labels = cluster_sites(positions, weights).labels
    shuffled = np.random.default_rng(0).permutation(100)

    def together(found):
        return found[:, None] == found

    mixed = cluster_sites(positions[shuffled], 1e5 * weights[shuffled]).labels
    turned = cluster_sites(positions @ [[0.6, 0.8], [-0.8, 0.6]] + np.array([5e5, 2.5e6]), weights).labels

    assert (together(mixed) == together(labels)[np.ix_(shuffled, shuffled)]).all()
    assert turned.tolist() == labels.tolist()


def test_sites_at_one_place_are_one_cluster():
    assert cluster_sites([(5, 5), (900, 5), (5, 5)], [1, 1, 3]).labels.tolist() == [0, 1, 0]


def test_a_site_without_capability_follows_the_others():
    clusters = cluster_sites([(0, 0), (100, 0)], [3, 0])

    assert clusters.labels.tolist() == [0, 0]
    assert clusters.places == pytest.approx(np.array([(0, 0)]), abs=1e-9)


def test_without_any_capability_all_weigh_the_same():
    assert cluster_sites([(0, 0), (100, 0)], [0, 0]).places == pytest.approx(np.array([(50, 0)]))


def test_no_sites_make_no_clusters():
    clusters = cluster_sites([], [])

    assert (clusters.labels.tolist(), clusters.steps) == ([], 0)


def test_points_that_hardly_move_any_more_but_see_each_other_are_taken_together():
    clusters = cluster_sites([(0, 0), (200, 0), (400, 0)], [1e9, 1, 1e9])

    assert clusters.labels.tolist() == [0, 0, 0]
    assert clusters.places[0] == pytest.approx((200, 0), abs=1e-3)


def test_too_few_steps_are_reported():
    with pytest.raises(NotConvergedError, match="after 1 steps"):
        cluster_sites(ROW, [4, 1, 1, 2], rules=ClusterRules(max_iter=1))


@pytest.mark.parametrize("rules", [{"radius_m": 0}, {"radius_m": np.nan}, {"tol": 0}, {"max_iter": 0}])
def test_cluster_rules_refuse_values_outside_their_range(rules):
    with pytest.raises(ValueError, match="must be"):
        ClusterRules(**rules)


def test_clusters_refuse_degrees_and_negative_weights():
    with pytest.raises(ValueError, match="degrees"):
        cluster_sites([(114.05, 22.54), (114.06, 22.55)], [1, 1])
    with pytest.raises(ValueError, match="weight 0 must be"):
        cluster_sites(ROW, [-1, 1, 1, 1])
