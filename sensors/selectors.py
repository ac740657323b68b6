"""Questions about what happened: states of bays, stays, how full lots were and usually are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from parking_share.spaces.models import DayType, Lot
from sensors.models import BayState, Occupancy, OccupancyProfile, OccupancySlot, Stay
from sensors.slots import SLOT

BELIEVED_HEARTBEATS = 2

_NEWEST_SLOTS = """
SELECT slot.*
FROM unnest(%(lots)s::bigint[]) AS wanted (lot_id)
CROSS JOIN LATERAL (
    SELECT * FROM sensors_occupancyslot AS slot
    WHERE slot.lot_id = wanted.lot_id AND slot.starts_at <= %(now)s::timestamptz - %(slot)s
    ORDER BY slot.starts_at DESC LIMIT 1
) AS slot
"""


@dataclass(frozen=True, kw_only=True)
class BayView:
    """What may be said of a bay now; `since` is None where nobody ever said anything."""

    state: Occupancy
    since: datetime | None
    heard_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class SeenOccupancy:
    """The newest slot of a lot, and how long ago it ended."""

    slot: OccupancySlot
    age: timedelta


NEVER_HEARD = BayView(state=Occupancy.UNKNOWN, since=None, heard_at=None)


def bay_states(space_ids: Iterable[int], *, now: datetime) -> dict[int, BayView]:
    """The state of each of these bays. Two heartbeats of silence, or no sensor, make it unknown: never free."""
    wanted = list(space_ids)
    rows = BayState.objects.filter(pk__in=wanted).select_related("device")
    known = {row.space_id: _view(row, now) for row in rows}
    return {space_id: known.get(space_id, NEVER_HEARD) for space_id in wanted}


def occupancy_of(lot: Lot, *, since: datetime, until: datetime) -> QuerySet[OccupancySlot]:
    """The slots of a lot that begin in [since, until), the oldest first."""
    return OccupancySlot.objects.filter(lot=lot, starts_at__gte=since, starts_at__lt=until).order_by("starts_at")


def newest_occupancy(lot_ids: Iterable[int], *, now: datetime) -> dict[int, SeenOccupancy]:
    """The newest slot that was over by now, for each lot that has one: one query however many lots there are."""
    wanted = {"lots": list(lot_ids), "now": now, "slot": SLOT}
    rows = OccupancySlot.objects.raw(_NEWEST_SLOTS, wanted)
    return {slot.lot_id: SeenOccupancy(slot=slot, age=now - slot.starts_at - SLOT) for slot in rows}


def profile_of(lot: Lot, day_type: DayType) -> OccupancyProfile | None:
    """The profile in force, or None where none was learned yet."""
    return OccupancyProfile.objects.filter(lot=lot, day_type=day_type, superseded_at__isnull=True).first()


def profiles_of(lot_ids: Iterable[int], *, day_types: Mapping[int, DayType]) -> dict[int, OccupancyProfile]:
    """The profiles in force of many lots, each for the kind of day that it has; one query."""
    wanted = set(lot_ids)
    rows = OccupancyProfile.objects.filter(lot__in=wanted, superseded_at__isnull=True)
    return {row.lot_id: row for row in rows if row.day_type == day_types[row.lot_id]}


def profiles_in_force(lot_ids: Iterable[int]) -> QuerySet[OccupancyProfile]:
    """The profiles in force of these lots, of every kind of day; one query."""
    return OccupancyProfile.objects.filter(lot__in=set(lot_ids), superseded_at__isnull=True).order_by("lot", "day_type")


def open_stay_of(reservation_id: int) -> Stay | None:
    """The stay of a car that is still here."""
    return Stay.objects.filter(reservation=reservation_id, ended_at__isnull=True).first()


def open_stays_in(space_ids: Iterable[int]) -> dict[int, Stay]:
    """Who stands in these bays, as far as somebody said."""
    rows = Stay.objects.filter(space__in=list(space_ids), ended_at__isnull=True)
    return {stay.space_id: stay for stay in rows if stay.space_id is not None}


def stays_of(lot: Lot, *, since: datetime, until: datetime) -> QuerySet[Stay]:
    """The stays that touch [since, until), the oldest first."""
    still_there = Q(ended_at__isnull=True) | Q(ended_at__gt=since)
    return Stay.objects.filter(still_there, lot=lot, began_at__lt=until).order_by("began_at", "pk")


def _view(row: BayState, now: datetime) -> BayView:
    silent_from = row.heard_at + timedelta(seconds=BELIEVED_HEARTBEATS * row.device.heartbeat_s)
    if row.state == Occupancy.UNKNOWN:
        return BayView(state=Occupancy.UNKNOWN, since=None, heard_at=row.heard_at)
    if now > silent_from:
        return BayView(state=Occupancy.UNKNOWN, since=silent_from, heard_at=row.heard_at)
    return BayView(state=Occupancy(row.state), since=row.since, heard_at=row.heard_at)
