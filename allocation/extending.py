"""Staying longer: the same question of feasibility as a booking, asked once more under the lot's lock."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from allocation import locks
from allocation.engine.placement import cheapest_free_space
from allocation.engine.request import Request
from allocation.overruling import is_pinned
from allocation.pictures import eligible_spaces, lot_picture
from allocation.selectors import can_stay_until
from parking_share.accounts.models import User
from parking_share.errors import DomainError
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import HoldChange, change_holds, change_spaces
from parking_share.spaces.tariffs import rate_table


class ExtensionRefused(DomainError):
    """`code` says why; `until` is how long the driver can stay."""

    def __init__(self, code: str, sentence: str, *, until: datetime) -> None:
        super().__init__(sentence)
        self.code, self.until = code, until


@transaction.atomic
def extend_reservation(*, reservation_id: int, actor: User | None, until: datetime, now: datetime) -> Reservation:
    """Keep the bay longer, at the tariff of the added time. The same wish twice changes nothing the second time."""
    reservation = locks.lock_reservation(reservation_id, now=now)
    if until == reservation.ends_at:
        return reservation
    _check(reservation, until=until, now=now)
    rates = rate_table(reservation.lot, starts_at=reservation.ends_at, ends_at=until)
    if reservation.status == Status.ACCEPTED:
        _make_room(reservation, until=until, now=now)
    longer = HoldChange(
        reservation_id=reservation.pk,
        reason=Reason.EXTENDED,
        held_until=max(until, reservation.held_until),
        ends_at=until,
        price_cents=reservation.price_cents + rates.price_cents(reservation.ends_at, until),
    )
    change_holds([longer], at=now, actor=actor)
    return Reservation.objects.select_related("lot", "space").get(pk=reservation.pk)


def _check(reservation: Reservation, *, until: datetime, now: datetime) -> None:
    ends_at = reservation.ends_at
    if not reservation.holds_a_space or now >= ends_at:
        raise ExtensionRefused("not_possible_now", _("The time is over and can't be extended any more."), until=ends_at)
    if until < ends_at:
        sentence = _("The new end must lie after the present one. To leave early, just drive off.")
        raise ExtensionRefused("ends_before", sentence, until=ends_at)
    latest = can_stay_until(reservation, now=now)
    if latest <= ends_at:
        raise ExtensionRefused("no_free_space", _("Your bay is needed right after your time."), until=latest)
    if until > latest:
        local = latest.astimezone(reservation.lot.zone)
        sentence = _("You can stay until %(time)s.") % {"time": f"{local:%Y-%m-%d %H:%M}"}
        raise ExtensionRefused("no_free_space", sentence, until=latest)


def _make_room(reservation: Reservation, *, until: datetime, now: datetime) -> None:
    """Keep the tentative bay if it is free for the longer time as well, else take the cheapest one that is."""
    picture = lot_picture(reservation.lot, latest_end=until, now=now, without=[reservation.pk])
    start, end = picture.grid.outward(max(now, reservation.held_from), until)
    own = picture.index_of.get(reservation.space_id or 0)
    if own is not None and picture.state.free_for(start, end)[own]:
        return
    if is_pinned(reservation.pk):
        raise ExtensionRefused(
            "no_free_space", _("The bay that was chosen for you is needed then."), until=reservation.ends_at
        )
    eligible = eligible_spaces({picture.lot.pk: picture}, [reservation])[reservation.pk]
    request = Request(start=start, end=end, eligible=eligible)
    space = cheapest_free_space(picture.state, request, picture.valuation)
    if space is not None:
        change_spaces({reservation.pk: picture.spaces[space].pk}, at=now)
