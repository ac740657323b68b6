import pytest

from allocation.engine.holds import Holds, saturated
from allocation.engine.request import Move, Tentative
from tests.engine.pictures import occupied, only, picture, wish


def two_held() -> Holds:
    holds = Holds.over(occupied("......", "......", "######"))
    holds.add(7, wish(0, 3), 0)
    holds.add(5, wish(2, 6), 1)
    return holds


def test_holds_are_in_the_state_and_not_in_what_is_fixed():
    holds = two_held()

    assert picture(holds.state) == ("###...", "..####", "######")
    assert picture(holds.fixed) == ("......", "......", "######")
    assert {key: one.space for key, one in holds.held.items()} == {7: 0, 5: 1}


def test_two_holds_change_places_at_once():
    holds = two_held()

    holds.move([Move(7, 0, 1), Move(5, 1, 0)])

    assert picture(holds.state) == ("..####", "###...", "######")
    assert {key: one.space for key, one in holds.held.items()} == {7: 1, 5: 0}


@pytest.mark.parametrize(
    ("moves", "words"),
    [
        ([Move(5, 1, 0)], r"space 0 is not free during all of \[2, 6\)"),
        ([Move(7, 0, 1), Move(5, 1, 2)], "space 2 is not free"),
        ([Move(7, 1, 0)], "hold 7 is in space 0, not 1"),
        ([Move(6, 0, 1)], "there is no hold 6"),
    ],
)
def test_a_move_that_cannot_be_made_changes_nothing(moves, words):
    holds = two_held()

    with pytest.raises(ValueError, match=words):
        holds.move(moves)

    assert picture(holds.state) == ("###...", "..####", "######")
    assert {key: one.space for key, one in holds.held.items()} == {7: 0, 5: 1}


def test_settled_holds_are_fixed_and_removed_ones_gone():
    holds = two_held()

    settled = holds.settle(7)
    removed = holds.remove(5)

    assert (settled.space, removed.space) == (0, 1)
    assert picture(holds.fixed) == picture(holds.state) == ("###...", "......", "######")
    assert not holds.held


def test_blocking_takes_what_is_free_and_unblocking_gives_it_back():
    holds = two_held()

    holds.block(0, 3, 5)
    assert picture(holds.fixed) == ("...##.", "......", "######")
    with pytest.raises(ValueError, match="space 1 is not free"):
        holds.block(1, 0, 3)
    holds.unblock(0, 3, 5)

    assert picture(holds.state) == ("###...", "..####", "######")


def test_a_copy_is_independent():
    holds = two_held()

    holds.copy().remove(7)

    assert 7 in holds.held
    assert picture(holds.state)[0] == "###..."


def test_a_key_is_given_once():
    with pytest.raises(ValueError, match="hold 7 exists already"):
        two_held().add(7, wish(4, 5), 0)


def test_what_is_held_cannot_be_changed_from_outside():
    with pytest.raises(TypeError):
        two_held().held[7] = Tentative(wish(0, 1), 0)


def test_saturated_sees_a_slot_without_any_free_space():
    state = occupied("##....", "..####")

    assert not saturated(state, wish(0, 6))
    assert saturated(occupied("###...", "..####"), wish(0, 6, eligible=only(0, of=2)))
