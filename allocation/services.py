"""Deciding and assigning, under the lock of one lot."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from django.db import OperationalError, transaction

from allocation import locks, selectors
from allocation.fairness import fairness_by_lot
from allocation.filling import Movable, Reach
from allocation.models import Assignment, Decision, DecisionSnapshot, Overruling
from allocation.obstacles import obstructed
from allocation.overruling import open_overrulings, settle_overruling
from allocation.pictures import LotPicture, lot_pictures
from allocation.rounds import Allocation, Round, Verdict, allocate_slots, open_round
from parking_share import bells
from parking_share.accounts.models import User
from parking_share.reservations import services as reservation_services
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import waiting_in
from parking_share.reservations.services import OnceOnly, Wish
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import Change, change_spaces, make_transitions
from parking_share.spaces.models import Lot

SWEPT_AFTER = timedelta(seconds=2)
ROUND_BUDGET_S = 0.1

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
        decided = _decide_rounds(lot_id, now=now, along=locks.TAKEN_ALONG)
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
        return _decide_rounds(lot_id, now=now, along=0)
    except OperationalError:
        raise
    except Exception:
        log.exception("lot_failed", lot=lot_id)
    decided = 0
    for pk in list(waiting_in([lot_id]).values_list("pk", flat=True)):
        try:
            decided += _decide_rounds(lot_id, now=now, along=0, only=pk)
        except Exception:
            log.exception("request_failed", reservation=pk)
    return decided


def _decide_rounds(lot_id: int, *, now: datetime, along: int, only: int | None = None) -> int:
    """Decide round after round until nobody waits: the lots' locks are let go when a round's budget is spent."""
    decided, left = _decide_round(lot_id, now=now, along=along, only=only)
    while left:
        more, left = _decide_round(lot_id, now=now, along=along, only=only)
        decided += more
    return decided


@transaction.atomic
def _decide_round(lot_id: int, *, now: datetime, along: int, only: int | None) -> tuple[int, bool]:
    """Decide what waits, as far as the budget goes; return how many, and whether requests for the lot are left."""
    lots = locks.lock_lots_with_requests(lot_id, along=along)
    waiting = locks.lock_waiting([lot.pk for lot in lots], only=only) if lots else []
    if not waiting:
        return 0, False
    lots = [lot for lot in lots if any(row.lot_id == lot.pk for row in waiting)]
    plates = {bytes(car.plate_exact_hash) for row in waiting for car in row.vehicle_rows.all()}
    reservation_services.expire_lapsed(lot_ids=[lot.pk for lot in lots], plates=plates, now=now)
    latest_ends = {lot.pk: max(row.ends_at for row in waiting if row.lot_id == lot.pk) for lot in lots}
    pictures = lot_pictures(lots, latest_ends=latest_ends, reach=Reach(now=now, movable=Movable.BY_POLICY))
    overruled = open_overrulings([row for row in waiting if row.decided_at is not None])
    wanted = {pk: one.space_id for pk, one in overruled.items()}
    here = open_round(waiting, pictures, incomes=fairness_by_lot(pictures, now=now), overruled=wanted, now=now)
    here.decide_each(waiting, budget_s=ROUND_BUDGET_S)
    write_round(here, overruled, now=now)
    return len(here.verdicts), any(row.lot_id == lot_id for row in waiting[len(here.verdicts) :])


def write_round(here: Round, overruled: Mapping[int, Overruling], *, now: datetime) -> None:
    """Make room first, then let in: each is one UPDATE, so that constraints see the end and not the way there."""
    change_spaces(here.moves(), at=now, reason=Reason.REARRANGED)
    pictures = {lot_id: table.picture for lot_id, table in here.tables.items()}
    rows = [one.reservation for one in here.verdicts]
    make_transitions([_change(one, here, now=now) for one in here.verdicts], at=now, locked=rows)
    snapshots = here.snapshots()
    DecisionSnapshot.objects.bulk_create(snapshots.values())
    Decision.objects.bulk_create(here.decisions(snapshots))
    for one in here.verdicts:
        if one.reservation.pk in overruled:
            settle_overruling(overruled[one.reservation.pk], one, here, now=now)
    accepted = [one.reservation for one in here.verdicts if one.space is not None]
    for due_lot_id in {row.lot_id for row in accepted if _is_due(row, pictures, now=now)}:
        bells.ring("allocation.assign", lot_id=due_lot_id)


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
    reach = Reach(now=now, movable=Movable.ALL, starting=[row.pk for row in due])
    picture = lot_pictures([lot], latest_ends={lot_id: max(row.ends_at for row in due)}, reach=reach)[lot_id]
    avoid = obstructed(picture.index_of, now=now)
    fairness = fairness_by_lot({lot_id: picture}, now=now).get(lot_id)
    allocation = allocate_slots(due, picture, avoid=avoid, fairness=fairness)
    _announce(due, allocation, picture, now=now)
    return len(due)


def _announce(due: list[Reservation], allocation: Allocation, picture: LotPicture, *, now: datetime) -> None:
    """Write who goes where. Who starts and who waits may take each other's bay: only the end has to be possible."""
    changes = [
        Change(
            reservation_id=row.pk, to=Status.ASSIGNED, reason=Reason.BAY_ANNOUNCED, space_id=allocation.final[row.pk]
        )
        for row in due
    ]
    tentative = {row.pk: row.space_id for row in due if row.space_id is not None}
    with locks.overlaps_checked_at_the_end(when=bool(allocation.moved)):
        change_spaces(allocation.moved, at=now, reason=Reason.REARRANGED)
        make_transitions(changes, at=now, locked=due)
    Assignment.objects.bulk_create(
        Assignment(
            reservation_id=row.pk,
            space_id=allocation.final[row.pk],
            tentative_space_id=tentative[row.pk],
            policy_name=picture.policy_row.name,
            assigned_at=now,
        )
        for row in due
    )


def ring_for_what_waits(*, now: datetime) -> int:
    """Ring again for every lot, and for every area, whose requests nobody has decided."""
    waiting = selectors.lots_that_wait(asked_before=now - SWEPT_AFTER)
    for lot_id in waiting:
        bells.ring("allocation.decide", lot_id=lot_id)
    areas = selectors.areas_that_wait(asked_before=now - SWEPT_AFTER)
    for reservation_id in areas:
        bells.ring("allocation.decide_area", reservation_id=reservation_id)
    return len(waiting) + len(areas)


def ring_for_arrivals(*, now: datetime) -> int:
    """Ring for the lots in which a bay may be due to be announced, or to be given back."""
    due = selectors.lots_to_attend(now=now)
    for lot_id in due:
        bells.ring("allocation.assign", lot_id=lot_id)
    return len(due)


def _change(one: Verdict, here: Round, *, now: datetime) -> Change:
    row = one.reservation
    if one.space is None:
        return Change(reservation_id=row.pk, to=Status.DECLINED, reason=one.reason)
    grace = timedelta(minutes=here.tables[row.lot_id].picture.limits.no_show_grace_min)
    return Change(
        reservation_id=row.pk,
        to=Status.ACCEPTED,
        reason=one.reason,
        space_id=here.space_of(row),
        lapses_at=min(max(row.starts_at, now) + grace, row.ends_at),
    )


def _is_due(reservation: Reservation, pictures: Mapping[int, LotPicture], *, now: datetime) -> bool:
    lead = timedelta(minutes=pictures[reservation.lot_id].limits.announce_before_min)
    return reservation.starts_at <= now + lead
