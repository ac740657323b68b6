"""What physically stands in the bays, and the sensors that notice it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import uuid4

import numpy as np

from parking_share.demo.simulation import formats
from parking_share.demo.simulation.conduct import Faults
from parking_share.demo.simulation.diary import Deed, Diary
from parking_share.demo.simulation.formats import Uplink
from parking_share.demo.simulation.hardware import SIGN_OF_LIFE_S, Hardware
from parking_share.demo.simulation.wire import Wire

SIGN_OF_LIFE = timedelta(seconds=SIGN_OF_LIFE_S)


class Floor:
    """Who stands in which bay. A bay takes one car, whatever anybody has booked."""

    def __init__(self, hardware: Hardware, wire: Wire, diary: Diary, *, faults: Faults, rng: np.random.Generator):
        self._hardware, self._wire, self._diary, self._rng = hardware, wire, diary, rng
        self._standing: dict[int, str] = {}
        self._uplinks: dict[int, int] = {}
        sensors = sorted(hardware.bay_sensors)
        self._dying = {space for space in sensors if rng.random() < faults.dead_sensors}
        self._dead: set[int] = set()
        self._session = uuid4().hex  # a sensor that is switched on joins anew, and counts from 0

    def who(self, space_id: int) -> str:
        """The plate in the bay, or nothing."""
        return self._standing.get(space_id, "")

    def bay_of(self, plate: str) -> int | None:
        return next((space for space, standing in self._standing.items() if standing == plate), None)

    def park(self, space_id: int, plate: str, *, now: datetime) -> bool:
        """Drive into the bay; False where somebody stands there."""
        if space_id in self._standing:
            return False
        self._standing[space_id] = plate
        self._tell(space_id, now=now)
        return True

    def clear(self, space_id: int, plate: str, *, now: datetime) -> None:
        """Drive out, if this car is the one that stands there."""
        if self._standing.get(space_id) == plate:
            del self._standing[space_id]
            self._tell(space_id, now=now)

    def wake_sensors(self, space_ids: Iterable[int], *, now: datetime) -> None:
        """Every sensor says its state once, then again with every sign of life; some die in the course of the day."""
        for space_id in space_ids:
            self._tell(space_id, now=now)
            self._diary.at(now + float(self._rng.random()) * SIGN_OF_LIFE, self._sign_of_life(space_id))
            if space_id in self._dying:
                self._diary.at(now + float(self._rng.uniform(0, 12)) * timedelta(hours=1), self._death(space_id))

    def _sign_of_life(self, space_id: int) -> Deed:
        def tell_again(now: datetime) -> None:
            self._tell(space_id, now=now)
            self._diary.at(now + SIGN_OF_LIFE, tell_again)

        return tell_again

    def _death(self, space_id: int) -> Deed:
        return lambda _now: self._dead.add(space_id)

    def _tell(self, space_id: int, *, now: datetime) -> None:
        device = self._hardware.bay_sensors.get(space_id)
        if device is None or space_id in self._dead:
            return
        number = self._uplinks.get(space_id, 0)
        self._uplinks[space_id] = number + 1
        uplink = Uplink(
            device=device.identifier,
            is_occupied=space_id in self._standing,
            number=number,
            at=now,
            session=self._session,
        )
        message = formats.things_stack(uplink)
        path = f"/api/v1/sensors/push/{self._hardware.bay_sensor_secret}"
        self._wire.send(path, message, now=now, delayed=lambda: message)
