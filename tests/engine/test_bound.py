import numpy as np
import pytest

from allocation.engine.bound import Objective, clairvoyant_bound
from allocation.engine.comparison import compare_policies, mean_and_half_width, run_policy, table_of
from allocation.engine.generator import generate_instance
from allocation.engine.policies.clairvoyant import Clairvoyant
from allocation.engine.program import Limits, Verdict
from allocation.engine.registry import ALL_POLICIES
from allocation.engine.request import Reason
from allocation.engine.simulation import Mode
from allocation.engine.valuation import Valuation
from tests.engine.pictures import flat, free_in, occupied, wish


@pytest.mark.parametrize("seed", [1])
def test_no_policy_beats_the_clairvoyant(seed):
    instance = generate_instance(np.random.default_rng(seed), spaces=8, requests=36)
    valuation = Valuation.of(instance.importance, instance.rates, rules=instance.rules)
    most, dearest = (
        clairvoyant_bound(instance.free, instance.requests, valuation, objective=objective)
        for objective in (Objective.COUNT, Objective.REVENUE)
    )
    assert (most.verdict, dearest.verdict) == (Verdict.OPTIMAL, Verdict.OPTIMAL)

    for name in ALL_POLICIES:
        for mode in Mode:
            metrics = run_policy(instance, name, mode=mode).metrics
            assert metrics.accepted <= most.worth
            assert metrics.revenue <= dearest.worth + 1e-9
            if name == "clairvoyant":
                assert metrics.revenue == pytest.approx(dearest.worth)


def test_the_clairvoyant_says_why_it_declines():
    short, early, late = wish(1, 3), wish(0, 2), wish(2, 4)
    policy = Clairvoyant.of(free_in("...."), [short, early, late], flat(4), objective=Objective.COUNT)

    assert policy.decide(occupied("...."), short).reason is Reason.EXPECTED_DEMAND_OUTWEIGHS_REVENUE
    assert policy.decide(occupied(".##."), short).reason is Reason.NO_FREE_SPACE
    assert policy.decide(occupied("...."), early).space == policy.decide(occupied("##.."), late).space == 0


def test_a_plan_that_was_not_found_in_time_is_an_error():
    rng = np.random.default_rng(3)
    starts = rng.integers(0, 40, size=150)
    requests = [wish(int(start), int(start + rng.integers(1, 9))) for start in starts]

    with pytest.raises(RuntimeError, match="within the limits"):
        Clairvoyant.of(np.ones((9, 48), dtype=bool), requests, flat(48), limits=Limits(seconds=0.0))


def test_intervals_are_students():
    mean, half_width = mean_and_half_width(np.array([1.0, 2.0, 3.0, 4.0]))

    assert mean == 2.5
    assert half_width == pytest.approx(3.182446 * np.sqrt(5 / 3) / 2, rel=1e-6)


def test_the_table_has_a_line_for_each_policy():
    days = [generate_instance(np.random.default_rng(seed), spaces=3, requests=9) for seed in (1, 2)]
    reported = []

    lines = table_of(
        compare_policies(days, mode=Mode.ONLINE, progress=lambda *done: reported.append(done))
    ).splitlines()

    assert [line.split()[0] for line in lines] == ["policy", *ALL_POLICIES]
    assert all(line.count("±") == 9 for line in lines[1:])
    assert reported == [(done, 2 * len(ALL_POLICIES)) for done in range(1, 2 * len(ALL_POLICIES) + 1)]
