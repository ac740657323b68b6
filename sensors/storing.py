"""Store events: one statement for a whole batch, safe to send twice, in any order, from anywhere at once.

Keys come first and sorted, bays after them and sorted: two batches can wait for each other, but never in a circle.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from parking_share.accounts import plates
from sensors.events import Event
from sensors.readings import Kind

CLOCK_TOLERANCE = timedelta(minutes=5)
OLDEST_BELIEVED = timedelta(days=35)  # keys are kept for longer (KNOWN_KEYS_KEPT), so nothing is told twice
GATE_KINDS = frozenset({Kind.ENTER, Kind.EXIT, Kind.PASS})
STATEMENT = Path(__file__).with_suffix(".sql").read_text()


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of an event. `event.kind` is resolved: where a gate's lane says which way, no `PASS` is left.

    `problem` is None, `unknown_device`, `foreign_lot` (the gateway may no longer write for the device's lot) or
    `wrong_place` (a gate event of a device without a gate, a bay event of one without a bay). `is_live` says whether it
    may open a gate as far as time is concerned: not when it came late, and not when the clock is off and the device
    does not say itself that it sends live. `reading_id` is None for what was known already.
    """

    event: Event
    problem: str | None
    is_new: bool
    is_live: bool
    reading_id: int | None
    plate_read_id: int | None
    device_id: int | None
    lot_id: int | None
    gate_id: int | None
    space_id: int | None
    observed_at: datetime


class Instant(NamedTuple):
    """When an event happened as far as we can say, and what that says of it."""

    observed_at: datetime
    clock_is_off: bool
    is_replayed: bool


def instant_of(event: Event, *, received_at: datetime) -> Instant:
    """Weigh the device's clock against ours."""
    ahead = event.reported_at - received_at
    if ahead > CLOCK_TOLERANCE:
        return Instant(received_at, clock_is_off=True, is_replayed=event.is_live is False)
    if ahead >= -CLOCK_TOLERANCE:
        return Instant(event.reported_at, clock_is_off=False, is_replayed=event.is_live is False)
    if event.is_live:
        return Instant(received_at, clock_is_off=True, is_replayed=False)
    if ahead < -OLDEST_BELIEVED:
        return Instant(received_at, clock_is_off=True, is_replayed=True)
    return Instant(event.reported_at, clock_is_off=False, is_replayed=True)


def store_events(
    *,
    gateway_id: int,
    events: Sequence[Event],
    received_at: datetime,
    raw_message_id: int | None = None,
    now: datetime | None = None,
) -> list[Stored]:
    """Store what is new of a batch and say what became of each event; what a batch names twice is stored once.

    With `raw_message_id` the message is marked as read in the same statement. `now` is when this happens, where that is
    later than the message came: what it says was live then and is not any more.
    """
    if not events:
        return []
    instants = [instant_of(event, received_at=received_at) for event in events]
    if now is not None and now > received_at:
        instants = [_aged(instant, now=now) for instant in instants]
    is_first = list(_is_first(events))
    arguments = {
        "gateway": gateway_id,
        "received": received_at,
        "now": now or received_at,
        "raw_message": raw_message_id,
        "forget": received_at + settings.UNMATCHED_PLATES_KEPT,
        **_columns(list(compress(events, is_first)), list(compress(instants, is_first))),
    }
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, arguments)
        rows = iter(cursor.fetchall())
    found: dict[str, Any] = {event.source_key: next(rows) for event in compress(events, is_first)}
    return [
        _stored(event, instant, found[event.source_key], is_first=first)
        for event, instant, first in zip(events, instants, is_first, strict=True)
    ]


def _aged(instant: Instant, *, now: datetime) -> Instant:
    return instant._replace(is_replayed=instant.is_replayed or now - instant.observed_at > CLOCK_TOLERANCE)


def key_hash(source_key: str) -> str:
    """The first half of a SHA-256, as the hexadecimal digits of a UUID."""
    return hashlib.sha256(source_key.encode()).hexdigest()[:32]


def _is_first(events: Sequence[Event]) -> Iterator[bool]:
    seen: set[str] = set()
    for event in events:
        yield event.source_key not in seen
        seen.add(event.source_key)


def _stored(event: Event, instant: Instant, row: Any, *, is_first: bool) -> Stored:
    problem, kind, device_id, lot_id, gate_id, space_id, reading_id, plate_read_id = row
    return Stored(
        event=event if kind in {None, event.kind} else replace(event, kind=Kind(kind)),
        problem=problem,
        is_new=is_first and reading_id is not None,
        is_live=problem is None and not instant.is_replayed and bool(event.is_live or not instant.clock_is_off),
        reading_id=reading_id if is_first else None,
        plate_read_id=plate_read_id if is_first else None,
        device_id=device_id,
        lot_id=lot_id,
        gate_id=gate_id,
        space_id=space_id,
        observed_at=instant.observed_at,
    )


def _columns(events: list[Event], instants: list[Instant]) -> dict[str, str]:
    """Each column of the batch as the text of a PostgreSQL array: much cheaper than a value at a time."""
    return {
        "key_hashes": _plain([key_hash(event.source_key) for event in events]),
        "source_keys": _quoted(event.source_key for event in events),
        "devices": _quoted(event.device for event in events),
        "kinds": _plain(event.kind.value for event in events),
        "reported": _plain([event.reported_at.isoformat() for event in events]),
        "observed": _plain([instant.observed_at.isoformat() for instant in instants]),
        "sequences": _plain(str(event.sequence) for event in events),
        "clocks_off": _plain(_said(instant.clock_is_off) for instant in instants),
        "replayed": _plain(_said(instant.is_replayed) for instant in instants),
        "towards": _plain(_said(event.is_towards) for event in events),
        "occupied": _plain(_said(event.occupied) for event in events),
        "states": _quoted(event.state_text for event in events),
        "confidences": _plain(_said(event.confidence) for event in events),
        "plates": _plain(_bytes(plates.encrypt_plate, event.plate) for event in events),
        "exact_hashes": _plain(_bytes(plates.exact_hash, event.plate) for event in events),
        "folded_hashes": _plain(_bytes(plates.folded_hash, event.plate) for event in events),
        "colours": _quoted(event.plate_colour for event in events),
        "media": _quoted(event.media_ref for event in events),
    }


def _plain(values: Iterable[str]) -> str:
    return "{" + ",".join(values) + "}"


def _quoted(values: Iterable[str]) -> str:
    return '{"' + '","'.join([value.replace("\\", r"\\").replace('"', r"\"") for value in values]) + '"}'


def _said(value: object) -> str:
    return "NULL" if value is None else str(value)


def _bytes(make: Any, plate: str) -> str:
    return f'"\\\\x{make(plate).hex()}"' if plate else "NULL"
