"""A bay that is taken or left, as the outbox tells it: who stands there, and, without a gate, comes and goes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from parking_share.fulfilment import arrivals
from parking_share.fulfilment.rules import rules_of
from parking_share.fulfilment.selectors import sees_cars
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import HOLDS_A_SPACE, Status
from sensors.models import Kind, OutboxRow, Reading, Stay
from sensors.staying import stand_in

SETTLES_IN = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a lot's rows are judged by: its grace, which way its gates see cars go, and which of its bays are held."""

    early_grace: timedelta
    sees_coming: bool
    sees_going: bool
    held_ids: frozenset[int]


def site_of(lot_id: int) -> Site:
    """Look once for all rows of a lot, which is locked meanwhile."""
    held = Reservation.objects.filter(lot=lot_id, status__in=HOLDS_A_SPACE).values_list("space_id", flat=True)
    return Site(
        early_grace=rules_of(lot_id).early_grace,
        sees_coming=sees_cars(lot_id, coming=True),
        sees_going=sees_cars(lot_id, coming=False),
        held_ids=frozenset(space_id for space_id in held if space_id is not None),
    )


def handle(row: OutboxRow, site: Site, *, now: datetime) -> None:
    """A bay that nobody holds, or that is closed, concerns nobody's car."""
    if row.space_id not in site.held_ids:
        return
    if row.kind == Kind.OCCUPIED:
        _taken(row, site, now=now)
    elif row.kind == Kind.VACANT and not site.sees_going:
        _left(row, site, now=now)


def _taken(row: OutboxRow, site: Site, *, now: datetime) -> None:
    """The car of whoever parks here; where no gate sees cars come, whoever is due here has come."""
    holder = next(iter(_holders(row, site)), None)
    if holder is None or row.space_id is None:
        return
    if holder.status == Status.PARKED:
        stand_in(reservation_id=holder.pk, space_id=row.space_id)
    elif holder.status == Status.ASSIGNED and not site.sees_coming:
        _see_arrival(holder, at=row.observed_at, now=now)


def _left(row: OutboxRow, site: Site, *, now: datetime) -> None:
    """Where no gate sees cars go, whoever parked here has gone, unless the bay is taken again at once."""
    holders = sorted(_holders(row, site), key=lambda one: one.status != Status.PARKED)
    holder = next((one for one in holders if not _is_taken_again(row, one)), None)
    if holder is not None and holder.status == Status.ASSIGNED and not site.sees_coming:
        came_at = _taken_before(row, holder, site)
        if came_at is None or not _see_arrival(holder, at=came_at, now=now):
            return
    if holder is not None and holder.status != Status.ACCEPTED:
        arrivals.see_departure(reservation_id=holder.pk, at=row.observed_at)


def _holders(row: OutboxRow, site: Site) -> list[Reservation]:
    """Who holds the bay then, who is due within the grace, and who should have left: in this order."""
    at = row.observed_at
    rows = Reservation.objects.filter(
        Q(held_until__gt=at) | Q(status=Status.PARKED),
        space=row.space_id,
        status__in=HOLDS_A_SPACE,
        held_from__lte=at + site.early_grace,
    )
    return sorted(rows, key=lambda one: (one.held_until <= at, one.held_from, one.pk))


def _see_arrival(holder: Reservation, *, at: datetime, now: datetime) -> bool:
    return arrivals.see_arrival(
        reservation_id=holder.pk, at=at, source=Stay.Source.BAY_SENSOR, space_id=holder.space_id, now=now
    )


def _taken_before(row: OutboxRow, holder: Reservation, site: Site) -> datetime | None:
    """When the bay was last taken in the time of whoever holds it, before it was left."""
    since = holder.held_from - site.early_grace
    return _readings(row, Kind.OCCUPIED, since=since, until=row.observed_at).last()


def _is_taken_again(row: OutboxRow, holder: Reservation) -> bool:
    """A car that moves in its bay, or a sensor that stutters; whoever comes after the end is somebody else."""
    until = min(row.observed_at + SETTLES_IN, holder.held_until)
    return _readings(row, Kind.OCCUPIED, since=row.observed_at, until=until).exists()


def _readings(row: OutboxRow, kind: Kind, *, since: datetime, until: datetime) -> "QuerySet[Reading, datetime]":
    readings = Reading.objects.filter(space=row.space_id, kind=kind, observed_at__gt=since, observed_at__lt=until)
    return readings.order_by("observed_at").values_list("observed_at", flat=True)
