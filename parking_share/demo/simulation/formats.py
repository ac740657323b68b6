"""Messages as cameras and bay sensors write them: the other side of `sensors.adapters`."""

import base64
import json
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_ENERGY, SMALL_CAR = 19, 2
_XML = """<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
 <ipAddress>10.1.20.60</ipAddress><macAddress>{device}</macAddress><channelID>1</channelID>
 <dateTime>{at}</dateTime><activePostCount>{posts}</activePostCount>
 <eventType>ANPR</eventType><eventState>active</eventState>
 <ANPR><licensePlate>{plate}</licensePlate><line>1</line><direction>{direction}</direction>
  <confidenceLevel>96</confidenceLevel><plateType>unknown</plateType><plateColor>blue</plateColor></ANPR>
 <UUID>{uuid}</UUID></EventNotificationAlert>"""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A car before a camera."""

    device: str
    plate: str
    at: datetime
    number: int
    enters: bool
    is_offline: bool = False


@dataclass(frozen=True, kw_only=True)
class Message:
    """A body, what the sender says of it, and the secret it proves itself with where the address holds none."""

    body: bytes
    content_type: str = "application/json"
    secret: str = ""

    @property
    def headers(self) -> dict[str, str]:
        said = {"Content-Type": self.content_type}
        return said | ({"Authorization": f"Bearer {self.secret}"} if self.secret else {})


def vzenith(sight: Sight) -> Message:
    """`AlarmInfoPlate` over HTTP; a car without a legible plate is `_无_`."""
    seconds, micros = divmod(round(sight.at.timestamp() * 1_000_000), 1_000_000)
    result = {
        "license": sight.plate or "_无_",
        "colorType": 5 if len(sight.plate) == 8 else 1,
        "type": NEW_ENERGY if len(sight.plate) == 8 else SMALL_CAR,
        "confidence": 97,
        "direction": 4 if sight.enters else 3,
        "triggerType": 2,
        "plateid": sight.number,
        "isoffline": int(sight.is_offline),
        "timeStamp": {"Timeval": {"sec": seconds, "usec": micros}},
    }
    alarm = {"channel": 0, "deviceName": sight.device, "serialno": sight.device, "result": {"PlateResult": result}}
    return Message(body=json.dumps({"AlarmInfoPlate": alarm}, ensure_ascii=False).encode())


def vzenith_mqtt(sight: Sight) -> Message:
    """The same as the camera says it over MQTT: the plate in base64."""
    plain = json.loads(vzenith(sight).body)
    result = plain["AlarmInfoPlate"]["result"]["PlateResult"]
    result["license"] = base64.b64encode(result["license"].encode()).decode()
    envelope = {"id": sight.number, "sn": sight.device, "name": "ivs_result", "version": "1.0", "payload": plain}
    return Message(body=json.dumps(envelope).encode())


def hikvision(sight: Sight) -> Message:
    text = _XML.format(
        device=sight.device,
        at=sight.at.astimezone(SHANGHAI).isoformat(timespec="milliseconds"),
        posts=1,
        plate=escape(sight.plate or "unknown"),
        direction="forward" if sight.enters else "reverse",
        uuid=uuid.uuid5(uuid.NAMESPACE_OID, f"{sight.device}:{sight.number}"),
    )
    return Message(body=text.encode(), content_type="application/xml")


def plate_recognizer(sight: Sight) -> Message:
    results = [{"plate": sight.plate.lower(), "score": 0.91, "dscore": 0.8, "candidates": [], "direction": ""}]
    data = {
        "camera_id": sight.device,
        "filename": f"{sight.device}/{sight.number}.jpg",
        "timestamp": sight.at.isoformat(),
        "results": results if sight.plate else [],
    }
    hook = {"event": "recognition", "id": sight.device}
    return Message(body=json.dumps({"hook": hook, "data": data}, ensure_ascii=False).encode())


@dataclass(frozen=True, kw_only=True)
class Uplink:
    """What a bay sensor sends: a change, or the same state again as a sign of life."""

    device: str
    is_occupied: bool
    number: int
    at: datetime
    session: str


def things_stack(uplink: Uplink) -> Message:
    """A Things Stack v3 uplink; like the real thing it leaves out what is zero or false."""
    heard = uplink.at.isoformat().replace("+00:00", "Z")
    payload = {"battery": 3.6} | ({"occupied": True} if uplink.is_occupied else {})
    message = {
        "session_key_id": uplink.session,
        "f_port": 1,
        "decoded_payload": payload,
        "received_at": heard,
        **({"f_cnt": uplink.number} if uplink.number else {}),
    }
    ids = {"device_id": uplink.device.lower(), "application_ids": {"application_id": "bays"}, "dev_eui": uplink.device}
    return Message(body=json.dumps({"end_device_ids": ids, "received_at": heard, "uplink_message": message}).encode())


def offline(sight: Sight) -> Sight:
    """The same sight, sent after the camera had lost its line."""
    return replace(sight, is_offline=True)
