"""The engine's times as multiples of what numpy, scipy or the engine itself needs, measured in turns in one run."""

import statistics
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment

from allocation.engine.assignment import assign_spaces, assignment_costs
from allocation.engine.bound import Objective, clairvoyant_bound
from allocation.engine.chains import room_by_program
from allocation.engine.comparison import run_policy
from allocation.engine.generator import generate_instance
from allocation.engine.holds import Holds
from allocation.engine.instance import Instance
from allocation.engine.policies.reassign import Reassign
from allocation.engine.program import Limits, Verdict
from allocation.engine.registry import policy_named
from allocation.engine.request import Decision, Request, Tentative
from allocation.engine.rules import Rules
from allocation.engine.simulation import Mode, simulate
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation
from benchmarks.engine_policies import BEST, REQUESTS, SPACES

SLOTS, SEED, ROUNDS = 192, 20261120, 15
POLICIES = ("fcfs", "best_fit", "two_stage")
TALLY: Counter[str] = Counter()


def medians(*calls: tuple[Callable[[], object], int]) -> list[float]:
    """Median processor seconds of each call, given with how often to repeat it; the calls take turns."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for taken, (call, number) in zip(seconds, calls, strict=True):
            began = time.process_time()
            for _ in range(number):
                call()
            taken.append((time.process_time() - began) / number)
    return [statistics.median(taken) for taken in seconds]


def report(*, days: int) -> None:
    _report_decisions()
    _report_best_policy(days)
    _report_reassign(days)
    _report_second_stage()
    _report_bound(days)


def _report_decisions() -> None:
    numbers = np.arange(50.0)
    small = [(_decision(name, 50), 500) for name in POLICIES]
    large = [(_decision(name, 10_000), 100) for name in POLICIES]
    unit, *rest = medians((lambda: np.add(numbers, numbers), 20_000), *small, *large)
    print(f"\nOne decision as a multiple of numpy.add on 50 elements ({unit * 1e9:.0f} ns), {SLOTS} slots")
    for place, name in enumerate(POLICIES):
        at_50, at_10_000 = rest[place], rest[place + len(POLICIES)]
        bars = " (bars: 100, 30)" if name == "best_fit" else ""
        print(f"  {name:<10} 50 spaces {at_50 / unit:6.0f} x   10,000 spaces {at_10_000 / at_50:5.1f} x that{bars}")


def _decision(policy_name: str, spaces: int) -> Callable[[], object]:
    """One decision in a lot that is two thirds free."""
    generator = np.random.default_rng(SEED)
    state = LotState.from_free(generator.random((spaces, SLOTS // 8)).repeat(8, axis=1) > 1 / 3)
    importance = np.ones(SLOTS)
    rules = Rules(threshold=1.5, weights=(0.7, 0.3), mode_hours=3.0)
    policy = policy_named(policy_name, importance, importance * 500, rules=rules)
    request = Request(start=20, end=28, eligible=np.ones(spaces, dtype=bool))
    return lambda: policy.decide(state, request)


def _report_best_policy(days: int) -> None:
    seconds: list[float] = []
    for seed in range(days):
        seconds += run_policy(_drawn(seed), BEST, mode=Mode.ONLINE).decide_seconds
    median, slowest = np.median(seconds), np.quantile(seconds, 0.99)
    print(f"\nAll {len(seconds)} decisions of {BEST} on {days} days: median {1000 * median:.1f} ms")
    print(f"  99th percentile {slowest / median:.1f} x the median (bar: 60)")


class Examined(Reassign):
    """Reassign whose refusals are checked against the exact feasibility problem, without limits."""

    def decide(self, state: LotState, request: Request, holds: Holds | None = None) -> Decision:
        decision = super().decide(state, request, holds)
        if decision.space is None and holds is not None:
            TALLY["wrongly refused"] += room_by_program(holds, request, limits=Limits())[0] is not None
        TALLY["accepted"] += decision.space is not None
        TALLY["by moving others"] += bool(decision.moves)
        return decision


def _report_reassign(days: int) -> None:
    TALLY.clear()
    for seed in range(days):
        day = _drawn(seed)
        valuation = Valuation.of(day.importance, day.rates, rules=day.rules)
        simulate(day.free, day.requests, Examined(valuation), valuation=valuation, mode=Mode.ONLINE)
    share = TALLY["accepted"] / (TALLY["accepted"] + TALLY["wrongly refused"])
    print(f"\nreassign on {days} days: {TALLY['accepted']} accepted, {TALLY['by moving others']} by moving others")
    print(f"  {share:.2%} of what exact feasibility would accept (bar: 99 %)")


def _report_second_stage() -> None:
    state, held, valuation = _arrivals(300, 1000)
    costs = assignment_costs(state, held, valuation, slot=12)
    alone, whole = medians(
        (lambda: linear_sum_assignment(costs), 1), (lambda: assign_spaces(state, held, valuation, slot=12), 1)
    )
    print("\nStage two, 300 requests and 1,000 spaces")
    print(f"  {whole / alone:.2f} x linear_sum_assignment alone on the same matrix (bar: 1.3)")


def _arrivals(requests: int, spaces: int) -> tuple[LotState, list[Tentative], Valuation]:
    generator = np.random.default_rng(SEED)
    day = generate_instance(generator, spaces=spaces, requests=0)
    state = LotState.from_free(day.free)
    held: list[Tentative] = []
    for space in generator.permutation(np.flatnonzero(state.run_end[12]))[:requests].tolist():
        end = min(12 + int(generator.integers(1, 14)), int(state.run_end[12, space]))
        state.place(space, 12, end)
        held.append(Tentative(Request(start=12, end=end), space))
    return state, held, Valuation.of(day.importance, day.rates, rules=day.rules)


def _report_bound(days: int) -> None:
    seconds, proved = [], 0
    for seed in range(days):
        day = _drawn(seed)
        valuation = Valuation.of(day.importance, day.rates, rules=day.rules)
        began = time.perf_counter()
        best = clairvoyant_bound(day.free, day.requests, valuation, objective=Objective.REVENUE)
        seconds.append(time.perf_counter() - began)
        proved += best.verdict is Verdict.OPTIMAL
    print(f"\nClairvoyant bound, {SPACES} spaces and {REQUESTS} requests: {proved} of {days} proved optimal")
    print(f"  median {statistics.median(seconds):.1f} s, slowest {max(seconds):.1f} s (bar: 30 s on two cores)")


def _drawn(seed: int) -> Instance:
    return generate_instance(np.random.default_rng(seed), spaces=SPACES, requests=REQUESTS)
