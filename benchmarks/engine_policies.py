"""Every policy on the same seeded days of the paper's size, and its differences to the paper's two."""

import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from allocation.engine.comparison import COLUMNS, compare_policies, mean_and_half_width, table_of
from allocation.engine.generator import generate_instance
from allocation.engine.simulation import Mode
from allocation.engine.valuation import Values

SPACES, REQUESTS = 50, 212
BEST = "foresight"
CONTESTED = {"accepted": 1, "utilisation": 1, "revenue": 1, "fragmentation": -1}


def measured(seeds: range, *, mode: Mode) -> Mapping[str, Values]:
    """By policy, one row of `COLUMNS` for each seed."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        days = list(pool.map(_day, seeds, [mode] * len(seeds)))
    return {name: np.concatenate([day[name] for day in days]) for name in days[0]}


def report(*, days: int) -> None:
    """Print the table, and whether the best policy is better than the paper's beyond the interval of the difference."""
    rows = measured(range(days), mode=Mode.ONLINE)
    print(f"\n{days} seeded days of {SPACES} spaces and {REQUESTS} requests, online: means and 95 % intervals")
    print(table_of(rows))
    for policy in (BEST, "reassign", "best_fit"):
        for rival in ("fcfs", "two_stage"):
            print(f"{policy} less {rival}: " + ", ".join(_difference(rows[policy] - rows[rival])))
    share, half_width = mean_and_half_width(rows[BEST][:, COLUMNS.index("share_of_bound")])
    print(f"{BEST} earns {share:.2%} ± {half_width:.2%} of the clairvoyant bound (bar: 95 %)")


def _day(seed: int, mode: Mode) -> Mapping[str, Values]:
    instance = generate_instance(np.random.default_rng(seed), spaces=SPACES, requests=REQUESTS)
    return compare_policies([instance], mode=mode)


def _difference(rows: Values) -> list[str]:
    shown = []
    for measure, sign in CONTESTED.items():
        mean, half_width = mean_and_half_width(rows[:, COLUMNS.index(measure)])
        verdict = "better" if sign * mean > half_width else "WORSE" if -sign * mean > half_width else "open"
        shown.append(f"{measure} {mean:+.4g} ± {half_width:.2g} ({verdict})")
    return shown
