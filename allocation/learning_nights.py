"""Learning every night what a lot's days were like: who was there, who asked, who stayed how long.

Facts of the last eight weeks are counted again each night, so a night that was missed is made up for by the next. The
same facts give the same rows: where nothing has changed nothing is written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.db import connection, transaction

from allocation import knowledge
from allocation.engine.evidence import VERSION
from allocation.learnt import SLOTS_A_DAY, LearntDemand
from parking_share.spaces.calendar import day_type, region_of, weekdays_by_date
from parking_share.spaces.models import DayType, Lot
from sensors.selectors import profiles_in_force
from surveys.selectors import DemandProfile, prior_demand_profile

LEARNT_DAYS = 56
LOTS_AT_ONCE = 50
LEAST_STAY, LONGEST_STAY = timedelta(minutes=5), timedelta(hours=24)
SURVEY_DECIMALS, LEAD_DECIMALS = 4, 2
_LOCK = 0x5E0511  # any number that no other advisory lock of the platform has

_LOCAL_DAYS = """
JOIN spaces_lot AS lot ON lot.id = lot_id
JOIN unnest(%(zones)s::text[], %(dates)s::date[], %(kinds)s::text[]) AS kind (time_zone, date, day_type)
    ON kind.time_zone = lot.time_zone AND kind.date = (began_at AT TIME ZONE lot.time_zone)::date
"""
_SLOT_OF_DAY = """
(extract(hour FROM began_at AT TIME ZONE lot.time_zone) * 4
    + floor(extract(minute FROM began_at AT TIME ZONE lot.time_zone) / 15))::integer
"""

# Whoever was refused, or took a request back, and asked again for the same hours is counted once, by the last request.
# What the platform itself asked for in place of a lost bay is no demand of its own.
_ASKED = f"""
WITH asked AS (
    SELECT
        lot_id, starts_at AS began_at,
        least(ceil(extract(epoch FROM ends_at - starts_at) / 900), %(slots)s)::integer AS length,
        greatest(extract(epoch FROM starts_at - requested_at), 0) / 3600 AS lead_h
    FROM reservations_reservation AS asked
    WHERE lot_id = ANY(%(lots)s) AND starts_at >= %(since)s AND starts_at < %(now)s
        AND NOT (status IN ('DECLINED', 'CANCELLED') AND EXISTS (
            SELECT FROM reservations_reservation AS again
            WHERE again.driver_id = asked.driver_id AND again.lot_id = asked.lot_id AND again.id > asked.id
                AND again.starts_at < asked.ends_at AND again.ends_at > asked.starts_at
        ))
        AND NOT EXISTS (
            SELECT FROM allocation_decision AS decision
            WHERE decision.reservation_id = asked.id AND decision.reason = 'REPLACEMENT'
        )
)
SELECT lot_id, kind.day_type, {_SLOT_OF_DAY}, length, count(*), sum(lead_h), min(kind.date), max(kind.date)
FROM asked {_LOCAL_DAYS}
GROUP BY 1, 2, 3, 4
"""  # noqa: S608 -- our own texts

# In a lot that is open to the public, who drove in without asking wanted a bay as well.
_STAYED = f"""
SELECT
    lot_id, kind.day_type, {_SLOT_OF_DAY}, length, count(*),
    count(*) FILTER (WHERE reservation_id IS NULL AND admits_public), min(kind.date), max(kind.date)
FROM (
    SELECT
        stay.lot_id, stay.began_at, stay.reservation_id, access.admits_public,
        least(ceil(extract(epoch FROM stay.ended_at - stay.began_at) / 900), %(slots)s)::integer AS length
    FROM sensors_stay AS stay
    JOIN spaces_lot ON spaces_lot.id = stay.lot_id
    JOIN spaces_accessclass AS access ON access.code = spaces_lot.access_class_id
    WHERE stay.lot_id = ANY(%(lots)s) AND stay.began_at >= %(since)s AND stay.began_at < %(now)s
        AND stay.ended_at - stay.began_at BETWEEN %(least_stay)s AND %(longest_stay)s
) AS stay {_LOCAL_DAYS}
GROUP BY 1, 2, 3, 4
"""  # noqa: S608 -- our own texts

log = structlog.get_logger(__name__)


def _zeros() -> list[int]:
    return [0] * SLOTS_A_DAY


@dataclass(kw_only=True)
class Lesson:
    """The facts of a lot and a kind of day, named as the fields of `LearntDemand`."""

    occupied: list[float | None] = field(default_factory=lambda: [None] * SLOTS_A_DAY)
    occupied_days: list[int] = field(default_factory=_zeros)
    arrivals: list[int] = field(default_factory=_zeros)
    asked_days: int = 0
    wanted_lengths: list[int] = field(default_factory=_zeros)
    lead_total_h: float = 0.0
    stay_lengths: list[int] = field(default_factory=_zeros)
    survey_shares: list[float] = field(default_factory=list)
    survey_people: int = 0
    first_date: date | None = None
    last_date: date | None = None

    def covers(self, first: date, last: date) -> None:
        self.first_date = min(self.first_date or first, first)
        self.last_date = max(self.last_date or last, last)


Lessons = dict[tuple[int, str], Lesson]


def learn_demand(*, now: datetime, after_lot_id: int = 0) -> int | None:
    """Learn the next lots; return the last one's id, or None where there are no more.

    Two workers do no harm: who comes second leaves the lots to the first. Where a batch fails each lot is learnt by
    itself, so that one lot's trouble is logged and costs no other its lesson.
    """
    lots = list(Lot.objects.filter(pk__gt=after_lot_id).select_related("district").order_by("pk")[:LOTS_AT_ONCE])
    if not lots:
        return None
    try:
        written = learn_lots(lots, now=now)
    except Exception:
        log.exception("learning_failed", first_lot=lots[0].pk, lots=len(lots))
        written = sum(_learn_alone(lot, now=now) for lot in lots)
    log.info("demand_learnt", lots=len(lots), versions=written)
    return lots[-1].pk


@transaction.atomic
def learn_lots(lots: Sequence[Lot], *, now: datetime) -> int:
    """Learn these lots; return how many new versions were written. The old ones are superseded, never rewritten."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off; SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if cursor.fetchone() != (True,):
            return 0
    written = _write(_lessons(lots, now=now), now=now)
    transaction.on_commit(lambda: knowledge.forget([lot.pk for lot in lots]))
    return written


def _learn_alone(lot: Lot, *, now: datetime) -> int:
    try:
        return learn_lots([lot], now=now)
    except Exception:
        log.exception("lot_not_learnt", lot=lot.pk)
        return 0


def _lessons(lots: Sequence[Lot], *, now: datetime) -> Lessons:
    days = _local_days(lots, now=now)
    found: Lessons = {(lot.pk, kind.value): Lesson() for lot in lots for kind in DayType}
    for profile in profiles_in_force([lot.pk for lot in lots]):
        lesson = found[profile.lot_id, profile.day_type]
        lesson.occupied, lesson.occupied_days = list(profile.mean_occupied), list(profile.samples)
        lesson.covers(profile.first_date, profile.last_date)
    seen_since = _count(found, _parameters(lots, days, now=now))
    for lot in lots:
        since = seen_since.get(lot.pk)
        for day, kind in days[lot.time_zone]:
            if since is not None and day >= since:
                found[lot.pk, kind.value].asked_days += 1
    _hear_surveys(found, lots)
    return {key: lesson for key, lesson in found.items() if lesson.first_date or lesson.survey_people}


def _count(found: Lessons, parameters: dict[str, Any]) -> dict[int, date]:
    """Count requests and stays; return, by lot, the first day on which somebody asked or came."""
    since: dict[int, date] = {}
    with connection.cursor() as cursor:
        cursor.execute(_ASKED, parameters)
        for lot_id, kind, slot, length, count, lead_h, first, last in cursor.fetchall():
            lesson = found[lot_id, kind]
            lesson.arrivals[slot] += count
            lesson.wanted_lengths[length - 1] += count
            lesson.lead_total_h = round(lesson.lead_total_h + float(lead_h), LEAD_DECIMALS)
            lesson.covers(first, last)
            since[lot_id] = min(since.get(lot_id, first), first)
        cursor.execute(_STAYED, parameters)
        for lot_id, kind, slot, length, count, unasked, first, last in cursor.fetchall():
            lesson = found[lot_id, kind]
            lesson.stay_lengths[length - 1] += count
            lesson.arrivals[slot] += unasked
            lesson.wanted_lengths[length - 1] += unasked
            lesson.covers(first, last)
            since[lot_id] = min(since.get(lot_id, first), first)
    return since


def _hear_surveys(found: Lessons, lots: Iterable[Lot]) -> None:
    """When people say they need a bay: of the lot's district where enough were asked, else of its city."""
    heard: dict[tuple[str, int, DayType], DemandProfile | None] = {}
    for lot in lots:
        for kind in DayType:
            key = (lot.district.city, lot.district_id, kind)
            if key not in heard:
                city, district, _kind = key
                heard[key] = prior_demand_profile(kind, city=city, district_id=district) or prior_demand_profile(
                    kind, city=city
                )
            if profile := heard[key]:
                lesson = found[lot.pk, kind.value]
                lesson.survey_shares = [round(share, SURVEY_DECIMALS) for share in profile.shares]
                lesson.survey_people = profile.asked


def _local_days(lots: Iterable[Lot], *, now: datetime) -> dict[str, list[tuple[date, DayType]]]:
    """By time zone, the local days that are over, and of what kind each was in the calendar of its region."""
    days = {}
    for zone in {lot.time_zone for lot in lots}:
        today = now.astimezone(ZoneInfo(zone)).date()
        dates = [today - timedelta(days=back) for back in range(LEARNT_DAYS, 0, -1)]
        acts_as = weekdays_by_date(region=region_of(zone), first=dates[0], last=dates[-1])
        days[zone] = [(day, day_type(day, acts_as)) for day in dates]
    return days


def _parameters(lots: Sequence[Lot], days: dict[str, list[tuple[date, DayType]]], *, now: datetime) -> dict[str, Any]:
    rows = [(zone, day, kind.value) for zone, own in sorted(days.items()) for day, kind in own]
    first = min(day for _zone, day, _kind in rows)
    return {
        "lots": [lot.pk for lot in lots],
        "now": now,
        "since": datetime.combine(first - timedelta(days=1), time(), tzinfo=now.tzinfo),
        "zones": [zone for zone, _day, _kind in rows],
        "dates": [day for _zone, day, _kind in rows],
        "kinds": [kind for _zone, _day, kind in rows],
        "slots": SLOTS_A_DAY,
        "least_stay": LEAST_STAY,
        "longest_stay": LONGEST_STAY,
    }


def _write(lessons: Lessons, *, now: datetime) -> int:
    """Supersede and add where something changed; count it."""
    rows = LearntDemand.objects.filter(lot__in={lot_id for lot_id, _kind in lessons}, superseded_at__isnull=True)
    in_force = {(row.lot_id, row.day_type): row for row in rows}
    changed = {key: one for key, one in lessons.items() if key not in in_force or _differs(in_force[key], one)}
    LearntDemand.objects.filter(pk__in=[in_force[key].pk for key in changed if key in in_force]).update(
        superseded_at=now
    )
    LearntDemand.objects.bulk_create(
        LearntDemand(
            lot_id=lot_id,
            day_type=kind,
            version=in_force[lot_id, kind].version + 1 if (lot_id, kind) in in_force else 1,
            engine_version=VERSION,
            learnt_at=now,
            **asdict(lesson),
        )
        for (lot_id, kind), lesson in changed.items()
    )
    return len(changed)


def _differs(row: LearntDemand, lesson: Lesson) -> bool:
    return row.engine_version != VERSION or any(getattr(row, name) != value for name, value in asdict(lesson).items())
