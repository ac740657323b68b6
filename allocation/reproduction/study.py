"""The paper's sweeps over many seeded days of its size, all decisions first and then slot by slot, as the paper did."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from allocation.engine.comparison import mean_and_half_width
from allocation.engine.generator import generate_instance
from allocation.engine.instance import Instance
from allocation.engine.registry import policy_for_day
from allocation.engine.rules import Rules
from allocation.engine.simulation import Mode, simulate
from allocation.engine.valuation import Valuation, Values
from allocation.reproduction.published import MEASURES, REQUESTS, SPACES, TABLE_3, THRESHOLDS, WEIGHTS
from allocation.reproduction.records import Source

Day = dict[str, list[list[float]]]
SWEEPS = ("thresholds", "weights", "policies")
NEW = ("new_fragmentation", "new_importance")


@dataclass(frozen=True, kw_only=True)
class Study:
    """What came of each sweep: shape (days, places of the sweep, measures), the measures being `MEASURES` and `NEW`."""

    days: int
    found: Mapping[str, Values]

    def means(self, sweep: str, measure: str) -> tuple[list[float], list[float]]:
        """Of every place of a sweep, the mean of a measure and half the width of its 95 % interval."""
        rows = self.found[sweep][:, :, (*MEASURES, *NEW).index(measure)]
        pairs = [mean_and_half_width(rows[:, place]) for place in range(rows.shape[1])]
        return [mean for mean, _half in pairs], [half for _mean, half in pairs]

    def changes(self, policy: str, rival: str, measure: str) -> tuple[float, float]:
        """By how much of itself a measure of one policy differs from another's, day by day; mean and half width."""
        place = (*MEASURES, *NEW).index(measure)
        rows = self.found["policies"]
        mine, theirs = (rows[:, list(TABLE_3).index(name), place] for name in (policy, rival))
        return mean_and_half_width(mine / theirs - 1)


def run_study(
    source: Source, *, days: int, kept_in: Path | None = None, progress: Callable[[int], object] = lambda _done: None
) -> Study:
    """Simulate the days of seeds 0, 1, …; those that `kept_in` holds are read, and every other one is added to it."""
    known = _read(kept_in) if kept_in else {}
    for seed in range(days):
        key = f"{source.sentence}; {SPACES} spaces, {REQUESTS} requests, seed {seed}"
        if key not in known:
            known[key] = _one_day(seed, source)
            if kept_in:
                _add(kept_in, key, known[key])
        progress(seed + 1)
    wanted = [day for key, day in known.items() if key.startswith(source.sentence) and _seed(key) < days]
    return Study(days=len(wanted), found={sweep: np.array([day[sweep] for day in wanted]) for sweep in SWEEPS})


def _one_day(seed: int, source: Source) -> Day:
    generator = np.random.default_rng(seed)
    day = generate_instance(generator, spaces=SPACES, requests=REQUESTS, shape=source.shape)
    return {
        "thresholds": [_measured(day, "two_stage", replace(day.rules, threshold=value)) for value in THRESHOLDS],
        "weights": [_measured(day, "two_stage", _weighted(day.rules, value)) for value in WEIGHTS],
        "policies": [_measured(day, name, day.rules) for name in TABLE_3],
    }


def _weighted(rules: Rules, fragmentation: float) -> Rules:
    return replace(rules, weights=(fragmentation, 1 - fragmentation))


def _measured(day: Instance, name: str, rules: Rules) -> list[float]:
    valuation = Valuation.of(day.importance, day.rates, rules=rules)
    policy = policy_for_day(name, day.free, day.requests, valuation)
    outcome = simulate(day.free, day.requests, policy, valuation=valuation, mode=Mode.SEQUENTIAL)
    return [float(getattr(outcome.metrics, measure)) for measure in (*MEASURES, *NEW)]


def _seed(key: str) -> int:
    return int(key.rsplit(" ", 1)[1])


def _read(path: Path) -> dict[str, Day]:
    """What an earlier run kept; a line that was cut off when it was killed is done again."""
    lines: Iterable[str] = path.read_text(encoding="utf-8").splitlines() if path.exists() else ()
    known: dict[str, Day] = {}
    for line in lines:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        known[entry["day"]] = entry["found"]
    return known


def _add(path: Path, key: str, found: Day) -> None:
    cut_off = path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if cut_off else "") + json.dumps({"day": key, "found": found}) + "\n")
