"""Deciding and assigning, under the lock of one lot."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from django.db import OperationalError, transaction

from allocation import locks, selectors
from allocation.models import Assignment, Decision
from allocation.obstacles import obstructed
from allocation.pictures import LotPicture, lot_picture, lot_pictures
from allocation.rounds import allocate_slots, decide_each
from parking_share import bells
from parking_share.accounts.models import User
from parking_share.reservations import services as reservation_services
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import waiting_in
from parking_share.reservations.services import OnceOnly, Wish
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import Change, make_transitions
from parking_share.spaces.models import BookingLimits, Lot

SWEPT_AFTER = timedelta(seconds=2)

log = structlog.get_logger(__name__)


@transaction.atomic
def request_reservation(*, driver: User, wish: Wish, now: datetime, once: OnceOnly | None = None) -> Reservation:
    """Write the request and ring for its decision after commit."""
    reservation = reservation_services.record_request(driver=driver, wish=wish, now=now, once=once)
    bells.ring_unless_rung("allocation.decide", lot_id=wish.lot.pk)
    return reservation


def decide(*, lot_id: int, now: datetime) -> int:
    """Decide all waiting requests of a lot in the order in which they were made; return how many.

    Safe to run twice: what is decided no longer waits. Other lots with requests are taken along, so that one round of
    queries serves several, and one bell is enough for all; who was in another round's hands meanwhile is rung for
    again. Where a round fails, the lot is decided alone, so that nobody suffers for a neighbour.
    """
    try:
        decided = _decide_round(lot_id, now=now, along=locks.TAKEN_ALONG)
    except Exception:
        log.exception("round_failed", lot=lot_id)
        decided = _decide_alone(lot_id, now=now)
        for other in selectors.lots_that_wait(asked_since=now - SWEPT_AFTER):
            if other != lot_id:
                bells.ring("allocation.decide", lot_id=other)
        return decided
    if left := selectors.lots_that_wait(asked_since=now - SWEPT_AFTER):
        bells.ring_unless_rung("allocation.decide", lot_id=left[0])
    return decided


def _decide_alone(lot_id: int, *, now: datetime) -> int:
    """Decide the lot by itself; where that fails too, each request by itself: one can't block the others for ever.

    What fails stays in the queue, is logged, and is tried again with every sweep.
    """
    try:
        return _decide_round(lot_id, now=now, along=0)
    except OperationalError:
        raise
    except Exception:
        log.exception("lot_failed", lot=lot_id)
    decided = 0
    for pk in list(waiting_in([lot_id]).values_list("pk", flat=True)):
        try:
            decided += _decide_round(lot_id, now=now, along=0, only=pk)
        except Exception:
            log.exception("request_failed", reservation=pk)
    return decided


@transaction.atomic
def _decide_round(lot_id: int, *, now: datetime, along: int, only: int | None = None) -> int:
    lots = locks.lock_lots_with_requests(lot_id, along=along)
    waiting = locks.lock_waiting([lot.pk for lot in lots], only=only) if lots else []
    if not waiting:
        return 0
    lots = [lot for lot in lots if any(row.lot_id == lot.pk for row in waiting)]
    plates = {bytes(car.plate_exact_hash) for row in waiting for car in row.vehicle_rows.all()}
    reservation_services.expire_lapsed(lot_ids=[lot.pk for lot in lots], plates=plates, now=now)
    latest_ends = {lot.pk: max(row.ends_at for row in waiting if row.lot_id == lot.pk) for lot in lots}
    pictures = lot_pictures(lots, latest_ends=latest_ends, now=now)
    decisions = decide_each(waiting, pictures, now=now)
    decided = list(zip(waiting, decisions, strict=True))
    changes = [_change(row, decision, pictures[row.lot_id].limits) for row, decision in decided]
    make_transitions(changes, at=now, locked=waiting)
    Decision.objects.bulk_create(decisions)
    for due_lot_id in {row.lot_id for row, one in decided if one.is_accepted and _is_due(row, pictures, now=now)}:
        bells.ring("allocation.assign", lot_id=due_lot_id)
    return len(decisions)


@transaction.atomic
def assign_arrivals(*, lot_id: int, now: datetime) -> int:
    """Give their final bay to the accepted reservations of a lot that start soon; return how many.

    Safe to run twice: what is announced is left alone.
    """
    lot = Lot.objects.select_for_update(no_key=True).get(pk=lot_id)
    reservation_services.expire_lapsed(lot_ids=[lot_id], now=now)
    due = locks.lock_due(lot, now=now)
    if not due:
        return 0
    picture = lot_picture(lot, latest_end=max(row.ends_at for row in due), now=now)
    final = allocate_slots(due, picture, avoid=obstructed(picture.index_of, now=now))
    changes = [
        Change(reservation_id=row.pk, to=Status.ASSIGNED, reason=Reason.BAY_ANNOUNCED, space_id=final[row.pk])
        for row in due
    ]
    tentative = {row.pk: row.space_id for row in due if row.space_id is not None}
    make_transitions(changes, at=now, locked=due)
    Assignment.objects.bulk_create(
        Assignment(
            reservation_id=row.pk,
            space_id=final[row.pk],
            tentative_space_id=tentative[row.pk],
            policy_name=picture.policy_row.name,
            assigned_at=now,
        )
        for row in due
    )
    return len(due)


def ring_for_what_waits(*, now: datetime) -> int:
    """Ring again for every lot whose requests nobody has decided, and for bays due to be announced."""
    waiting = selectors.lots_that_wait(asked_before=now - SWEPT_AFTER)
    for lot_id in waiting:
        bells.ring("allocation.decide", lot_id=lot_id)
    return len(waiting)


def ring_for_arrivals(*, now: datetime) -> int:
    """Ring for the lots in which a bay may be due to be announced, or to be given back."""
    due = selectors.lots_to_attend(now=now)
    for lot_id in due:
        bells.ring("allocation.assign", lot_id=lot_id)
    return len(due)


def _change(reservation: Reservation, decision: Decision, limits: BookingLimits) -> Change:
    if not decision.is_accepted:
        return Change(reservation_id=reservation.pk, to=Status.DECLINED, reason=Reason(decision.reason))
    expected_at = max(reservation.starts_at, decision.decided_at)
    return Change(
        reservation_id=reservation.pk,
        to=Status.ACCEPTED,
        reason=Reason(decision.reason),
        space_id=decision.space_id,
        lapses_at=min(expected_at + timedelta(minutes=limits.no_show_grace_min), reservation.ends_at),
    )


def _is_due(reservation: Reservation, pictures: Mapping[int, LotPicture], *, now: datetime) -> bool:
    lead = timedelta(minutes=pictures[reservation.lot_id].limits.announce_before_min)
    return reservation.starts_at <= now + lead
