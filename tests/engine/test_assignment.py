from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from allocation.engine.assignment import assign_spaces
from allocation.engine.request import Tentative
from allocation.engine.rules import Horizon, Rules
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation
from tests.engine.pictures import flat, occupied, only, picture, wish
from tests.oracles.allocation import Row, algorithm_2, plan_cost


def test_assign_spaces_swaps_where_that_leaves_less():
    state = occupied("####..##", "######..")
    held = [Tentative(wish(0, 4), 0), Tentative(wish(0, 6), 1)]

    assert assign_spaces(state, held, flat(8), slot=0) == (1, 0)


def test_assign_spaces_moves_to_an_untouched_space_that_fits_exactly():
    state = occupied("..####..", "########", "##....##")

    assert assign_spaces(state, [Tentative(wish(2, 6), 0)], flat(8), slot=2) == (2,)


def test_assign_spaces_minimises_the_sum_not_each_in_turn():
    state = occupied("##......", "###.####")
    held = [Tentative(wish(0, 2), 0), Tentative(wish(0, 3), 1)]

    assert assign_spaces(state, held, flat(8, Rules(weights=(1.0, 0.0))), slot=0) == (1, 0)


def test_assign_spaces_respects_masks_but_never_loses_the_promised_space():
    state = occupied("..####..", "##....##", "##....##")

    assert assign_spaces(state, [Tentative(wish(2, 6, eligible=only(2, of=3)), 0)], flat(8), slot=2) == (2,)
    assert assign_spaces(state, [Tentative(wish(2, 6, eligible=only(of=3)), 0)], flat(8), slot=2) == (0,)


def test_assign_spaces_sells_what_is_left_of_today():
    state = occupied("..####", "#.....")
    held = [Tentative(wish(2, 6), 0)]

    assert assign_spaces(state, held, flat(6, Rules(weights=(0.0, 1.0))), slot=2) == (1,)
    assert assign_spaces(state, held, flat(6, Rules(horizon=Horizon.FROM_NOW_ON)), slot=2) == (0,)


def test_assign_spaces_of_nobody_is_empty():
    assert assign_spaces(occupied("...."), [], flat(4), slot=0) == ()


def test_assign_spaces_changes_nothing():
    state = occupied("..####..", "##....##")

    assign_spaces(state, [Tentative(wish(2, 6), 0)], flat(8), slot=2)

    assert picture(state) == ("..####..", "##....##")


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ([Tentative(wish(1, 4), 0)], "starts in slot 1 has no part in slot 0"),
        ([Tentative(wish(0, 4), 0), Tentative(wish(0, 2), 0)], r"two requests hold one space: \[0, 0\]"),
        ([Tentative(wish(0, 4), 1)], "space 1 is not occupied"),
        ([Tentative(wish(0, 4), 2)], "no space 2 among 2"),
        ([Tentative(wish(0, 4, eligible=only(0, of=1)), 0)], "each of 2 spaces"),
    ],
)
def test_assign_spaces_refuses(held, words):
    with pytest.raises(ValueError, match=words):
        assign_spaces(occupied("####", "...."), held, flat(4), slot=0)


def affordable(spaces: int) -> int:
    """How many requests can be enumerated in a moment."""
    return next(requests for requests in (5, 4, 3) if spaces**requests <= 1300)


def random_lot(rng: np.random.Generator) -> tuple[LotState, list[Tentative]]:
    spaces, slots = int(rng.integers(1, 7)), int(rng.integers(3, 13))
    slot = int(rng.integers(0, slots - 1))
    free = rng.random((spaces, slots)) < rng.choice([0.7, 0.9, 1.0])
    free[0, slot] = True
    state = LotState.from_free(free)
    held = []
    for space in rng.permutation(np.flatnonzero(state.run_end[slot])).tolist()[: affordable(spaces)]:
        end = int(rng.integers(slot + 1, state.run_end[slot, space] + 1))
        mask = rng.random(spaces) < 0.8 if rng.random() < 0.3 else None
        if mask is not None:
            mask[space] = True
        state.place(space, slot, end)
        held.append(Tentative(wish(slot, end, eligible=mask), space))
    return state, held


@pytest.mark.parametrize("horizon", list(Horizon))
def test_assign_spaces_costs_what_the_best_enumerated_plan_costs(horizon):
    rng = np.random.default_rng(20202)
    for case in range(100):
        state, held = random_lot(rng)
        check_against_enumeration(state, held, rng.integers(0, 9, size=state.slots).tolist(), horizon, case)


def test_assign_spaces_is_optimal_for_five_requests_on_six_spaces():
    state = occupied("######....", "..########", "..####....", "..###.....", "..#####...", "..####....")
    held = [Tentative(wish(2, end), space) for space, end in [(1, 10), (2, 6), (3, 5), (4, 7), (5, 6)]]

    check_against_enumeration(state, held, [1, 2, 3, 4, 5, 6, 5, 4, 3, 2], Horizon.WHOLE_DAY, 3)


def check_against_enumeration(
    state: LotState, held: list[Tentative], counts: list[int], horizon: Horizon, case: int
) -> None:
    slot = held[0].request.start
    weights = Fraction(case % 11, 10), Fraction(10 - case % 11, 10)
    g = [Fraction(count, 9) for count in counts]
    importance = np.array([float(share) for share in g])
    rules = Rules(weights=(float(weights[0]), float(weights[1])), horizon=horizon)

    plan = assign_spaces(state, held, Valuation.of(importance, importance, rules=rules), slot=slot)

    a: list[Row] = (~state.free).astype(int).tolist()
    rows = [[int(slot <= t < one.request.end) for t in range(state.slots)] for one in held]
    rest: dict[str, Any] = {
        "weights": weights,
        "mode_hours": Fraction(3),
        "slot_minutes": 15,
        "eligible": [
            [True] * state.spaces if one.request.eligible is None else one.request.eligible.tolist() for one in held
        ],
        "since": slot if horizon is Horizon.FROM_NOW_ON else 0,
    }
    lifted = [list(row) for row in a]
    for row, one in zip(rows, held, strict=True):
        lifted[one.space] = [lifted[one.space][t] - row[t] for t in range(state.slots)]
    assert plan_cost(lifted, rows, plan, g, **rest) == algorithm_2(a, rows, [one.space for one in held], g, **rest)
