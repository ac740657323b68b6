"""A bay that is taken or left, as the outbox tells it: who stands there, and, without a gate, comes and goes."""

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


def handle(row: OutboxRow, *, now: datetime) -> None:
    """A bay that is closed concerns nobody's car."""
    if row.kind == Kind.OCCUPIED:
        _taken(row, now=now)
    elif row.kind == Kind.VACANT:
        _left(row, now=now)


def _taken(row: OutboxRow, *, now: datetime) -> None:
    """The car of whoever parks here; where no gate sees cars come, whoever is due here has come."""
    holder = next(iter(_holders(row)), None)
    if holder is None or row.space_id is None:
        return
    if holder.status == Status.PARKED:
        stand_in(reservation_id=holder.pk, space_id=row.space_id)
    elif holder.status == Status.ASSIGNED and not sees_cars(row.lot_id, coming=True):
        _see_arrival(holder, at=row.observed_at, now=now)


def _left(row: OutboxRow, *, now: datetime) -> None:
    """Where no gate sees cars go, whoever parked here has gone, unless the bay is taken again at once."""
    if sees_cars(row.lot_id, coming=False):
        return
    holders = sorted(_holders(row), key=lambda one: one.status != Status.PARKED)
    holder = next((one for one in holders if not _is_taken_again(row, one)), None)
    if holder is not None and holder.status == Status.ASSIGNED and not sees_cars(row.lot_id, coming=True):
        came_at = _taken_before(row, holder)
        if came_at is None or not _see_arrival(holder, at=came_at, now=now):
            return
    if holder is not None and holder.status != Status.ACCEPTED:
        arrivals.see_departure(reservation_id=holder.pk, at=row.observed_at)


def _holders(row: OutboxRow) -> list[Reservation]:
    """Who holds the bay then, who is due within the grace, and who should have left: in this order."""
    at = row.observed_at
    soon = at + rules_of(row.lot_id).early_grace
    rows = Reservation.objects.filter(
        Q(held_until__gt=at) | Q(status=Status.PARKED),
        space=row.space_id,
        status__in=HOLDS_A_SPACE,
        held_from__lte=soon,
    )
    return sorted(rows, key=lambda one: (one.held_until <= at, one.held_from, one.pk))


def _see_arrival(holder: Reservation, *, at: datetime, now: datetime) -> bool:
    return arrivals.see_arrival(
        reservation_id=holder.pk, at=at, source=Stay.Source.BAY_SENSOR, space_id=holder.space_id, now=now
    )


def _taken_before(row: OutboxRow, holder: Reservation) -> datetime | None:
    """When the bay was last taken in the time of whoever holds it, before it was left."""
    since = holder.held_from - rules_of(row.lot_id).early_grace
    return _readings(row, Kind.OCCUPIED, since=since, until=row.observed_at).last()


def _is_taken_again(row: OutboxRow, holder: Reservation) -> bool:
    """A car that moves in its bay, or a sensor that stutters; whoever comes after the end is somebody else."""
    until = min(row.observed_at + SETTLES_IN, holder.held_until)
    return _readings(row, Kind.OCCUPIED, since=row.observed_at, until=until).exists()


def _readings(row: OutboxRow, kind: Kind, *, since: datetime, until: datetime) -> "QuerySet[Reading, datetime]":
    readings = Reading.objects.filter(space=row.space_id, kind=kind, observed_at__gt=since, observed_at__lt=until)
    return readings.order_by("observed_at").values_list("observed_at", flat=True)
