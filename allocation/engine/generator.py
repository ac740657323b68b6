"""Seeded random days of the size of the paper's case."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from allocation.engine.instance import Instance
from allocation.engine.request import Request
from allocation.engine.rules import Rules
from allocation.engine.state import Mask
from allocation.engine.valuation import Values

SLOTS = 48
SHARE_BY_HOUR = (0.35, 0.52, 0.63, 0.69, 0.74, 0.77, 0.78, 0.76, 0.72, 0.62, 0.52, 0.43, 0.36)
"""Share of bays in use at 8, 9, … 20 o'clock in the convention centre's car park, weekdays."""

TWICE_SHARED = 0.4
LATEST_OPENING, EARLIEST_CLOSING = 10, 38
MEAN_STAY, STAY_SHAPE, LONGEST_STAY = 8.0, 2.5, 32
MEAN_LEAD = 10.0
ARRIVALS_AHEAD = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class DayShape:
    """What drawn days have in common, where a record knows it.

    Parameters
    ----------
    importance
        Shape (48,), in [0, 1], or None for that of the convention centre.
    stays
        Lengths of observed stays in slots, >= 1, to draw from; empty for the gamma distribution.

    Raises
    ------
    ValueError
        For an importance of another shape or range, or a stay of less than a slot.
    """

    importance: Values | None = None
    stays: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        given = self.importance
        if given is not None and (given.shape != (SLOTS,) or not ((given >= 0) & (given <= 1)).all()):
            raise ValueError(f"importance must be {SLOTS} numbers in [0, 1].")
        if min(self.stays, default=1) < 1:
            raise ValueError(f"stays must be at least one slot long, got {min(self.stays)}.")


CONVENTION_CENTRE = DayShape()


def generate_instance(
    generator: np.random.Generator, *, spaces: int, requests: int, shape: DayShape = CONVENTION_CENTRE
) -> Instance:
    """Draw one day, 8 to 20 o'clock in slots of 15 minutes.

    Parameters
    ----------
    generator
        The source of randomness: the same one gives the same day.
    spaces, requests
        How many of each, >= 0.
    shape
        What a record knows of importance and stays.

    Raises
    ------
    ValueError
        If a number is negative.

    Notes
    -----
    Importance follows the weekday occupancy of the convention centre whose record the paper used [two-stage]. A
    space is shared during one interval that begins up to 2.5 h after opening and ends up to 2.5 h before closing; two
    in five are taken back in between for 1 to 2.5 h. Requests start like importance an hour later, fewer towards the
    evening: a car park fills before it is full. Stays are gamma distributed with a mean of 2 h and a long tail, the
    lead of a request is exponential with a mean of 2.5 h. `expected_demand` is the mean of what this function
    draws, not a count of the day's own requests.
    """
    if spaces < 0 or requests < 0:
        raise ValueError(f"spaces and requests must not be negative, got {spaces} and {requests}.")
    importance = _importance() if shape.importance is None else shape.importance
    chance = _arrival_chance(importance)
    free = _free(generator, spaces)
    starts, ends = _periods(generator, requests, chance, shape.stays)
    made = np.minimum(starts, np.floor(starts - generator.exponential(MEAN_LEAD, requests)).astype(int))
    order = np.argsort(made, kind="stable")
    return Instance(
        rules=Rules(),
        opens_at="08:00",
        importance=importance,
        peak_rate=1.0,
        space_ids=tuple(f"A{number + 1}" for number in range(spaces)),
        free=free,
        request_ids=tuple(f"r{number + 1}" for number in range(requests)),
        requests=tuple(
            Request(start=int(starts[row]), end=int(ends[row]), requested_at=int(made[row])) for row in order
        ),
        expected_demand=_expected_demand(chance, requests, shape.stays),
    )


def _importance() -> Values:
    hours = np.arange(SLOTS) / 4
    share = np.interp(hours, np.arange(len(SHARE_BY_HOUR)), SHARE_BY_HOUR)
    importance: Values = np.round(share / share.max(), 4)
    return importance


def _arrival_chance(importance: Values) -> Values:
    ahead = np.concatenate((importance[ARRIVALS_AHEAD:], np.full(ARRIVALS_AHEAD, importance[-1])))
    weight = ahead * np.linspace(1.0, 0.35, SLOTS)
    weight[-2:] = 0
    chance: Values = weight / weight.sum()
    return chance


def _free(generator: np.random.Generator, spaces: int) -> Mask:
    free = np.zeros((spaces, SLOTS), dtype=np.bool_)
    opens = generator.integers(0, LATEST_OPENING + 1, spaces)
    closes = generator.integers(EARLIEST_CLOSING, SLOTS + 1, spaces)
    for row, (first, last) in enumerate(zip(opens, closes, strict=True)):
        free[row, first:last] = True
        if generator.random() < TWICE_SHARED:
            back = int(generator.integers(first + 6, last - 12))
            free[row, back : back + int(generator.integers(4, 11))] = False
    return free


def _periods(
    generator: np.random.Generator, requests: int, chance: Values, observed: tuple[int, ...]
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    starts = generator.choice(SLOTS, size=requests, p=chance)
    if observed:
        stays = generator.choice(np.array(observed), size=requests)
    else:
        stays = np.ceil(generator.gamma(STAY_SHAPE, MEAN_STAY / STAY_SHAPE, requests)).astype(int)
    return starts, np.minimum(starts + np.clip(stays, 1, LONGEST_STAY), SLOTS)


def _expected_demand(chance: Values, requests: int, observed: tuple[int, ...]) -> Values:
    """How many requests want each slot on average: those that start earlier and stay long enough."""
    length = np.arange(LONGEST_STAY)
    if observed:
        stays_on: Values = 1 - np.searchsorted(np.sort(observed), length, side="right") / float(len(observed))
    else:
        stays_on = np.asarray(gammaincc(STAY_SHAPE, length * STAY_SHAPE / MEAN_STAY), dtype=np.float64)
    demand: Values = requests * np.convolve(chance, stays_on)[:SLOTS]
    return demand
