import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation.engine.choice import ChoiceWeights, cost_of, search, totals
from allocation.engine.holds import Holds
from allocation.engine.placement import placement_costs
from allocation.engine.request import Decision, Move, Reason, Request
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation
from tests.engine.pictures import RULES

WEIGHTS = ChoiceWeights(walk_per_100m=100, sustainability=30)
NOTHING = np.zeros(3)


def best(price=NOTHING, walk_m=NOTHING, cost=NOTHING, says_no=(), drops=()) -> tuple[int | None, list[int]]:
    """The place that is taken, and the places that were asked."""
    price, walk_m, cost = (np.array(values, dtype=float) for values in (price, walk_m, cost))
    asked: list[int] = []

    def ask(place):
        asked.append(place)
        return None if place in says_no else float(totals(price, walk_m, cost, weights=WEIGHTS)[place])

    least = totals(price, walk_m, np.zeros(price.size), weights=WEIGHTS)
    found = search(least, walk_m, ask=ask, keeps=lambda place: place not in drops)
    assert set(found.refused) == set(says_no) & set(asked)
    return found.chosen, asked


def test_the_cheapest_of_equally_near_lots_is_best_and_dearer_ones_are_not_asked():
    assert best(price=[300, 100, 200]) == (1, [1])


def test_a_walk_is_worth_so_much_money_and_no_more():
    assert best(price=[300, 199, 201], walk_m=[0, 100, 100])[0] == 1
    assert best(price=[300, 201, 202], walk_m=[0, 100, 100])[0] == 0


def test_a_lot_in_which_a_gap_would_break_gives_way_to_one_in_which_it_fits():
    assert best(price=[300, 300, 250], cost=[4, 0, 1]) == (2, [2])
    assert best(price=[300, 300, 250], cost=[4, 0, 2]) == (1, [2, 0, 1])


def test_of_equal_totals_the_nearer_is_better_and_then_the_first():
    assert best(price=[200, 100, 100], walk_m=[0, 100, 100])[0] == 0
    assert best(price=[100, 100, 100])[0] == 0


def test_who_says_no_at_once_or_on_a_closer_look_gives_way_to_the_next():
    assert best(price=[100, 200, 300], says_no=[0]) == (1, [0, 1])
    assert best(price=[100, 200, 300], drops=[0]) == (1, [0, 1])
    assert best(price=[100, 200, 300], says_no=[0, 1], drops=[2]) == (None, [0, 1, 2])


LOTS = st.lists(st.tuples(*[st.integers(0, 5000)] * 3, st.sampled_from(["yes", "no", "drops"])), max_size=8)


@given(LOTS)
def test_what_is_found_is_what_asking_everybody_would_find(lots):
    price, walk_m, cost = ([lot[n] for lot in lots] for n in range(3))
    no, drops = ([n for n, lot in enumerate(lots) if lot[3] == word] for word in ("no", "drops"))
    willing = [(p + w + 30 * c, w, n) for n, (p, w, c, word) in enumerate(lots) if word == "yes"]

    assert best(price, walk_m, cost, no, drops)[0] == (min(willing)[2] if willing else None)


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
