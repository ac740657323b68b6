"""“Someone is in my bay”: one call finds another bay, here or nearby, and opens an incident with what was known."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from allocation.keeping import rehome
from allocation.locks import lock_reservation
from allocation.obstacles import report_obstacle
from parking_share.accounts import plates
from parking_share.accounts.models import User
from parking_share.errors import DomainError
from parking_share.fulfilment import telling
from parking_share.fulfilment.evidence import evidence_about
from parking_share.fulfilment.intruders import Intruder, find_intruder
from parking_share.fulfilment.models import BrokenPromise, Incident
from parking_share.fulfilment.promises import break_promise, make_good
from parking_share.fulfilment.selectors import sees_cars
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Reason, Status
from parking_share.spaces.models import Space
from sensors.staying import close_stay, stand_in

AVOIDED_FOR = timedelta(hours=2)
SAME_REPORT_WITHIN = timedelta(minutes=3)
MOST_REPORTS = 3  # of one reservation: who goes on after that needs a person, not another bay
Outcome = Incident.Outcome
_NOT_ON_PLATES = str.maketrans({"O": "0", "o": "0", "I": "1", "i": "1"})


class ReportRefused(DomainError):
    """`code` says why there is nothing to report."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def report_taken_bay(*, reservation_id: int, actor: User | None, plate_text: str, now: datetime) -> Incident:
    """Give the driver another bay of the lot, else one in the nearest lot, else the money back.

    The plate may be empty where it can't be read. The same plate reported again is the same incident; so is a report
    without one within three minutes. Whoever repeats a call waits for the first and reads its result.
    """
    plate = _plate_typed(plate_text)
    incident = _report(reservation_id, plate, actor=actor, now=now)
    broken = BrokenPromise.objects.filter(reservation=incident.reservation_id, attended_at__isnull=True).first()
    if broken is not None:
        make_good(broken_id=broken.pk, now=now)
    related = ("lot", "space", "reservation__lot", "moved_to", "replacement__lot")
    return Incident.objects.select_related(*related).get(pk=incident.pk)


def _plate_typed(text: str) -> str:
    """The plate, empty where nothing was typed. Letters that no plate has, O and I, were meant as digits."""
    if not text.strip():
        return ""
    if plates.plate_shape(plates.normalise_plate(text)) is None:
        text = text.translate(_NOT_ON_PLATES)
    return plates.parse_plate(text)


@transaction.atomic
def _report(reservation_id: int, plate: str, *, actor: User | None, now: datetime) -> Incident:
    reservation = lock_reservation(reservation_id, now=now)
    if earlier := _same_report(reservation, plate, now=now):
        return earlier
    if reservation.incidents.count() >= MOST_REPORTS:
        raise ReportRefused("too_many_reports", _("You have said this several times. Ask the staff of the car park."))
    space = _bay_of(reservation, plate, now=now)
    evidence = evidence_about(space, reservation, now=now)
    intruder = find_intruder(plate, lot_id=reservation.lot_id, reporter=reservation)
    report_obstacle(space_id=space.pk, now=now, until=now + AVOIDED_FOR)
    moved_to = _another_bay(reservation, space, now=now)
    incident = Incident.objects.create(
        lot_id=reservation.lot_id,
        space=space,
        reservation=reservation,
        intruder_encrypted=plates.encrypt_plate(plate) if plate else None,
        intruder_exact_hash=plates.exact_hash(plate) if plate else None,
        intruder_reservation=intruder.reservation,
        outcome=Outcome.ANOTHER_BAY if moved_to else Outcome.FREE_CANCELLATION,
        moved_to_id=moved_to,
        reported_by=actor,
        evidence=evidence,
        opened_at=now,
    )
    _ask_to_move(intruder, space, incident, now=now)
    return incident


def _same_report(reservation: Reservation, plate: str, *, now: datetime) -> Incident | None:
    """The incident that was made of this report before."""
    earlier = Incident.objects.filter(reservation=reservation).order_by("-pk")
    if plate:
        return earlier.filter(intruder_exact_hash=plates.exact_hash(plate)).first()
    return earlier.filter(intruder_exact_hash__isnull=True, opened_at__gt=now - SAME_REPORT_WITHIN).first()


def _bay_of(reservation: Reservation, plate: str, *, now: datetime) -> Space:
    """The bay that should be the driver's now; refused where it is not."""
    space = reservation.space
    if space is None or reservation.status not in {Status.ASSIGNED, Status.PARKED}:
        raise ReportRefused("not_possible_now", _("You can say this while a bay is announced to you."))
    if now < reservation.held_from:
        local = reservation.held_from.astimezone(reservation.lot.zone)
        sentence = _("Your bay is yours from %(time)s on. If it is still taken then, say so again.")
        raise ReportRefused("too_early", sentence % {"time": f"{local:%H:%M}"})
    if now >= reservation.held_until:
        raise ReportRefused("not_possible_now", _("Your time is over."))
    if plate and any(plates.exact_hash(plate) == bytes(row.plate_exact_hash) for row in reservation.vehicle_rows.all()):
        raise ReportRefused("own_plate", _("That is your own plate. Type the plate of the car in your bay."))
    return space


def _another_bay(reservation: Reservation, lost: Space, *, now: datetime) -> int | None:
    """Move the driver, parked or not, to another bay of the lot; without one the promise is broken."""
    homes = rehome(
        reservation_ids=[reservation.pk],
        reason=Reason.BAY_TAKEN,
        now=now,
        avoid_space_ids=[lost.pk],
        even_parked=True,
    )
    space_id = homes[reservation.pk]
    if space_id is not None:
        stand_in(reservation_id=reservation.pk, space_id=space_id)
        return space_id
    break_promise(reservation_id=reservation.pk, cause=BrokenPromise.Cause.INTRUDER, now=now)
    if not sees_cars(reservation.lot_id, coming=False):
        close_stay(lot_id=reservation.lot_id, ended_at=now, reservation_id=reservation.pk)
    return None


def _ask_to_move(intruder: Intruder, space: Space, incident: Incident, *, now: datetime) -> None:
    for driver in intruder.drivers:
        telling.ask_to_move(driver, space, incident_id=incident.pk, reservation=intruder.reservation, now=now)
