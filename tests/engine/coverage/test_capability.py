import numpy as np
import pytest

from coverage.engine.capability import CapabilityRules, FeeEffect, initial_capability


def test_capability_is_openness_times_size_over_one_plus_fee():
    assert initial_capability([1, 0.5, 1], [100, 100, 40], [0, 1, 3]).tolist() == [100.0, 25.0, 10.0]


def test_capability_falls_strictly_with_the_fee_and_is_continuous_at_free():
    fees = np.array([0, 1e-9, 1, 2, 50])

    capability = initial_capability(np.ones(5), np.full(5, 10), fees)

    assert (np.diff(capability) < 0).all()
    assert capability[1] == pytest.approx(capability[0], rel=1e-8)


def test_capability_with_free_counting_as_one_is_within_a_factor_of_two_of_the_default():
    fees = np.linspace(0, 40, 81)
    ones = np.ones(81)

    ratio = initial_capability(
        ones, ones, fees, rules=CapabilityRules(fee_effect=FeeEffect.FREE_COUNTS_AS_ONE)
    ) / initial_capability(ones, ones, fees)

    assert ratio.min() >= 1
    assert ratio.max() <= 2


def test_capability_may_fall_exponentially():
    rules = CapabilityRules(fee_effect=FeeEffect.EXPONENTIAL, fee_scale=5)

    assert initial_capability([1, 1], [8, 8], [0, 5], rules=rules) == pytest.approx([8, 8 / np.e])


@pytest.mark.parametrize(
    ("openness", "spaces", "fees", "message"),
    [
        ([1.5], [1], [0], r"openness 0 must be in \[0, 1\], got 1.5"),
        ([1], [-1], [0], "spaces 0 must be finite and at least 0, got -1"),
        ([1], [1], [np.nan], "fee 0 must be finite and at least 0, got nan"),
        ([1, 1], [1], [0], "openness must have one entry for each of 1 sites"),
    ],
)
def test_capability_refuses_numbers_outside_their_range(openness, spaces, fees, message):
    with pytest.raises(ValueError, match=message):
        initial_capability(openness, spaces, fees)


@pytest.mark.parametrize("scale", [0, -1, np.nan, np.inf])
def test_capability_rules_refuse_a_scale_that_is_not_positive(scale):
    with pytest.raises(ValueError, match="fee_scale must be finite and positive"):
        CapabilityRules(fee_scale=scale)
