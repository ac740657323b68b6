"""Deciding and assigning, under the lock of one lot."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np
from django.db import transaction
from django.db.models import Exists
from numpy.typing import NDArray

from allocation import selectors
from allocation.engine.request import Request, Tentative
from allocation.models import Assignment, Decision
from allocation.selectors import LotPicture
from parking_share import bells
from parking_share.accounts.models import User, Vehicle
from parking_share.reservations import selectors as reservations
from parking_share.reservations import services as reservation_services
from parking_share.reservations.models import Reservation, ReservationVehicle
from parking_share.reservations.selectors import WITH_VEHICLES
from parking_share.reservations.services import OnceOnly, Wish
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import Change, make_transitions
from parking_share.spaces.models import Lot
from parking_share.spaces.selectors import limits_of

_REASONS = {
    "no_free_space": Reason.NO_FREE_SPACE,
    "fragments_outweigh_revenue": Reason.FRAGMENTS_OUTWEIGH_REVENUE,
}


@transaction.atomic
def request_reservation(*, driver: User, wish: Wish, now: datetime, once: OnceOnly | None = None) -> Reservation:
    """Write the request and ring for its decision after commit."""
    reservation = reservation_services.record_request(driver=driver, wish=wish, now=now, once=once)
    bells.ring("allocation.decide", lot_id=wish.lot.pk)
    return reservation


@transaction.atomic
def decide(*, lot_id: int, now: datetime) -> int:
    """Decide all waiting requests of a lot in the order in which they were made; return how many.

    Safe to run twice: what is decided no longer waits. One lock and one load, however many requests.
    """
    lot = _lock_lot_with_requests(lot_id)
    waiting = _lock_waiting(lot_id) if lot else []
    if lot is None or not waiting:
        return 0
    reservation_services.expire_lapsed(lot_id=lot_id, now=now)
    picture = selectors.lot_picture(lot, latest_end=max(row.ends_at for row in waiting), now=now)
    decisions = _decide_each(waiting, picture, now=now)
    limits = limits_of(lot)
    grace = timedelta(minutes=limits.no_show_grace_min)
    changes = [_change(row, decision, grace=grace) for row, decision in zip(waiting, decisions, strict=True)]
    make_transitions(changes, at=now, locked=waiting)
    Decision.objects.bulk_create(decisions)
    announce_until = now + timedelta(minutes=limits.announce_before_min)
    if any(one.is_accepted and row.starts_at <= announce_until for row, one in zip(waiting, decisions, strict=True)):
        bells.ring("allocation.assign", lot_id=lot_id)
    return len(decisions)


@transaction.atomic
def assign_arrivals(*, lot_id: int, now: datetime) -> int:
    """Give their final bay to the accepted reservations of a lot that start soon; return how many.

    Safe to run twice: what is announced is left alone.
    """
    lot = Lot.objects.select_for_update(no_key=True).get(pk=lot_id)
    reservation_services.expire_lapsed(lot_id=lot_id, now=now)
    due = _lock_due(lot, now=now)
    if not due:
        return 0
    picture = selectors.lot_picture(lot, latest_end=max(row.ends_at for row in due), now=now)
    final = _allocate_slots(due, picture)
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
    waiting = selectors.lots_that_wait(asked_before=now - timedelta(seconds=2))
    for lot_id in waiting:
        bells.ring("allocation.decide", lot_id=lot_id)
    return len(waiting)


def ring_for_arrivals(*, now: datetime) -> int:
    """Ring for the lots in which a bay may be due to be announced, or to be given back."""
    due = selectors.lots_to_announce(now=now)
    for lot_id in due:
        bells.ring("allocation.assign", lot_id=lot_id)
    return len(due)


def _lock_lot_with_requests(lot_id: int) -> Lot | None:
    """Lock the lot if anybody waits for it; a bell that comes too late does not queue for the lock."""
    somebody_waits = Exists(reservations.waiting_in(lot_id).order_by())
    return Lot.objects.select_for_update(no_key=True).filter(somebody_waits, pk=lot_id).first()


def _lock_waiting(lot_id: int) -> list[Reservation]:
    """Lock the cars, then the requests that still wait, each in order of id. Later requests wait for the next bell."""
    named = ReservationVehicle.objects.filter(reservation__lot=lot_id, reservation__status=Status.REQUESTED)
    cars = list(named.values_list("reservation_id", "plate_exact_hash"))
    Vehicle.objects.lock({bytes(plate) for _pk, plate in cars})
    return list(
        reservations.waiting_in(lot_id)
        .filter(pk__in={pk for pk, _plate in cars})
        .select_for_update(no_key=True, of=("self",))
        .prefetch_related(WITH_VEHICLES)
    )


def _lock_due(lot: Lot, *, now: datetime) -> list[Reservation]:
    announce_until = now + timedelta(minutes=limits_of(lot).announce_before_min)
    return list(
        Reservation.objects.filter(lot=lot, status=Status.ACCEPTED, starts_at__lte=announce_until)
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
        .prefetch_related(WITH_VEHICLES)
    )


def _decide_each(waiting: list[Reservation], picture: LotPicture, *, now: datetime) -> list[Decision]:
    """Ask the policy for each request in turn; what it accepts is taken for the next."""
    eligible = selectors.eligible_spaces(picture, waiting)
    cars = _CarsInUse([row for request in waiting for row in request.vehicle_rows.all()], now=now)
    decisions = []
    for reservation in waiting:
        request = picture.request_for(reservation, eligible[reservation.pk])
        reason, space = _answer(reservation, request, picture, cars, now=now)
        if space is not None and request is not None:
            picture.state.place(space, request.start, request.end)
            cars.take(reservation)
        decisions.append(_decision(reservation, picture, reason=reason, space=space, considered=eligible, now=now))
    return decisions


def _answer(
    reservation: Reservation, request: Request | None, picture: LotPicture, cars: "_CarsInUse", *, now: datetime
) -> tuple[Reason, int | None]:
    if request is None or reservation.ends_at <= now:
        return Reason.TOO_LATE, None
    if not picture.lot.is_open:
        return Reason.LOT_CLOSED, None
    if cars.clash_with(reservation):
        return Reason.VEHICLE_IS_BOOKED, None
    decision = picture.policy.decide(picture.state, request)
    if decision.space is None:
        return _REASONS[str(decision.reason)], None
    return Reason.ROOM_FOUND, decision.space


def _decision(
    reservation: Reservation,
    picture: LotPicture,
    *,
    reason: Reason,
    space: int | None,
    considered: dict[int, NDArray[np.bool_]],
    now: datetime,
) -> Decision:
    return Decision(
        reservation=reservation,
        is_accepted=space is not None,
        reason=reason,
        space=None if space is None else picture.spaces[space],
        policy_name=picture.policy_row.name,
        policy_version=picture.policy_row.version,
        decided_at=now,
        spaces_considered=int(considered[reservation.pk].sum()),
    )


def _change(reservation: Reservation, decision: Decision, *, grace: timedelta) -> Change:
    if not decision.is_accepted:
        return Change(reservation_id=reservation.pk, to=Status.DECLINED, reason=Reason(decision.reason))
    return Change(
        reservation_id=reservation.pk,
        to=Status.ACCEPTED,
        reason=Reason(decision.reason),
        space_id=decision.space_id,
        lapses_at=min(max(reservation.starts_at, decision.decided_at) + grace, reservation.ends_at),
    )


def _allocate_slots(due: list[Reservation], picture: LotPicture) -> dict[int, int]:
    """Run the second stage for each start slot in turn; return the final space id by reservation."""
    eligible = selectors.eligible_spaces(picture, due)
    requests = {row.pk: picture.request_for(row, eligible[row.pk]) for row in due}
    final = {row.pk: row.space_id for row in due if row.space_id is not None}
    movable = [row for row in due if requests[row.pk] is not None and row.space_id in picture.index_of]
    by_slot = sorted(movable, key=lambda row: (_start(requests[row.pk]), row.pk))
    for slot, group in groupby(by_slot, key=lambda row: _start(requests[row.pk])):
        rows = list(group)
        held = [
            Tentative(request=request, space=picture.index_of[row.space_id])
            for row in rows
            if (request := requests[row.pk]) is not None and row.space_id is not None
        ]
        chosen = picture.policy.allocate(picture.state, held, slot=slot)
        for one in held:
            picture.state.lift(one.space, one.request.start, one.request.end)
        for row, one, space in zip(rows, held, chosen, strict=True):
            picture.state.place(space, one.request.start, one.request.end)
            final[row.pk] = picture.spaces[space].pk
    return final


def _start(request: Request | None) -> int:
    return -1 if request is None else request.start


class _CarsInUse:
    """Held periods by plate, so that no car is promised two bays at once."""

    def __init__(self, rows: Iterable[ReservationVehicle], *, now: datetime) -> None:
        self._held = [
            (bytes(row.plate_exact_hash), row.held_from, row.held_until)
            for row in reservations.clashing_plates(rows, now=now)
        ]

    def clash_with(self, reservation: Reservation) -> bool:
        plates = {bytes(row.plate_exact_hash) for row in reservation.vehicle_rows.all()}
        return any(
            plate in plates and held_from < reservation.held_until and held_until > reservation.held_from
            for plate, held_from, held_until in self._held
        )

    def take(self, reservation: Reservation) -> None:
        self._held += [
            (bytes(row.plate_exact_hash), reservation.held_from, reservation.held_until)
            for row in reservation.vehicle_rows.all()
        ]
