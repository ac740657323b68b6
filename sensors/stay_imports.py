"""Taking in stays from entry and exit records: cars that came and went, long ago."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils.translation import gettext as _

from parking_share.spaces.tables import Row
from sensors.import_runs import Problem, RowRefused, Tally, read_rows
from sensors.models import StaleSlot
from sensors.occupancy_rows import KnownLot, cell, read_instant, refuse_empty, refuse_wrong_length

FIELDS = ("arrival", "departure", "key")
LONGEST_KEY = 200

_TAKE = """
INSERT INTO sensors_stay (lot_id, source, source_key, began_at, ended_at)
SELECT %(lot)s, 'IMPORTED', source_key, began_at, ended_at
FROM unnest(%(keys)s::text[], %(began)s::timestamptz[], %(ended)s::timestamptz[])
    AS told (source_key, began_at, ended_at)
ORDER BY source_key
ON CONFLICT DO NOTHING
RETURNING began_at, ended_at
"""


@dataclass(frozen=True, kw_only=True)
class StayLayout:
    """Which columns say when a car came and went, and by what a stay is known; `source` keeps files apart."""

    columns: dict[str, str]
    time_zone: str
    source: str


@dataclass(frozen=True, kw_only=True)
class ReadStay:
    key: str
    began_at: datetime
    ended_at: datetime


def read_stay(row: Row, layout: StayLayout, *, lot: KnownLot, now: datetime) -> ReadStay:
    """Return what a row says, or raise RowRefused for the first thing that is wrong with it."""
    refuse_wrong_length(row)
    zone = ZoneInfo(layout.time_zone) if layout.time_zone else lot.zone
    began_at, ended_at = (
        read_instant(cell(row, layout.columns, name), name, zone=zone, now=now) for name in ("arrival", "departure")
    )
    if ended_at <= began_at:
        sentence = _("The car left before it came, or at once. Swap the columns, correct the row, or leave it out.")
        raise RowRefused("departure_not_after_arrival", "departure", sentence)
    return ReadStay(key=_key(row, layout), began_at=began_at, ended_at=ended_at)


def take_stays(
    batch: list[Row], on_problem: Callable[[Problem], object], *, layout: StayLayout, lot: KnownLot, now: datetime
) -> Tally:
    """Write the stays of a batch and mark their slots, in the caller's transaction. Safe to run twice."""
    tally = Tally()
    told = list(read_rows(batch, partial(read_stay, layout=layout, lot=lot, now=now), tally, on_problem))
    stays = {stay.key: stay for stay in reversed(told)}
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            {
                "lot": lot.pk,
                "keys": list(stays),
                "began": [stay.began_at for stay in stays.values()],
                "ended": [stay.ended_at for stay in stays.values()],
            },
        )
        written = cursor.fetchall()
    if written:
        StaleSlot.objects.create(
            lot_id=lot.pk,
            from_at=min(began for began, _ended in written),
            until_at=max(ended for _began, ended in written),
        )
    tally.written = tally.taken = len(written)
    tally.known = len(told) - tally.taken
    return tally


def _key(row: Row, layout: StayLayout) -> str:
    """The table's own key; where it has none, one made of what the row says."""
    if "key" in layout.columns:
        key = cell(row, layout.columns, "key") or refuse_empty("key")
    else:
        told = "\x1f".join(cell(row, layout.columns, name) for name in ("arrival", "departure"))
        key = hashlib.sha256(told.encode()).hexdigest()[:32]
    full = f"{layout.source}:{key}"
    if len(full) > LONGEST_KEY or "\0" in full:
        sentence = _("The key “%(key)s…” is longer than %(n)s characters. Map a shorter column.")
        raise RowRefused("key_too_long", "key", sentence % {"key": key[:20], "n": LONGEST_KEY})
    return full
