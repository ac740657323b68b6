"""Everybody without a reservation: owners, residents, and cars that nobody expects."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from parking_share.accounts.models import Vehicle
from parking_share.demo.simulation.barrier import Barriers
from parking_share.demo.simulation.conduct import MINUTE
from parking_share.demo.simulation.diary import Deed, Diary
from parking_share.demo.simulation.floor import Floor
from parking_share.spaces.models import LandUse, Lot, ShareWindow, Space

HOUR = timedelta(hours=1)
# Share of bays in use by hour of the local day, 0 to 23: homes after Singapore's, the others after a mall's
_NIGHT = [0.69] * 6 + [0.64, 0.55, 0.46, 0.42] + [0.40] * 6 + [0.42, 0.47, 0.54, 0.60, 0.64, 0.66, 0.67, 0.68]
_DAY = [0.10] * 6 + [0.13, 0.19, 0.35, 0.52, 0.63, 0.69, 0.74, 0.77, 0.78, 0.76, 0.72, 0.62, 0.52, 0.43, 0.36, 0.27]
IN_USE = {
    LandUse.RESIDENTIAL: _NIGHT,
    LandUse.OFFICE: [*_DAY, 0.16, 0.12],
    LandUse.COMMERCIAL: [*_DAY, 0.16, 0.12],
    LandUse.PUBLIC: [*_DAY, 0.16, 0.12],
}


class Neighbours:
    """Fills the bays that nobody shares, and those that are shared outside their hours."""

    def __init__(
        self, lots: Sequence[Lot], *, floor: Floor, barriers: Barriers, diary: Diary, rng: np.random.Generator
    ) -> None:
        self._lots, self._floor, self._barriers = lots, floor, barriers
        self._diary, self._rng = diary, rng
        self.happened: Counter[str] = Counter()

    def move_in(self, spaces: Sequence[Space], *, now: datetime) -> None:
        """Put cars where they stand at this hour, and plan the comings and goings of every bay."""
        windows = _windows_by_space(spaces, now=now)
        for space in spaces:
            if space.pk in windows:
                self._plan_owner(space, windows[space.pk], now=now)
            else:
                self._toggle(space)(now)
        for lot in self._lots:
            self._diary.at(now + self._some(HOUR), self._passers_by(lot))

    def _plan_owner(self, space: Space, windows: Sequence[ShareWindow], *, now: datetime) -> None:
        """Away during the hours that are shared, back some time after; a few set out late."""
        if not any(window.starts_at <= now < window.ends_at for window in windows):
            self._floor.park(space.pk, _owner_of(space), now=now)
        for window in windows:
            minutes = self._rng.uniform(2, 40) if self._rng.random() < 0.97 else -self._rng.uniform(5, 30)
            self._diary.at(max(window.starts_at - float(minutes) * MINUTE, now), self._set_out(space))
            self._diary.at(window.ends_at + float(self._rng.uniform(10, 90)) * MINUTE, self._come_home(space))

    def _set_out(self, space: Space) -> Deed:
        return lambda now: self._floor.clear(space.pk, _owner_of(space), now=now)

    def _come_home(self, space: Space) -> Deed:
        def park(now: datetime) -> None:
            if self._floor.park(space.pk, _owner_of(space), now=now):
                self.happened["owner found the bay free"] += 1
            elif self._floor.who(space.pk) != _owner_of(space):
                self.happened["owner found somebody in the bay"] += 1
                self._diary.at(now + 15 * MINUTE, self._come_home(space))

        return park

    def _toggle(self, space: Space) -> Deed:
        """A bay that nobody shares: in use as often as bays of its land use are at that hour."""
        plate = _owner_of(space)

        def look(now: datetime) -> None:
            hour = now.astimezone(space.lot.zone).hour
            if self._rng.random() < IN_USE[LandUse(space.lot.land_use)][hour]:
                self._floor.park(space.pk, plate, now=now)
            else:
                self._floor.clear(space.pk, plate, now=now)
            self._diary.at(now + HOUR + self._some(4 * HOUR), look)

        return look

    def _passers_by(self, lot: Lot) -> Deed:
        """Residents come home and drive off; now and then somebody tries who has no business here."""
        homes = list(Vehicle.objects.filter(driver__residences__lot=lot, removed_at__isnull=True)[:20])

        def pass_by(now: datetime) -> None:
            if homes and self._rng.random() < 0.7:
                car = homes[int(self._rng.integers(len(homes)))]
                enters = bool(self._rng.random() < 0.5)
                self._barriers.drive_up(lot.pk, car.plate, enters=enters, now=now)
                self.happened["resident passed"] += 1
            else:
                stranger = f"贵Z{int(self._rng.integers(10_000, 99_999))}" if self._rng.random() < 0.8 else ""
                rose = self._barriers.drive_up(lot.pk, stranger, enters=True, now=now)
                self.happened["stranger let in" if rose else "stranger turned away"] += 1
            self._diary.at(now + self._some(2 * HOUR), pass_by)

        return pass_by

    def _some(self, most: timedelta) -> timedelta:
        return max(float(self._rng.random()) * most, MINUTE)


def _owner_of(space: Space) -> str:
    """Owners have no plate on record; on the floor their car bears the bay's name."""
    return f"owner of {space.pk}"


def _windows_by_space(spaces: Sequence[Space], *, now: datetime) -> dict[int, list[ShareWindow]]:
    windows: dict[int, list[ShareWindow]] = {}
    for window in (
        ShareWindow.objects.current()
        .filter(space__in=spaces, ends_at__gt=now, starts_at__lt=now + 30 * HOUR)
        .order_by("starts_at")
    ):
        windows.setdefault(window.space_id, []).append(window)
    return windows
