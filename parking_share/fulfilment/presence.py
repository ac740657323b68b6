"""Where a parked car is, as far as gates and bay sensors tell; a driver's word counts for coming, not for staying."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from parking_share.fulfilment.selectors import sees_cars
from parking_share.reservations.models import Reservation
from sensors.models import Occupancy, Stay
from sensors.selectors import bay_states


@dataclass(frozen=True, kw_only=True)
class Presence:
    """Known to stand in its bay; known to be in the lot. Neither means gone, or that nobody can tell."""

    in_bay: bool
    in_lot: bool


def presence_of(reservations: Sequence[Reservation], *, now: datetime) -> dict[int, Presence]:
    """By reservation. A bay sensor knows best; where it is silent, a gate that sees cars go has not seen this one.

    A car whose coming only the driver told is not known to a gate, so that a missed exit costs nobody a penalty.
    """
    states = bay_states({row.space_id for row in reservations if row.space_id is not None}, now=now)
    going_seen = {lot_id for lot_id in {row.lot_id for row in reservations} if sees_cars(lot_id, coming=False)}
    at_gate = set(
        Stay.objects.filter(
            reservation__in=reservations,
            ended_at__isnull=True,
            source__in=[Stay.Source.GATE, Stay.Source.GUARD],
            lot__in=going_seen,
        ).values_list("reservation_id", flat=True)
    )
    found = {}
    for row in reservations:
        state = states[row.space_id].state if row.space_id is not None else Occupancy.UNKNOWN
        is_inside = row.pk in at_gate
        in_bay = state == Occupancy.OCCUPIED or (state != Occupancy.FREE and is_inside)
        found[row.pk] = Presence(in_bay=in_bay, in_lot=in_bay or is_inside)
    return found
