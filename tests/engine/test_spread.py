import numpy as np
import pytest

from allocation.engine.spread import gini, shares_by_group


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [([1, 1, 1, 1], 0.0), ([0, 0, 0, 8], 0.75), ([1, 3], 0.25), ([0, 0], 0.0), ([], 0.0), ([7], 0.0)],
)
def test_gini(amounts, expected):
    assert gini(np.array(amounts, dtype=float)) == pytest.approx(expected)


def test_gini_is_the_mean_difference_over_twice_the_mean():
    amounts = np.random.default_rng(4).exponential(10.0, 40)

    differences = np.abs(amounts[:, None] - amounts[None, :]).mean()

    assert gini(amounts) == pytest.approx(differences / (2 * amounts.mean()))


def test_groups_of_fewer_than_five_people_are_merged():
    assert shares_by_group(np.ones(25)) == pytest.approx((0.2,) * 5)
    assert shares_by_group(np.arange(10.0)) == pytest.approx((10 / 45, 35 / 45))
    assert shares_by_group(np.ones(9)) == pytest.approx((1.0,))
    assert shares_by_group(np.ones(4)) == ()
    assert shares_by_group(np.zeros(10)) == ()


@pytest.mark.parametrize("wrong", [[-1.0], [np.nan], [np.inf]])
def test_impossible_amounts_are_refused(wrong):
    with pytest.raises(ValueError, match="finite and not negative"):
        gini(np.array(wrong))
