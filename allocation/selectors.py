"""What the shell and the periodic tasks ask about decisions."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, QuerySet

from allocation.locks import waits_for_an_area
from allocation.models import AreaRequest, Decision
from allocation.pictures import LotPicture, eligible_spaces, lot_picture
from allocation.rounds import CarsInUse
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import lapsed_holds
from parking_share.reservations.states import Status
from parking_share.spaces.models import BookingLimits
from parking_share.spaces.tariffs import RateTable
from sensors.slots import SLOT


@dataclass(frozen=True, kw_only=True)
class LongestStay:
    """How long the bay could be kept, and the rates of the added time; no rates where nothing can be added."""

    until: datetime
    rates: RateTable | None = None


def longest_stay(reservation: Reservation, *, now: datetime) -> LongestStay:
    """Until the booked end, or later where nothing is in the way.

    In the way are the end of the shared hours, who comes next, the longest stay, and a later booking of the same car.
    As long as no bay is announced, any bay that suits may do.
    """
    if not (reservation.holds_a_space and reservation.lot.is_open and now < reservation.ends_at):
        return LongestStay(until=reservation.ends_at)
    picture = lot_picture(reservation.lot, latest_end=reservation.held_until, now=now, without=[reservation.pk])
    limits = [
        _free_until(reservation, picture, now=now),
        reservation.starts_at + timedelta(minutes=picture.limits.longest_stay_min),
        CarsInUse(reservation.vehicle_rows.all(), now=now).busy_from(reservation),
    ]
    until = max(reservation.ends_at, min(limit for limit in limits if limit is not None))
    return LongestStay(until=until, rates=picture.rates)


def can_stay_until(reservation: Reservation, *, now: datetime) -> datetime:
    """How long the bay could be kept: the booked end, or later where nothing is in the way."""
    return longest_stay(reservation, now=now).until


def _free_until(reservation: Reservation, picture: LotPicture, *, now: datetime) -> datetime:
    """Until when its bay is free from now on, or before it is announced the bay that is free for longest."""
    start, _end = picture.grid.outward(max(now, reservation.held_from), reservation.held_until)
    runs = picture.state.run_end[start]
    if reservation.status == Status.ACCEPTED:
        slot = int(runs[eligible_spaces({picture.lot.pk: picture}, [reservation])[reservation.pk]].max(initial=0))
    else:
        own = picture.index_of.get(reservation.space_id or 0)
        slot = 0 if own is None else int(runs[own])
    return picture.grid.origin + slot * SLOT


def lots_that_wait(*, asked_before: datetime | None = None, asked_since: datetime | None = None) -> list[int]:
    """Lots with a request that nobody has decided, made before or since an instant."""
    waiting = Reservation.objects.filter(~waits_for_an_area(), status=Status.REQUESTED)
    if asked_before is not None:
        waiting = waiting.filter(requested_at__lt=asked_before)
    if asked_since is not None:
        waiting = waiting.filter(requested_at__gte=asked_since)
    return sorted(waiting.values_list("lot_id", flat=True).distinct())


def areas_that_wait(*, asked_before: datetime) -> list[int]:
    """Reservations for an area, made before an instant, that nobody has decided."""
    waiting = AreaRequest.objects.filter(decided_at__isnull=True, reservation__status=Status.REQUESTED)
    return sorted(waiting.filter(reservation__requested_at__lt=asked_before).values_list("reservation_id", flat=True))


def lots_to_attend(*, now: datetime) -> list[int]:
    """Lots in which a bay is to be announced, each by its own lead, or a lapsed hold to be given back."""
    leads: dict[int | None, int] = dict(BookingLimits.objects.values_list("lot_id", "announce_before_min"))
    everywhere = leads.get(None, BookingLimits().announce_before_min)
    soon = Reservation.objects.filter(
        status=Status.ACCEPTED, starts_at__lte=now + timedelta(minutes=max(leads.values(), default=everywhere))
    )
    earliest = soon.values("lot_id").annotate(starts_first_at=Min("starts_at")).values_list("lot_id", "starts_first_at")
    due = {lot_id for lot_id, starts in earliest if starts <= now + timedelta(minutes=leads.get(lot_id, everywhere))}
    return sorted(due | set(lapsed_holds(now=now).values_list("lot_id", flat=True)))


def decisions_of(reservation: Reservation) -> QuerySet[Decision]:
    return Decision.objects.filter(reservation=reservation)
