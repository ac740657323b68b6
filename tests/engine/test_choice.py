import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation.engine.choice import ChoiceWeights, cost_of, ranked, totals
from allocation.engine.holds import Holds
from allocation.engine.placement import placement_costs
from allocation.engine.request import Decision, Move, Reason, Request
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation
from tests.engine.pictures import RULES

WEIGHTS = ChoiceWeights(walk_per_100m=100, sustainability=30)
NOTHING = np.zeros(3)


def order(price=NOTHING, walk_m=NOTHING, cost=NOTHING, weights=WEIGHTS) -> list[int]:
    walk_m = np.array(walk_m, dtype=float)
    return ranked(totals(np.array(price, dtype=float), walk_m, np.array(cost, dtype=float), weights=weights), walk_m)


def test_the_cheapest_of_equally_near_lots_is_best():
    assert order(price=[300, 100, 200]) == [1, 2, 0]


def test_a_walk_is_worth_so_much_money_and_no_more():
    assert order(price=[300, 199, 201], walk_m=[0, 100, 100]) == [1, 0, 2]


def test_a_lot_in_which_a_gap_would_break_gives_way_to_one_as_dear_in_which_it_fits():
    assert order(price=[300, 300, 250], cost=[4, 0, 1]) == [2, 1, 0]


def test_of_equal_totals_the_nearer_is_better_and_then_the_first():
    assert order(price=[200, 100, 100], walk_m=[0, 100, 100]) == [0, 1, 2]


@given(st.lists(st.tuples(*[st.integers(0, 5000)] * 3), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_what_is_best_does_not_depend_on_who_else_is_there_or_in_what_order(lots, random):
    def best(rows):
        price, walk_m, cost = np.array(rows, dtype=float).T
        return rows[ranked(totals(price, walk_m, cost, weights=WEIGHTS), walk_m)[0]]

    winner = best(lots)
    others = [row for row in lots if row != winner]
    fewer = [winner, *random.sample(others, len(others) // 2)]

    def total(row):
        return row[0] + row[1] + 30 * row[2]

    assert total(best(random.sample(lots, len(lots)))) == total(winner)
    assert total(best(fewer)) == total(winner)


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf")])
def test_weights_are_amounts(wrong):
    with pytest.raises(ValueError, match="finite and not negative"):
        ChoiceWeights(walk_per_100m=wrong, sustainability=0)


def lot(spaces=2, slots=12) -> tuple[Holds, Valuation]:
    flat = np.ones(slots)
    return Holds.over(LotState.from_free(np.ones((spaces, slots), dtype=bool))), Valuation.of(flat, flat, rules=RULES)


def test_cost_is_that_of_the_placement():
    holds, valuation = lot()
    request = Request(start=4, end=8)

    cost = cost_of(Decision.accepted_at(1), request, holds, valuation)

    assert cost == placement_costs(holds.state, request, valuation)[1] > 0


def test_cost_counts_what_is_left_once_others_have_made_room():
    holds, valuation = lot()
    holds.add(7, Request(start=0, end=8), 0)
    holds.add(8, Request(start=8, end=12), 1)
    whole = Request(start=0, end=12)
    room = Decision.accepted_at(1, (Move(8, 1, 0),))

    assert cost_of(room, whole, holds, valuation) == 0
    assert sorted((key, one.space) for key, one in holds.held.items()) == [(7, 0), (8, 1)]
    assert not holds.state.free_for(8, 12).all()


def test_what_was_declined_has_no_cost():
    holds, valuation = lot()

    with pytest.raises(ValueError, match="declined"):
        cost_of(Decision.declined(Reason.NO_FREE_SPACE), Request(start=0, end=1), holds, valuation)
