import numpy as np
import pytest

from allocation.engine.chains import room_by_chain, room_by_program
from allocation.engine.holds import Holds
from allocation.engine.policies.reassign import Effort, Reassign
from allocation.engine.program import Limits, Verdict, pack
from allocation.engine.request import Move, Request
from allocation.engine.state import LotState
from tests.engine.pictures import flat, occupied, only, picture, wish

CHAIN = {"depth": 2, "tries": 200}
EXACT = Limits()


def holding(state: LotState, *held: tuple[int, int, int]) -> Holds:
    holds = Holds.over(state)
    for key, (start, end, space) in enumerate(held):
        holds.add(key, wish(start, end), space)
    return holds


def test_a_chain_moves_what_is_in_the_way():
    holds = holding(occupied("......", "......"), (0, 2, 0), (4, 6, 1))

    assert room_by_chain(holds, wish(1, 5), flat(6), **CHAIN) == (0, (Move(0, 0, 1),))


def test_a_chain_clears_the_space_with_the_fewest_slots_in_the_way():
    holds = holding(occupied("......", "......", "......"), (0, 3, 0), (1, 2, 1), (3, 4, 2))

    room = room_by_chain(holds, wish(0, 6), flat(6), **CHAIN)

    assert room is not None
    assert room[0] == 1


def test_a_chain_of_two_moves_what_is_in_the_way_of_what_was_in_the_way():
    holds = holding(occupied("....####", "........", "##......"), (0, 4, 1), (4, 8, 2), (0, 2, 0))
    request = wish(0, 8)

    assert room_by_chain(holds, request, flat(8), depth=1, tries=200) is None
    assert room_by_chain(holds, request, flat(8), depth=2, tries=200) is None
    holds = holding(occupied("....####", "........", "..####.."), (0, 4, 1), (0, 2, 0))
    assert room_by_chain(holds, request, flat(8), depth=1, tries=200) is None
    assert room_by_chain(holds, request, flat(8), depth=2, tries=200) == (1, (Move(0, 1, 0), Move(1, 0, 2)))


def test_a_chain_that_fails_leaves_everything():
    holds = holding(occupied("....", "...."), (0, 4, 0), (1, 4, 1))
    before = holds.copy()

    assert room_by_chain(holds, wish(0, 2), flat(4), **CHAIN) is None
    assert picture(holds.state) == picture(before.state)
    assert holds.held == before.held


def test_a_chain_gives_up_after_so_many_tries():
    holds = holding(occupied("......", "......"), (0, 2, 0), (4, 6, 1))

    assert room_by_chain(holds, wish(1, 5), flat(6), depth=2, tries=0) is None


def test_a_chain_moves_nothing_fixed():
    holds = holding(occupied("##....", "......"), (4, 6, 1))

    assert room_by_chain(holds, wish(1, 5), flat(6), **CHAIN) == (1, (Move(0, 1, 0),))
    holds.settle(0)
    assert room_by_chain(holds, wish(1, 5), flat(6), **CHAIN) is None


def test_chains_and_the_program_respect_masks():
    holds = Holds.over(occupied("......", "......"))
    holds.add(0, wish(0, 2, eligible=only(0, of=2)), 0)
    holds.add(1, wish(4, 6), 1)

    assert room_by_chain(holds, wish(1, 5), flat(6), **CHAIN) == (1, (Move(1, 1, 0),))
    room, _ = room_by_program(holds, wish(1, 5), limits=EXACT)
    assert room == (1, (Move(1, 1, 0),))
    assert room_by_chain(holds, wish(1, 5, eligible=only(0, of=2)), flat(6), **CHAIN) is None
    assert room_by_program(holds, wish(1, 5, eligible=only(0, of=2)), limits=EXACT)[1].verdict is Verdict.IMPOSSIBLE


def test_the_program_keeps_what_was_promised_outside_its_mask():
    holds = Holds.over(occupied("......", "####.."))
    holds.add(0, wish(0, 2, eligible=only(1, of=2)), 0)

    assert room_by_program(holds, wish(2, 4), limits=EXACT)[0] == (0, ())


def random_day(seed: int) -> tuple[Holds, list[Request], np.random.Generator]:
    rng = np.random.default_rng(seed)
    free = np.ones((8, 24), dtype=bool)
    for row, (first, last) in enumerate(zip(rng.integers(0, 5, 8), rng.integers(18, 25, 8), strict=True)):
        free[row, :first] = free[row, last:] = False
    starts = rng.integers(0, 22, size=45)
    requests = [
        wish(int(start), int(min(24, start + rng.integers(1, 9))), eligible=rng.random(8) < 0.7 if odd else None)
        for start, odd in zip(starts, rng.random(45) < 0.2, strict=True)
    ]
    return Holds.over(LotState.from_free(free)), requests, rng


@pytest.mark.parametrize("seed", range(2))
def test_reassign_accepts_what_exact_feasibility_would(seed):
    holds, requests, _ = random_day(seed)
    policy = Reassign(flat(24), Effort(exact=Limits()))
    accepted = []
    for key, request in enumerate(requests):
        everyone = [*(one.request for one in holds.held.values()), request]
        possible = pack(holds.fixed, everyone, np.zeros(len(everyone)), all_of_them=True).verdict is Verdict.OPTIMAL

        decision = policy.decide(holds.state, request, holds)

        assert (decision.space is not None) == possible
        if decision.space is not None:
            holds.move(decision.moves)
            holds.add(key, request, decision.space)
            accepted.append(bool(decision.moves))
    assert sum(accepted) >= 1
    assert len(accepted) < len(requests)


@pytest.mark.parametrize("seed", range(5))
def test_reassign_accepts_whatever_some_space_is_free_for(seed):
    holds, requests, rng = random_day(seed)
    policy = Reassign(flat(24), Effort(exact=None, tries=20))
    for key, request in enumerate(requests):
        is_free = bool(holds.state.free_for(request.start, request.end, request.eligible).any())
        decision = policy.decide(holds.state, request, holds)
        assert decision.space is not None or not is_free
        assert policy.decide(holds.state, request).space is not None or not is_free
        if decision.space is not None:
            holds.move(decision.moves)
            holds.add(key, request, decision.space)
            if rng.random() < 0.3:
                holds.settle(key)


def test_reassign_without_holds_moves_nothing():
    state = occupied("##....", "....##")

    assert Reassign(flat(6)).decide(state, wish(1, 5)).reason == "no_free_space"
