"""Drivers who book while the day goes on, and some who change their mind."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from parking_share.accounts.models import Vehicle
from parking_share.demo.simulation.api import DriversApp, wish_for
from parking_share.demo.simulation.conduct import MINUTE
from parking_share.demo.simulation.diary import Diary
from parking_share.reservations.models import Reservation
from parking_share.spaces.models import Lot

QUARTER = timedelta(minutes=15)
# Requests by hour of the local day, relative to the busiest
_BUSY = [0.1] * 6 + [0.4, 0.9, 1.0, 0.9, 0.8, 0.8, 0.7, 0.7, 0.7, 0.7, 0.8, 0.9, 1.0, 0.8, 0.5, 0.3, 0.2, 0.1]
CHANGE_THEIR_MIND = 0.08


class Bookings:
    """Asks for bays over the public interface, `an_hour` times in the busiest hour."""

    def __init__(
        self, lots: Sequence[Lot], *, app: DriversApp, diary: Diary, an_hour: float, rng: np.random.Generator
    ) -> None:
        self._lots, self._app, self._diary, self._an_hour, self._rng = lots, app, diary, an_hour, rng
        cars = Vehicle.objects.filter(removed_at__isnull=True, driver__email__startswith="driver")
        self._cars = list(cars.select_related("driver").order_by("pk"))
        self.happened: Counter[str] = Counter()

    def begin(self, now: datetime) -> None:
        if self._cars and self._an_hour > 0:
            self._diary.at(now + self._pause(now), self.ask)

    def ask(self, now: datetime) -> None:
        """One driver asks for one bay, soon."""
        car = self._cars[int(self._rng.integers(len(self._cars)))]
        lot = self._lots[int(self._rng.integers(len(self._lots)))]
        starts_at = _quarter_after(now + float(self._rng.uniform(10, 150)) * MINUTE)
        ends_at = starts_at + QUARTER * int(self._rng.integers(3, 17))
        wish = wish_for(lot, vehicle_id=car.pk, starts_at=starts_at, ends_at=ends_at)
        reply = self._app.book(
            car.driver, wish, key=f"simulated-{car.pk}-{starts_at:%Y%m%d%H%M%S}-{now.timestamp():.0f}"
        )
        answer = reply.code if reply.status == 409 else str(reply.body["status"])
        self.happened[answer] += 1
        if answer == "ACCEPTED" and self._rng.random() < CHANGE_THEIR_MIND:
            later = now + (starts_at - now) * float(self._rng.random())
            pk = int(reply.body["id"])
            self._diary.at(later, lambda _: self._cancel(pk))
        self._diary.at(now + self._pause(now), self.ask)

    def _cancel(self, reservation_id: int) -> None:
        reservation = Reservation.objects.select_related("driver").get(pk=reservation_id)
        self.happened["cancelled" if self._app.cancel(reservation) else "too late to cancel"] += 1

    def _pause(self, now: datetime) -> timedelta:
        busy = _BUSY[now.astimezone(self._lots[0].zone).hour]
        return timedelta(hours=float(self._rng.exponential(1 / (self._an_hour * busy))))


def _quarter_after(instant: datetime) -> datetime:
    over = timedelta(minutes=instant.minute % 15, seconds=instant.second, microseconds=instant.microsecond)
    return instant - over + QUARTER
