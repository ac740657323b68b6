import numpy as np
import pytest

from allocation.engine.intervals import RunType, colored, run_types
from allocation.engine.program import Limits, Verdict, pack
from allocation.engine.request import Request
from allocation.engine.state import LotState
from tests.engine.pictures import occupied, only, wish
from tests.oracles.allocation_packing import Wish, greatest_worth


def random_case(rng: np.random.Generator) -> tuple[np.ndarray, list[Request]]:
    spaces, slots = int(rng.integers(1, 5)), int(rng.integers(3, 9))
    free = rng.random((spaces, slots)) < rng.choice([0.7, 0.9, 1.0])
    requests = []
    for _ in range(int(rng.integers(1, 8))):
        start = int(rng.integers(0, slots))
        mask = rng.random(spaces) < 0.7 if rng.random() < 0.3 else None
        requests.append(wish(start, int(rng.integers(start + 1, slots + 1)), eligible=mask))
    return free, requests


def as_wishes(free: np.ndarray, requests: list[Request]) -> list[Wish]:
    everywhere = np.ones(len(free), dtype=bool)
    masks = [everywhere if one.eligible is None else one.eligible for one in requests]
    return [
        (one.start, one.end, frozenset(np.flatnonzero(mask).tolist()))
        for one, mask in zip(requests, masks, strict=True)
    ]


def place_all(free: np.ndarray, requests: list[Request], spaces: tuple[int | None, ...]) -> None:
    state = LotState.from_free(free)
    for one, space in zip(requests, spaces, strict=True):
        if space is not None:
            assert one.eligible is None or one.eligible[space]
            state.place(space, one.start, one.end)


def test_pack_is_worth_what_the_best_enumerated_choice_is_worth():
    rng = np.random.default_rng(20204)
    for _ in range(60):
        free, requests = random_case(rng)
        worth = rng.integers(0, 9, size=len(requests)).astype(float)

        packing = pack(LotState.from_free(free), requests, worth, all_of_them=False)

        assert packing.verdict is Verdict.OPTIMAL
        assert packing.worth == greatest_worth(free.tolist(), as_wishes(free, requests), worth.tolist())
        assert packing.bound == pytest.approx(packing.worth)
        place_all(free, requests, packing.spaces)


def test_pack_finds_room_for_all_exactly_when_there_is():
    rng = np.random.default_rng(20205)
    possible = 0
    for _ in range(60):
        free, requests = random_case(rng)
        requests = requests[:4]
        ones = np.ones(len(requests))

        packing = pack(LotState.from_free(free), requests, ones, all_of_them=True)

        if packing.verdict is Verdict.OPTIMAL:
            possible += 1
            assert None not in packing.spaces
            place_all(free, requests, packing.spaces)
        else:
            assert packing.verdict is Verdict.IMPOSSIBLE
            assert greatest_worth(free.tolist(), as_wishes(free, requests), ones.tolist()) < len(requests)
    assert 10 < possible < 50


def test_pack_of_nothing_is_nothing():
    packing = pack(occupied("...."), [], np.zeros(0), all_of_them=True)

    assert (packing.verdict, packing.spaces, packing.worth) == (Verdict.OPTIMAL, (), 0.0)


def test_pack_that_is_cut_short_says_so():
    rng = np.random.default_rng(3)
    starts = rng.integers(0, 40, size=150)
    requests = [wish(int(start), int(start + rng.integers(1, 9))) for start in starts]
    free = np.ones((12, 48), dtype=bool)
    for space, last in enumerate(rng.integers(30, 49, size=12)):
        free[space, last:] = False

    packing = pack(LotState.from_free(free), requests, rng.random(150), all_of_them=False, limits=Limits(seconds=0.0))

    assert packing.verdict is Verdict.UNKNOWN
    assert packing.worth <= packing.bound


@pytest.mark.parametrize(
    ("requests", "worth", "words"),
    [([wish(0, 2)], [1.0, 2.0], "each of 1 requests"), ([wish(0, 2, eligible=only(0, of=1))], [1.0], "each of 2")],
)
def test_pack_refuses(requests, worth, words):
    with pytest.raises(ValueError, match=words):
        pack(occupied("....", "...."), requests, np.array(worth), all_of_them=False)


@pytest.mark.parametrize(
    ("rows", "types"),
    [
        (("......", "......"), 1),
        (("......", ".....#", "....##"), 1),
        (("......", "#.....", "##...."), 1),
        (("......", "#....#", "##...."), 2),
        (("..#...", "...#..", "......"), 2),
        ((), 0),
    ],
)
def test_runs_that_share_a_start_or_an_end_are_of_one_type(rows, types):
    state = occupied(*rows) if rows else LotState.from_free(np.zeros((0, 6), dtype=bool))

    found = run_types(list(state.runs()), [])

    assert len(found) == types
    assert sorted(run for kind in found for run in kind.runs) == list(state.runs())


def test_spaces_that_a_mask_tells_apart_are_of_different_types():
    state = occupied("......", "......")

    assert len(run_types(list(state.runs()), [wish(0, 2, eligible=only(1, of=2))])) == 2


def test_a_type_seats_whatever_its_room_allows():
    kind = RunType(((4, 0, 3), (7, 0, 6), (9, 0, 6)))

    spaces = kind.seat([(0, 6), (0, 3), (3, 6), (0, 2)])

    assert spaces[0] in {7, 9}
    assert spaces[2] in {7, 9} - {spaces[0]}
    assert {spaces[1], spaces[3]} == {4, 7, 9} - {spaces[0]}
    with pytest.raises(ValueError, match="do not fit"):
        kind.seat([(3, 6), (3, 6), (3, 6)])


def test_periods_take_as_many_colors_as_overlap():
    assert colored([(4, 6), (0, 2), (1, 4), (2, 4)]) == [0, 0, 1, 0]
    assert colored([]) == []
