"""Policies side by side over several days."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import t as student

from allocation.engine.instance import Instance
from allocation.engine.registry import ALL_POLICIES, CLAIRVOYANT, policy_for_day
from allocation.engine.rules import Horizon
from allocation.engine.simulation import Mode, Outcome, simulate
from allocation.engine.valuation import Valuation, Values

CONFIDENCE = 0.95
COLUMNS = (
    "accepted", "utilisation", "revenue", "share_of_bound", "fragmentation", "fragmentation_per_unsold_hour",
    "importance", "decide_median_ms", "decide_p99_ms",
)  # fmt: skip


def run_policy(
    instance: Instance,
    name: str,
    *,
    mode: Mode,
    horizon: Horizon = Horizon.WHOLE_DAY,
    progress: Callable[[int, int], object] | None = None,
) -> Outcome:
    """Simulate one day of an instance under a policy of `ALL_POLICIES`."""
    rules = replace(instance.rules, horizon=horizon)
    valuation = Valuation.of(instance.importance, instance.rates, rules=rules)
    return simulate(
        instance.free,
        instance.requests,
        policy_for_day(name, instance.free, instance.requests, valuation),
        valuation=valuation,
        mode=mode,
        expected_demand=instance.expected_demand,
        progress=progress,
    )


def compare_policies(
    instances: Sequence[Instance], *, mode: Mode, progress: Callable[[int, int], object] | None = None
) -> Mapping[str, Values]:
    """Measure every policy on the same days.

    Parameters
    ----------
    instances
        At least one.
    mode
        As of `simulate`.
    progress
        Called with the number of simulated days and of all.

    Returns
    -------
    measured
        By policy, shape (instances, measures): the `COLUMNS`, in their order. The share of the bound is the revenue
        over that of the clairvoyant, 1 where that is 0.
    """
    measured: dict[str, list[list[float]]] = {name: [] for name in ALL_POLICIES}
    done, everything = 0, len(instances) * len(ALL_POLICIES)
    for instance in instances:
        outcomes = {}
        for name in ALL_POLICIES:
            outcomes[name] = run_policy(instance, name, mode=mode)
            done += 1
            if progress is not None:
                progress(done, everything)
        bound = outcomes[CLAIRVOYANT].metrics.revenue
        for name, outcome in outcomes.items():
            measured[name].append(_row(outcome, bound))
    return {name: np.array(rows) for name, rows in measured.items()}


def mean_and_half_width(sample: Values) -> tuple[float, float]:
    """Return the mean and half the width of its 95 % interval by Student's t, not a number for a single value."""
    if sample.size < 2:
        return float(sample.mean()), math.nan
    error = float(sample.std(ddof=1)) / math.sqrt(sample.size)
    return float(sample.mean()), float(student.ppf((1 + CONFIDENCE) / 2, sample.size - 1)) * error


def table_of(measured: Mapping[str, Values]) -> str:
    """Show means, with their 95 % intervals where there are several days, one line for each policy."""
    lines = [["policy", *COLUMNS]]
    for name, rows in measured.items():
        lines.append([name, *(_shown(*mean_and_half_width(rows[:, place])) for place in range(len(COLUMNS)))])
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if place == 0 else text.rjust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _row(outcome: Outcome, bound: float) -> list[float]:
    metrics = outcome.metrics
    seconds = np.array(outcome.decide_seconds or (0.0,))
    return [
        metrics.accepted,
        metrics.utilisation,
        metrics.revenue,
        metrics.revenue / bound if bound else 1.0,
        metrics.fragmentation,
        metrics.fragmentation_per_unsold_hour,
        metrics.importance,
        1000 * float(np.median(seconds)),
        1000 * float(np.quantile(seconds, 0.99)),
    ]


def _shown(mean: float, half_width: float) -> str:
    text = f"{mean:.5g}"
    return text if math.isnan(half_width) else f"{text} ± {half_width:.2g}"
