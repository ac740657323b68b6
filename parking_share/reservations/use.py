"""How bays are used: questions of owners, managers and the city. Who the driver is stays out of the answers."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import holding
from parking_share.reservations.states import MAY_LAPSE, Status
from parking_share.spaces.models import Lot, ShareRule, ShareWindow, Space
from parking_share.spaces.services import offer_from, planned_windows


def bookings_of_space(space: Space, *, now: datetime) -> QuerySet[Reservation]:
    """What is booked on a bay from now on, soonest first."""
    return holding(now=now).filter(space=space).order_by("held_from", "pk")


def promised_outside_hours(space: Space, *, now: datetime) -> QuerySet[Reservation]:
    """Reservations that hold a space at times its owner no longer shares: they stay, the owner should know."""
    shared = ShareWindow.objects.filter(
        space=space, superseded_at__isnull=True, starts_at__lte=OuterRef("starts_at"), ends_at__gte=OuterRef("ends_at")
    )
    return holding(now=now).filter(~Exists(shared), space=space).order_by("held_from")


def promised_without_rule(rule: ShareRule, *, now: datetime) -> list[Reservation]:
    """Reservations that would lie outside the shared hours once a rule is withdrawn."""
    others = rule.space.rules.filter(withdrawn_at__isnull=True).exclude(pk=rule.pk)
    windows = planned_windows(rule.space, now=now, offers=[offer_from(other) for other in others])
    return [
        booking
        for booking in bookings_of_space(rule.space, now=now)
        if not any(starts_at <= booking.starts_at and booking.ends_at <= ends_at for starts_at, ends_at in windows)
    ]


@dataclass(frozen=True, kw_only=True)
class CarsOfLot:
    """Reservations whose car may come soon, by their start, and those whose car stands in the lot, by their end."""

    expected: list[Reservation]
    parked: list[Reservation]


def cars_of_lot(lot: Lot, *, now: datetime, within: timedelta = timedelta(hours=1), most: int = 500) -> CarsOfLot:
    """Cars expected and cars parked, overstays among them; three queries in all."""
    coming = Q(pk__in=holding(now=now).filter(lot=lot, status__in=MAY_LAPSE, starts_at__lte=now + within).values("pk"))
    rows = (
        Reservation.objects.filter(coming | Q(lot=lot, status=Status.PARKED))
        .select_related("space")
        .prefetch_related("vehicle_rows__vehicle")
        .order_by("starts_at", "pk")[:most]
    )
    parked = sorted((row for row in rows if row.status == Status.PARKED), key=lambda row: (row.ends_at, row.pk))
    return CarsOfLot(expected=[row for row in rows if row.status != Status.PARKED], parked=parked)


def bookings_ahead(spaces: QuerySet[Space], *, now: datetime) -> dict[int, int]:
    """How many reservations hold each of these bays from now on, by space id."""
    counted = holding(now=now).filter(space__in=spaces).values("space_id").annotate(n=Count("pk"))
    return dict(counted.values_list("space_id", "n"))
