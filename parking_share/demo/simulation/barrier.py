"""Cars before the gates: what the camera sends, and whether the barrier rises."""

import json
from datetime import datetime

import numpy as np

from parking_share.demo.simulation import formats
from parking_share.demo.simulation.conduct import Faults, misread
from parking_share.demo.simulation.formats import Message, Sight
from parking_share.demo.simulation.hardware import Camera, Hardware
from parking_share.demo.simulation.wire import Reply, Wire
from sensors.adapters.registry import says_open
from sensors.models import Gateway

WRITE = {
    Gateway.Format.VZENITH: formats.vzenith,
    Gateway.Format.HIKVISION: formats.hikvision,
    Gateway.Format.PLATE_RECOGNIZER: formats.plate_recognizer,
}


class Barriers:
    """All gates with a camera."""

    def __init__(self, hardware: Hardware, wire: Wire, *, faults: Faults, began_at: datetime, rng: np.random.Generator):
        self._hardware, self._wire, self._faults, self._rng = hardware, wire, faults, rng
        self._number = int(began_at.timestamp())
        self.opened, self.stayed_shut = 0, 0

    def has_camera(self, lot_id: int, *, enters: bool) -> bool:
        return self._hardware.camera(lot_id, enters=enters) is not None

    def drive_up(self, lot_id: int, plate: str, *, enters: bool, now: datetime) -> bool:
        """Stand before the camera; whether the barrier rose. Exits without a barrier let everybody out."""
        camera = self._hardware.camera(lot_id, enters=enters)
        if camera is None:
            return True
        seen = misread(plate, self._rng) if self._rng.random() < self._faults.misread else plate
        reply = self._push(camera, seen, enters=enters, now=now)
        rose = reply is not None and reply.status == 200 and says_open(camera.format, reply.body)
        self.opened += rose
        self.stayed_shut += not rose
        return rose

    def show_code(self, lot_id: int, code: str) -> bool:
        """Type a code at the terminal of the way in, which proves itself with its gateway's key."""
        camera = self._hardware.camera(lot_id, enters=True)
        if camera is None or not code:
            return False
        typed = Message(body=json.dumps({"code": code}).encode(), secret=camera.secret)
        reply = self._wire.post(f"/api/v1/gates/{camera.gate.pk}/code", typed)
        rose = reply is not None and reply.status == 200 and bool(json.loads(reply.body)["opens"])
        self.opened += rose
        return rose

    def _push(self, camera: Camera, plate: str, *, enters: bool, now: datetime) -> Reply | None:
        self._number += 1
        sight = Sight(device=camera.device.identifier, plate=plate, at=now, number=self._number, enters=enters)
        write = WRITE[Gateway.Format(camera.format)]
        path = f"/api/v1/sensors/push/{camera.secret}"
        return self._wire.send(path, write(sight), now=now, delayed=lambda: write(formats.offline(sight)))
