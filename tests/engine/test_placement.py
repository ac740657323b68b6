import numpy as np
import pytest

from allocation.engine.placement import cheapest_free_space, placement_costs
from allocation.engine.rules import Horizon, Rules
from allocation.engine.valuation import Valuation
from tests.engine.pictures import RULES, flat, occupied, only, picture, wish


def test_placement_costs_weigh_both_fragments_by_hand():
    importance = np.array([0.5, 0.25, 1, 1, 1, 1, 0.75, 0.125])
    valuation = Valuation.of(importance, importance, rules=RULES)
    state = occupied("........", "##....##", "#......#", "..#.....")

    costs = placement_costs(state, wish(2, 6), valuation)

    assert costs.tolist() == pytest.approx([0.7 * (6 + 6) + 0.3 * 1.625, 0, 0.7 * (12 + 12) + 0.3 * 1, np.inf])


def test_placement_costs_count_only_what_can_still_be_sold():
    state = occupied("........")
    rules = Rules(horizon=Horizon.FROM_NOW_ON, weights=(1.0, 0.0))

    costs = [float(placement_costs(state, wish(4, 8, requested_at=now), flat(8, rules))[0]) for now in (-5, 0, 3, 4)]

    assert costs == [3, 3, 12, 0]


def test_cheapest_free_space_leaves_the_least():
    state = occupied("........", "#......#", "....####", "##....##")

    assert cheapest_free_space(state, wish(2, 6), flat(8)) == 3
    assert cheapest_free_space(state, wish(2, 6, eligible=only(0, 1, 2, of=4)), flat(8)) == 0


def test_cheapest_free_space_is_the_lowest_of_equals():
    state = occupied("####", "....", "....")

    assert cheapest_free_space(state, wish(0, 2), flat(4)) == 1


@pytest.mark.parametrize("eligible", [None, only(of=2)])
def test_cheapest_free_space_may_not_exist(eligible):
    row = "####" if eligible is None else "...."

    assert cheapest_free_space(occupied(row, row), wish(0, 2, eligible=eligible), flat(4)) is None


def test_costing_changes_nothing():
    state = occupied("..#.....")

    cheapest_free_space(state, wish(4, 6), flat(8))

    assert picture(state) == ("..#.....",)


def test_a_valuation_of_another_horizon_is_refused():
    with pytest.raises(ValueError, match="covers 9 slots, the lot's state 8"):
        placement_costs(occupied("........"), wish(2, 6), flat(9))
