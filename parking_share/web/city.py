"""Pages of city staff: what their districts do, and where bays are short."""

import csv
from datetime import datetime, time, timedelta

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from allocation.pictures import policies_by_lot
from allocation.statistics import Usage, lots_short_of_bays, usage_by_district, usage_by_lot
from parking_share import clock
from parking_share.reservations.states import Reason
from parking_share.spaces.models import Lot
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.scoped import lots_asked_for, overseen_districts
from parking_share.web.templatetags.supply import people
from parking_share.web.words import typed_words

LOTS_A_PAGE, SHORT_LOTS, WEEK = 50, 20, timedelta(days=7)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@require_http_methods(["GET", "HEAD"])
@signed_in
def overview(request: PersonalRequest) -> HttpResponse:
    """The districts now and today, and the lots that turned most drivers away in the last seven days."""
    now = clock.now()
    districts = overseen_districts(request)
    usage = usage_by_district(districts, since=_midnight(now), now=now)
    context = {
        "rows": [{"district": district, "usage": usage[district.pk]} for district in districts],
        "short": lots_short_of_bays([district.pk for district in districts], since=now - WEEK)[:SHORT_LOTS],
        "now": timezone.localtime(now),
    }
    return render(request, "city/overview.html", context)


@require_http_methods(["GET", "HEAD"])
@signed_in
def lot_list(request: PersonalRequest) -> HttpResponse:
    """Every lot of the districts with its use now, its requests of seven days and the policy in force."""
    now, districts = clock.now(), overseen_districts(request)
    page = Paginator(lots_asked_for(request, districts), LOTS_A_PAGE).get_page(request.GET.get("page"))
    lots = list(page)
    usage, in_force = usage_by_lot(lots, since=now - WEEK, now=now), policies_by_lot(lots)
    context = {
        "page_obj": page,
        "rows": [{"lot": lot, "usage": usage[lot.pk], "policy": in_force[lot.pk]} for lot in lots],
        "districts": districts,
        "q": typed_words(request, "q"),
        "chosen": request.GET.get("district", ""),
    }
    return render(request, "city/lots.html", context)


@require_http_methods(["GET", "HEAD"])
@signed_in
def export(request: PersonalRequest) -> HttpResponse:
    """The list of lots as a table for a spreadsheet: what is shown, and no more."""
    now = clock.now()
    lots = list(lots_asked_for(request, overseen_districts(request)))
    usage = usage_by_lot(lots, since=now - WEEK, now=now)
    name = f"lots-{timezone.localtime(now):%Y-%m-%d}.csv"
    response = HttpResponse(
        "\ufeff",
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    writer = csv.writer(response)
    writer.writerow(_header())
    writer.writerows([_harmless(cell) for cell in _row(lot, usage[lot.pk])] for lot in lots)
    return response


def _midnight(now: datetime) -> datetime:
    """When the city's local day began."""
    zone = timezone.get_default_timezone()
    return datetime.combine(timezone.localdate(now, zone), time(), tzinfo=zone)


def _header() -> list[str]:
    return [
        _("District"),
        _("Lot"),
        _("Land use"),
        _("Bays"),
        _("Shared now"),
        _("Held now"),
        _("Free now"),
        _("Accepted in 7 days"),
        _("Declined in 7 days"),
        _("No bay free in 7 days"),
        _("Drivers in 7 days"),
    ]


def _row(lot: Lot, usage: Usage) -> list[str | int]:
    return [
        str(lot.district),
        lot.name,
        lot.get_land_use_display(),
        usage.bays,
        usage.shared,
        usage.held,
        usage.free,
        usage.accepted,
        usage.declined_in_all,
        usage.declined[Reason.NO_FREE_SPACE],
        people(usage.drivers),
    ]


def _harmless(cell: str | int) -> str | int:
    """A text that a spreadsheet would run as a formula gets an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell
