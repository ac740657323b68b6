"""Another bay in another lot for a driver whose own was lost."""

from datetime import datetime, timedelta

from django.db import transaction

from allocation.engine.placement import cheapest_free_space
from allocation.engine.request import Request
from allocation.locks import plates_of
from allocation.models import Assignment, Decision
from allocation.obstacles import obstructed
from allocation.pictures import LotPicture, eligible_spaces, lot_picture
from allocation.rounds import CarsInUse
from parking_share.accounts.models import Vehicle
from parking_share.reservations import services as reservation_services
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import WITH_VEHICLES
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import Change, make_transitions
from parking_share.spaces.models import Lot, Space


@transaction.atomic
def replace_reservation(*, lost: Reservation, lot_id: int, now: datetime) -> Reservation | None:
    """Reserve the cheapest free bay of a lot for what is left of a lost reservation; None, and no row, without one.

    Where the time begins soon the bay is announced at once. The lot's policy is not asked: this promise is an old one.
    """
    lot = Lot.objects.select_for_update(no_key=True).get(pk=lot_id)
    plates = plates_of([lost.pk])
    Vehicle.objects.lock(plates)
    reservation_services.expire_lapsed(lot_ids=[lot_id], plates=plates, now=now)
    if not lot.is_open or lost.ends_at <= now or _is_busy(lost, now=now):
        return None
    picture = lot_picture(lot, latest_end=lost.ends_at, now=now)
    space = _free_space(lost, picture, now=now)
    if space is None:
        return None
    written = reservation_services.record_replacement(lost=lost, lot=lot, now=now)
    return _accept(written, space, picture, now=now)


def _is_busy(lost: Reservation, *, now: datetime) -> bool:
    return CarsInUse(lost.vehicle_rows.all(), now=now).clash_with(lost)


def _free_space(lost: Reservation, picture: LotPicture, *, now: datetime) -> Space | None:
    """The cheapest bay that suits its cars and its driver, in which nobody stands."""
    start, end = picture.grid.outward(max(lost.starts_at, now), lost.ends_at)
    if start >= end or not picture.spaces:
        return None
    mask = eligible_spaces({lost.lot_id: picture}, [lost])[lost.pk]  # the other lot's bays, for this one's needs
    usable = picture.mask_without(obstructed(picture.index_of, now=now))
    found = cheapest_free_space(picture.state, Request(start=start, end=end, eligible=mask & usable), picture.valuation)
    return None if found is None else picture.spaces[found]


def _accept(written: Reservation, space: Space, picture: LotPicture, *, now: datetime) -> Reservation:
    row = picture.policy_row
    Decision.objects.create(
        reservation=written,
        is_accepted=True,
        reason=Reason.REPLACEMENT,
        space=space,
        policy_name=row.name,
        policy_version=row.version,
        decided_at=now,
        spaces_considered=len(picture.spaces),
    )
    grace = timedelta(minutes=picture.limits.no_show_grace_min)
    accepted = Change(
        reservation_id=written.pk,
        to=Status.ACCEPTED,
        reason=Reason.REPLACEMENT,
        space_id=space.pk,
        lapses_at=min(written.starts_at + grace, written.ends_at),
    )
    make_transitions([accepted], at=now)
    if written.starts_at <= now + timedelta(minutes=picture.limits.announce_before_min):
        announced = Change(reservation_id=written.pk, to=Status.ASSIGNED, reason=Reason.BAY_ANNOUNCED)
        make_transitions([announced], at=now)
        Assignment.objects.create(
            reservation=written, space=space, tentative_space=space, policy_name=row.name, assigned_at=now
        )
    return Reservation.objects.select_related("lot", "space").prefetch_related(WITH_VEHICLES).get(pk=written.pk)
