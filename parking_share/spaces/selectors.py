"""Questions about the supply."""

import math
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from parking_share.accounts.models import User, Vehicle
from parking_share.spaces.models import BookingLimits, District, Gate, Lot, Resident, Role, RoleGrant, Space

EARTH_RADIUS_M = 6_371_008.8
METRES_PER_DEGREE = math.pi * EARTH_RADIUS_M / 180


def limits_by_lot(lots: Iterable[Lot]) -> dict[int, BookingLimits]:
    """Each lot's own limits, else the row for everywhere, else the defaults of the model."""
    wanted = [lot.pk for lot in lots]
    by_lot = {row.lot_id: row for row in BookingLimits.objects.filter(Q(lot__in=wanted) | Q(lot__isnull=True))}
    everywhere = by_lot.get(None) or BookingLimits()
    return {lot_id: by_lot.get(lot_id, everywhere) for lot_id in wanted}


def limits_of(lot: Lot) -> BookingLimits:
    return limits_by_lot([lot])[lot.pk]


def distance_m(from_point: tuple[float, float], to_point: tuple[float, float]) -> float:
    """Great-circle distance in metres between two points given as latitude and longitude."""
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*from_point, *to_point))
    half_chord = (
        math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half_chord)))


def lots_near(*, latitude: float, longitude: float, radius_m: float, only_open: bool = True) -> list[tuple[Lot, float]]:
    """Open lots, or all, whose entrance is within the radius, with their distance in metres, the nearest first."""
    reach_lat = radius_m / METRES_PER_DEGREE * 1.2 + 0.01
    reach_lon = reach_lat / max(math.cos(math.radians(latitude)), 0.01)
    around = Lot.objects.filter(
        is_open__in=[True] if only_open else [True, False],
        latitude__range=(latitude - reach_lat, latitude + reach_lat),
        longitude__range=(longitude - reach_lon, longitude + reach_lon),
    ).select_related("district")
    measured = [(lot, distance_m((latitude, longitude), lot.entrance)) for lot in around]
    return sorted(
        [(lot, metres) for lot, metres in measured if metres <= radius_m], key=lambda pair: (pair[1], pair[0].pk)
    )


def spaces_of(owner: User) -> QuerySet[Space]:
    """The bays that a person owns."""
    return Space.objects.filter(owner=owner).select_related("lot").order_by("lot__name", "label")


def lots_managed_by(user: User) -> QuerySet[Lot]:
    """Lots whose manager a person is; an operator manages all."""
    if is_operator(user):
        return Lot.objects.order_by("name")
    return Lot.objects.filter(role_grants__user=user, role_grants__role=Role.MANAGER).order_by("name")


def districts_overseen_by(user: User) -> QuerySet[District]:
    """Districts whose staff a person is; an operator oversees all."""
    if is_operator(user):
        return District.objects.order_by("city", "name")
    granted = District.objects.filter(role_grants__user=user, role_grants__role=Role.CITY_STAFF)
    return granted.order_by("city", "name")


def gates_guarded_by(user: User) -> QuerySet[Gate]:
    """Gates that a person may open by hand: of the lots that she guards or manages; an operator's are all."""
    gates = Gate.objects.select_related("lot").order_by("lot__name", "name")
    if is_operator(user):
        return gates
    watched = RoleGrant.objects.filter(user=user, role__in=[Role.GUARD, Role.MANAGER])
    return gates.filter(lot__in=watched.values("lot"))


def is_operator(user: User) -> bool:
    return user.is_superuser or RoleGrant.objects.filter(user=user, role=Role.OPERATOR).exists()


def usable_spaces(lots: Iterable[Lot]) -> QuerySet[Space]:
    """The approved spaces of these lots, in the order in which the engine visits them."""
    return Space.objects.filter(lot__in=[lot.pk for lot in lots], standing=Space.Standing.APPROVED).order_by("pk")


def suits(space: Space, *, vehicles: Iterable[Vehicle], needs_charger: bool, needs_accessible: bool) -> bool:
    """Whether these cars fit a bay and may have it; chargers and accessible bays are kept for those who need them."""
    fits = all(
        vehicle.size <= space.size
        and (space.height_limit_cm is None or (vehicle.height_cm or 0) <= space.height_limit_cm)
        for vehicle in vehicles
    )
    return fits and space.has_charger == needs_charger and space.is_accessible == needs_accessible


def admissions(spaces: Iterable[Space], *, drivers: Iterable[int]) -> Callable[[Space, int], bool]:
    """Load who may use which of these bays; answer for any of these drivers without further queries."""
    wanted = set(drivers)
    lots = {space.lot_id for space in spaces if space.admits == Space.Admits.RESIDENTS}
    lists = {space.pk for space in spaces if space.admits == Space.Admits.LISTED}
    homes = Resident.objects.filter(lot__in=lots, user__in=wanted).values_list("lot_id", "user_id")
    guests = Space.guests.through.objects.filter(space__in=lists, user__in=wanted).values_list("space_id", "user_id")
    residents, listed = set(homes), set(guests)

    def admitted(space: Space, driver_id: int) -> bool:
        match space.admits:
            case Space.Admits.EVERYONE:
                return True
            case Space.Admits.RESIDENTS:
                return (space.lot_id, driver_id) in residents
            case _:
                return (space.pk, driver_id) in listed

    return admitted


def now_in(lot: Lot, now: datetime) -> datetime:
    """The instant on the lot's own clock."""
    return now.astimezone(lot.zone)
