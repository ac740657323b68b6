"""A car comes and goes: the reservation and the stay follow, whoever says so: gate, bay sensor, code, the driver.

What is said late corrects the stay and never opens again what is over. Everything is safe to say twice.
"""

from datetime import datetime

import structlog
from django.db import transaction

from allocation.keeping import admit_now
from parking_share.accounts.models import User
from parking_share.errors import DomainError
from parking_share.fulfilment.penalties import end_overstay
from parking_share.fulfilment.selectors import sees_cars
from parking_share.reservations import services
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import MAY_LAPSE, Reason, Status
from parking_share.reservations.transitions import Change, make_transitions
from sensors.models import BayState, Stay
from sensors.selectors import open_stay_of
from sensors.staying import begin_earlier, close_stay, open_stay

log = structlog.get_logger(__name__)


@transaction.atomic
def record_arrival(*, reservation_id: int, actor: User, now: datetime) -> Reservation:
    """The driver says that the car is in its bay."""
    reservation = services.record_arrival(reservation_id=reservation_id, actor=actor, now=now)
    _open(reservation, Stay.Source.DRIVER, at=now, space_id=reservation.space_id)
    return reservation


@transaction.atomic
def record_departure(*, reservation_id: int, actor: User, now: datetime) -> Reservation:
    """The driver says that the car has left; the rest of the period is free at once."""
    reservation = services.record_departure(reservation_id=reservation_id, actor=actor, now=now)
    _close(reservation, at=now)
    return reservation


@transaction.atomic(savepoint=False)
def see_arrival(
    *,
    reservation_id: int,
    at: datetime,
    source: Stay.Source,
    plate: bytes | None = None,
    space_id: int | None = None,
    now: datetime,
) -> bool:
    """A gate, a sensor or a code says that the car has come; say whether the reservation counts as parked.

    Who came after the bay was given back is a car in the lot and no more. The caller has locked the lot where a bay may
    still have to be announced.
    """
    reservation = _lock(reservation_id)
    was_here = reservation.status not in MAY_LAPSE
    if reservation.status == Status.ACCEPTED:
        reservation = _announced(reservation, now=now)
    if reservation.status == Status.ASSIGNED and not _came_too_late(reservation, at=at):
        reservation = _parked(reservation, at=at)
    if reservation.status == Status.PARKED:
        _open(reservation, source, at=at, plate=plate, space_id=space_id)
    if was_here:
        begin_earlier(reservation_id=reservation_id, began_at=at)
    return reservation.status == Status.PARKED


@transaction.atomic(savepoint=False)
def see_departure(*, reservation_id: int, at: datetime, plate: bytes | None = None) -> bool:
    """A gate, a sensor or a code says that the car has gone; say whether that ended the reservation.

    A car that nobody saw coming has been here since its start at the latest. An exit from before it came is an old one.
    """
    reservation = _lock(reservation_id)
    if reservation.status == Status.ASSIGNED and _came_unseen(reservation, at=at):
        reservation = _parked(reservation, at=at)
        _open(reservation, Stay.Source.GATE, at=at, plate=plate)
    if reservation.status == Status.PARKED and not _is_from_before(reservation, at=at):
        change = Change(reservation_id=reservation_id, to=Status.COMPLETED, reason=Reason.LEFT)
        [reservation] = make_transitions([change], at=at, locked=[reservation])
    if reservation.status == Status.PARKED:
        return False
    _close(reservation, at=at, plate=plate)
    return reservation.status == Status.COMPLETED


def _announced(reservation: Reservation, *, now: datetime) -> Reservation:
    """The car is here before a bay was announced: announce one; where that is refused, things stay as they are."""
    try:
        admit_now(reservation_id=reservation.pk, now=now)
    except DomainError as refusal:
        log.warning("arrived_without_a_bay", reservation=reservation.pk, refusal=refusal.code)
    return _lock(reservation.pk)


def _parked(reservation: Reservation, *, at: datetime) -> Reservation:
    change = Change(reservation_id=reservation.pk, to=Status.PARKED, reason=Reason.ARRIVED)
    return make_transitions([change], at=at, locked=[reservation])[0]


def _came_too_late(reservation: Reservation, *, at: datetime) -> bool:
    return reservation.lapses_at is not None and reservation.lapses_at <= at


def _came_unseen(reservation: Reservation, *, at: datetime) -> bool:
    """Whether it was let in and its arrival is not recorded yet, or its time had begun and was not given up."""
    return reservation.lapses_at is None or reservation.held_from <= at < reservation.lapses_at


def _is_from_before(reservation: Reservation, *, at: datetime) -> bool:
    stay = open_stay_of(reservation.pk)
    return stay is not None and at < stay.began_at


def _open(
    reservation: Reservation,
    source: Stay.Source,
    *,
    at: datetime,
    plate: bytes | None = None,
    space_id: int | None = None,
) -> None:
    """Open the stay. Its bay is the one that a sensor or the driver names; one without a sensor is believed."""
    if space_id is None and not BayState.objects.filter(pk=reservation.space_id).exists():
        space_id = reservation.space_id
    open_stay(
        lot_id=reservation.lot_id,
        source=source,
        began_at=at,
        space_id=space_id,
        reservation_id=reservation.pk,
        plate_exact_hash=plate or _only_plate(reservation),
    )
    _presume_left(reservation, at=at)


def _presume_left(reservation: Reservation, *, at: datetime) -> None:
    """Nobody else stands in a bay that is taken now; where no gate sees cars go, whoever was there has left."""
    others = Reservation.objects.filter(space=reservation.space_id, status=Status.PARKED, held_until__lte=at)
    others = others.exclude(pk=reservation.pk)
    if others.exists() and not sees_cars(reservation.lot_id, coming=False):
        for other in others:
            services.record_departure(reservation_id=other.pk, actor=None, now=at, reason=Reason.PRESUMED_LEFT)
            _close(other, at=at)


def _close(reservation: Reservation, *, at: datetime, plate: bytes | None = None) -> None:
    close_stay(lot_id=reservation.lot_id, ended_at=at, reservation_id=reservation.pk, plate_exact_hash=plate)
    end_overstay(reservation_id=reservation.pk, at=at)


def _only_plate(reservation: Reservation) -> bytes | None:
    plates = list(reservation.vehicle_rows.values_list("plate_exact_hash", flat=True)[:2])
    return bytes(plates[0]) if len(plates) == 1 else None


def _lock(reservation_id: int) -> Reservation:
    return Reservation.objects.select_for_update(no_key=True).get(pk=reservation_id)
