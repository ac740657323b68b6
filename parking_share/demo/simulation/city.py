"""A day of the demo city: people, cars and machines, driving the site through its own endpoints."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from parking_share.demo.simulation.api import DriversApp
from parking_share.demo.simulation.barrier import Barriers
from parking_share.demo.simulation.bookings import Bookings
from parking_share.demo.simulation.conduct import MINUTE, Faults
from parking_share.demo.simulation.diary import Diary
from parking_share.demo.simulation.floor import Floor
from parking_share.demo.simulation.hardware import install
from parking_share.demo.simulation.neighbours import Neighbours
from parking_share.demo.simulation.records import Records
from parking_share.demo.simulation.visits import Visits
from parking_share.demo.simulation.wire import Counts, Wire
from parking_share.spaces.models import Lot, Space

LOOKS_EVERY = MINUTE
LONGEST_NAP_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which lots live, how much goes wrong, how many ask."""

    site: str
    lots: Sequence[Lot]
    lots_with_bay_sensors: Sequence[Lot]
    faults: Faults
    bookings_an_hour: float
    seed: int
    records: Path | None = None


class City:
    """The simulated day. What it did is counted in `happened` and `wire`."""

    def __init__(self, plan: Plan, *, clock: Callable[[], datetime], speed: float) -> None:
        self._clock, self._speed = clock, speed
        now = clock()
        rng = np.random.default_rng(plan.seed)
        self._diary = Diary()
        hardware = install(plan.lots, lots_with_bay_sensors=plan.lots_with_bay_sensors, now=now)
        wire = Wire(plan.site, faults=plan.faults, diary=self._diary, rng=rng)
        app = DriversApp(plan.site, now=now)
        self._floor = Floor(hardware, wire, self._diary, faults=plan.faults, rng=rng)
        self._barriers = Barriers(hardware, wire, faults=plan.faults, began_at=now, rng=rng)
        self._visits = Visits(
            floor=self._floor, barriers=self._barriers, app=app, diary=self._diary, faults=plan.faults, rng=rng
        )
        self._neighbours = Neighbours(plan.lots, floor=self._floor, barriers=self._barriers, diary=self._diary, rng=rng)
        self._bookings = Bookings(plan.lots, app=app, diary=self._diary, an_hour=plan.bookings_an_hour, rng=rng)
        self._spaces = list(
            Space.objects.filter(lot__in=plan.lots_with_bay_sensors).select_related("lot").order_by("pk")
        )
        self._wire = wire
        self._records = Records(plan.records, plan.lots, now=now) if plan.records else None

    def begin(self) -> None:
        """Put everybody where they are at this hour, and switch the sensors on."""
        now = self._clock()
        self._visits.pick_up(now)
        self._neighbours.move_in(self._spaces, now=now)
        self._floor.wake_sensors([space.pk for space in self._spaces], now=now)
        self._bookings.begin(now)
        if self._records is not None:
            self._records.write_into(self._diary, self._wire.post)
        self._diary.at(now, self._look)

    def live(self, *, until: datetime | None, tick: Callable[[timedelta], object]) -> None:
        """Do what is due until the hour has come; `tick` hears how much of the platform's time has gone by."""
        seen_at = self._clock()
        while until is None or seen_at < until:
            now = self._clock()
            tick(now - seen_at)
            seen_at = now
            for instant, deed in self._diary.due(now):
                deed(max(instant, now - MINUTE))
            self._nap()

    @property
    def happened(self) -> Counter[str]:
        return self._visits.happened + self._neighbours.happened + self._bookings.happened

    @property
    def wire(self) -> Counts:
        return self._wire.counts

    def _look(self, now: datetime) -> None:
        self._visits.look(now)
        self._diary.at(now + LOOKS_EVERY, self._look)

    def _nap(self) -> None:
        next_at = self._diary.next_at
        wait_s = (next_at - self._clock()).total_seconds() / self._speed if next_at else LONGEST_NAP_S
        time.sleep(min(max(wait_s, 0), LONGEST_NAP_S))
