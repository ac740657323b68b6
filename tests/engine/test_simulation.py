from collections.abc import Callable, Sequence

import numpy as np
import pytest

from allocation.engine.holds import Holds
from allocation.engine.policy import Policy
from allocation.engine.prices import Outlook
from allocation.engine.registry import ALL_POLICIES, POLICIES, policy_for_day, policy_named
from allocation.engine.request import Decision, Move, Request, Tentative
from allocation.engine.rules import Horizon, Rules
from allocation.engine.simulation import Fate, Mode, Outcome, simulate
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation
from tests.engine.pictures import RULES, flat, free_in, occupied, wish

DAYS = range(6)
THOROUGH = ("revenue", "reassign", "foresight", "clairvoyant")


def day(seed: int, rules: Rules = RULES) -> tuple[np.ndarray, list[Request], Valuation]:
    rng = np.random.default_rng(seed)
    spaces, slots = 12, 48
    free = rng.random((spaces, slots)) < 0.97
    starts = rng.integers(0, slots - 4, size=60)
    made = np.sort(starts - rng.integers(0, 12, size=60))
    requests = [
        wish(
            int(max(start, now)), int(min(slots, max(start, now) + rng.integers(1, 16))), requested_at=int(now),
            eligible=rng.random(spaces) < 0.9 if rng.random() < 0.2 else None,
        )
        for start, now in zip(rng.permutation(starts), made, strict=True)
    ]  # fmt: skip
    importance = rng.random(slots)
    return free, requests, Valuation.of(importance, importance, rules=rules)


def run(seed: int, policy: str, mode: Mode, rules: Rules = RULES) -> Outcome:
    free, requests, valuation = day(seed, rules)
    return simulate(free, requests, policy_for_day(policy, free, requests, valuation), valuation=valuation, mode=mode)


class Auditor(Policy):
    """A policy that checks every state it is shown, every move, and that nothing moves after it has started."""

    def __init__(self, policy: Policy, free: np.ndarray, mode: Mode) -> None:
        self.policy = policy
        self.offered = free
        self.mode = mode
        self.claims: dict[int, Tentative] = {}
        self.asked = 0

    def decide(self, state: LotState, request: Request, holds: Holds | None = None) -> Decision:
        assert holds is not None
        self.check(state, holds)
        before = holds.copy()
        decision = self.policy.decide(state, request, holds)
        np.testing.assert_array_equal(holds.state.free, before.state.free)
        assert holds.held == before.held
        self.follow(decision.moves, after=request.requested_at if self.mode is Mode.ONLINE else -1)
        if decision.space is None:
            assert decision.moves == ()
        else:
            assert request.eligible is None or request.eligible[decision.space]
            self.claims[self.asked] = Tentative(request, decision.space)
        self.asked += 1
        return decision

    def rearrange(self, holds: Holds, *, slot: int) -> tuple[Move, ...]:
        self.check(holds.state, holds)
        moves = self.policy.rearrange(holds, slot=slot)
        self.follow(moves, after=slot - 1)
        return moves

    def looking_ahead(self, state: LotState, outlook: Callable[[], Outlook]) -> "Auditor":
        self.policy = self.policy.looking_ahead(state, outlook)
        return self

    def allocate(self, state: LotState, held: Sequence[Tentative], *, slot: int) -> tuple[int, ...]:
        starting = [key for key, one in self.claims.items() if one in held]
        assert [self.claims[key] for key in starting] == list(held)
        spaces = self.policy.allocate(state, held, slot=slot)
        for key, one, space in zip(starting, held, spaces, strict=True):
            assert one.request.start == slot
            self.claims[key] = Tentative(one.request, space)
        return spaces

    def follow(self, moves: Sequence[Move], *, after: int) -> None:
        for move in moves:
            one = self.claims[move.key]
            assert move.from_space == one.space
            assert one.request.start > after
            assert one.request.eligible is None or one.request.eligible[move.to_space]
            self.claims[move.key] = Tentative(one.request, move.to_space)

    def check(self, state: LotState, holds: Holds) -> None:
        """Every claim has its one space, no slot is held twice, nothing lies outside the offered time."""
        free = self.offered.copy()
        for key, one in self.claims.items():
            assert free[one.space, one.request.start : one.request.end].all()
            free[one.space, one.request.start : one.request.end] = False
            assert key not in holds.held or holds.held[key] == one
        np.testing.assert_array_equal(state.free, free)
        for one in holds.held.values():
            free[one.space, one.request.start : one.request.end] = True
        np.testing.assert_array_equal(holds.fixed.free, free)


@pytest.mark.parametrize("horizon", list(Horizon))
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("policy", ALL_POLICIES)
def test_no_slot_is_held_twice_and_every_claim_keeps_one_space(policy, mode, horizon):
    for seed in DAYS[:1] if policy in THOROUGH else DAYS:
        free, requests, valuation = day(seed, Rules(horizon=horizon))
        auditor = Auditor(policy_for_day(policy, free, requests, valuation), free, mode)

        outcome = simulate(free, requests, auditor, valuation=valuation, mode=mode)

        claimed = [one.space for one in auditor.claims.values()]
        assert [fate.space for fate in outcome.fates if fate.space is not None] == claimed
        assert outcome.metrics.accepted == len(auditor.claims)


@pytest.mark.parametrize("seed", DAYS)
def test_sequential_allocation_changes_neither_utilisation_nor_revenue(seed):
    decided = run(seed, "decision_only", Mode.SEQUENTIAL)
    allocated = run(seed, "two_stage", Mode.SEQUENTIAL)

    assert [fate.tentative for fate in allocated.fates] == [fate.tentative for fate in decided.fates]
    assert allocated.metrics.utilisation == decided.metrics.utilisation
    assert allocated.metrics.revenue == pytest.approx(decided.metrics.revenue, rel=1e-12)


def test_allocation_lowers_fragmentation_over_many_days():
    fragmentation = {
        policy: sum(run(seed, policy, Mode.SEQUENTIAL).metrics.new_fragmentation for seed in DAYS)
        for policy in ("fcfs", "decision_only", "two_stage")
    }

    assert fragmentation["two_stage"] < fragmentation["decision_only"] < fragmentation["fcfs"]


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("policy", ALL_POLICIES)
def test_the_same_day_ends_the_same(policy, mode):
    one, other = run(1, policy, mode), run(1, policy, mode)

    assert (one.fates, one.metrics) == (other.fates, other.metrics)


@pytest.mark.parametrize("policy", ["fcfs", "decision_only"])
def test_policies_without_second_stage_keep_tentative_spaces(policy):
    assert all(fate.space == fate.tentative for fate in run(2, policy, Mode.ONLINE).fates)


def test_fcfs_takes_the_lowest_numbered_free_space():
    policy = policy_named("fcfs", np.ones(4), np.ones(4), rules=RULES)
    state = occupied("#...", "....", "....")

    assert policy.decide(state, wish(0, 2)) == Decision(1)
    assert policy.decide(state, wish(0, 2, eligible=np.array([True, False, True]))) == Decision(2)
    assert policy.decide(occupied("#..."), wish(0, 2)).reason == "no_free_space"


class Diary(Policy):
    """First come, first served, with a record of what was called when."""

    def __init__(self) -> None:
        self.policy = policy_named("fcfs", np.ones(8), np.ones(8), rules=RULES)
        self.calls: list[str] = []

    def decide(self, state: LotState, request: Request, holds: Holds | None = None) -> Decision:
        self.calls.append(f"decide [{request.start}, {request.end})")
        return self.policy.decide(state, request, holds)

    def allocate(self, state: LotState, held: Sequence[Tentative], *, slot: int) -> tuple[int, ...]:
        self.calls.append(f"allocate {slot}")
        return self.policy.allocate(state, held, slot=slot)


@pytest.mark.parametrize(
    ("mode", "calls"),
    [
        (
            Mode.SEQUENTIAL,
            ["decide [1, 3)", "decide [3, 6)", "decide [2, 4)", "allocate 1", "allocate 2", "allocate 3"],
        ),
        (Mode.ONLINE, ["decide [1, 3)", "allocate 1", "decide [3, 6)", "decide [2, 4)", "allocate 2", "allocate 3"]),
    ],
)
def test_online_allocates_every_slot_up_to_the_one_a_request_is_made_in(mode, calls):
    requests = [wish(1, 3, requested_at=-4), wish(3, 6, requested_at=1), wish(2, 4, requested_at=1)]
    diary = Diary()

    simulate(free_in("........", "........"), requests, diary, valuation=flat(8), mode=mode)

    assert diary.calls == calls


def test_online_leaves_a_request_for_the_running_slot_at_its_tentative_space():
    diary = Diary()

    outcome = simulate(free_in("...."), [wish(2, 4, requested_at=2)], diary, valuation=flat(4), mode=Mode.ONLINE)

    assert diary.calls == ["decide [2, 4)"]
    assert outcome.fates == (Fate(0, 0, None),)


def test_fragile_periods_leave_the_whole_row_to_a_later_request():
    free = free_in("........", "....####", "..##....")
    requests = [wish(4, 6, requested_at=-1), wish(0, 8, requested_at=-1)]
    rules = Rules(threshold=24.0, weights=(1.0, 0.0))

    outcome = simulate(free, requests, policy_two_stage(8, rules), valuation=flat(8, rules), mode=Mode.ONLINE)

    assert [fate.space for fate in outcome.fates] == [2, 0]


def policy_two_stage(slots: int, rules: Rules) -> Policy:
    return POLICIES["two_stage"](flat(slots, rules))


def test_metrics_by_hand():
    free = free_in("........", "##....##", "......##")
    importance = np.array([0, 0.25, 0.5, 1, 1, 0.5, 0.25, 0])
    valuation = Valuation.of(importance, 2 * importance, rules=RULES)

    metrics = simulate(
        free, [wish(2, 6), wish(3, 5)], POLICIES["fcfs"](valuation), valuation=valuation, mode=Mode.SEQUENTIAL
    ).metrics

    assert metrics.accepted == 2
    assert metrics.utilisation == 6 / 18
    assert metrics.revenue == 2 * 3 + 2 * 2
    assert metrics.fragmentation == 6 + 6 + 12 + 12 + 12 / 6
    assert metrics.new_fragmentation == 6 + 6 + 12 + 12
    assert metrics.importance == 0.25 + 0.25 + 0.5 + 0.5 + 3.25
    assert metrics.new_importance == 0.25 + 0.25 + 0.5 + 0.5


@pytest.mark.parametrize("free", [free_in("####"), np.zeros((0, 4), dtype=np.bool_)])
def test_a_lot_with_nothing_to_share_has_no_utilisation(free):
    metrics = simulate(free, [wish(0, 1)], policy_two_stage(4, RULES), valuation=flat(4), mode=Mode.ONLINE).metrics

    assert (metrics.accepted, metrics.utilisation, metrics.revenue, metrics.fragmentation) == (0, 0, 0, 0)


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="no policy 'lottery', only fcfs, decision_only, two_stage"):
        policy_named("lottery", np.ones(4), np.ones(4), rules=RULES)
