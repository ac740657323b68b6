"""Staff over the policy: a rejection taken up again, a bay chosen by hand; both with a reason that is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from django.db import transaction
from django.utils.translation import gettext as _

from allocation import locks
from allocation.engine.policies.reassign import Reassign
from allocation.engine.request import Request
from allocation.filling import Movable, Reach
from allocation.models import Overruling, Pin
from allocation.pictures import eligible_spaces, lot_pictures
from parking_share import bells
from parking_share.accounts.models import User
from parking_share.errors import DomainError
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import Change, change_spaces, make_transitions
from parking_share.spaces.models import Lot
from parking_share.spaces.selectors import usable_spaces

if TYPE_CHECKING:
    from allocation.rounds import Round, Verdict


class OverrulingRefused(DomainError):
    """`code` says why the staff's wish can't be met."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What staff want for a reservation: any bay, or this one; `why` is kept and shown to whoever looks it up."""

    reservation_id: int
    made_by: User
    why: str
    space_id: int | None = None


@transaction.atomic
def overrule(wish: Wish, *, now: datetime) -> Overruling:
    """Take a rejection up again: the next round gives it a bay if that is possible at all, whatever it costs.

    Accepted reservations may be moved for it, announced ones never. Where no room can be made it is declined again.
    """
    reservation = _locked(wish.reservation_id)
    why = _reason(wish)
    if reservation.status != Status.DECLINED:
        raise OverrulingRefused("not_declined", _("Only a request that was declined can be taken up again."))
    if reservation.ends_at <= now:
        raise OverrulingRefused("too_late", _("The time of this request is over."))
    _check_bay(wish, reservation.lot)
    row = Overruling.objects.create(
        reservation=reservation, space_id=wish.space_id, why=why, made_by=wish.made_by, made_at=now
    )
    again = Change(reservation_id=reservation.pk, to=Status.REQUESTED, reason=Reason.TAKEN_UP_AGAIN)
    make_transitions([again], at=now, actor=wish.made_by, locked=[reservation])
    bells.ring("allocation.decide", lot_id=reservation.lot_id)
    return row


@transaction.atomic
def pin(wish: Wish, *, now: datetime) -> Pin:
    """Keep a bay for an accepted reservation whatever a policy would rather do; others make room where they can.

    Without a named bay it is the one that is held. A second pin replaces the first.
    """
    reservation = _locked(wish.reservation_id)
    why = _reason(wish)
    if reservation.status != Status.ACCEPTED:
        raise OverrulingRefused("not_accepted", _("A bay can be chosen only between acceptance and announcement."))
    if wish.space_id is not None and wish.space_id != reservation.space_id:
        _check_bay(wish, reservation.lot)
        _make_room(reservation, wish.space_id, by=wish.made_by, now=now)
    reservation.pins.filter(lifted_at__isnull=True).update(lifted_at=now, lifted_by=wish.made_by)
    held_id = cast(int, wish.space_id or reservation.space_id)
    return Pin.objects.create(reservation=reservation, space_id=held_id, why=why, pinned_by=wish.made_by, pinned_at=now)


@transaction.atomic
def unpin(*, reservation_id: int, by: User, now: datetime) -> bool:
    """Let policies move the reservation again; False where it was not pinned."""
    reservation = _locked(reservation_id)
    return bool(reservation.pins.filter(lifted_at__isnull=True).update(lifted_at=now, lifted_by=by))


def is_pinned(reservation_id: int) -> bool:
    return Pin.objects.filter(reservation=reservation_id, lifted_at__isnull=True).exists()


def open_overrulings(rows: Sequence[Reservation]) -> dict[int, Overruling]:
    """What staff wants for requests that wait for the second time, by reservation; no query without any."""
    if not rows:
        return {}
    return {one.reservation_id: one for one in Overruling.objects.filter(reservation__in=rows, settled_at__isnull=True)}


def settle_overruling(row: Overruling, verdict: "Verdict", here: "Round", *, now: datetime) -> None:
    """Record what the round made of it; a bay that was asked for by name is pinned."""
    row.settled_at, row.answer = now, verdict.reason
    row.save(update_fields=["settled_at", "answer"])
    if verdict.space is not None and row.space_id is not None:
        Pin.objects.create(
            reservation=verdict.reservation,
            space_id=here.space_of(verdict.reservation),
            why=row.why,
            pinned_by_id=row.made_by_id,
            pinned_at=now,
        )


def _locked(reservation_id: int) -> Reservation:
    """The lot's lock, then the reservation's."""
    lot_id = Reservation.objects.values_list("lot_id", flat=True).get(pk=reservation_id)
    Lot.objects.select_for_update(no_key=True).get(pk=lot_id)
    return locks.lock_holds([reservation_id])[0]


def _reason(wish: Wish) -> str:
    why = wish.why.strip()
    if not why:
        raise OverrulingRefused("says_not_why", _("Say why: it is kept with the decision."))
    return why


def _check_bay(wish: Wish, lot: Lot) -> None:
    if wish.space_id is not None and wish.space_id not in {space.pk for space in usable_spaces([lot])}:
        raise OverrulingRefused("not_this_lot", _("This bay is not in use in this lot. Choose another one."))


def _make_room(reservation: Reservation, space_id: int, *, by: User, now: datetime) -> None:
    """Move it to the bay, and whoever may move out of its way; all at once."""
    lot = reservation.lot
    reach = Reach(now=now, without=[reservation.pk], movable=Movable.ALL)
    picture = lot_pictures([lot], latest_ends={lot.pk: reservation.held_until}, reach=reach)[lot.pk]
    start, end = picture.grid.outward(max(reservation.held_from, now), reservation.held_until)
    mask = eligible_spaces({lot.pk: picture}, [reservation])[reservation.pk]
    only = mask & ~picture.mask_without([space_id])
    answer = Reassign(picture.valuation).decide(
        picture.state, Request(start=start, end=end, eligible=only), picture.holds
    )
    if answer.space is None:
        raise OverrulingRefused(
            "no_room", _("This bay does not suit, or is taken by somebody who can't be moved. Choose another one.")
        )
    moves = {move.key: picture.spaces[move.to_space].pk for move in answer.moves}
    with locks.overlaps_checked_at_the_end():
        change_spaces(moves, at=now, reason=Reason.REARRANGED)
        change_spaces({reservation.pk: space_id}, at=now, reason=Reason.PINNED, actor=by)
