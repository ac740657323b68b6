"""Our own JSON: `{"events": [{"key": …, "kind": …, "device": …, "reported_at": …, …}, …]}`, at most 500 of them."""

import json
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from parking_share.accounts.plates import normalise_plate
from sensors.adapters.bodies import JSON, load_json, member, plates_of
from sensors.events import Event, Unreadable, plate_of
from sensors.readings import Kind

MOST_EVENTS = 500
REQUIRED = frozenset({"source_key", "kind", "device", "reported_at"})
KINDS = {kind.value: kind for kind in Kind}
FIELDS: dict[str, tuple[str, tuple[type, ...]]] = {
    "key": ("source_key", (str,)),
    "kind": ("kind", (str,)),
    "device": ("device", (str,)),
    "reported_at": ("reported_at", (str,)),
    "sequence": ("sequence", (int,)),
    "is_live": ("is_live", (bool,)),
    "plate": ("plate", (str,)),
    "alternatives": ("alternatives", (list,)),
    "plate_colour": ("plate_colour", (str,)),
    "confidence": ("confidence", (float, int)),
    "occupied": ("occupied", (int,)),
    "state_text": ("state_text", (str,)),
    "media_ref": ("media_ref", (str,)),
}


def read(body: bytes, content_type: str) -> list[Event]:
    """All events of the message, or Unreadable."""
    events = []
    for item in items_of(body, content_type):
        if isinstance(item, Unreadable):
            raise item
        events.append(item)
    return events


def reply(*, opens: bool, sentence: str) -> tuple[bytes, str]:
    return json.dumps({"opens": opens, "sentence": sentence}, ensure_ascii=False).encode(), JSON


def says_open(reply_body: bytes) -> bool:
    return member(load_json(reply_body), "opens") is True


def items_of(body: bytes, content_type: str) -> list[Event | Unreadable]:
    """Each event, or what is wrong with it. Unreadable where the message as a whole is none."""
    items = member(load_json(body, content_type), "events")
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_EVENTS:
        raise Unreadable(_("Send an object with a list “events” of 1 to 500 events."))
    return [_item(item) for item in items]


def _item(item: Any) -> Event | Unreadable:
    try:
        return _event(item)
    except Unreadable as refusal:
        return refusal


def _event(item: Any) -> Event:
    if not isinstance(item, dict):
        raise Unreadable(_("An event is an object."))
    fields = {name: value for name, value in (_field(*pair) for pair in item.items()) if value is not None}
    if not fields.keys() >= REQUIRED:
        raise Unreadable(_("An event needs key, kind, device and reported_at."))
    fields["kind"], fields["reported_at"] = _kind(fields["kind"]), _instant(fields["reported_at"])
    if "plate" in fields:
        plate = fields["plate"] = plate_of(fields["plate"])
        if plate and plate in normalise_plate(fields["source_key"]):
            raise Unreadable(_("A key is stored in the clear: it must not name the plate."))
    if "alternatives" in fields:
        fields["alternatives"] = plates_of(fields["alternatives"], but=fields.get("plate", ""))
    return Event(**fields)


def _field(name: str, value: Any) -> tuple[str, Any]:
    """The name and value of a field as an event has them; its type must be exactly right: `true` is no number."""
    if name not in FIELDS:
        raise Unreadable(_("An event has fields that nobody knows; see the description of the interface."))
    ours, types = FIELDS[name]
    if value is not None and type(value) not in types:
        raise Unreadable(_("A field of the event has the wrong type; see the description of the interface."))
    return ours, value


def _kind(value: str) -> Kind:
    kind = KINDS.get(value)
    if kind is None:
        raise Unreadable(_("The kind of an event is one of %(kinds)s.") % {"kinds": ", ".join(KINDS)})
    return kind


def _instant(value: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Unreadable(_("Write the time of an event as 2026-11-23T10:00:00+08:00."))
