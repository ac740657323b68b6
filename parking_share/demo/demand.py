"""Who wants to park where and when: a plan that depends on the day of seeding alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from zoneinfo import ZoneInfo

import numpy as np

from parking_share.demo.habits import DRIVERS_WHO_COME, HABITS, Habit, Purpose
from parking_share.demo.people import Driver
from parking_share.spaces.calendar import day_type
from parking_share.spaces.models import DayType, LandUse, Lot

DAYS_AHEAD = 14
QUARTER = timedelta(minutes=15)
ASKED_EVERY = timedelta(minutes=30)
LATEST_END_OF_A_NIGHT = time(8, 0)
MOST_STAYS_PER_DRIVER = 9
_PURPOSES = list(Purpose)
_SHARES_OF_PURPOSES = np.array([DRIVERS_WHO_COME[purpose] for purpose in _PURPOSES]) / 10_000


class Fate(Enum):
    COMES = auto()
    STAYS_AWAY = auto()
    CANCELS = auto()


@dataclass(frozen=True, kw_only=True, eq=False)
class PlannedStay:
    """What one driver will ask for, and do if a bay is given. All instants are quarters of an hour."""

    driver: Driver
    lot: Lot
    purpose: Purpose
    requested_at: datetime
    starts_at: datetime
    ends_at: datetime
    fate: Fate
    cancels_at: datetime
    arrives_at: datetime
    leaves_at: datetime
    needs_charger: bool
    needs_accessible: bool


def midnight_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)


def plan_stays(
    drivers: Sequence[Driver],
    lots: Sequence[Lot],
    acts_as: Mapping[date, int],
    *,
    stays: int,
    days_back: int,
    present_day: date,
    zone: ZoneInfo,
    rng: np.random.Generator,
) -> list[PlannedStay]:
    """Draw the stays from some days back to two weeks ahead; all are requested before the present day begins."""
    days = _Days.around(present_day, days_back, acts_as)
    places = {land_use: _Popularity.of(lots, land_use, rng) for land_use in LandUse}
    rota = _Rota(drivers, rng)
    first, midnight = (midnight_of(day, zone) for day in (present_day - timedelta(days=days_back), present_day))
    planned = []
    for _ in range(stays):
        purpose = _PURPOSES[rng.choice(len(_PURPOSES), p=_SHARES_OF_PURPOSES)]
        habit = HABITS[purpose]
        starts_at, ends_at = _period(days.draw(habit, rng), purpose, habit, zone=zone, rng=rng)
        land_use = list(habit.places)[rng.choice(len(habit.places), p=list(habit.places.values()))]
        driver = rota.next_free(starts_at, ends_at)
        if driver is not None:
            lot = places[land_use].draw(rng)
            requested_at = _requested_at(starts_at, first=first, midnight=midnight, rng=rng)
            planned.append(_stay(driver, lot, purpose, (requested_at, starts_at, ends_at), rng))
    return sorted(planned, key=lambda stay: stay.requested_at)


class _Days:
    """Local dates with their weights; the further ahead, the fewer have booked yet."""

    def __init__(self, days: list[date], weights: list[float], kinds: list[DayType]) -> None:
        self._days, self._weights, self._kinds = days, np.array(weights), kinds

    @classmethod
    def around(cls, present_day: date, days_back: int, acts_as: Mapping[date, int]) -> "_Days":
        offsets = range(-days_back, DAYS_AHEAD)
        days = [present_day + timedelta(days=offset) for offset in offsets]
        weights = [1.0 if offset <= 0 else 0.9**offset for offset in offsets]
        return cls(days, weights, [day_type(day, acts_as) for day in days])

    def draw(self, habit: Habit, rng: np.random.Generator) -> date:
        fits = {DayType.DAY_OFF: habit.on_days_off, DayType.WORKDAY: habit.on_workdays}
        weights = self._weights * [fits[kind] for kind in self._kinds]
        return self._days[rng.choice(len(self._days), p=weights / weights.sum())]


class _Popularity:
    """Lots of a land use; the n-th most popular draws in proportion to 1 / (n + 10)."""

    def __init__(self, lots: list[Lot], weights: list[float]) -> None:
        self._lots, self._weights = lots, np.array(weights) / sum(weights)

    @classmethod
    def of(cls, lots: Sequence[Lot], land_use: LandUse, rng: np.random.Generator) -> "_Popularity":
        chosen = [lot for lot in lots if lot.land_use == land_use]
        ranks = rng.permutation(len(chosen))
        return cls(chosen, [1.0 / (rank + 10) for rank in ranks])

    def draw(self, rng: np.random.Generator) -> Lot:
        return self._lots[rng.choice(len(self._lots), p=self._weights)]


class _Rota:
    """Drivers in turn, none with two stays at once; a few drive much more than the others."""

    def __init__(self, drivers: Sequence[Driver], rng: np.random.Generator) -> None:
        frequent = list(drivers[: len(drivers) // 12])
        turns = [*drivers, *frequent, *frequent]
        self._turns: list[Driver] = [turns[index] for index in rng.permutation(len(turns))]
        self._next = 0
        self._taken: dict[str, list[tuple[datetime, datetime]]] = {}

    def next_free(self, starts_at: datetime, ends_at: datetime) -> Driver | None:
        for _ in range(20):
            driver = self._turns[self._next % len(self._turns)]
            self._next += 1
            taken = self._taken.setdefault(str(driver.user.email), [])
            if len(taken) < MOST_STAYS_PER_DRIVER and all(
                ends_at <= begins - QUARTER or ends + QUARTER <= starts_at for begins, ends in taken
            ):
                taken.append((starts_at, ends_at))
                return driver
        return None


def _period(
    day: date, purpose: Purpose, habit: Habit, *, zone: ZoneInfo, rng: np.random.Generator
) -> tuple[datetime, datetime]:
    midnight = datetime.combine(day, time(), tzinfo=zone)
    starts_at = midnight + QUARTER * int(rng.integers(habit.earliest_start, habit.latest_start, endpoint=True))
    ends_at = starts_at + QUARTER * int(rng.integers(habit.shortest, habit.longest, endpoint=True))
    if purpose == Purpose.NIGHT:
        ends_at = min(ends_at, datetime.combine(day + timedelta(days=1), LATEST_END_OF_A_NIGHT, tzinfo=zone))
    return starts_at, ends_at


def _requested_at(starts_at: datetime, *, first: datetime, midnight: datetime, rng: np.random.Generator) -> datetime:
    """Hours to days ahead, in the simulated week, and before the present day."""
    lead = timedelta(hours=float(rng.lognormal(2.0, 1.2)))
    latest = min(starts_at, midnight - QUARTER)
    wanted = min(starts_at - lead, latest)
    if wanted < first or starts_at > midnight:
        earliest = max(first, starts_at - timedelta(days=DAYS_AHEAD))
        wanted = earliest + (latest - earliest) * float(rng.random())
    return first + (wanted - first) // ASKED_EVERY * ASKED_EVERY


def _stay(
    driver: Driver,
    lot: Lot,
    purpose: Purpose,
    instants: tuple[datetime, datetime, datetime],
    rng: np.random.Generator,
) -> PlannedStay:
    requested_at, starts_at, ends_at = instants
    fate = list(Fate)[rng.choice(len(Fate), p=[0.86, 0.05, 0.09])]
    arrives_at = starts_at + QUARTER * int(rng.integers(0, 2))
    slots = (ends_at - arrives_at) // QUARTER
    early = min(int(rng.geometric(0.45)) - 1, max(slots - 1, 0))
    return PlannedStay(
        driver=driver,
        lot=lot,
        purpose=purpose,
        requested_at=requested_at,
        starts_at=starts_at,
        ends_at=ends_at,
        fate=fate,
        cancels_at=requested_at + QUARTER * (1 + int(((starts_at - requested_at) // QUARTER) * rng.random())),
        arrives_at=arrives_at,
        leaves_at=ends_at - early * QUARTER,
        needs_charger=driver.needs_charger,
        needs_accessible=driver.user.has_accessible_permit and bool(rng.random() < 0.5),
    )
