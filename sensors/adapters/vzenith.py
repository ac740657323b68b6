"""Vzenith (臻识) and the cameras that copy it: `AlarmInfoPlate` pushed over HTTP, or `ivs_result` over MQTT.

Over MQTT the plate is in base64; over HTTP it is plain, in UTF-8 or, from older firmware, in GB 2312.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from parking_share.accounts.plates import plate_shape
from sensors.adapters.bodies import JSON, epoch, load_json, media, member, members, plates_of, share, text, whole
from sensors.events import Event, Unreadable, plate_of
from sensors.readings import Kind

COLOURS = {1: "blue", 2: "yellow", 3: "white", 4: "black", 5: "green", 6: "yellow-green"}
AWAY, TOWARDS = 3, 4  # on the picture: upwards, downwards
TURNED_BACK = 66
SAYS_NOTHING = ("AlarmGioIn", "SerialData", "TriggerImage", "heartbeat")  # known, and of no use here


def read(body: bytes, content_type: str) -> list[Event]:
    document = load_json(body, content_type)
    payload = member(document, "payload")
    is_mqtt = payload is not None
    serial = text(member(document, "sn"))
    if is_mqtt and text(member(document, "name")).endswith("keep_alive"):
        return [_sign_of_life(document, payload, serial)]
    alarm = member(payload, "AlarmInfoPlate") or member(payload, "body", "AlarmInfoPlate")
    alarm = alarm if is_mqtt else member(document, "AlarmInfoPlate")
    if member(alarm, "result", "PlateResult") is not None:
        return [_sighting(alarm, text(member(alarm, "serialno")) or serial, is_mqtt=is_mqtt)]
    if is_mqtt or any(member(document, name) is not None for name in SAYS_NOTHING):
        return []
    raise Unreadable(_("This is no AlarmInfoPlate message."))


def reply(*, opens: bool, sentence: str) -> tuple[bytes, str]:
    """Only `info: ok` opens. The sentence stays here: these cameras show no text that comes this way."""
    del sentence
    answer = {"info": "ok" if opens else "no", "content": "retransfer_stop", "is_pay": str(opens).lower()}
    return json.dumps({"Response_AlarmInfoPlate": {**answer, "serialData": []}}).encode(), JSON


def says_open(reply_body: bytes) -> bool:
    return bool(member(load_json(reply_body), "Response_AlarmInfoPlate", "info") == "ok")


def _sighting(alarm: Any, serial: str, *, is_mqtt: bool) -> Event:
    result = member(alarm, "result", "PlateResult")
    seconds, micros = (member(result, "timeStamp", "Timeval", name) for name in ("sec", "usec"))
    uuid = text(member(result, "record_uuid")) or text(member(alarm, "record_uuid"))
    plate = _plate(member(result, "license"), is_mqtt=is_mqtt)
    others = [member(one, "license") or one for one in members(member(result, "plates"))]
    offline = whole(member(result, "isoffline"))
    return Event(
        source_key=f"{serial}:{uuid}" if uuid else f"{serial}:{text(member(result, 'plateid'))}:{seconds}.{micros}",
        kind=Kind.PASS,
        device=_device(serial, whole(member(alarm, "channel"))),
        reported_at=epoch((whole(seconds) or 0) + (whole(micros) or 0) / 1_000_000) if seconds else epoch(None),
        is_live=None if offline is None else offline == 0,
        plate=plate,
        alternatives=plates_of([_plate(one, is_mqtt=is_mqtt) for one in others[:20]], but=plate),
        plate_colour=COLOURS.get(whole(member(result, "colorType")) or 0, ""),
        confidence=share(member(result, "confidence"), of=100),
        media_ref=media(member(result, "imagePath")),
        is_towards=_is_towards(result),
    )


def _is_towards(result: Any) -> bool | None:
    if whole(member(result, "triggerType")) == TURNED_BACK:
        return False
    return {AWAY: False, TOWARDS: True}.get(whole(member(result, "direction")) or 0)


def _device(serial: str, channel: int | None) -> str:
    return f"{serial}/{channel}" if serial and channel else serial


def _plate(value: Any, *, is_mqtt: bool) -> str:
    """Of all ways to read it the first that gives a plate of a known shape, else the first that gives any text."""
    found = [plate_of(candidate) for candidate in (_readings(text(value)) if is_mqtt else [text(value)])]
    return next((plate for plate in found if plate_shape(plate)), found[0] if found else "")


def _readings(value: str) -> Iterator[str]:
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        raw = b""
    for encoding in ("utf-8", "gb18030"):
        try:
            yield raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    yield value


def _sign_of_life(document: Any, payload: Any, serial: str) -> Event:
    seconds = whole(member(payload, "body", "timestamp")) or whole(member(document, "timestamp"))
    return Event(
        source_key=f"{serial}:keep_alive:{seconds}", kind=Kind.HEARTBEAT, device=serial, reported_at=epoch(seconds)
    )
