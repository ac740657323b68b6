"""Statistics of surveys against scipy, against literal twins, and at their edges."""

from decimal import Decimal
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.stats.contingency import association as scipy_association

from surveys.engine.association import association
from surveys.engine.proportions import HUNDREDTHS, largest_remainder, percent, wilson_interval
from surveys.engine.raking import NotConvergedError, rake
from surveys.engine.suppression import suppressed

TABLE_1 = [28, 49, 73, 41, 65, 473]  # use of systems by owners, table 1 of [guiyang]
tables = arrays(np.int64, st.tuples(st.integers(2, 7), st.integers(2, 7)), elements=st.integers(0, 400))


@given(base=st.integers(1, 100_000), share=st.floats(0, 1), confidence=st.floats(0.5, 0.999))
def test_wilson_is_scipys(base, share, confidence):
    count = round(share * base)

    ours = wilson_interval(count, base, confidence=confidence)

    theirs = stats.binomtest(count, base).proportion_ci(confidence_level=confidence, method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


def test_wilson_of_nobody_knows_nothing():
    assert (wilson_interval(0, 0).low, wilson_interval(0, 0).high) == (0.0, 1.0)


@pytest.mark.parametrize(("count", "base", "confidence"), [(-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.0), (1, 5, 0.0)])
def test_wilson_refuses_what_is_no_share(count, base, confidence):
    with pytest.raises(ValueError, match="between"):
        wilson_interval(count, base, confidence=confidence)


@given(counts=st.lists(st.integers(0, 10_000), max_size=30), units=st.integers(0, 20_000))
def test_rounded_shares_add_up_and_keep_their_quota(counts, units):
    given_units = largest_remainder(counts, units=units)

    total = sum(counts)
    assert sum(given_units) == (units if total else 0)
    assert all(abs(got * total - count * units) < max(total, 1) for got, count in zip(given_units, counts, strict=True))


@given(counts=st.lists(st.integers(0, 500), min_size=2, max_size=12))
def test_a_larger_count_never_gets_less(counts):
    given_units = largest_remainder(counts)

    pairs = list(zip(counts, given_units, strict=True))
    assert all(mine[1] <= theirs[1] for mine, theirs in product(pairs, pairs) if mine[0] < theirs[0])


def test_among_equal_remainders_the_earlier_is_first():
    assert largest_remainder([1, 1, 1], units=100) == [34, 33, 33]


def test_table_one_adds_up_only_when_two_lines_are_rounded_up():
    assert [percent(count, 729) for count in TABLE_1] == [
        Decimal(text) for text in ("3.84", "6.72", "10.01", "5.62", "8.92", "64.88")
    ]
    assert largest_remainder(TABLE_1) == [384, 672, 1001, 563, 892, 6488]
    assert sum(largest_remainder(TABLE_1)) == HUNDREDTHS


def test_a_percentage_is_rounded_half_up():
    assert [percent(count, 800) for count in (1, 3)] == [Decimal("0.13"), Decimal("0.38")]


@given(table=tables)
def test_chi_square_and_cramers_v_are_scipys(table):
    full = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    assume(min(full.shape) >= 2)

    ours = association(table)

    theirs = stats.chi2_contingency(full, correction=False)
    assert ours.chi_square == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9)
    assert ours.degrees_of_freedom == theirs.dof
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-9)
    assert ours.smallest_expected == pytest.approx(theirs.expected_freq.min(), rel=1e-9)
    assert ours.cramers_v == pytest.approx(scipy_association(full, method="cramer"), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("table", [[[5, 9]], [[5], [9]], [[5, 9], [0, 0]], [[0, 0], [0, 0]]])
def test_one_line_alone_has_nothing_to_go_together_with(table):
    assert association(np.array(table)) is None


@pytest.mark.parametrize("table", [np.array([1.0, 2.0]), np.array([[1, -1], [2, 2]]), np.array([[np.nan, 1], [1, 1]])])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(ValueError, match="table"):
        association(table)


@given(table=tables, fewest=st.integers(1, 20))
def test_no_hidden_cell_can_be_worked_out_from_a_line(table, fewest):
    hidden = suppressed(table, fewest=fewest)

    assert hidden[(table > 0) & (table < fewest)].all()
    for lines in (hidden, hidden.T):
        assert all(line.sum() != 1 for line in lines)


def test_nothing_is_hidden_without_need():
    assert not suppressed(np.array([[5, 0], [17, 9]])).any()


def test_the_smallest_other_cell_goes_with_a_small_one():
    table = np.array([[3, 40, 7], [50, 60, 70], [80, 90, 95]])

    assert suppressed(table).tolist() == [[True, False, True], [True, False, True], [False] * 3]


def literal_raking(counts, margins, rounds):
    """Deming and Stephan, cell by cell."""
    cells = {place: float(counts[place]) for place in np.ndindex(counts.shape)}
    for _ in range(rounds):
        for axis, margin in enumerate(margins):
            total = sum(cells.values())
            for category, share in enumerate(margin):
                here = [place for place in cells if place[axis] == category]
                present = sum(cells[place] for place in here) / total
                for place in here:
                    cells[place] *= share / present
    return cells


@given(
    counts=arrays(np.int64, st.tuples(st.integers(2, 4), st.integers(2, 4)), elements=st.integers(1, 60)),
    seed=st.integers(0, 2**32 - 1),
)
def test_raking_meets_the_margins_and_keeps_odds_ratios(counts, seed):
    generator = np.random.default_rng(seed)
    margins = [generator.dirichlet(np.full(size, 5.0)) for size in counts.shape]

    raked = rake(counts, margins)

    weighted = counts * raked.weights
    assert weighted.sum() == pytest.approx(counts.sum(), rel=1e-9)
    for axis, margin in enumerate(margins):
        assert weighted.sum(axis=1 - axis) / weighted.sum() == pytest.approx(margin, abs=1e-9)
    odds = counts[0, 0] * counts[1, 1] / (counts[0, 1] * counts[1, 0])
    assert weighted[0, 0] * weighted[1, 1] / (weighted[0, 1] * weighted[1, 0]) == pytest.approx(odds, rel=1e-6)
    assert raked.effective_number <= counts.sum() * (1 + 1e-12)
    assert raked.design_effect == pytest.approx(counts.sum() / raked.effective_number)


def test_raking_is_its_literal_twin_in_three_dimensions():
    counts = np.random.default_rng(7).integers(1, 50, size=(2, 3, 2))
    margins = [np.array([0.4, 0.6]), np.array([0.2, 0.5, 0.3]), np.array([0.7, 0.3])]

    raked = rake(counts, margins)

    cells = literal_raking(counts, margins, rounds=raked.rounds)
    total = sum(cells.values())
    assert {place: raked.weights[place] * counts[place] / counts.sum() for place in cells} == pytest.approx(
        {place: value / total for place, value in cells.items()}, abs=1e-9
    )


def test_margins_that_the_sample_has_already_weigh_nothing():
    raked = rake(np.array([30, 70]), [np.array([0.3, 0.7])])

    assert raked.weights == pytest.approx([1, 1])
    assert (raked.rounds, raked.effective_number) == (1, pytest.approx(100))


def test_an_empty_cell_gets_no_weight():
    assert rake(np.array([[10, 0], [5, 5]]), [np.array([0.5, 0.5]), np.array([0.8, 0.2])]).weights[0, 1] == 0


@pytest.mark.parametrize(
    ("counts", "margins"),
    [
        ([[1, 2]], [[0.5, 0.5]]),
        ([1, 2], [[0.5, 0.4]]),
        ([0, 0], [[0.5, 0.5]]),
        ([1, -2], [[0.5, 0.5]]),
        ([0, 2], [[0.5, 0.5]]),
    ],
)
def test_raking_refuses_nonsense(counts, margins):
    with pytest.raises(ValueError, match=r"margin|counts"):
        rake(np.array(counts), [np.array(margin) for margin in margins])


def test_margins_that_contradict_the_empty_cells_are_told():
    with pytest.raises(NotConvergedError, match="not met"):
        rake(np.array([[5, 0], [5, 5]]), [np.array([0.9, 0.1]), np.array([0.2, 0.8])], max_iter=50)
