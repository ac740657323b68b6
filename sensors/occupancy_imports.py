"""Taking in how full lots were, from a table of a city that already knows: into slots marked as imported."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from parking_share.spaces.models import Lot
from parking_share.spaces.tables import Row
from sensors.import_runs import ImportRefused, Problem, Tally, read_rows
from sensors.layouts import SLOT_MINUTES, Layout
from sensors.occupancy_rows import KnownLot, ReadOccupancy, cell, read_occupancy
from sensors.rollups import SMALL_LOT_BAYS, STUCK_AFTER, STUCK_AFTER_AT_LONGEST
from sensors.slots import SLOT, slot_start

Key = tuple[int, datetime]

# The newest row of a slot counts; what was rolled up from our own readings is left alone.
_TAKE = """
INSERT INTO sensors_occupancyslot AS old (
    lot_id, starts_at, source, quality, bays, mean_occupied, most_occupied, unknown_share, closed_share, state_text,
    newest_reading_at, rolled_at
)
SELECT lot_id, starts_at, 'IMPORTED', CASE WHEN occupied IS NULL THEN 'WORDS' ELSE 'GOOD' END, bays, occupied, occupied,
    0, 0, word, at, %(now)s
FROM unnest(
    %(lots)s::bigint[], %(slots)s::timestamptz[], %(instants)s::timestamptz[], %(occupied)s::integer[],
    %(bays)s::integer[], %(words)s::text[]
) AS told (lot_id, starts_at, at, occupied, bays, word)
ORDER BY lot_id, starts_at
ON CONFLICT (lot_id, starts_at) DO UPDATE SET
    (quality, bays, mean_occupied, most_occupied, state_text, newest_reading_at, rolled_at) = (
        excluded.quality, excluded.bays, excluded.mean_occupied, excluded.most_occupied, excluded.state_text,
        excluded.newest_reading_at, excluded.rolled_at
    )
WHERE old.source = 'IMPORTED' AND excluded.newest_reading_at > old.newest_reading_at
RETURNING lot_id, starts_at
"""

# A number that did not change for too long, without a pause of more than an hour, is that of a counter that is stuck.
_JUDGE = """
WITH near AS (
    SELECT
        slot.id, slot.lot_id, slot.starts_at, slot.mean_occupied, slot.quality, touched.from_at,
        CASE
            WHEN slot.bays < %(small)s OR slot.mean_occupied = 0 OR slot.mean_occupied = slot.bays THEN %(stuck_long)s
            ELSE %(stuck)s
        END AS stuck_after,
        (slot.mean_occupied = lag(slot.mean_occupied) OVER in_order
            AND slot.starts_at - lag(slot.starts_at) OVER in_order <= interval '1 hour') IS NOT TRUE AS begins
    FROM unnest(%(lots)s::bigint[], %(from)s::timestamptz[], %(until)s::timestamptz[])
        AS touched (lot_id, from_at, until_at)
    JOIN sensors_occupancyslot AS slot
        ON slot.lot_id = touched.lot_id AND slot.source = 'IMPORTED'
        AND slot.starts_at >= touched.from_at - %(stuck_long)s AND slot.starts_at <= touched.until_at + %(stuck_long)s
    WINDOW in_order AS (PARTITION BY slot.lot_id ORDER BY slot.starts_at)
),
stretch AS (
    SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY lot_id ORDER BY starts_at) AS number FROM near
),
judged AS (
    SELECT
        id, from_at, starts_at, quality,
        starts_at + interval '15 minutes' - min(starts_at) OVER (PARTITION BY lot_id, number) >= stuck_after AS is_stuck
    FROM stretch WHERE mean_occupied IS NOT NULL
),
changed AS MATERIALIZED (
    SELECT id, is_stuck FROM judged WHERE starts_at >= from_at AND (quality = 'STUCK') <> is_stuck
)
UPDATE sensors_occupancyslot AS slot SET quality = CASE WHEN is_stuck THEN 'STUCK' ELSE 'GOOD' END
FROM changed WHERE slot.id = changed.id
"""


def lot_of_all(lot_id: int) -> KnownLot:
    """The lot that all rows are of; refused where there is none."""
    found = Lot.objects.filter(pk=lot_id).first()
    if found is None:
        raise ImportRefused(_("There is no lot %(lot)s. Import it with import_lots first.") % {"lot": lot_id})
    return _known(found)


def take_occupancy(
    batch: list[Row],
    on_problem: Callable[[Problem], object],
    *,
    layout: Layout,
    lot: KnownLot | None,
    now: datetime,
) -> Tally:
    """Write what a batch of rows says, in the caller's transaction. Safe to run twice: what is known is left alone."""
    tally = Tally()
    lots = {} if lot else _lots_of(batch, layout)
    read = partial(read_occupancy, layout=layout, lot=lot, lots=lots, now=now)
    told = list(read_rows(batch, read, tally, on_problem))
    newest: dict[Key, ReadOccupancy] = {}
    for one in told:
        for key in _slots(one, layout):
            if key not in newest or one.at > newest[key].at:
                newest[key] = one
    written = _take(newest, now=now)
    tally.written = len(written)
    tally.taken = len({newest[key].row_number for key in written})
    tally.known = len(told) - tally.taken
    _judge(written)
    return tally


def _slots(one: ReadOccupancy, layout: Layout) -> Iterable[Key]:
    first = slot_start(one.at)
    return [(one.lot_id, first + step * SLOT) for step in range(layout.minutes // SLOT_MINUTES)]


def _lots_of(batch: Iterable[Row], layout: Layout) -> Mapping[str, KnownLot]:
    """The lots that a batch names, by their keys as the table writes them."""
    prefix = f"{layout.source}:" if layout.source else ""
    keys = {prefix + cell(row, layout.columns, "lot") for row in batch}
    found = Lot.objects.filter(~Q(source_key=""), source_key__in=keys)
    return {lot.source_key.removeprefix(prefix): _known(lot) for lot in found}


def _known(lot: Lot) -> KnownLot:
    return KnownLot(pk=lot.pk, zone=ZoneInfo(lot.time_zone), capacity=lot.capacity)


def _take(newest: Mapping[Key, ReadOccupancy], *, now: datetime) -> list[Key]:
    if not newest:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            {
                "lots": [lot_id for lot_id, _starts_at in newest],
                "slots": [starts_at for _lot_id, starts_at in newest],
                "instants": [one.at for one in newest.values()],
                "occupied": [one.occupied for one in newest.values()],
                "bays": [one.bays for one in newest.values()],
                "words": [one.word[:20] for one in newest.values()],
                "now": now,
            },
        )
        return [(lot_id, starts_at) for lot_id, starts_at in cursor.fetchall()]


def _judge(written: Iterable[Key]) -> None:
    """Mark what is stuck, from the first slot that was written on; lots with nothing new are not looked at."""
    spans: dict[int, tuple[datetime, datetime]] = {}
    for lot_id, starts_at in written:
        first, last = spans.get(lot_id, (starts_at, starts_at))
        spans[lot_id] = min(first, starts_at), max(last, starts_at)
    if not spans:
        return
    values: dict[str, Any] = {
        "lots": list(spans),
        "from": [first for first, _last in spans.values()],
        "until": [last for _first, last in spans.values()],
        "small": SMALL_LOT_BAYS,
        "stuck": STUCK_AFTER,
        "stuck_long": STUCK_AFTER_AT_LONGEST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_JUDGE, values)
