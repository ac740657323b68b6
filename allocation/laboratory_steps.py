"""What a comparison computes: one step for each day and policy, and one for each day and sweep."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from allocation.engine.bound import Objective, clairvoyant_bound
from allocation.engine.instance import Instance
from allocation.engine.policies.clairvoyant import Clairvoyant
from allocation.engine.policy import Policy
from allocation.engine.program import Limits, Verdict
from allocation.engine.registry import ALL_POLICIES, CLAIRVOYANT, policy_for_day
from allocation.engine.rules import Horizon, Rules
from allocation.engine.simulation import Mode, Outcome, simulate
from allocation.engine.valuation import Valuation
from allocation.history import RecordedDay
from allocation.reproduction.published import THRESHOLDS, WEIGHTS

SWEEPS = ("thresholds", "weights")
STEPS = (*ALL_POLICIES, *SWEEPS)
LONGEST_STEP_S, BOUND_S = 30.0, 20.0
TOO_LONG: dict[str, Any] = {"too_long": True}

Found = dict[str, Any]


class _TakesTooLongError(Exception):
    """A step is given up: with so many spaces and requests it would not end in time."""


def take_step(day: RecordedDay, name: str, *, seconds: float = LONGEST_STEP_S) -> Found:
    """Let a policy live through the day as it would have in operation, or sweep a number as the paper does.

    Operation interleaves decisions and allocations and prices what is left from now on; the sweeps decide everything
    first and count whole days, so that they can be held against the paper's. TOO_LONG where time runs out.
    """
    watch = _watch(seconds)
    try:
        if name == "thresholds":
            return _sweep(day, [replace(day.instance.rules, threshold=value) for value in THRESHOLDS], watch)
        if name == "weights":
            rules = [replace(day.instance.rules, weights=(value, 1 - value)) for value in WEIGHTS]
            return _sweep(day, rules, watch)
        return _policy_step(day, name, watch)
    except _TakesTooLongError:
        return dict(TOO_LONG)


def _watch(seconds: float) -> Callable[[int, int], None]:
    ends = time.monotonic() + seconds

    def check(_done: int, _everything: int) -> None:
        if time.monotonic() > ends:
            raise _TakesTooLongError

    return check


def _policy_step(day: RecordedDay, name: str, watch: Callable[[int, int], None]) -> Found:
    instance = day.instance
    rules = replace(instance.rules, horizon=Horizon.FROM_NOW_ON)
    valuation = Valuation.of(instance.importance, instance.rates, rules=rules)
    extra: Found = {}
    if name == CLAIRVOYANT:
        policy, extra = _clairvoyant(instance, valuation)
    else:
        policy = policy_for_day(name, instance.free, instance.requests, valuation)
    outcome = _lived(instance, policy, valuation, Mode.ONLINE, watch)
    seconds = np.array(outcome.decide_seconds or (0.0,))
    return {
        **asdict(outcome.metrics),
        **extra,
        "offered": int(instance.free.sum()),
        "sold": _sold(instance, outcome),
        "spaces": [fate.space for fate in outcome.fates],
        "reasons": [None if fate.reason is None else str(fate.reason) for fate in outcome.fates],
        "income": _income(day, outcome, valuation),
        "decide_ms": [1000 * float(np.median(seconds)), 1000 * float(np.quantile(seconds, 0.99))],
    }


def _clairvoyant(instance: Instance, valuation: Valuation) -> tuple[Policy, Found]:
    """The plan of somebody who knows the day, and what nobody can exceed, proved or not."""
    best = clairvoyant_bound(
        instance.free, instance.requests, valuation, objective=Objective.REVENUE, limits=Limits(seconds=BOUND_S)
    )
    if len(best.spaces) != len(instance.requests) or not np.isfinite(best.bound):
        raise _TakesTooLongError
    plan = dict(zip(instance.requests, best.spaces, strict=True))
    return Clairvoyant(plan), {"bound": best.bound, "is_proved": best.verdict is Verdict.OPTIMAL}


def _sweep(day: RecordedDay, rules: list[Rules], watch: Callable[[int, int], None]) -> Found:
    instance = day.instance
    rows = []
    for one in rules:
        valuation = Valuation.of(instance.importance, instance.rates, rules=one)
        policy = policy_for_day("two_stage", instance.free, instance.requests, valuation)
        outcome = _lived(instance, policy, valuation, Mode.SEQUENTIAL, watch)
        rows.append(asdict(outcome.metrics) | {"sold": _sold(instance, outcome), "offered": int(instance.free.sum())})
    return {"rows": rows}


def _lived(
    instance: Instance, policy: Policy, valuation: Valuation, mode: Mode, watch: Callable[[int, int], None]
) -> Outcome:
    return simulate(
        instance.free,
        instance.requests,
        policy,
        valuation=valuation,
        mode=mode,
        expected_demand=instance.expected_demand,
        progress=watch,
    )


def _sold(instance: Instance, outcome: Outcome) -> int:
    lived = zip(instance.requests, outcome.fates, strict=True)
    return sum(one.end - one.start for one, fate in lived if fate.space is not None)


def _income(day: RecordedDay, outcome: Outcome, valuation: Valuation) -> list[float]:
    """What each owner's spaces brought, in slot units; empty where owners are not known."""
    income = [0.0] * (max(day.owners, default=-1) + 1)
    for request, fate in zip(day.instance.requests, outcome.fates, strict=True):
        if fate.space is not None and income:
            rates = valuation.rate_before
            income[day.owners[fate.space]] += float(rates[request.end] - rates[request.start])
    return income
