"""What a quarter of an hour of a kind of day usually looks like in a lot: learned every night from good slots.

Of each local day every slot of the day counts once, though the clock be set back in it; of each day of the kind the
share of bays occupied counts alike, however many bays were watched that day.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from parking_share.spaces.calendar import day_type, region_of, weekdays_by_date
from parking_share.spaces.models import DayType, Lot
from sensors.models import OccupancyProfile, OccupancySlot
from sensors.occupancy import SLOTS_A_DAY
from sensors.rollups import STUCK_AFTER_AT_LONGEST

LEARNED_DAYS = 56
LOTS_AT_ONCE = 50
MOST_UNKNOWN = 0.5
DECIMALS = 3
_LOCK = 0x5E0502  # any number that no other advisory lock of the platform has

# A counter stood still before anybody could tell: what led up to a stuck slot with the same number is left out too.
# Bays that are unknown are taken for as full as the others.
_LEARN = """
WITH slot AS (
    SELECT
        slot.lot_id, lot.time_zone, slot.bays, slot.most_occupied,
        slot.mean_occupied / (CASE WHEN slot.source = 'BAYS' THEN 1 - slot.unknown_share ELSE 1 END) AS occupied,
        slot.starts_at AT TIME ZONE lot.time_zone AS at,
        count(*) FILTER (WHERE slot.quality = 'STUCK') OVER (
            PARTITION BY slot.lot_id, slot.mean_occupied ORDER BY slot.starts_at
            RANGE BETWEEN CURRENT ROW AND %(looked_ahead)s FOLLOWING
        ) > 0 AS becomes_stuck
    FROM sensors_occupancyslot AS slot
    JOIN spaces_lot AS lot ON lot.id = slot.lot_id
    WHERE slot.lot_id = ANY(%(lots)s) AND slot.starts_at >= %(since)s AND slot.starts_at < %(now)s
        AND slot.quality <> 'WORDS' AND slot.mean_occupied IS NOT NULL AND slot.unknown_share <= %(most_unknown)s
),
day AS (
    SELECT
        slot.lot_id, kind.day_type, kind.date, avg(occupied) AS occupied,
        (extract(hour FROM at) * 4 + floor(extract(minute FROM at) / 15))::integer AS slot_of_day,
        max(bays) AS bays, max(most_occupied) AS most_occupied
    FROM slot
    JOIN unnest(%(zones)s::text[], %(dates)s::date[], %(kinds)s::text[]) AS kind (time_zone, date, day_type)
        ON kind.time_zone = slot.time_zone AND kind.date = at::date
    WHERE NOT becomes_stuck
    GROUP BY slot.lot_id, kind.day_type, kind.date, slot_of_day
),
size AS (
    SELECT lot_id, coalesce((array_agg(bays ORDER BY date DESC, slot_of_day DESC))[1], max(most_occupied)) AS bays
    FROM day GROUP BY lot_id
)
SELECT
    lot_id, day_type, slot_of_day, size.bays,
    round(
        avg(day.occupied / coalesce(nullif(day.bays, 0), nullif(size.bays, 0), 1))::numeric * size.bays, %(decimals)s
    ),
    count(*), min(date), max(date)
FROM day JOIN size USING (lot_id)
GROUP BY lot_id, day_type, slot_of_day, size.bays
"""

log = structlog.get_logger(__name__)


@dataclass(kw_only=True)
class Learned:
    """What a profile says: None where no day had a good slot."""

    bays: int
    first_date: date
    last_date: date
    mean_occupied: list[float | None] = field(default_factory=lambda: [None] * SLOTS_A_DAY)
    samples: list[int] = field(default_factory=lambda: [0] * SLOTS_A_DAY)


@transaction.atomic
def learn(*, now: datetime, after_lot_id: int = 0) -> int | None:
    """Learn the profiles of the next lots; return the last one's id, or None where there are no more.

    A version is written only where something changed, and the one in force is superseded, never rewritten. Two workers
    do no harm: who comes second has nothing to do.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off; SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if cursor.fetchone() != (True,):
            return None
    has_slots = Exists(OccupancySlot.objects.filter(lot=OuterRef("pk")))
    lots = list(Lot.objects.filter(has_slots, pk__gt=after_lot_id).order_by("pk")[:LOTS_AT_ONCE])
    if not lots:
        return None
    written = _write(_learned(lots, now=now), now=now)
    log.info("profiles_learned", lots=len(lots), versions=written)
    return lots[-1].pk


def _learned(lots: Sequence[Lot], *, now: datetime) -> dict[tuple[int, str], Learned]:
    found: dict[tuple[int, str], Learned] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LEARN, _parameters(lots, now=now))
        for lot_id, kind, slot_of_day, bays, mean, samples, first_date, last_date in cursor.fetchall():
            learned = found.setdefault((lot_id, kind), Learned(bays=bays, first_date=first_date, last_date=last_date))
            learned.first_date, learned.last_date = (
                min(learned.first_date, first_date),
                max(learned.last_date, last_date),
            )
            learned.mean_occupied[slot_of_day], learned.samples[slot_of_day] = float(mean), samples
    return found


def _parameters(lots: Sequence[Lot], *, now: datetime) -> dict[str, Any]:
    days = [(zone, day, kind) for zone in sorted({lot.time_zone for lot in lots}) for day, kind in _days(zone, now)]
    return {
        "lots": [lot.pk for lot in lots],
        "now": now,
        "since": now - timedelta(days=LEARNED_DAYS + 2),
        "zones": [zone for zone, _day, _kind in days],
        "dates": [day for _zone, day, _kind in days],
        "kinds": [kind.value for _zone, _day, kind in days],
        "looked_ahead": STUCK_AFTER_AT_LONGEST,
        "most_unknown": MOST_UNKNOWN,
        "decimals": DECIMALS,
    }


def _days(time_zone: str, now: datetime) -> list[tuple[date, DayType]]:
    """The local days that are over, and of what kind each was in the calendar of its region."""
    today = now.astimezone(ZoneInfo(time_zone)).date()
    days = [today - timedelta(days=back) for back in range(LEARNED_DAYS, 0, -1)]
    acts_as = weekdays_by_date(region=region_of(time_zone), first=days[0], last=days[-1])
    return [(day, day_type(day, acts_as)) for day in days]


def _write(learned: dict[tuple[int, str], Learned], *, now: datetime) -> int:
    """Supersede and add where something changed; count it."""
    rows = OccupancyProfile.objects.filter(lot__in={lot_id for lot_id, _kind in learned}, superseded_at__isnull=True)
    in_force = {(row.lot_id, row.day_type): row for row in rows}
    changed = {key: one for key, one in learned.items() if key not in in_force or _differs(in_force[key], one)}
    replaced = [in_force[key].pk for key in changed if key in in_force]
    OccupancyProfile.objects.filter(pk__in=replaced).update(superseded_at=now)
    OccupancyProfile.objects.bulk_create(
        OccupancyProfile(
            lot_id=lot_id,
            day_type=kind,
            version=in_force[lot_id, kind].version + 1 if (lot_id, kind) in in_force else 1,
            learned_at=now,
            **asdict(one),
        )
        for (lot_id, kind), one in changed.items()
    )
    return len(changed)


def _differs(row: OccupancyProfile, learned: Learned) -> bool:
    return any(getattr(row, name) != value for name, value in asdict(learned).items())
