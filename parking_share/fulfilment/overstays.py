"""The end of a stay, minute by minute: the reminder, the next party moved in time, the hold that follows the car.

15 min before the end   the driver is told how long the bay can be kept
5 min before the end    whoever is next in a bay that is still taken gets another one, then the hold grows in slots
at the end              where no other bay is free, the promise to the next party is broken, five minutes before it
                        comes at the latest: another lot, and compensation
after the lot's grace   a penalty for a car that is known to be there; else the stay counts as over
"""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import QuerySet

from allocation.keeping import hold_longer, rehome
from allocation.locks import lock_reservation
from allocation.pictures import slot_of
from allocation.selectors import can_stay_until
from parking_share.fulfilment import penalties, telling
from parking_share.fulfilment.isolation import by_itself
from parking_share.fulfilment.models import BrokenPromise, Overstay
from parking_share.fulfilment.presence import Presence, presence_of
from parking_share.fulfilment.promises import attend_each, attend_promises, break_promise
from parking_share.fulfilment.rules import rules_of
from parking_share.reservations import services
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import WITH_VEHICLES, holds_in
from parking_share.reservations.states import MAY_LAPSE, Reason, Status
from sensors.slots import SLOT
from sensors.staying import close_stay

REMINDED_BEFORE = timedelta(minutes=15)
MOVED_BEFORE = timedelta(minutes=5)
LONGEST_OVERSTAY = timedelta(hours=24)  # an exit that nobody saw: a gate misses one now and then

log = structlog.get_logger(__name__)


def attend_overstays(*, now: datetime) -> int:
    """Attend to every car whose time ends soon or is over; return how many.

    Safe to run twice: what is told has a key, who was moved is in another bay, sums are computed from the beginning.
    One reservation that fails is logged and does not stop the others.
    """
    _remind(now=now)
    ending = list(_parked().filter(ends_at__lte=now + MOVED_BEFORE).select_related("space"))
    presence = presence_of(ending, now=now)
    for reservation in ending:
        if not _needs_attention(reservation, presence[reservation.pk], now=now):
            continue
        try:
            broken = _attend(reservation.pk, presence[reservation.pk], now=now)
        except Exception:
            log.exception("overstay_failed", reservation=reservation.pk)
        else:
            attend_each([one.pk for one in broken], now=now)
    _end_what_is_over(now=now)
    _end_what_nobody_saw(now=now)
    attend_promises(now=now)
    return len(ending)


def _parked() -> QuerySet[Reservation]:
    return Reservation.objects.filter(status=Status.PARKED).order_by("ends_at", "pk")


def _remind(*, now: datetime) -> None:
    """Tell drivers once that their time ends; the question of how long they can stay is asked only then."""
    soon = _parked().filter(ends_at__gt=now, ends_at__lte=now + REMINDED_BEFORE)
    for reservation in soon.select_related("lot", "space").prefetch_related(WITH_VEHICLES):
        if not telling.is_told_of_the_end(reservation):
            with by_itself("reminder_failed", reservation=reservation.pk):
                telling.tell_ending_soon(reservation, stay_until=can_stay_until(reservation, now=now), now=now)


def _needs_attention(reservation: Reservation, presence: Presence, *, now: datetime) -> bool:
    """Whether a lock is worth taking: the time is over, or the hold has to grow."""
    return now > reservation.ends_at or (presence.in_bay and _held_next(now) > reservation.held_until)


@transaction.atomic
def _attend(reservation_id: int, presence: Presence, *, now: datetime) -> list[BrokenPromise]:
    """Keep the bay for the car in it, charge it or let it go; return the promises that broke over it."""
    reservation = lock_reservation(reservation_id, now=now)
    if reservation.status != Status.PARKED:
        return []
    broken = _keep_bay(reservation, now=now) if presence.in_bay else []
    rules = rules_of(reservation.lot_id)
    if now > reservation.ends_at + timedelta(minutes=rules.late_exit_grace_min):
        if presence.in_lot and now <= reservation.ends_at + LONGEST_OVERSTAY:
            overstay = penalties.begin_overstay(reservation, rules)
            penalties.accrue(overstay, until=now)
            _warn(overstay, reservation, now=now)
        else:
            _presume_left(reservation, now=now)
    return broken


def _keep_bay(reservation: Reservation, *, now: datetime) -> list[BrokenPromise]:
    """Move whoever is next in the bay, then hold it for the slot that follows, as far as that is free."""
    until = _held_next(now)
    if until <= reservation.held_until or reservation.space_id is None:
        return []
    ahead = holds_in(reservation.space_id, since=reservation.held_until, until=until, now=now)
    following = [row for row in ahead.exclude(pk=reservation.pk) if row.status in MAY_LAPSE]
    homes = rehome(reservation_ids=[row.pk for row in following], reason=Reason.OVERSTAYED, now=now)
    broken = [
        break_promise(reservation_id=row.pk, cause=BrokenPromise.Cause.OVERSTAY, now=now)
        for row in following
        if homes[row.pk] is None and now >= reservation.ends_at and now >= row.held_from - MOVED_BEFORE
    ]
    hold_longer(reservation_id=reservation.pk, until=until, now=now)
    return broken


def _end_what_nobody_saw(*, now: datetime) -> None:
    """Cars that a gate let in and nobody heard of again: they came, and a day after the end they have left."""
    let_in = Reservation.objects.filter(
        status=Status.ASSIGNED, lapses_at__isnull=True, ends_at__lt=now - LONGEST_OVERSTAY
    )
    for pk in list(let_in.order_by("pk").values_list("pk", flat=True)):
        with by_itself("unseen_stay_not_ended", reservation=pk):
            reservation = lock_reservation(pk, now=now)
            if reservation.status == Status.ASSIGNED:
                services.record_arrival(reservation_id=pk, actor=None, now=now)
                _presume_left(reservation, now=now)


def _held_next(now: datetime) -> datetime:
    """Until when a bay that is taken now has to be held: the slot after the next few minutes."""
    return slot_of(now + MOVED_BEFORE) + SLOT


def _warn(overstay: Overstay, reservation: Reservation, *, now: datetime) -> None:
    if Overstay.objects.filter(pk=overstay.pk, warned_at__isnull=True).update(warned_at=now):
        telling.tell_overstay(overstay, reservation, now=now)


def _presume_left(reservation: Reservation, *, now: datetime) -> None:
    """Nothing says that the car is still there: the stay ended with its time, and so does a forgotten button."""
    services.record_departure(reservation_id=reservation.pk, actor=None, now=now, reason=Reason.PRESUMED_LEFT)
    left_at = reservation.ends_at
    closed = close_stay(lot_id=reservation.lot_id, ended_at=left_at, reservation_id=reservation.pk)
    if closed is None:  # it began after the time was over
        close_stay(lot_id=reservation.lot_id, ended_at=now, reservation_id=reservation.pk)
    penalties.end_overstay(reservation_id=reservation.pk, at=now)


def _end_what_is_over(*, now: datetime) -> None:
    """End the overstays of cars that have left, however that became known."""
    over = Overstay.objects.filter(ended_at__isnull=True).exclude(reservation__status=Status.PARKED)
    for overstay in over.select_related("reservation").order_by("pk"):
        gone = overstay.reservation.events.filter(from_status=Status.PARKED).exclude(to_status=Status.PARKED).last()
        penalties.end_overstay(reservation_id=overstay.reservation_id, at=gone.happened_at if gone else now)
