"""A driver who comes after the hold has lapsed, but within the period that was booked."""

from datetime import datetime

from django.utils.translation import gettext as _

from allocation import services
from parking_share import bells
from parking_share.errors import DomainError
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import WITH_VEHICLES
from parking_share.reservations.services import Wish
from parking_share.reservations.states import Status


class NothingLeft(DomainError):
    code = "nothing_left"


def book_again(*, reservation_id: int, now: datetime) -> Reservation:
    """Ask for what is left of the period in the driver's name, and decide at once; return what was accepted.

    The lapsed reservation stays what it is: its bay may be another's by now. A request that nobody has decided yet is
    decided here. No bell: the driver stands at the gate.
    """
    claim = Reservation.objects.select_related("driver", "lot").prefetch_related(WITH_VEHICLES).get(pk=reservation_id)
    with bells.muted():
        if claim.status != Status.REQUESTED:
            services.assign_arrivals(lot_id=claim.lot_id, now=now)  # gives lapsed holds back first
            claim = services.request_reservation(driver=claim.driver, wish=_rest_of(claim, now=now), now=now)
        services.decide(lot_id=claim.lot_id, now=now)
    claim.refresh_from_db()
    if not claim.holds_a_space:
        raise NothingLeft(
            _("Your bay was given back, because nobody came in time, and none is free for the rest of your time.")
        )
    return claim


def _rest_of(claim: Reservation, *, now: datetime) -> Wish:
    return Wish(
        lot=claim.lot,
        vehicles=[row.vehicle for row in claim.vehicle_rows.all()],
        starts_at=now,
        ends_at=claim.ends_at,
        needs_charger=claim.needs_charger,
        needs_accessible=claim.needs_accessible,
    )
