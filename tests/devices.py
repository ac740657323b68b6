"""Gateways, their devices and what these send, for tests."""

import json
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from parking_share import clock
from parking_share.spaces.models import Gate, Lot
from sensors.credentials import issue_key
from sensors.events import Event
from sensors.models import Device, Gateway, Kind
from tests.factories import make_device, make_gateway, make_lot, make_space

GOLDEN = Path(__file__).parent / "golden" / "sensors"
MULTIPART = {
    "hikvision_multipart.bin": "multipart/form-data; boundary=boundary---7e13971310878",
    "plate_recognizer_multipart.bin": 'multipart/form-data; boundary="f1e2d3c4b5a6"',
}

_numbers = count(1)


def make_gate(lot: Lot, **fields: Any) -> Gate:
    place = {"latitude": lot.latitude, "longitude": lot.longitude}
    return Gate.objects.create(**{"lot": lot, "name": f"Gate {next(_numbers)}"} | place | fields)


def make_sensed_bay(**fields: Any) -> tuple[Gateway, Device]:
    """A bay with a sensor in a lot of its own, and the gateway that may write for it."""
    lot = make_lot()
    gateway = make_gateway(lot, **{"trust": Gateway.Trust.DEVICE} | fields)
    return gateway, make_device(lot, gateway=gateway, space=make_space(lot))


def make_watched_gate(*, kind: str = "ENTRY", identifier: str = "east", **fields: Any) -> tuple[Gateway, Device]:
    """A gate with a camera in a lot of its own, and the gateway that may write for it."""
    lot = make_lot()
    gateway = make_gateway(lot, **{"trust": Gateway.Trust.DEVICE} | fields)
    return gateway, make_device(lot, gateway=gateway, gate=make_gate(lot, kind=kind), identifier=identifier)


def secret_of(gateway: Gateway) -> str:
    return issue_key(gateway_id=gateway.pk, now=clock.now())


def happened(key: str, kind: Kind, device: Device | str, at: datetime, **fields: Any) -> Event:
    """An event of a device."""
    return Event(key, kind, device if isinstance(device, str) else device.identifier, at, **fields)


def item(event: Event) -> dict[str, Any]:
    """An event as a program sends it to us."""
    written = {
        "key": event.source_key,
        "kind": event.kind.value,
        "device": event.device,
        "reported_at": event.reported_at.isoformat(),
        "sequence": event.sequence,
    }
    return written | ({"plate": event.plate} if event.plate else {})


def batch(*events: Event) -> bytes:
    return json.dumps({"events": [item(event) for event in events]}).encode()


def vzenith(device: str, plate: str, at: datetime, *, number: int = 1, **result: Any) -> bytes:
    """What a Vzenith camera pushes over HTTP."""
    seconds, micros = divmod(round(at.timestamp() * 1_000_000), 1_000_000)
    seen = {
        "license": plate,
        "plateid": number,
        "confidence": 97,
        "isoffline": 0,
        "timeStamp": {"Timeval": {"sec": seconds, "usec": micros}},
    }
    alarm = {"serialno": device, "channel": 0, "result": {"PlateResult": seen | result}}
    return json.dumps({"AlarmInfoPlate": alarm}, ensure_ascii=False).encode()
