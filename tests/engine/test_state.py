import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from allocation.engine.state import MOST_SLOTS, LotState
from tests.engine.pictures import free_in, occupied, only, picture
from tests.oracles.allocation import free_runs

SMALL_LOTS = st.tuples(st.integers(0, 4), st.integers(1, 9)).flatmap(lambda shape: arrays(np.bool_, shape))


def assert_same(one: LotState, other: LotState) -> None:
    np.testing.assert_array_equal(one.run_start, other.run_start)
    np.testing.assert_array_equal(one.run_end, other.run_end)


def test_from_free_bounds_every_run():
    state = occupied("..##...#")

    assert state.run_start[:, 0].tolist() == [0, 0, 0, 0, 4, 4, 4, 0]
    assert state.run_end[:, 0].tolist() == [2, 2, 0, 0, 7, 7, 7, 0]


def test_state_keeps_one_slot_contiguous():
    state = occupied("....", "####")

    assert state.run_end.dtype == state.run_start.dtype == np.int16
    assert state.run_end.flags.c_contiguous
    assert state.run_start.flags.c_contiguous
    assert (state.slots, state.spaces) == (4, 2)


@given(SMALL_LOTS)
def test_runs_are_those_that_a_loop_finds(free):
    assert list(LotState.from_free(free).runs()) == free_runs((~free).astype(int).tolist())


def test_from_free_holds_the_longest_horizon():
    state = LotState.from_free(np.ones((1, MOST_SLOTS), dtype=np.bool_))

    assert list(state.runs()) == [(0, 0, MOST_SLOTS)]
    assert state.free_for(0, MOST_SLOTS).tolist() == [True]


@pytest.mark.parametrize(
    ("free", "words"),
    [
        (np.ones((1, MOST_SLOTS + 1), dtype=np.bool_), "got 32768"),
        (np.ones((2, 0), dtype=np.bool_), "got 0"),
        (np.ones(3, dtype=np.bool_), "got 1-d bool"),
        (np.ones((2, 3)), "got 2-d float64"),
    ],
)
def test_from_free_refuses(free, words):
    with pytest.raises(ValueError, match=words):
        LotState.from_free(free)


def test_free_for_needs_the_whole_period():
    state = occupied("........", "##....##", "..#.....", "########")

    assert state.free_for(2, 6).tolist() == [True, True, False, False]


def test_free_for_asks_the_mask_too():
    state = occupied("....", "....", "####")

    assert state.free_for(0, 4, only(1, 2, of=3)).tolist() == [False, True, False]


def test_free_for_refuses_a_mask_of_another_lot():
    with pytest.raises(ValueError, match="each of 2 spaces"):
        occupied("....", "....").free_for(0, 1, only(0, of=1))


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 2), (3, 2), (0, 9)])
def test_periods_lie_within_the_horizon(start, end):
    state = occupied("........")

    for act in (lambda: state.free_for(start, end), lambda: state.place(0, start, end)):
        with pytest.raises(ValueError, match="not a period within 8 slots"):
            act()


def test_fragments_of_all_spaces():
    state = occupied("........", "##....##", ".#.....#")

    left, right = state.fragments(np.arange(3), 2, 6)

    assert left.tolist() == [2, 0, 0]
    assert right.tolist() == [2, 0, 1]


@pytest.mark.parametrize(("since", "lengths"), [(0, 4), (1, 3), (4, 0), (7, 0)])
def test_fragments_start_no_sooner_than_now(since, lengths):
    left, right = occupied("........").fragments(np.array([0]), 4, 6, since=since)

    assert (left.tolist(), right.tolist()) == ([lengths], [2])


def test_place_cuts_the_run():
    state = occupied("########", "........")

    state.place(1, 2, 6)

    assert_same(state, occupied("########", "..####.."))


def test_lift_joins_the_runs_again():
    state = occupied("#..##..#")

    state.lift(0, 3, 5)

    assert_same(state, occupied("#......#"))


def test_lift_joins_nothing_that_is_occupied():
    state = occupied("..####..")

    state.lift(0, 3, 4)

    assert_same(state, occupied("..#.##.."))


@pytest.mark.parametrize("row", ["..#.", "...#", "#..."])
def test_place_refuses_what_is_taken(row):
    state = occupied(row)

    with pytest.raises(ValueError, match=r"space 0 is not free during all of \[0, 4\)"):
        state.place(0, 0, 4)
    assert picture(state) == (row,)


def test_lift_refuses_what_is_free():
    with pytest.raises(ValueError, match=r"space 0 is not occupied during all of \[1, 3\)"):
        occupied("##..").lift(0, 1, 3)


@pytest.mark.parametrize("space", [-1, 1])
def test_place_and_lift_refuse_strange_spaces(space):
    for act in (occupied("....").place, occupied("####").lift):
        with pytest.raises(ValueError, match=f"no space {space} among 1"):
            act(space, 0, 1)


def test_copy_shares_nothing():
    state = occupied("....")

    state.copy().place(0, 1, 2)

    assert picture(state) == ("....",)


@settings(max_examples=150)
@given(SMALL_LOTS.filter(lambda free: free.any()), st.data())
def test_lifting_what_was_placed_restores_the_state(free, data):
    state = LotState.from_free(free)
    untouched = state.copy()
    space, first, last = data.draw(st.sampled_from(list(state.runs())))
    start = data.draw(st.integers(first, last - 1))
    end = data.draw(st.integers(start + 1, last))

    state.place(space, start, end)
    free[space, start:end] = False
    assert_same(state, LotState.from_free(free))

    state.lift(space, start, end)
    assert_same(state, untouched)


def test_free_is_what_it_was_built_from():
    free = free_in(".#.", "###", "...")

    np.testing.assert_array_equal(LotState.from_free(free).free, free)
