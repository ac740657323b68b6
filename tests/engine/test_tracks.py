import numpy as np
import pytest

from allocation.engine.holds import Holds
from allocation.engine.program import Limits
from allocation.engine.state import LotState
from allocation.engine.tracks import NEWCOMER, Tracks, polished
from allocation.engine.valuation import Valuation
from tests.engine.pictures import flat, occupied, only, picture, wish
from tests.oracles.allocation_packing import broken, least_broken_tails

MODE = 12.0


def holding(state: LotState, *held: tuple[int, int, int], masks: dict[int, np.ndarray] | None = None) -> Holds:
    """Holds ``(start, end, space)`` with keys 0, 1, …"""
    holds = Holds.over(state)
    for key, (start, end, space) in enumerate(held):
        holds.add(key, wish(start, end, eligible=(masks or {}).get(key)), space)
    return holds


def tables(holds: Holds) -> Valuation:
    return flat(holds.state.slots)


def laid_out(holds: Holds) -> Tracks:
    return Tracks.of(holds, tables(holds).fragmentation)


def test_rematch_joins_tails_that_meet():
    holds = holding(occupied("........", "........"), (0, 3, 0), (4, 8, 0), (0, 4, 1), (5, 7, 1))
    tracks = laid_out(holds)

    assert tracks.rematch(4)
    assert [(move.key, move.to_space) for move in tracks.moves()] == [(1, 1), (3, 0)]
    assert not tracks.rematch(4)


def test_rematch_between_two_cuts_leaves_what_comes_later():
    holds = holding(occupied("........", "........"), (0, 2, 0), (2, 4, 0), (6, 8, 0), (0, 3, 1), (3, 4, 1), (5, 8, 1))
    tracks = laid_out(holds)
    before = tracks.cost()

    tracks.rematch(2, 5)

    assert {move.key for move in tracks.moves()} <= {1, 4}
    assert tracks.cost() <= before


def random_lot(rng: np.random.Generator, *, with_masks: bool = False) -> Holds:
    spaces, slots = int(rng.integers(2, 6)), 14
    holds = Holds.over(LotState.from_free(np.ones((spaces, slots), dtype=bool)))
    for key in range(int(rng.integers(2, 12))):
        start = int(rng.integers(0, slots - 1))
        end = min(slots, start + int(rng.integers(1, 6)))
        free = np.flatnonzero(holds.state.free_for(start, end))
        if free.size:
            space = int(rng.choice(free))
            mask = None
            if with_masks and rng.random() < 0.5:
                mask = rng.random(spaces) < 0.6
                mask[space] = True
            holds.add(key, wish(start, end, eligible=mask), space)
    return holds


def test_rematch_finds_the_best_exchange_of_tails():
    rng = np.random.default_rng(20206)
    for _ in range(60):
        holds = random_lot(rng)
        tracks = laid_out(holds)
        cut = int(rng.integers(0, holds.state.slots))
        held = [(one.request.start, one.request.end, one.space) for one in holds.held.values()]

        tracks.rematch(cut)

        best = least_broken_tails(holds.fixed.free.tolist(), held, cut, MODE)
        assert tracks.cost() == pytest.approx(best)


@pytest.mark.parametrize("with_masks", [False, True])
def test_polishing_breaks_no_more_and_its_moves_can_be_made(with_masks):
    rng = np.random.default_rng(20207)
    moved = 0
    for _ in range(40):
        holds = random_lot(rng, with_masks=with_masks)
        before = sum(broken(row, MODE) for row in holds.state.free.tolist())
        tracks = laid_out(holds)
        assert tracks.cost() == pytest.approx(before)

        moves = polished(holds, tables(holds), slot=0)
        holds.move(moves)

        moved += len(moves)
        assert sum(broken(row, MODE) for row in holds.state.free.tolist()) <= before + 1e-9
        for one in holds.held.values():
            assert one.request.eligible is None or one.request.eligible[one.space]
    assert moved > 20


def test_polishing_moves_nothing_fixed_and_respects_windows():
    holds = holding(occupied("...#....", "........"), (4, 8, 1))
    holds.block(1, 0, 2)

    holds.move(polished(holds, tables(holds), slot=2))

    assert holds.held[0].space == 0
    assert picture(holds.fixed) == ("...#....", "##......")


def test_what_was_promised_outside_its_mask_may_stay():
    holds = holding(occupied("........", "........"), (0, 4, 0), (4, 8, 0), masks={1: only(1, of=2)})

    assert polished(holds, tables(holds), slot=0) == ()


def test_open_for_makes_room_by_one_exchange():
    tracks = laid_out(holding(occupied("........", "........"), (0, 2, 0), (4, 8, 0), (0, 4, 1)))
    request = wish(2, 8)

    assert tracks.insert(request) is None
    assert tracks.open_for(request)
    assert tracks.insert(request) == tracks.space_of(NEWCOMER) == 0
    assert [(move.key, move.to_space) for move in tracks.moves()] == [(1, 1)]


def test_open_for_says_that_no_exchange_helps_and_changes_nothing():
    tracks = laid_out(holding(occupied("....", "...."), (0, 4, 0), (1, 4, 1)))

    assert not tracks.open_for(wish(0, 2))
    assert tracks.moves() == ()


def test_open_for_respects_masks():
    holds = holding(occupied("........", "........"), (0, 2, 0), (4, 8, 0), (0, 4, 1))

    tracks = laid_out(holds)
    request = wish(2, 8, eligible=only(1, of=2))

    assert not laid_out(holds).open_for(wish(2, 8, eligible=only(of=2)))
    assert tracks.open_for(request)
    assert tracks.insert(request) == 1


def test_pack_with_lays_everything_out_anew():
    holds = holding(occupied("........", "........"), (0, 2, 0), (4, 8, 0), (0, 4, 1))
    tracks = laid_out(holds)

    assert tracks.pack_with(wish(2, 8), limits=Limits())
    holds.move(tracks.moves())
    holds.add(9, wish(2, 8), tracks.space_of(NEWCOMER))
    assert picture(holds.state) == ("########", "########")
    assert not laid_out(holds).pack_with(wish(2, 3), limits=Limits())


def test_tracks_do_not_depend_on_the_order_in_which_holds_were_added():
    rng = np.random.default_rng(5)
    for _ in range(10):
        holds = random_lot(rng)
        other = Holds.over(holds.fixed)
        for key, one in reversed(holds.held.items()):
            other.add(key, one.request, one.space)

        assert polished(holds, tables(holds), slot=0) == polished(other, tables(holds), slot=0)


def test_insert_takes_the_gap_that_suffers_least():
    tracks = laid_out(holding(occupied("........", "........", "..####.."), (0, 2, 0), (6, 8, 0)))

    assert tracks.insert(wish(2, 6)) == 0
    assert tracks.insert(wish(0, 2)) == 2
