"""Our own JSON: `{"events": [{"key": …, "kind": …, "device": …, "reported_at": …, …}, …]}`, at most 500 of them."""

import json
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from parking_share.accounts.plates import normalise_plate
from sensors.adapters.bodies import JSON, load_json, member
from sensors.events import MOST_ALTERNATIVES, Event, Unreadable, plate_of
from sensors.readings import Kind

MOST_EVENTS = 500
KINDS = {kind.value: kind for kind in Kind}
FIELDS = frozenset({
    "key", "kind", "device", "reported_at", "sequence", "is_live", "plate", "alternatives", "plate_colour",
    "confidence", "occupied", "state_text", "media_ref",
})  # fmt: skip


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
    if not item.keys() <= FIELDS:
        raise Unreadable(_("An event has fields that nobody knows; see the description of the interface."))
    get = item.get
    plate = plate_of(_optional(get("plate"), str, ""))
    key = _optional(get("key"), str, "")
    if plate and plate in normalise_plate(key):
        raise Unreadable(_("A key is stored in the clear: it must not name the plate."))
    return Event(
        source_key=key,
        kind=_kind(get("kind")),
        device=_optional(get("device"), str, ""),
        reported_at=_instant(get("reported_at")),
        sequence=_optional(get("sequence"), int, 0),
        is_live=_optional(get("is_live"), bool, None),
        plate=plate,
        alternatives=_alternatives(get("alternatives"), but=plate),
        plate_colour=_optional(get("plate_colour"), str, "")[:20],
        confidence=_confidence(get("confidence")),
        occupied=_optional(get("occupied"), int, None),
        state_text=_optional(get("state_text"), str, ""),
        media_ref=_optional(get("media_ref"), str, "")[:200],
    )


def _kind(value: Any) -> Kind:
    kind = KINDS.get(value) if isinstance(value, str) else None
    if kind is None:
        raise Unreadable(_("The kind of an event is one of %(kinds)s.") % {"kinds": ", ".join(KINDS)})
    return kind


def _instant(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise Unreadable(_("Write the time of an event as 2026-11-23T10:00:00+08:00."))


def _optional(value: Any, wanted: type, default: Any) -> Any:
    """The value where it is of this very type (`true` is no number), the default where it is missing or null."""
    if value is None:
        return default
    if type(value) is not wanted:
        raise Unreadable(_("A field of the event has the wrong type; see the description of the interface."))
    return value


def _confidence(value: Any) -> float | None:
    return float(value) if type(value) is int else _optional(value, float, None)


def _alternatives(value: Any, *, but: str) -> tuple[str, ...]:
    found = dict.fromkeys(plate_of(one) for one in _optional(value, list, [])[:MOST_ALTERNATIVES])
    return tuple(plate for plate in found if plate not in {"", but})
