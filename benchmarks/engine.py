"""How long the engine takes for one decision, as a multiple of the smallest thing numpy does."""

import statistics
import timeit
from collections.abc import Callable

import numpy as np

from allocation.engine.registry import policy_named
from allocation.engine.request import Request
from allocation.engine.rules import Rules
from allocation.engine.state import LotState

SLOTS, SEED = 192, 20261120


def seconds(call: Callable[[], object], *, number: int) -> float:
    """Median of five."""
    return statistics.median(timeit.repeat(call, number=number, repeat=5)) / number


def decision_seconds(policy_name: str, spaces: int) -> float:
    """One decision in a lot that is two thirds free."""
    generator = np.random.default_rng(SEED)
    state = LotState.from_free(generator.random((spaces, SLOTS // 8)).repeat(8, axis=1) > 1 / 3)
    importance = np.ones(SLOTS)
    rules = Rules(threshold=1.5, weights=(0.7, 0.3), mode_hours=3.0)
    policy = policy_named(policy_name, importance, importance * 500, rules=rules)
    request = Request(start=20, end=28, eligible=np.ones(spaces, dtype=bool))
    return seconds(lambda: policy.decide(state, request), number=200)


def report() -> None:
    numbers = np.arange(50.0)
    unit = seconds(lambda: np.add(numbers, numbers), number=100_000)
    print(f"\nOne decision as a multiple of numpy.add on 50 elements ({unit * 1e9:.0f} ns), {SLOTS} slots")
    for policy_name in ("fcfs", "best_fit", "two_stage"):
        small, large = (decision_seconds(policy_name, spaces) for spaces in (50, 10_000))
        print(f"  {policy_name:<10} 50 spaces {small / unit:8.0f} x   10,000 spaces {large / unit:8.0f} x")
