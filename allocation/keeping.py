"""Keeping a promise when reality disagrees: who is let in early, moved to another bay, or held longer in one."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import cast

from django.db import transaction
from django.utils.translation import gettext as _

from allocation import locks
from allocation.engine.placement import cheapest_free_space
from allocation.engine.request import Request
from allocation.models import Assignment
from allocation.obstacles import obstructed
from allocation.overruling import is_pinned
from allocation.pictures import LotPicture, eligible_spaces, lot_picture, policies_by_lot
from allocation.rounds import CarsInUse
from parking_share.errors import DomainError
from parking_share.reservations.models import Reservation, ReservationVehicle
from parking_share.reservations.selectors import holds_in
from parking_share.reservations.services import expire_lapsed
from parking_share.reservations.states import MAY_LAPSE, Reason, Status
from parking_share.reservations.transitions import Change, HoldChange, change_holds, change_spaces, make_transitions
from parking_share.spaces.models import Lot
from sensors.slots import SLOT

LEAST_REST = timedelta(minutes=1)


class NotAdmitted(DomainError):
    """The reservation gives no right to come in any more."""

    code = "not_possible_now"


class NoBayYet(DomainError):
    """The driver is early and no bay is free yet; `earliest_at` says when one will be."""

    code = "too_early"

    def __init__(self, earliest_at: datetime, lot: Lot) -> None:
        local = earliest_at.astimezone(lot.zone)
        super().__init__(_("No bay is free for you yet. Come back at %(time)s.") % {"time": f"{local:%H:%M}"})
        self.earliest_at = earliest_at


@transaction.atomic
def admit_now(*, reservation_id: int, now: datetime) -> Reservation:
    """Announce a bay to a driver at the gate, and hold it from now on where the time has not begun.

    An announced bay is kept if it is free already, else the cheapest free one is given. Safe to call twice.
    """
    reservation = locks.lock_reservation(reservation_id, now=now)
    if reservation.status not in MAY_LAPSE or reservation.held_until <= now:
        raise NotAdmitted(_("This reservation is over, or its car is inside already."))
    is_early = now < reservation.held_from
    if is_early or reservation.status == Status.ACCEPTED:
        _announce(reservation, _space_from_now(reservation, now=now), now=now)
    if is_early:
        change_holds([HoldChange(reservation_id=reservation.pk, reason=Reason.ADMITTED_EARLY, held_from=now)], at=now)
    return Reservation.objects.select_related("lot", "space").get(pk=reservation.pk)


@transaction.atomic
def rehome(
    *,
    reservation_ids: Collection[int],
    reason: Reason,
    now: datetime,
    avoid_space_ids: Collection[int] = (),
    even_parked: bool = False,
) -> dict[int, int | None]:
    """Move reservations whose bay is lost to the cheapest free one of their lot; None where there is none.

    The bays they held are lost to all of them. A car that is parked moves only where that is asked for.
    """
    moves: dict[int, int] = {}
    movable = MAY_LAPSE | ({Status.PARKED} if even_parked else set())
    lots = locks.lock_lots_of(reservation_ids)
    expire_lapsed(lot_ids=[lot.pk for lot in lots], now=now)
    rows = [row for row in locks.lock_holds(reservation_ids) if row.status in movable and row.held_until > now]
    lost = {row.space_id for row in rows if row.space_id is not None} | set(avoid_space_ids)
    for lot in lots:
        moves |= _other_spaces([row for row in rows if row.lot_id == lot.pk], lot, lost=lost, now=now)
    change_spaces(moves, at=now, reason=reason)
    return {pk: moves.get(pk) for pk in reservation_ids}


@transaction.atomic
def hold_longer(*, reservation_id: int, until: datetime, now: datetime) -> datetime:
    """Block the bay for the car that still stands in it, until then or until the next party comes; return until when.

    Whoever comes next has been moved before. A later booking of the same car begins later.
    """
    reservation = locks.lock_reservation(reservation_id, now=now)
    if reservation.status != Status.PARKED or reservation.space_id is None or until <= reservation.held_until:
        return reservation.held_until
    ahead = holds_in(reservation.space_id, since=reservation.held_until, until=until, now=now)
    others = ahead.exclude(pk=reservation.pk).values_list("held_from", flat=True)
    later = _later_bookings(reservation, until=until)
    until = min([until, *others, *(row.held_from for row in later if row.reservation.status == Status.PARKED)])
    until = min([until, *(row.held_until - LEAST_REST for row in later if row.held_from < until)])
    if until > reservation.held_until:
        changes = [HoldChange(reservation_id=reservation.pk, reason=Reason.HELD_LONGER, held_until=until)]
        changes += [
            HoldChange(reservation_id=row.reservation_id, reason=Reason.HELD_LATER, held_from=until)
            for row in later
            if row.held_from < until
        ]
        change_holds(changes, at=now)
    return max(until, reservation.held_until)


def _space_from_now(reservation: Reservation, *, now: datetime) -> int | None:
    """The bay that is free for it from now on; None where it is not early and has to keep what is held."""
    is_early = now < reservation.held_from
    busy_until = CarsInUse(reservation.vehicle_rows.all(), now=now).busy_until(reservation, since=now)
    if is_early and busy_until is not None:
        raise NoBayYet(min(busy_until, reservation.held_from), reservation.lot)
    picture = lot_picture(reservation.lot, latest_end=reservation.held_until, now=now, without=[reservation.pk])
    request = _request_from_now(reservation, picture, now=now)
    own = picture.index_of.get(reservation.space_id or 0)
    free = picture.state.free_for(request.start, request.end, request.eligible)
    if reservation.status == Status.ASSIGNED and own is not None and free[own]:
        return reservation.space_id
    found = cheapest_free_space(picture.state, request, picture.valuation)
    if found is None and is_early:
        raise NoBayYet(min(_free_from(request, picture), reservation.held_from), reservation.lot)
    return None if found is None else picture.spaces[found].pk


def _request_from_now(reservation: Reservation, picture: LotPicture, *, now: datetime) -> Request:
    """What it needs from now on, among bays in which nobody stands; its own bay suits it whatever the mask says.

    Where staff chose the bay, that one alone.
    """
    eligible = eligible_spaces({picture.lot.pk: picture}, [reservation])[reservation.pk]
    if is_pinned(reservation.pk):
        eligible[:] = False
    if reservation.space_id in picture.index_of:
        eligible[picture.index_of[reservation.space_id]] = True
    usable = picture.mask_without(obstructed(picture.index_of, now=now))
    start, end = picture.grid.outward(now, reservation.held_until)
    return Request(start=start, end=end, eligible=eligible & usable)


def _free_from(request: Request, picture: LotPicture) -> datetime:
    """The first slot from which some bay is free until the end."""
    starts = range(request.start, request.end)
    free = (slot for slot in starts if picture.state.free_for(slot, request.end, request.eligible).any())
    return picture.grid.origin + next(free, request.end) * SLOT


def _announce(reservation: Reservation, space_id: int | None, *, now: datetime) -> None:
    """Say which bay it is: for the first time, or another one than was announced; None is the one it has."""
    if reservation.status == Status.ASSIGNED:
        change_spaces({reservation.pk: space_id} if space_id else {}, at=now)
        return
    tentative_id = reservation.space_id
    change = Change(reservation_id=reservation.pk, to=Status.ASSIGNED, reason=Reason.BAY_ANNOUNCED, space_id=space_id)
    make_transitions([change], at=now, locked=[reservation])
    Assignment.objects.create(
        reservation=reservation,
        space_id=cast(int, reservation.space_id),
        tentative_space_id=cast(int, tentative_id),
        policy_name=policies_by_lot([reservation.lot])[reservation.lot_id].name,
        assigned_at=now,
    )


def _other_spaces(rows: list[Reservation], lot: Lot, *, lost: Collection[int], now: datetime) -> dict[int, int]:
    """The cheapest other bay of each, who comes first first; what one takes is taken for the next."""
    if not rows:
        return {}
    picture = lot_picture(lot, latest_end=max(row.held_until for row in rows), now=now)
    avoided = obstructed(picture.index_of, now=now) | set(lost)
    usable, eligible = picture.mask_without(avoided), eligible_spaces({lot.pk: picture}, rows)
    found = {}
    for row in sorted(rows, key=lambda row: (row.held_from, row.pk)):
        start, end = picture.grid.outward(max(row.held_from, now), row.held_until)
        request = Request(start=start, end=end, eligible=eligible[row.pk] & usable)
        space = cheapest_free_space(picture.state, request, picture.valuation)
        if space is not None:
            picture.state.place(space, start, end)
            found[row.pk] = picture.spaces[space].pk
    return found


def _later_bookings(reservation: Reservation, *, until: datetime) -> list[ReservationVehicle]:
    """Where else the cars are expected between the end of the hold and then."""
    plates = [bytes(row.plate_exact_hash) for row in reservation.vehicle_rows.all()]
    elsewhere = ReservationVehicle.objects.filter(
        is_held=True, plate_exact_hash__in=plates, held_from__lt=until, held_until__gt=reservation.held_until
    )
    return list(elsewhere.exclude(reservation=reservation.pk).select_related("reservation").order_by("held_from"))
