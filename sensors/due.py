"""Which slots have to be rolled up: those that are over and not done, and those for which something came late."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from sensors.models import StaleSlot
from sensors.slots import SLOT, slot_after, slot_start

CAUGHT_UP = timedelta(days=31)  # after a longer pause the older slots are left out
STALE_AT_ONCE = 1000

_DUE_NOW = """
SELECT lot.lot_id, slot.starts_at
FROM (SELECT DISTINCT lot_id FROM sensors_device WHERE is_active) AS lot
CROSS JOIN LATERAL (
    SELECT coalesce(
        (SELECT starts_at + interval '15 minutes' FROM sensors_occupancyslot AS done
            WHERE done.lot_id = lot.lot_id AND done.source <> 'IMPORTED' ORDER BY starts_at DESC LIMIT 1),
        (SELECT date_bin('15 minutes', min(heard.observed_at), timestamptz '2000-01-01 00:00+00')
            FROM sensors_device AS device
            CROSS JOIN LATERAL (
                (SELECT observed_at FROM sensors_reading
                    WHERE space_id = device.space_id AND observed_at >= %(earliest)s
                    ORDER BY observed_at LIMIT 1)
                UNION ALL
                (SELECT observed_at FROM sensors_reading
                    WHERE device.space_id IS NULL AND space_id IS NULL AND sensors_reading.lot_id = lot.lot_id
                        AND observed_at >= %(earliest)s
                    ORDER BY observed_at LIMIT 1)
            ) AS heard
            WHERE device.lot_id = lot.lot_id),
        %(end)s::timestamptz - interval '15 minutes'
    ) AS from_at
) AS next
CROSS JOIN LATERAL generate_series(
    greatest(next.from_at, %(earliest)s), %(end)s::timestamptz - interval '15 minutes', '15 minutes'
) AS slot (starts_at)
ORDER BY slot.starts_at, lot.lot_id
LIMIT %(most)s
"""

# How far what came late reaches: a word of a bay, until its next; a number of a counter, until its next, and as far as
# one looks back to see whether it is stuck; a car at a gate, until the next; what is no reading, as far as it says.
_STALE = """
SELECT stale.id, stale.lot_id, stale.from_at, CASE
    WHEN until_at IS NULL THEN %(end)s
    WHEN space_id IS NOT NULL THEN coalesce(
        (SELECT observed_at FROM sensors_reading AS next
            WHERE next.space_id = stale.space_id AND next.observed_at > until_at AND next.kind <> 'HEARTBEAT'
            ORDER BY observed_at LIMIT 1), %(end)s)
    WHEN EXISTS (
        SELECT FROM sensors_reading AS late
        WHERE late.lot_id = stale.lot_id AND late.space_id IS NULL
            AND late.observed_at >= from_at AND late.observed_at <= until_at
    ) THEN greatest(
        coalesce((SELECT observed_at FROM sensors_reading AS next
            WHERE next.lot_id = stale.lot_id AND next.space_id IS NULL AND next.observed_at > until_at
                AND next.kind <> 'PASS'
            ORDER BY observed_at LIMIT 1), %(end)s),
        (SELECT max(coalesce(
            (SELECT greatest(observed_at, until_at + %(looked_back)s) FROM sensors_reading AS next
                WHERE next.device_id = device.id AND next.kind = 'COUNT' AND next.observed_at > until_at
                ORDER BY observed_at LIMIT 1), %(end)s))
            FROM sensors_device AS device
            WHERE device.lot_id = stale.lot_id AND EXISTS (
                SELECT FROM sensors_reading WHERE device_id = device.id AND kind = 'COUNT' AND observed_at <= until_at
            )))
    ELSE until_at
    END
FROM (
    SELECT * FROM sensors_staleslot ORDER BY from_at, id LIMIT %(most)s FOR UPDATE SKIP LOCKED
) AS stale
"""


class Pair(NamedTuple):
    """A slot of a lot."""

    lot_id: int
    starts_at: datetime


class Stale(NamedTuple):
    """A row that says what came late, and until when that matters."""

    pk: int
    lot_id: int
    from_at: datetime
    until_at: datetime


@dataclass(frozen=True, kw_only=True)
class Again:
    """Slots to roll up again, and the rows that asked for it: those done with, and those done with until `cut_at`."""

    pairs: Sequence[Pair]
    done: Sequence[int]
    cut: Sequence[int]
    cut_at: datetime


def due_now(*, end: datetime, most: int) -> list[Pair]:
    """Slots that ended by `end` and were never rolled up, of all lots with active devices; the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE_NOW, {"end": end, "earliest": end - CAUGHT_UP, "most": most})
        return [Pair(lot_id=lot_id, starts_at=starts_at) for lot_id, starts_at in cursor.fetchall()]


def due_again(*, end: datetime, most: int, looked_back: timedelta) -> Again | None:
    """Claim rows of what came late; None where there are none. In the caller's transaction."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"end": end, "most": STALE_AT_ONCE, "looked_back": looked_back}
        cursor.execute(_STALE, values)
        stale = [Stale(*row) for row in cursor.fetchall()]
    return share_of(stale, end=end, most=most) if stale else None


def share_of(stale: Iterable[Stale], *, end: datetime, most: int) -> Again:
    """As many whole slots as fit into one transaction, the oldest first, and what becomes of the rows then.

    At least one slot, with all of its lots; nothing after `end`, for what is not over will be rolled up anyway.
    """
    ranges = [(one, slot_start(one.from_at), min(slot_after(one.until_at), end)) for one in stale]
    pairs: list[Pair] = []
    at = min((begin for _one, begin, until in ranges if begin < until), default=end)
    while at < end and len(pairs) < most:
        lots = sorted({one.lot_id for one, begin, until in ranges if begin <= at < until})
        pairs += [Pair(lot_id, at) for lot_id in lots]
        later = [begin for _one, begin, until in ranges if at < begin < until]
        at = at + SLOT if lots else min(later, default=end)
    return Again(
        pairs=pairs,
        done=[one.pk for one, begin, until in ranges if until <= max(at, begin)],
        cut=[one.pk for one, begin, until in ranges if begin < at < until],
        cut_at=at,
    )


def settle(again: Again) -> None:
    """Forget the rows that are done with, in the transaction that did it; shorten those that are not."""
    StaleSlot.objects.filter(pk__in=again.done).delete()
    StaleSlot.objects.filter(pk__in=again.cut).update(from_at=again.cut_at)
