"""The city map: service areas of all lots in any quarter of an hour, and the same figures as a table."""

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.dateparse import parse_time
from django.views.decorators.http import require_http_methods

from coverage.days import newest_refusal, newest_run, published_runs
from coverage.figures import city_figure, figures_of
from coverage.models import CoverageRun
from coverage.services import late_cities, slot_of
from coverage.vacancy import SLOT, Basis
from parking_share import clock
from parking_share.spaces.calendar import day_type, region_of, weekdays_by_date
from parking_share.spaces.models import DayType, Lot
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.city_colours import CAPABILITY, COLOURINGS, map_words
from parking_share.web.coverage_data import addresses_of, addresses_of_run
from parking_share.web.coverage_scope import city_asked_for, districts_by_city, shown_runs
from parking_share.web.days import day_asked_for
from parking_share.web.scoped import lots_asked_for
from parking_share.web.words import typed_words

LOTS_A_PAGE = 25
DAY = timedelta(days=1)
LOOKED_BACK = timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class ShownDay:
    """One map of the page: a day, and the picture that it begins with."""

    city: str
    day: date
    run: CoverageRun | None
    kind: str

    @property
    def addresses(self) -> dict[str, Any]:
        return addresses_of(self.run.base) | addresses_of_run(self.run) if self.run else {}

    @property
    def slot_ends_at(self) -> datetime | None:
        return timezone.localtime(self.run.slot_starts_at + SLOT) if self.run else None


@require_http_methods(["GET", "HEAD"])
@signed_in
def city_map(request: PersonalRequest) -> HttpResponse:
    """The map of one city, and below it its lots in the person's districts."""
    now, cities = clock.now(), districts_by_city(request)
    city = city_asked_for(request, cities)
    newest = newest_run(city, now=now)
    maps = _maps(request, city, newest, now=now)
    run = next((shown.run for shown in maps if shown.run), None)
    page = Paginator(lots_asked_for(request, cities[city]), LOTS_A_PAGE).get_page(request.GET.get("page"))
    lots = list(page)
    figures = figures_of(run, [lot.pk for lot in lots]) if run else {}
    context = {
        "city": city,
        "cities": sorted(cities),
        "districts": cities[city],
        "chosen": request.GET.get("district", ""),
        "q": typed_words(request, "q"),
        "maps": maps,
        "run": run,
        "summary": _summary(run) if run else None,
        "compares": len(maps) > 1,
        "page_obj": page,
        "rows": [{"lot": lot, "figure": figures.get(lot.pk)} for lot in lots],
        "now": timezone.localtime(now),
        "is_late": newest is not None and city in late_cities(now=now),
        "newest_ends_at": timezone.localtime(newest.slot_starts_at + SLOT) if newest else None,
        "refusal": newest_refusal(city, since=now - LOOKED_BACK),
        "colourings": list(COLOURINGS.values()),
        "legend": CAPABILITY.legend,
        "map_data": json.dumps({one.name: one.as_data() for one in COLOURINGS.values()}),
        "map_words": json.dumps(map_words()),
        "base_map": json.dumps(settings.BASE_MAP),
        "approval": settings.MAP_APPROVAL_NUMBER,
    }
    return render(request, "city/map.html", context)


@require_http_methods(["GET", "HEAD"])
@signed_in
def summary(request: PersonalRequest, run_id: int) -> HttpResponse:
    """What one picture says of the city as a whole, and how old what it knows is."""
    run = get_object_or_404(shown_runs(request).select_related("base").defer("areas", "paint", *_HEAVY), pk=run_id)
    return render(request, "city/_map_summary.html", _summary(run))


@require_http_methods(["GET", "HEAD"])
@signed_in
def lot(request: PersonalRequest, run_id: int, lot_id: int) -> HttpResponse:
    """One lot in one picture; of lots in districts of others only that they are there."""
    run = get_object_or_404(shown_runs(request).select_related("base").defer("areas", "paint", *_HEAVY), pk=run_id)
    known = Lot.objects.select_related("district", "access_class").filter(pk__in=run.base.lot_ids)
    found = get_object_or_404(known, pk=lot_id)
    districts = {district.pk for own in districts_by_city(request).values() for district in own}
    context = {
        "run": run,
        "lot": found,
        "is_mine": found.district_id in districts,
        "figure": figures_of(run, [lot_id])[lot_id],
        "slot_ends_at": timezone.localtime(run.slot_starts_at + SLOT),
        "day": timezone.localtime(run.slot_starts_at).date(),
    }
    return render(request, "city/_map_lot.html", context)


_HEAVY = ("base__arrays", "base__clusters", "base__mesh")


def _summary(run: CoverageRun) -> dict[str, Any]:
    figure = city_figure(run)
    labels = [(basis, figure.by_basis[basis]) for basis in (Basis.SEEN, Basis.BOOKINGS, Basis.PROFILE, Basis.PRIOR)]
    return {
        "run": run,
        "figure": figure,
        "bases": [(basis.name, count) for basis, count in labels if count],
        "closed": figure.by_basis[Basis.CLOSED],
        "slot_starts_at": timezone.localtime(run.slot_starts_at),
        "slot_ends_at": timezone.localtime(run.slot_starts_at + SLOT),
    }


def _maps(request: PersonalRequest, city: str, newest: CoverageRun | None, *, now: datetime) -> list[ShownDay]:
    """One map; two where a working day is asked for beside a day off."""
    if newest is None:
        return []
    zone = timezone.get_default_timezone()
    newest_at = newest.slot_starts_at.astimezone(zone)
    at = _time_asked_for(request) or newest_at.time()
    if request.GET.get("compare"):
        return [_shown(city, day, at, kind=kind) for kind, day in workday_and_day_off(newest_at.date())]
    day = day_asked_for(request, now=now) if "day" in request.GET else newest_at.date()
    return [_shown(city, day, at, kind="")]


def _shown(city: str, day: date, at: time, *, kind: str) -> ShownDay:
    """The picture of a time of a day, else the nearest before it on that day, else the first after it."""
    zone = timezone.get_default_timezone()
    begins = datetime.combine(day, time(), tzinfo=zone)
    wanted = slot_of(datetime.combine(day, at, tzinfo=zone))
    of_day = published_runs(city).filter(slot_starts_at__gte=begins, slot_starts_at__lt=begins + DAY)
    light = of_day.select_related("base").defer("areas", "paint", *_HEAVY)
    run = (
        light.filter(slot_starts_at__lte=wanted).order_by("-slot_starts_at").first()
        or light.order_by("slot_starts_at").first()
    )
    return ShownDay(city=city, day=day, run=run, kind=kind)


def workday_and_day_off(newest: date) -> list[tuple[str, date]]:
    """The newest full working day and the newest full day off before a day, by the calendar of holidays."""
    days = [newest - number * DAY for number in range(1, 15)]
    region = region_of(timezone.get_default_timezone_name())
    calendar = weekdays_by_date(region=region, first=days[-1], last=days[0])
    kinds = {day: day_type(day, calendar) for day in days}
    weekday = next((day for day in days if kinds[day] == DayType.WORKDAY), days[0])
    day_off = next((day for day in days if kinds[day] == DayType.DAY_OFF), days[0])
    return [(str(DayType.WORKDAY.label), weekday), (str(DayType.DAY_OFF.label), day_off)]


def _time_asked_for(request: PersonalRequest) -> time | None:
    try:
        return parse_time(request.GET.get("at", ""))
    except ValueError:
        return None
