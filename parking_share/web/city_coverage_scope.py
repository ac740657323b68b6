"""Which city, slot and lots a page about coverage shows: only those of the person's districts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.dateparse import parse_datetime

from coverage import selectors
from coverage.selectors import Alert, Picture
from parking_share.spaces.models import District, Lot
from parking_share.spaces.selectors import districts_overseen_by
from parking_share.web.access import PersonalRequest
from parking_share.web.coverage_scope import districts_by_city, home_city


@dataclass(frozen=True)
class CoverageScope:
    """One city as a member of staff may see it; `lots` are those of her districts that any picture could hold."""

    city: str
    cities: list[str]
    districts: list[District]
    asked_at: datetime | None
    now: datetime

    @cached_property
    def picture(self) -> Picture | None:
        """The newest picture, or the newest that is not newer than what the address asks for."""
        return selectors.newest_picture(self.city, until=self.asked_at)

    @cached_property
    def lots(self) -> Mapping[int, Lot]:
        by_pk = {district.pk: district for district in self.districts}
        rows = Lot.objects.filter(district__in=self.districts, capacity__gt=0).order_by("pk")
        found = {lot.pk: lot for lot in rows}
        for lot in found.values():
            lot.district = by_pk[lot.district_id]
        return found

    @cached_property
    def alerts(self) -> list[Alert]:
        return selectors.alerts_for([self.city], now=self.now)

    def needed_picture(self) -> Picture:
        """For downloads, which have nothing to say without one."""
        if self.picture is None:
            raise Http404
        return self.picture


def coverage_scope(request: PersonalRequest, *, now: datetime, city: str = "") -> CoverageScope:
    """The city that is named, or that of the address, among the person's, else the map's; without any, no page."""
    cities = districts_by_city(request)
    asked = city or request.GET.get("city", "") or request.POST.get("city", "")
    if asked and asked not in cities:
        raise Http404
    chosen = asked or home_city(cities)
    return CoverageScope(
        city=chosen, cities=list(cities), districts=cities[chosen], asked_at=_instant(request), now=now
    )


def overseen_lot(request: PersonalRequest, lot_id: int) -> Lot:
    lots = Lot.objects.filter(district__in=districts_overseen_by(request.user)).select_related("district")
    return get_object_or_404(lots, pk=lot_id)


def _instant(request: PersonalRequest) -> datetime | None:
    """The slot that an address asks for; what is no instant with its offset is as if nothing was asked."""
    try:
        found = parse_datetime(request.GET.get("at", ""))
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
