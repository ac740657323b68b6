"""The tie-breaker: never dearer than tolerated, never another answer, always the owner who earned least."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation.engine.fairness import Fairness, decide_fairly, fairer_space
from allocation.engine.holds import Holds
from allocation.engine.placement import placement_costs
from allocation.engine.policies.best_fit import BestFit
from allocation.engine.request import Request
from allocation.engine.rules import Rules
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation

SLOTS = 12
FLAT = Valuation.of(np.ones(SLOTS), np.ones(SLOTS), rules=Rules())


def lot(*rows: str) -> LotState:
    return LotState.from_free(np.array([[cell == "." for cell in row] for row in rows]))


def earned(*income: int, tolerance: float = 0.0) -> Fairness:
    return Fairness(income=np.array(income, dtype=np.int64), tolerance=tolerance)


def test_of_equal_spaces_the_poorest_owners_is_taken():
    state, request = lot("." * SLOTS, "." * SLOTS, "." * SLOTS), Request(start=2, end=6)

    assert fairer_space(state, request, FLAT, 0, earned(30, 10, 20)) == 1
    assert fairer_space(state, request, FLAT, 0, earned(10, 10, 10)) == 0


def test_a_dearer_space_is_taken_only_within_the_tolerance():
    state, request = lot("##....######", "............"), Request(start=2, end=6)
    rise = placement_costs(state, request, FLAT)[1]

    assert fairer_space(state, request, FLAT, 0, earned(5, 0, tolerance=rise - 0.01)) == 0
    assert fairer_space(state, request, FLAT, 0, earned(5, 0, tolerance=rise)) == 1


@given(
    rows=st.lists(st.text("..#", min_size=SLOTS, max_size=SLOTS), min_size=1, max_size=6),
    start=st.integers(0, SLOTS - 2),
    length=st.integers(1, 4),
    tolerance=st.floats(0, 3),
    data=st.data(),
)
def test_the_answer_is_the_same_and_never_dearer_than_tolerated(rows, start, length, tolerance, data):
    state, request = lot(*rows), Request(start=start, end=min(start + length, SLOTS))
    income = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    policy, fairness = BestFit(FLAT), earned(*income, tolerance=tolerance)

    plain = policy.decide(state, request)
    fair = decide_fairly(policy, Holds.over(state), request, FLAT, fairness)

    assert fair.reason == plain.reason
    if plain.space is not None and fair.space is not None:
        costs = placement_costs(state, request, FLAT)
        assert costs[fair.space] <= costs[plain.space] + tolerance + 1e-6
        assert income[fair.space] <= income[plain.space]
        assert decide_fairly(policy, Holds.over(state), request, FLAT, None) == plain


@pytest.mark.parametrize(("income", "tolerance"), [([-1], 0), ([1], -0.5), ([1], float("nan"))])
def test_numbers_that_make_no_sense_are_refused(income, tolerance):
    with pytest.raises(ValueError, match="must"):
        earned(*income, tolerance=tolerance)
