import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from allocation.engine.evidence import (
    LENGTHS,
    DayOfDemand,
    arrivals_prior,
    importance_from,
    mean_lead_h,
    modal_stay_from,
    stays_from,
    weighed,
)

NEVER = np.nan


def lengths(**counts: int) -> np.ndarray:
    """Stays by length: `h2=10` is ten stays of two hours, `q1=3` three of one quarter."""
    found = np.zeros(96)
    for name, count in counts.items():
        found[int(name[1:]) * (4 if name[0] == "h" else 1) - 1] += count
    return found


def test_what_was_never_seen_is_as_believed_before():
    prior = np.array([0.2, 0.8])

    assert weighed(np.array([NEVER, NEVER]), np.zeros(2), prior, prior_samples=5).tolist() == [0.2, 0.8]


def test_five_days_weigh_as_much_as_the_prior_and_many_days_nearly_all():
    seen, prior = np.array([1.0, 1.0]), np.array([0.0, 0.0])

    weights = weighed(seen, np.array([5.0, 495.0]), prior, prior_samples=5)

    assert weights.tolist() == [0.5, 0.99]


def test_importance_is_bays_in_use_over_those_of_the_busiest_slot():
    prior = np.zeros(3)

    importance = importance_from(np.array([10.0, 40.0, NEVER]), np.array([95.0, 95.0, 0.0]), prior)

    assert importance.tolist() == [0.25 * 0.95, 0.95, 0.0]


def test_importance_of_a_lot_in_which_nobody_ever_stood_is_the_tariffs():
    prior = np.array([0.3, 1.0])

    assert importance_from(np.zeros(2), np.array([50.0, 50.0]), prior).tolist() == [0.3, 1.0]
    assert importance_from(np.array([NEVER, NEVER]), np.zeros(2), prior).tolist() == [0.3, 1.0]


@given(
    occupied=arrays(float, 8, elements=st.floats(0, 1000) | st.just(NEVER)),
    days=arrays(float, 8, elements=st.integers(0, 60)),
    prior=arrays(float, 8, elements=st.floats(0, 1)),
)
def test_importance_is_always_a_share(occupied, days, prior):
    importance = importance_from(occupied, days, prior)

    assert ((importance >= 0) & (importance <= 1 + 1e-12)).all()


def test_modal_stay_is_the_operators_number_until_somebody_stayed():
    assert modal_stay_from(np.zeros(96), prior_h=3) == 3


def test_modal_stay_is_weighed_against_thirty_stays():
    assert modal_stay_from(lengths(h1=30), prior_h=3) == 2
    assert modal_stay_from(lengths(h1=2970), prior_h=3) == pytest.approx(1.02)


def test_a_few_odd_stays_are_no_mode():
    usual = lengths(q7=10, h2=10, q9=10)

    assert modal_stay_from(usual + lengths(h12=12), prior_h=2) == 2


@given(arrays(float, 96, elements=st.integers(0, 1000)), st.floats(0.25, 24))
def test_modal_stay_lies_between_a_quarter_and_a_day(counts, prior_h):
    assert 0.25 <= modal_stay_from(counts, prior_h=prior_h) <= 24


def test_stays_are_even_up_to_twice_the_mode_until_somebody_asked():
    stays = stays_from(np.zeros(96), mode_hours=1)

    assert np.flatnonzero(stays).tolist() == [0, 1, 2, 3, 5, 7]
    assert stays[stays > 0].tolist() == pytest.approx([1 / 6] * 6)


def test_stays_follow_what_was_asked_for():
    stays = stays_from(lengths(h2=1188), mode_hours=1)

    assert stays[7] == pytest.approx((1188 + 2) / 1200)


@given(arrays(float, 96, elements=st.integers(0, 1000)), st.floats(0.25, 24))
def test_stays_are_chances_of_few_lengths(counts, mode_hours):
    stays = stays_from(counts, mode_hours=mode_hours)

    assert stays.sum() == pytest.approx(1)
    assert set(np.flatnonzero(stays) + 1) <= set(LENGTHS.tolist())


def test_a_lot_that_nobody_asked_for_is_not_thought_to_be_full():
    always = np.ones(96)

    expected = arrivals_prior(always, bays=10, mode_hours=3)

    assert expected == pytest.approx(0.3 * 10 * 24 / 3)


def test_leads_begin_with_an_hour_and_a_half():
    assert mean_lead_h(0, 0) == 1.5
    assert mean_lead_h(12 * 24.0, 12) == pytest.approx((12 * 24 + 12 * 1.5) / 24)


def test_who_has_asked_already_is_no_longer_to_come():
    day = DayOfDemand(arrivals=np.full(9, 10.0), stays=np.ones(1), lead_h=1.0)

    to_come = day.still_to_come(now=4).arrivals

    assert to_come[:5].tolist() == [0] * 5
    assert to_come[8] == pytest.approx(10 * (1 - np.exp(-1)))
