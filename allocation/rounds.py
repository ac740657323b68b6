"""One round of answers: rows and pictures in, decisions or final spaces out. Nothing is written here."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from allocation.engine.placement import cheapest_free_space
from allocation.engine.request import Request, Tentative
from allocation.models import Decision
from allocation.pictures import LotPicture, eligible_spaces
from parking_share.reservations import selectors as reservations
from parking_share.reservations.models import Reservation, ReservationVehicle
from parking_share.reservations.states import Reason

_REASONS = {
    "no_free_space": Reason.NO_FREE_SPACE,
    "fragments_outweigh_revenue": Reason.FRAGMENTS_OUTWEIGH_REVENUE,
}


def decide_each(waiting: Sequence[Reservation], pictures: Mapping[int, LotPicture], *, now: datetime) -> list[Decision]:
    """Ask the lot's policy for each request in turn; what it accepts is taken for the next. Writes nothing."""
    eligible = eligible_spaces(pictures, waiting)
    cars = CarsInUse([row for request in waiting for row in request.vehicle_rows.all()], now=now)
    decisions = []
    for reservation in waiting:
        picture = pictures[reservation.lot_id]
        request = picture.request_for(reservation, eligible[reservation.pk])
        reason, space = _answer(reservation, request, picture, cars, now=now)
        if space is not None and request is not None:
            picture.state.place(space, request.start, request.end)
            cars.take(reservation)
        decisions.append(_decision(reservation, picture, reason=reason, space=space, considered=eligible, now=now))
    return decisions


def _answer(
    reservation: Reservation, request: Request | None, picture: LotPicture, cars: "CarsInUse", *, now: datetime
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


def allocate_slots(due: Sequence[Reservation], picture: LotPicture, *, avoid: Collection[int] = ()) -> dict[int, int]:
    """Run the second stage for each start slot in turn; return the final space id by reservation.

    Bays to `avoid` are given to nobody while another one is free; who is left without keeps what was held.
    """
    usable = picture.mask_without(avoid)
    eligible = {pk: mask & usable for pk, mask in eligible_spaces({picture.lot.pk: picture}, due).items()}
    requests = {row.pk: picture.request_for(row, eligible[row.pk]) for row in due}
    final = {row.pk: row.space_id for row in due if row.space_id is not None}
    movable = [row for row in due if requests[row.pk] is not None and row.space_id in picture.index_of]
    by_slot = sorted(movable, key=lambda row: (_start(requests[row.pk]), row.pk))
    for slot, group in groupby(by_slot, key=lambda row: _start(requests[row.pk])):
        rows = list(group)
        held = [
            _around(Tentative(request=request, space=picture.index_of[row.space_id]), picture, usable)
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


def _around(held: Tentative, picture: LotPicture, usable: NDArray[np.bool_]) -> Tentative:
    """The same where its space is usable; else moved in the picture to the cheapest one that is, if there is any."""
    if usable[held.space]:
        return held
    request = held.request
    other = cheapest_free_space(picture.state, request, picture.valuation)
    if other is None:
        return held
    picture.state.lift(held.space, request.start, request.end)
    picture.state.place(other, request.start, request.end)
    return Tentative(request=request, space=other)


def _start(request: Request | None) -> int:
    return -1 if request is None else request.start


class CarsInUse:
    """Held periods by plate, so that no car is promised two bays at once."""

    def __init__(self, rows: Iterable[ReservationVehicle], *, now: datetime) -> None:
        self._held = [
            (bytes(row.plate_exact_hash), row.held_from, row.held_until)
            for row in reservations.clashing_plates(rows, now=now)
        ]

    def clash_with(self, reservation: Reservation, *, later_by: timedelta = timedelta(0)) -> bool:
        """Whether one of its cars is promised elsewhere in its period, or in one moved by so much."""
        plates = {bytes(row.plate_exact_hash) for row in reservation.vehicle_rows.all()}
        starts_at, ends_at = reservation.held_from + later_by, reservation.held_until + later_by
        return any(
            plate in plates and held_from < ends_at and held_until > starts_at
            for plate, held_from, held_until in self._held
        )

    def busy_until(self, reservation: Reservation, *, since: datetime) -> datetime | None:
        """Until when one of its cars is promised elsewhere between then and its own time; None where none is."""
        plates = {bytes(row.plate_exact_hash) for row in reservation.vehicle_rows.all()}
        ends = [
            held_until
            for plate, held_from, held_until in self._held
            if plate in plates and held_from < reservation.held_from and held_until > since
        ]
        return max(ends, default=None)

    def busy_from(self, reservation: Reservation) -> datetime | None:
        """When one of its cars is first promised elsewhere after its own time; None where none is."""
        plates = {bytes(row.plate_exact_hash) for row in reservation.vehicle_rows.all()}
        starts = [
            held_from
            for plate, held_from, _held_until in self._held
            if plate in plates and held_from >= reservation.held_until
        ]
        return min(starts, default=None)

    def take(self, reservation: Reservation) -> None:
        self._held += [
            (bytes(row.plate_exact_hash), reservation.held_from, reservation.held_until)
            for row in reservation.vehicle_rows.all()
        ]
