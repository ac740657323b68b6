"""Finding the place that somebody typed, among our districts and lots: no address leaves this server."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Avg, Case, IntegerField, Q, QuerySet, Value, When

from parking_share.spaces.models import District, Lot

MOST_SUGGESTIONS = 12


@dataclass(frozen=True, kw_only=True)
class Place:
    """A point to search around. `others` are names that the text may have meant as well."""

    name: str
    latitude: float
    longitude: float
    zone: ZoneInfo
    others: Sequence[str] = ()


def default_zone() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


def find_place(text: str) -> Place | None:
    """The district of that name, else the lot whose name or address fits best, else nothing."""
    wanted = " ".join(text.split())
    if not wanted:
        return None
    return _district_named(wanted) or _lot_like(wanted)


def place_at(latitude: float, longitude: float) -> Place:
    """A point on the map, in the zone of the lots around it."""
    lots = Lot.objects.filter(
        latitude__range=(latitude - 0.5, latitude + 0.5), longitude__range=(longitude - 0.5, longitude + 0.5)
    )
    zone = lots.values_list("time_zone", flat=True).order_by("pk").first()
    return Place(name="", latitude=latitude, longitude=longitude, zone=ZoneInfo(zone) if zone else default_zone())


def districts() -> list[str]:
    """Names of all districts that have a lot."""
    return [str(row) for row in District.objects.filter(lots__isnull=False).distinct().order_by("city", "name")]


def suggestions(text: str) -> list[str]:
    """Names that complete what was typed: districts first, then lots."""
    wanted = text.strip()
    if not wanted:
        return districts()[:MOST_SUGGESTIONS]
    matching = [name for name in districts() if wanted.lower() in name.lower()]
    lots = _lots_like(wanted).values_list("name", flat=True)[:MOST_SUGGESTIONS]
    return list(dict.fromkeys([*matching, *lots]))[:MOST_SUGGESTIONS]


def _district_named(wanted: str) -> Place | None:
    city, _, name = wanted.rpartition(" ")
    named = Q(name__iexact=wanted) | Q(city__iexact=city, name__iexact=name)
    found = (
        District.objects.filter(named, lots__isnull=False)
        .annotate(latitude=Avg("lots__latitude"), longitude=Avg("lots__longitude"))
        .order_by("city", "name")
        .first()
    )
    if found is None:
        return None
    zone = Lot.objects.filter(district=found).values_list("time_zone", flat=True).order_by("pk")[0]
    return Place(name=str(found), latitude=found.latitude, longitude=found.longitude, zone=ZoneInfo(zone))


def _lot_like(wanted: str) -> Place | None:
    found = list(_lots_like(wanted)[:6])
    if not found:
        return None
    best, others = found[0], [lot.name for lot in found[1:] if lot.name != found[0].name]
    latitude, longitude = best.entrance
    return Place(name=best.name, latitude=latitude, longitude=longitude, zone=best.zone, others=others)


def _lots_like(wanted: str) -> QuerySet[Lot]:
    """Lots that have the text in their name or address; exact names first, then beginnings, then the rest."""
    closeness = Case(
        When(name__iexact=wanted, then=Value(0)),
        When(name__istartswith=wanted, then=Value(1)),
        When(name__icontains=wanted, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return Lot.objects.filter(Q(name__icontains=wanted) | Q(address__icontains=wanted)).order_by(
        closeness, "name", "pk"
    )
