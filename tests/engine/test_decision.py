from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.engine.decision import decide_request
from allocation.engine.request import Decision, Reason
from allocation.engine.rules import Horizon, Rules
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation
from tests.engine.pictures import flat, occupied, only, picture, wish
from tests.oracles.allocation import algorithm_1

THRESHOLDS = [
    Fraction(n, d) for n, d in [(24, 1), (12, 1), (6, 1), (3, 1), (12, 7), (3, 2), (6, 5), (1, 1), (2, 3), (0, 1)]
]
OUTWEIGHED = Decision.declined(Reason.FRAGMENTS_OUTWEIGH_REVENUE)


def test_decide_request_prefers_the_row_it_fills_exactly():
    spaces = occupied("........", "##....##", "........")

    assert decide_request(spaces, wish(2, 6), flat(8)) == Decision(1)


def test_decide_request_stops_at_the_first_exact_fit():
    spaces = occupied("##....##", "##....##")

    assert decide_request(spaces, wish(2, 6), flat(8)).space == 0


def test_decide_request_takes_the_last_harmless_space():
    spaces = occupied("." * 12, "." * 12, ".." + "#" * 10)

    assert decide_request(spaces, wish(0, 2), flat(12, Rules(threshold=1.2))).space == 2
    assert decide_request(spaces, wish(0, 1), flat(12, Rules(threshold=1.2))).space == 1


def test_decide_request_ignores_worth_once_a_harmless_space_was_seen():
    spaces = occupied("." * 12, "..........##")

    assert decide_request(spaces, wish(0, 4), flat(12)).space == 0


def test_decide_request_ignores_worth_seen_before_a_harmless_space():
    spaces = occupied("..........##", "." * 12)

    assert decide_request(spaces, wish(0, 4), flat(12)).space == 1


def test_decide_request_takes_the_first_space_of_greatest_worth():
    spaces = occupied("......##", ".....###", ".....###", "......##")

    assert decide_request(spaces, wish(0, 4), flat(8)).space == 1


def test_decide_request_declines_what_earns_no_more_than_it_breaks():
    assert decide_request(occupied("....####"), wish(0, 2), flat(8)) == OUTWEIGHED
    assert decide_request(occupied("...#####"), wish(0, 2), flat(8)) == Decision(0)


def test_decide_request_declines_all_breakage_in_a_free_car_park():
    assert decide_request(occupied("...#####"), wish(0, 2), flat(8, rate=0.0)) == OUTWEIGHED


@pytest.mark.parametrize("rows", [("###.####", "##..##.."), ()])
def test_decide_request_says_that_no_space_is_free(rows):
    spaces = occupied(*rows) if rows else LotState.from_free(np.zeros((0, 8), dtype=np.bool_))

    assert decide_request(spaces, wish(3, 5), flat(8)) == Decision.declined(Reason.NO_FREE_SPACE)


def test_decide_request_sees_eligible_spaces_only():
    spaces = occupied("##....##", "........", "##....##")

    assert decide_request(spaces, wish(2, 6, eligible=only(2, of=3)), flat(8)).space == 2
    assert decide_request(spaces, wish(2, 6, eligible=only(of=3)), flat(8)).reason == "no_free_space"


def test_decide_request_meets_a_threshold_in_spite_of_rounding():
    spaces = occupied("." * 49)

    decision = decide_request(spaces, wish(30, 34, requested_at=0), flat(49, Rules(threshold=1.2)))

    assert 12 / 30 + 12 / 15 > 1.2
    assert decision == Decision(0)


def test_decide_request_sees_equal_worth_in_spite_of_rounding():
    importance = np.array([9, 3, 8, 2, 4, 7, 8, 2]) / 9
    valuation = Valuation.of(importance, importance, rules=Rules())
    spaces = occupied("##....##", "###....#")
    left, right = spaces.fragments(np.arange(2), 3, 6)

    decision = decide_request(spaces, wish(3, 6), valuation)

    assert np.diff(valuation.net_worth(3, 6, left, right))[0] > 0
    assert decision == Decision(0)


def test_decide_request_forgets_the_past_when_told_to():
    spaces = occupied("........", "....####")
    rules = Rules(horizon=Horizon.FROM_NOW_ON)

    assert decide_request(spaces, wish(2, 8, requested_at=2), flat(8, rules)) == Decision(0)
    assert decide_request(spaces, wish(2, 4, requested_at=2), flat(8, rules)) == Decision(1)
    assert decide_request(spaces, wish(2, 4, requested_at=2), flat(8)) == OUTWEIGHED


def test_decide_request_changes_nothing():
    spaces = occupied("........")

    decide_request(spaces, wish(0, 6), flat(8))

    assert picture(spaces) == ("........",)


@pytest.mark.parametrize(("slots", "start", "end"), [(9, 2, 6), (8, 2, 9)])
def test_decide_request_refuses_another_horizon(slots, start, end):
    with pytest.raises(ValueError, match="8"):
        decide_request(occupied("........"), wish(start, end), flat(slots))


def compare_with_the_paper(
    free: np.ndarray, counts: list[int], start: int, end: int, *, threshold: Fraction, slot_minutes: int,
    eligible: np.ndarray | None, now: int, horizon: Horizon, rate: int,
) -> None:  # fmt: skip
    slots = len(counts)
    g = [Fraction(count, max(counts) or 1) for count in counts]
    importance = np.array([float(share) for share in g])
    rules = Rules(threshold=float(threshold), slot_minutes=slot_minutes, horizon=horizon)
    request = wish(start, end, requested_at=min(now, start), eligible=eligible)

    decision = decide_request(
        LotState.from_free(free), request, Valuation.of(importance, rate * importance, rules=rules)
    )

    assert (decision.space, decision.reason) == algorithm_1(
        (~free).astype(int).tolist(),
        [int(start <= t < end) for t in range(slots)],
        [rate * share for share in g],
        threshold=threshold,
        mode_hours=Fraction(3),
        slot_minutes=slot_minutes,
        eligible=[True] * len(free) if eligible is None else eligible.tolist(),
        since=0 if horizon is Horizon.WHOLE_DAY else max(0, min(now, start)),
    )


def test_decide_request_equals_algorithm_1_in_ten_thousand_cases():
    rng = np.random.default_rng(20201)
    for case in range(10_000):
        spaces, slots = int(rng.integers(1, 6)), int(rng.integers(2, 17))
        free = rng.random((spaces, slots)) < rng.choice([0.6, 0.85, 0.95, 1.0])
        start = int(rng.integers(0, slots))
        end = int(rng.integers(start + 1, min(slots, start + 8) + 1))
        free[: spaces // 2, start:end] = True
        compare_with_the_paper(
            free,
            rng.integers(0, rng.choice([2, 5, 98]), size=slots).tolist(),
            start,
            end,
            threshold=THRESHOLDS[case % len(THRESHOLDS)],
            slot_minutes=(5, 10, 15)[case % 3],
            eligible=rng.random(spaces) < 0.8 if case % 4 == 0 else None,
            now=int(rng.integers(-2, slots)),
            horizon=Horizon.FROM_NOW_ON if case % 5 == 0 else Horizon.WHOLE_DAY,
            rate=int(rng.integers(0, 4)),
        )


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_decide_request_equals_algorithm_1(data):
    slots = data.draw(st.integers(2, 12))
    rows = data.draw(st.lists(st.lists(st.booleans(), min_size=slots, max_size=slots), min_size=1, max_size=5))
    start = data.draw(st.integers(0, slots - 1))
    compare_with_the_paper(
        np.array(rows),
        data.draw(st.lists(st.integers(0, 9), min_size=slots, max_size=slots)),
        start,
        data.draw(st.integers(start + 1, slots)),
        threshold=data.draw(st.sampled_from(THRESHOLDS)),
        slot_minutes=data.draw(st.sampled_from([5, 10, 15])),
        eligible=data.draw(st.none() | st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)).map(np.array)),
        now=data.draw(st.integers(-2, slots)),
        horizon=data.draw(st.sampled_from(Horizon)),
        rate=data.draw(st.integers(0, 3)),
    )
