"""Plate Recognizer Stream: JSON, or its `json` field beside a picture."""

from typing import Any

from django.utils.translation import gettext as _

from sensors.adapters.bodies import (
    instant,
    is_multipart,
    load_json,
    member,
    members,
    parts_of,
    plate_mark,
    plates_of,
    share,
    text,
)
from sensors.adapters.own import reply, says_open
from sensors.events import Event, Unreadable, plate_of
from sensors.readings import Kind

__all__ = ["read", "reply", "says_open"]

MOST_RESULTS = 50


def read(body: bytes, content_type: str) -> list[Event]:
    document = load_json(_json_of(body, content_type), content_type)
    data = member(document, "data")
    if data is None:
        raise Unreadable(_("This is no message of Plate Recognizer Stream."))
    if text(member(document, "hook", "event")) not in {"", "recognition"}:
        return []
    return [_sighting(data, result) for result in members(member(data, "results"))[:MOST_RESULTS]]


def _json_of(body: bytes, content_type: str) -> bytes:
    if not is_multipart(content_type):
        return body
    for part in parts_of(body, content_type):
        if part.name == "json" or part.content.lstrip()[:1] == b"{":
            return part.content
    raise Unreadable(_("None of the parts of the message is JSON."))


def _sighting(data: Any, result: Any) -> Event:
    camera, happened = text(member(data, "camera_id")), text(member(data, "timestamp"))
    best, *others = _candidates(result) or [""]
    plate = plate_of(best)
    return Event(
        source_key=f"{camera}:{happened}:{plate_mark(plate)}",
        kind=Kind.PASS,
        device=camera,
        reported_at=instant(happened, assume_utc=True),
        plate=plate,
        alternatives=plates_of(others, but=plate),
        confidence=share(member(result, "score"), of=1),
    )


def _candidates(result: Any) -> list[Any]:
    """The plate and what it may be instead. Newer versions keep both in the properties of the plate."""
    plate = member(result, "plate")
    if isinstance(plate, dict):
        return [member(one, "value") for one in members(member(plate, "props", "plate"))]
    return [plate, *(member(one, "plate") for one in members(member(result, "candidates")))]
