"""Questions about reservations; what a driver may see is scoped to the driver."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from parking_share.accounts.models import User, Vehicle
from parking_share.ranges import period
from parking_share.reservations.models import Reservation, ReservationVehicle
from parking_share.reservations.states import HOLDS_A_SPACE, MAY_LAPSE, Status
from parking_share.spaces.models import Resident, ShareWindow, Space
from parking_share.spaces.selectors import suits

WITH_VEHICLES = Prefetch("vehicle_rows", ReservationVehicle.objects.select_related("vehicle"))


def holding(*, now: datetime) -> QuerySet[Reservation]:
    """Reservations that hold a space at this instant; a lapsed hold blocks nobody, cleaned up or not."""
    return Reservation.objects.filter(status__in=HOLDS_A_SPACE, held_until__gt=now).exclude(
        status__in=MAY_LAPSE, lapses_at__lte=now
    )


def holds_in(space_id: int, *, since: datetime, until: datetime, now: datetime) -> QuerySet[Reservation]:
    """Who holds a bay at any time of [since, until), the first to come first."""
    held = holding(now=now).filter(space=space_id, held_from__lt=until, held_until__gt=since)
    return held.order_by("held_from", "pk")


def lapsed_holds(*, now: datetime) -> QuerySet[Reservation]:
    """Reservations whose driver did not come within the grace."""
    return Reservation.objects.filter(status__in=MAY_LAPSE, lapses_at__lte=now)


def waiting_in(lot_ids: Collection[int]) -> QuerySet[Reservation]:
    """Requests of these lots that wait for their decision, in the order in which they were made."""
    return Reservation.objects.filter(lot__in=lot_ids, status=Status.REQUESTED).order_by("pk")


def reservations_of(driver: User) -> QuerySet[Reservation]:
    """The driver's reservations, the latest start first."""
    return (
        Reservation.objects.filter(driver=driver)
        .select_related("lot", "space")
        .prefetch_related(WITH_VEHICLES)
        .order_by("-starts_at", "-pk")
    )


def bookings_of_spaces(owner: User, *, now: datetime) -> QuerySet[Reservation]:
    """What is booked on an owner's bays from now on, soonest first; tells nothing of who the driver is."""
    return holding(now=now).filter(space__owner=owner).select_related("space", "space__lot").order_by("held_from")


def clashing_plates(rows: Iterable[ReservationVehicle], *, now: datetime) -> list[ReservationVehicle]:
    """Held vehicle rows that share a plate with one of the given rows, whoever registered the car."""
    hashes = {bytes(row.plate_exact_hash) for row in rows}
    held = ReservationVehicle.objects.filter(is_held=True, plate_exact_hash__in=list(hashes), held_until__gt=now)
    return list(held)


def cars_with_their_time(
    reservation: Reservation, *, now: datetime
) -> list[tuple[Vehicle, list[tuple[datetime, datetime]]]]:
    """The cars of a reservation, each with the periods in which it is promised elsewhere; one query."""
    held = ReservationVehicle.objects.filter(
        is_held=True, plate_exact_hash=OuterRef("plate_exact_hash"), held_until__gt=now
    ).exclude(reservation=reservation)
    elsewhere = ArraySubquery(held.values(period=period("held_from", "held_until")))
    rows = reservation.vehicle_rows.select_related("vehicle").annotate(elsewhere=elsewhere).order_by("pk")
    return [(row.vehicle, [(promised.lower, promised.upper) for promised in row.elsewhere]) for row in rows]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A period, and the needs that decide which bays count."""

    starts_at: datetime
    ends_at: datetime
    driver: User | None = None
    vehicles: tuple[Vehicle, ...] = ()
    needs_charger: bool = False
    needs_accessible: bool = False


def bays_free(lot_ids: Collection[int], question: Question, *, now: datetime) -> Mapping[int, int]:
    """How many bays of each lot are free for exactly this period, in one query whatever the number of lots."""
    return _count_suitable(lot_ids, question, _free_spaces(lot_ids, question, now=now))


def bays_shared(lot_ids: Collection[int], question: Question) -> Mapping[int, int]:
    """How many bays of each lot are shared for exactly this period, free or taken, in one query."""
    return _count_suitable(lot_ids, question, _shared_spaces(lot_ids, question))


def _count_suitable(lot_ids: Collection[int], question: Question, spaces: Iterable[Space]) -> Mapping[int, int]:
    counts = dict.fromkeys(lot_ids, 0)
    for space in spaces:
        if suits(
            space,
            vehicles=question.vehicles,
            needs_charger=question.needs_charger,
            needs_accessible=question.needs_accessible,
        ):
            counts[space.lot_id] += 1
    return counts


def _shared_spaces(lot_ids: Collection[int], question: Question) -> QuerySet[Space]:
    shared = ShareWindow.objects.filter(
        space=OuterRef("pk"),
        superseded_at__isnull=True,
        starts_at__lte=question.starts_at,
        ends_at__gte=question.ends_at,
    )
    return Space.objects.filter(
        _admits(question.driver), Exists(shared), lot__in=lot_ids, standing=Space.Standing.APPROVED
    ).only("pk", "lot_id", "size", "height_limit_cm", "has_charger", "is_accessible")


def _free_spaces(lot_ids: Collection[int], question: Question, *, now: datetime) -> QuerySet[Space]:
    taken = holding(now=now).filter(
        space=OuterRef("pk"), held_from__lt=question.ends_at, held_until__gt=question.starts_at
    )
    return _shared_spaces(lot_ids, question).filter(~Exists(taken))


def _admits(driver: User | None) -> Q:
    everyone = Q(admits=Space.Admits.EVERYONE)
    if driver is None:
        return everyone
    lives_here = Exists(Resident.objects.filter(lot=OuterRef("lot"), user=driver))
    listed = Exists(Space.guests.through.objects.filter(space=OuterRef("pk"), user=driver))
    return everyone | (Q(admits=Space.Admits.RESIDENTS) & Q(lives_here)) | (Q(admits=Space.Admits.LISTED) & Q(listed))
