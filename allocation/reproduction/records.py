"""Importance and stays from the real records, where the folder holds them."""

import csv
import gzip
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from allocation.engine.generator import CONVENTION_CENTRE, LONGEST_STAY, SLOTS, DayShape
from allocation.engine.valuation import Values

COUNTS, VISITS = "klcc/klcc_vacancy_*.csv.gz", "luohu_baihui/baihui_events_*.csv.gz"
FIRST_HOUR, LAST_WEEKDAY, SLOT_MIN = 8, 5, 15
FULL = "FULL"


@dataclass(frozen=True, kw_only=True)
class Source:
    """What days are drawn from, and how much of it was read."""

    shape: DayShape
    readings: int = 0
    visits: int = 0

    @property
    def sentence(self) -> str:
        importance = f"{self.readings} readings of the convention centre" if self.readings else "the generator"
        stays = f"{self.visits} visits of an office building" if self.visits else "the generator"
        return f"importance from {importance}, stays from {stays}"


def source_in(folder: Path | None) -> Source:
    """Read the records of a folder; what is absent there comes from the generator."""
    counts, visits = (_first(folder, pattern) for pattern in (COUNTS, VISITS))
    importance, readings = _importance(counts) if counts else (None, 0)
    stays = tuple(_stays(visits)) if visits else ()
    if importance is None and not stays:
        return Source(shape=CONVENTION_CENTRE)
    return Source(shape=DayShape(importance=importance, stays=stays), readings=readings, visits=len(stays))


def _first(folder: Path | None, pattern: str) -> Path | None:
    return None if folder is None else next(iter(sorted(folder.glob(pattern))), None)


def _importance(path: Path) -> tuple[Values, int]:
    """Mean bays in use by slot of a weekday, over the busiest slot's (eq. 2), and the number of readings.

    The most that were ever free count as all bays. `FULL` is none free; `OPEN` says no number and is left out.
    """
    free: list[list[float]] = [[] for _ in range(SLOTS)]
    most = 0.0
    for row in _rows(path):
        vacancy = _vacancy(row["vacancy"])
        if vacancy is None:
            continue
        most = max(most, vacancy)
        at = datetime.fromisoformat(row["timestamp"])
        slot = ((at.hour - FIRST_HOUR) * 60 + at.minute) // SLOT_MIN
        if at.isoweekday() <= LAST_WEEKDAY and 0 <= slot < SLOTS:
            free[slot].append(vacancy)
    in_use = most - np.array([np.mean(slot) for slot in free])
    return in_use / in_use.max(), sum(map(len, free))


def _vacancy(text: str) -> float | None:
    return float(text) if text.isdigit() else 0.0 if text == FULL else None


def _stays(path: Path) -> Iterator[int]:
    """Visits that begin between 8 and 20 o'clock and last at most eight hours, in slots, rounded up."""
    for row in _rows(path):
        arrival, departure = datetime.fromisoformat(row["arrival"]), datetime.fromisoformat(row["departure"])
        slots = math.ceil((departure - arrival).total_seconds() / 60 / SLOT_MIN)
        begins = (arrival.hour - FIRST_HOUR) * 60 // SLOT_MIN
        if 1 <= slots <= LONGEST_STAY and 0 <= begins < SLOTS:
            yield slots


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
