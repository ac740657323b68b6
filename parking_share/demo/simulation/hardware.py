"""Cameras and bay sensors for lots of the demo city, as an installer would set them up. Safe to run twice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from parking_share.spaces.models import Gate, Lot, Space
from sensors.models import Device, Gateway
from sensors.services import issue_key, live_keys, revoke_key

CAMERA_FORMATS = [Gateway.Format.VZENITH, Gateway.Format.HIKVISION, Gateway.Format.PLATE_RECOGNIZER]
SAY_NO_DIRECTION = {Gateway.Format.PLATE_RECOGNIZER}  # of no use where one lane leads in and out
SENSORS_OF_THE_CITY = "地磁车位传感器"
SIGN_OF_LIFE_S = 3600
CAMERA_SIGN_OF_LIFE_S = 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A camera at a gate, and the secret address it posts to."""

    device: Device
    gate: Gate
    format: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What stands in the simulated lots."""

    cameras: dict[int, list[Camera]] = field(default_factory=dict)
    bay_sensors: dict[int, Device] = field(default_factory=dict)
    bay_sensor_secret: str = ""

    def camera(self, lot_id: int, *, enters: bool) -> Camera | None:
        """The lot's camera for this direction."""
        fitting = {Gate.Kind.BOTH, Gate.Kind.ENTRY if enters else Gate.Kind.EXIT}
        return next((one for one in self.cameras.get(lot_id, []) if one.gate.kind in fitting), None)


@transaction.atomic
def install(lots: Sequence[Lot], *, lots_with_bay_sensors: Sequence[Lot], now: datetime) -> Hardware:
    """Set up what is not there yet, and issue fresh keys: secrets are kept as hashes, so old ones can't be read."""
    hardware = Hardware(bay_sensor_secret=_fresh_secret(_city_gateway(lots_with_bay_sensors), now=now))
    for number, lot in enumerate(lots):
        hardware.cameras[lot.pk] = _cameras(lot, CAMERA_FORMATS[number % len(CAMERA_FORMATS)], now=now)
    gateway = Gateway.objects.get(name=SENSORS_OF_THE_CITY)
    spaces = Space.objects.filter(lot__in=lots_with_bay_sensors).order_by("pk")
    hardware.bay_sensors.update(_bay_sensors(gateway, spaces))
    return hardware


def _cameras(lot: Lot, message_format: str, *, now: datetime) -> list[Camera]:
    gates = list(Gate.objects.filter(lot=lot).order_by("pk"))
    if any(gate.kind == Gate.Kind.BOTH for gate in gates) and message_format in SAY_NO_DIRECTION:
        message_format = Gateway.Format.VZENITH
    gateway, _ = Gateway.objects.get_or_create(
        name=f"{lot.name} {lot.pk}", defaults={"format": message_format, "trust": Gateway.Trust.DEVICE}
    )
    gateway.lots.add(lot)
    secret = _fresh_secret(gateway, now=now)
    cameras = []
    for gate in gates:
        device, _ = Device.objects.get_or_create(
            gateway=gateway,
            identifier=f"cam-{gate.pk:05d}",
            defaults={"lot": lot, "gate": gate, "heartbeat_s": CAMERA_SIGN_OF_LIFE_S},
        )
        cameras.append(Camera(device=device, gate=gate, format=gateway.format, secret=secret))
    return cameras


def _city_gateway(lots: Iterable[Lot]) -> Gateway:
    gateway, _ = Gateway.objects.get_or_create(
        name=SENSORS_OF_THE_CITY,
        defaults={"format": Gateway.Format.THINGS_STACK, "trust": Gateway.Trust.DEVICE},
    )
    gateway.lots.add(*lots)
    return gateway


def _bay_sensors(gateway: Gateway, spaces: Iterable[Space]) -> dict[int, Device]:
    wanted = list(spaces)
    Device.objects.bulk_create(
        (
            Device(
                gateway=gateway,
                identifier=f"{space.pk:016X}",
                lot_id=space.lot_id,
                space=space,
                heartbeat_s=SIGN_OF_LIFE_S,
            )
            for space in wanted
        ),
        ignore_conflicts=True,
    )
    rows = Device.objects.filter(gateway=gateway, space__in=wanted)
    return {device.space_id: device for device in rows if device.space_id is not None}


def _fresh_secret(gateway: Gateway, *, now: datetime) -> str:
    """A new second key; the one it replaces is revoked, as in every change of keys."""
    keys = live_keys(gateway)
    if len(keys) > 1:
        revoke_key(key_id=keys[0].pk, now=now)
    return issue_key(gateway_id=gateway.pk, now=now)
