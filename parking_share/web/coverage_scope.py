"""Cities, bases and pictures of coverage that a page is about: of cities in which the person oversees a district."""

from django.db.models import QuerySet
from django.http import Http404

from coverage.models import CoverageBase, CoverageRun
from parking_share.spaces.models import District
from parking_share.web.access import PersonalRequest
from parking_share.web.scoped import overseen_districts


def districts_by_city(request: PersonalRequest) -> dict[str, list[District]]:
    """The person's districts by city; a map is of a whole city, its figures of lots are of these districts only."""
    found: dict[str, list[District]] = {}
    for district in overseen_districts(request):
        found.setdefault(district.city, []).append(district)
    return found


def city_asked_for(request: PersonalRequest, cities: dict[str, list[District]]) -> str:
    """The city of the address, else the one where the person oversees most lots."""
    asked = request.GET.get("city", "")
    if asked and asked not in cities:
        raise Http404
    return asked or home_city(cities)


def home_city(cities: dict[str, list[District]]) -> str:
    """The city that pages begin with: where the person oversees most lots."""
    return max(cities, key=lambda city: sum(getattr(one, "lot_count", 0) for one in cities[city]))


def shown_bases(request: PersonalRequest) -> QuerySet[CoverageBase]:
    return CoverageBase.objects.filter(city__in=districts_by_city(request))


def shown_runs(request: PersonalRequest) -> QuerySet[CoverageRun]:
    return CoverageRun.objects.filter(city__in=districts_by_city(request), status=CoverageRun.Status.PUBLISHED)
