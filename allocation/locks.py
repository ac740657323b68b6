"""Who is locked while a lot is decided: lots, then cars, then reservations, each in order of id."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Exists, OuterRef

from allocation.models import AreaRequest
from parking_share.accounts.models import Vehicle
from parking_share.reservations import services as reservation_services
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
    waits = Exists(Reservation.objects.filter(~waits_for_an_area(), lot=OuterRef("pk"), status=Status.REQUESTED))
    lots = Lot.objects.filter(waits).select_for_update(no_key=True).filter(pk=lot_id)
    others = Lot.objects.filter(waits).exclude(pk=lot_id).order_by("pk")
    return [*lots, *(others.select_for_update(no_key=True, skip_locked=True)[:along] if along else ())]


def waits_for_an_area(reservation: str = "pk") -> Exists:
    """Whether a reservation has no lot of its own yet: it is decided by itself, before all lots in reach."""
    return Exists(AreaRequest.objects.filter(reservation=OuterRef(reservation), decided_at__isnull=True))


def lock_waiting(lot_ids: Collection[int], *, only: int | None = None) -> list[Reservation]:
    """Lock the cars, then the requests that still wait, or one of them. Later requests wait for the next bell."""
    named = ReservationVehicle.objects.filter(
        ~waits_for_an_area("reservation"), reservation__lot__in=lot_ids, reservation__status=Status.REQUESTED
    )
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


def lock_reservation(reservation_id: int, *, now: datetime) -> Reservation:
    """Lock its lot, its cars and then the reservation itself; whose grace is over has lapsed before.

    The lot and the cars with their vehicles come along.
    """
    lot_id = Reservation.objects.values_list("lot_id", flat=True).get(pk=reservation_id)
    Lot.objects.select_for_update(no_key=True).get(pk=lot_id)
    plates = plates_of([reservation_id])
    Vehicle.objects.lock(plates)
    reservation_services.expire_lapsed(lot_ids=[lot_id], plates=plates, now=now)
    return lock_holds([reservation_id])[0]


def lock_holds(reservation_ids: Collection[int]) -> list[Reservation]:
    """Lock these reservations in order of id, with their lot and their cars at hand."""
    return list(
        Reservation.objects.filter(pk__in=reservation_ids)
        .select_related("lot")
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
        .prefetch_related(WITH_VEHICLES)
    )


def lock_lots_of(reservation_ids: Collection[int]) -> list[Lot]:
    """Lock the lots of these reservations in order of id."""
    lot_ids = set(Reservation.objects.filter(pk__in=reservation_ids).values_list("lot_id", flat=True))
    return list(Lot.objects.filter(pk__in=lot_ids).order_by("pk").select_for_update(no_key=True))


@contextmanager
def overlaps_checked_at_the_end(*, when: bool = True) -> Iterator[None]:
    """Let two UPDATEs change who is where; that no bay is promised twice is checked after both."""
    if when:
        _check_overlaps("DEFERRED")
    yield
    if when:
        _check_overlaps("IMMEDIATE")


def _check_overlaps(moment: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS reservation_no_overlap_in_space {moment}")


def plates_of(reservation_ids: Collection[int]) -> set[bytes]:
    """The hashes of the plates that these reservations name."""
    named = ReservationVehicle.objects.filter(reservation__in=reservation_ids)
    return {bytes(plate) for plate in named.values_list("plate_exact_hash", flat=True)}


def lock_due(lot: Lot, *, now: datetime) -> list[Reservation]:
    """Lock the accepted reservations of a lot whose bay is to be announced."""
    announce_until = now + timedelta(minutes=limits_of(lot).announce_before_min)
    return list(
        Reservation.objects.filter(lot=lot, status=Status.ACCEPTED, starts_at__lte=announce_until)
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
        .prefetch_related(WITH_VEHICLES)
    )
