"""Who may come in at this moment, for people at the desk and at the gate. Plates leave this module masked."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from parking_share.accounts import plates
from parking_share.accounts.models import Vehicle
from parking_share.fulfilment.candidates import candidates_at
from parking_share.fulfilment.rules import rules_of
from parking_share.fulfilment.sentences import sentence_for
from parking_share.fulfilment.verdicts import judge
from parking_share.reservations.models import ReservationVehicle
from parking_share.reservations.selectors import holding
from parking_share.reservations.states import Status
from parking_share.spaces.models import Gate, Lot
from sensors.models import Kind

MOST_CARS = 500


@dataclass(frozen=True, kw_only=True)
class AllowedCar:
    """A car with a reservation: where it goes, and until when the bay is its own."""

    masked_plate: str
    space_label: str
    is_parked: bool
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a gate would say to a plate at this moment."""

    masked_plate: str
    opens: bool
    verdict: str
    sentence: str


def cars_with_reservations(lot: Lot, *, now: datetime) -> list[AllowedCar]:
    """Cars whose reservation lets them in now, the early grace included, the soonest to leave first; two queries."""
    soon = now + timedelta(minutes=rules_of(lot.pk).early_grace_min)
    rows = (
        ReservationVehicle.objects.filter(reservation__in=holding(now=now).filter(lot=lot, held_from__lte=soon))
        .select_related("vehicle", "reservation__space")
        .order_by("reservation__held_until", "pk")[:MOST_CARS]
    )
    return [
        AllowedCar(
            masked_plate=row.vehicle.masked_plate,
            space_label=row.reservation.space.label if row.reservation.is_announced and row.reservation.space else "",
            is_parked=row.reservation.status == Status.PARKED,
            until=row.reservation.held_until,
        )
        for row in rows
    ]


def cars_of_residents(lot: Lot, *, most: int = MOST_CARS) -> list[Vehicle]:
    """Cars of people who live or work here: let in at any time."""
    rows = Vehicle.objects.filter(
        driver__residences__lot=lot, driver__is_active=True, removed_at__isnull=True
    ).select_related("driver")
    return list(rows.order_by("driver_id", "pk")[:most])


def ask_about(*, lot: Lot, plate: str, now: datetime) -> Answer | None:
    """What an entry of this lot would answer to a plate, without opening or recording; None where it has no gate."""
    gate = Gate.objects.filter(lot=lot).order_by("pk").first()
    if gate is None:
        return None
    spelled = plates.parse_plate(plate)
    exact, folded = plates.exact_hash(spelled), plates.folded_hash(spelled)
    lane, candidates = candidates_at(gate.pk, exact=exact, folded=folded, now=now)
    if lane is None:
        return None
    entry = replace(lane, kind=Gate.Kind.BOTH)
    judged = judge(kind=Kind.ENTER, exact=exact, lane=entry, candidates=candidates, now=now)
    return Answer(
        masked_plate=plates.mask_plate(spelled),
        opens=judged.opens,
        verdict=str(judged.verdict.label),
        sentence=sentence_for(judged, entry, now=now),
    )
