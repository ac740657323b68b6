"""Requests for an area: every lot in reach is considered in one decision, and one reservation comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Round
from django.utils.translation import gettext as _

from allocation import locks, services
from allocation.area_choice import LIMITS_OR_CARS, Choice, choose
from allocation.area_models import AreaRequest, AreaWeights
from allocation.asking import Asking
from allocation.fairness import fairness_by_lot
from allocation.pictures import LotPicture
from allocation.rounds import open_round
from parking_share import bells
from parking_share.accounts.models import User, Vehicle
from parking_share.errors import DomainError
from parking_share.reservations import services as reservation_services
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import WITH_VEHICLES, waiting_in
from parking_share.reservations.services import OnceOnly, RequestRefused, Wish
from parking_share.reservations.states import Status
from parking_share.spaces.models import BookingLimits, Lot
from parking_share.spaces.selectors import distance_m, limits_by_lot, lots_near

MOST_LOTS = 12
POINT_DECIMALS, BLURRED_DECIMALS = 5, 2  # about a metre, about a kilometre
POINTS_ARE_KEPT = timedelta(days=180)  # as long as the plates of reservations


class WeightsRefused(DomainError):
    code = "weights_refused"


@dataclass(frozen=True, kw_only=True)
class Area:
    """A point and how far from it one would walk."""

    latitude: float
    longitude: float
    radius_m: int

    @classmethod
    def of(cls, row: AreaRequest) -> "Area":
        return cls(latitude=row.latitude, longitude=row.longitude, radius_m=row.radius_m)


@dataclass(frozen=True, kw_only=True)
class AreaWish:
    """What a driver asks for, wherever in an area it is."""

    area: Area
    vehicles: Sequence[Vehicle]
    starts_at: datetime
    ends_at: datetime
    needs_charger: bool = False
    needs_accessible: bool = False

    def at(self, lot: Lot) -> Wish:
        wanted = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "area"}
        return Wish(lot=lot, **wanted)


def lots_in(area: Area) -> list[tuple[Lot, float]]:
    """The lots that a decision considers: open, within reach, in the currency of the nearest; the nearest twelve."""
    near = lots_near(latitude=area.latitude, longitude=area.longitude, radius_m=area.radius_m)
    return [(lot, metres) for lot, metres in near if lot.currency == near[0][0].currency][:MOST_LOTS]


@transaction.atomic
def request_in_area(*, driver: User, wish: AreaWish, now: datetime, once: OnceOnly | None = None) -> Reservation:
    """Write the request in the name of the nearest lot that may be asked for such a time, and ring for its decision."""
    lots = [lot for lot, _metres in lots_in(wish.area)]
    if not lots:
        sentence = _("No car park within %(metres)s m takes reservations. Search in a larger circle.")
        raise RequestRefused("nothing_in_reach", sentence % {"metres": wish.area.radius_m})
    limits = limits_by_lot(lots)
    stands_for_all = next((lot for lot in lots if _admits(limits[lot.pk], wish, now=now)), lots[0])
    reservation = reservation_services.record_request(driver=driver, wish=wish.at(stands_for_all), now=now, once=once)
    AreaRequest.objects.create(
        reservation=reservation,
        latitude=round(wish.area.latitude, POINT_DECIMALS),
        longitude=round(wish.area.longitude, POINT_DECIMALS),
        radius_m=wish.area.radius_m,
    )
    bells.ring("allocation.decide_area", reservation_id=reservation.pk)
    return reservation


def decide_area(*, reservation_id: int, now: datetime) -> bool:
    """Decide a request for an area, after all that were made earlier for a lot in reach; return whether it waited.

    Safe to run twice: what is decided no longer waits.
    """
    asked = AreaRequest.objects.filter(reservation=reservation_id, decided_at__isnull=True).first()
    if asked is None:
        return False
    in_reach = [lot.pk for lot, _metres in lots_in(Area.of(asked))]
    earlier = waiting_in(in_reach).filter(~locks.waits_for_an_area(), pk__lt=reservation_id)
    for lot_id in sorted(set(earlier.values_list("lot_id", flat=True))):
        services.decide(lot_id=lot_id, now=now)
    return _decide(reservation_id, in_reach, now=now)


@transaction.atomic
def _decide(reservation_id: int, in_reach: Sequence[int], *, now: datetime) -> bool:
    """Lock all lots in reach in order of id, then the cars, then the request; choose the lot, and decide there."""
    named = Reservation.objects.values_list("lot_id", flat=True).get(pk=reservation_id)
    lots = Lot.objects.filter(pk__in={named, *in_reach}).order_by("pk").select_for_update(no_key=True)
    by_id = {lot.pk: lot for lot in lots}
    plates = locks.plates_of([reservation_id])
    Vehicle.objects.lock(plates)
    waiting = Reservation.objects.filter(pk=reservation_id, status=Status.REQUESTED, area__decided_at__isnull=True)
    reservation = waiting.select_for_update(no_key=True, of=("self",)).prefetch_related(WITH_VEHICLES).first()
    if reservation is None:
        return False
    reservation_services.expire_lapsed(lot_ids=list(by_id), plates=plates, now=now)
    asked, weights = AreaRequest.objects.get(reservation=reservation_id), weights_in_force()
    asking = Asking.of(reservation, list(by_id.values()), now=now)
    point = asked.latitude, asked.longitude
    walks_m = {lot_id: distance_m(point, lot.entrance) for lot_id, lot in by_id.items()}
    choice = choose(asking, walks_m, weights=weights.choice)
    lot_id = choice.lot_id or _lot_that_refuses(choice) or reservation.lot_id
    _settle(reservation, asking.pictures[lot_id], now=now)
    AreaRequest.objects.filter(pk=asked.pk).update(
        decided_at=now, weights_version=weights.version, considered=[one.as_row() for one in choice.considered]
    )
    return True


def _settle(reservation: Reservation, picture: LotPicture, *, now: datetime) -> None:
    """Give the reservation its lot, and decide it there as any other."""
    reservation.lot, reservation.currency = picture.lot, picture.rates.currency
    reservation.price_cents = picture.rates.price_cents(reservation.starts_at, reservation.ends_at)
    reservation.save(update_fields=["lot", "price_cents", "currency"])
    pictures = {picture.lot.pk: picture}
    incomes = fairness_by_lot(pictures, now=now)
    here = open_round([reservation], pictures, incomes=incomes, overruled={}, now=now)
    here.decide_each([reservation], budget_s=services.ROUND_BUDGET_S)
    services.write_round(here, {}, now=now)


def _lot_that_refuses(choice: Choice) -> int | None:
    """The nearest lot whose policy said no, so that the reason which the driver reads is a lot's own."""
    refused = [one for one in choice.considered if one.refusal not in {"", LIMITS_OR_CARS}]
    return min(refused, key=lambda one: (one.walk_m, one.lot)).lot if refused else None


def blur_points(*, now: datetime) -> int:
    """Keep only roughly where a driver wanted to be once that is half a year past. Safe to run twice."""
    blurred = {name: Round(F(name), precision=BLURRED_DECIMALS) for name in ("latitude", "longitude")}
    is_sharp = Q(latitude__gt=blurred["latitude"]) | Q(latitude__lt=blurred["latitude"])
    is_sharp |= Q(longitude__gt=blurred["longitude"]) | Q(longitude__lt=blurred["longitude"])
    old = AreaRequest.objects.filter(is_sharp, reservation__ends_at__lt=now - POINTS_ARE_KEPT)
    return old.update(**blurred)


def weights_in_force() -> AreaWeights:
    """The weights in force, else the defaults of the model as version 0."""
    return AreaWeights.objects.filter(superseded_at__isnull=True).first() or AreaWeights(version=0)


@transaction.atomic
def change_weights(
    *, walk_cents_per_100m: int, sustainability_cents: int, changed_by: User, now: datetime
) -> AreaWeights:
    """Supersede the weights in force; what was decided keeps the version that it was decided by."""
    present = AreaWeights.objects.select_for_update().filter(superseded_at__isnull=True).first()
    latest = AreaWeights.objects.aggregate(latest=Max("version"))["latest"] or 0
    following = AreaWeights(
        version=latest + 1,
        walk_cents_per_100m=walk_cents_per_100m,
        sustainability_cents=sustainability_cents,
        valid_from=now,
        changed_by=changed_by,
    )
    try:
        following.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise WeightsRefused(" ".join(error.messages)) from error
    if present is not None:
        AreaWeights.objects.filter(pk=present.pk).update(superseded_at=now)
    following.save(force_insert=True)
    return following


def _admits(limits: BookingLimits, wish: AreaWish, *, now: datetime) -> bool:
    return (
        timedelta(minutes=limits.shortest_stay_min)
        <= wish.ends_at - wish.starts_at
        <= timedelta(minutes=limits.longest_stay_min)
    ) and wish.starts_at <= now + timedelta(days=limits.furthest_ahead_days)
