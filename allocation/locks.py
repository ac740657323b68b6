"""Who is locked while a lot is decided: lots, then cars, then reservations, each in order of id."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from parking_share.accounts.models import Vehicle
from parking_share.reservations.models import Reservation, ReservationVehicle
from parking_share.reservations.selectors import WITH_VEHICLES, waiting_in
from parking_share.reservations.states import Status
from parking_share.spaces.models import Lot
from parking_share.spaces.selectors import limits_of

TAKEN_ALONG = 15


def lock_lots_with_requests(lot_id: int, *, along: int = TAKEN_ALONG) -> list[Lot]:
    """Lock the lot if anybody waits for it, and take along other lots with requests whose lock is free.

    A bell that comes too late does not queue for the lot's lock. Lots that are taken along share a round's queries.
    """
    waits = Exists(Reservation.objects.filter(lot=OuterRef("pk"), status=Status.REQUESTED))
    lots = Lot.objects.filter(waits).select_for_update(no_key=True).filter(pk=lot_id)
    others = Lot.objects.filter(waits).exclude(pk=lot_id).order_by("pk")
    return [*lots, *(others.select_for_update(no_key=True, skip_locked=True)[:along] if along else ())]


def lock_waiting(lot_ids: Collection[int], *, only: int | None = None) -> list[Reservation]:
    """Lock the cars, then the requests that still wait, or one of them. Later requests wait for the next bell."""
    named = ReservationVehicle.objects.filter(reservation__lot__in=lot_ids, reservation__status=Status.REQUESTED)
    if only is not None:
        named = named.filter(reservation=only)
    cars = list(named.values_list("reservation_id", "plate_exact_hash"))
    Vehicle.objects.lock({bytes(plate) for _pk, plate in cars})
    return list(
        waiting_in(lot_ids)
        .filter(pk__in={pk for pk, _plate in cars})
        .select_for_update(no_key=True, of=("self",))
        .prefetch_related(WITH_VEHICLES)
    )


def lock_due(lot: Lot, *, now: datetime) -> list[Reservation]:
    """Lock the accepted reservations of a lot whose bay is to be announced."""
    announce_until = now + timedelta(minutes=limits_of(lot).announce_before_min)
    return list(
        Reservation.objects.filter(lot=lot, status=Status.ACCEPTED, starts_at__lte=announce_until)
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
        .prefetch_related(WITH_VEHICLES)
    )
