"""What the city knows of its lots, how old that is, and how promises were kept; for staff of the districts."""

from datetime import timedelta

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from parking_share import clock
from parking_share.fulfilment.statistics import troubles_by_district
from parking_share.spaces.models import Lot
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.charts import chosen_day, day_chart
from parking_share.web.scoped import lots_asked_for, overseen_districts
from parking_share.web.words import typed_words
from sensors.health import gateway_health
from sensors.selectors import newest_occupancy

LOTS_A_PAGE, GATEWAYS_SHOWN = 50, 20
WEEK, OLD = timedelta(days=7), timedelta(minutes=30)


@require_http_methods(["GET", "HEAD"])
@signed_in
def sensors(request: PersonalRequest) -> HttpResponse:
    """Age of the data and share unknown, lot by lot; gateways that need a look; troubles by district."""
    now, districts = clock.now(), overseen_districts(request)
    troubles = troubles_by_district(districts, since=now - WEEK)
    gateways = gateway_health(Lot.objects.filter(district__in=districts), now=now)
    page = Paginator(lots_asked_for(request, districts), LOTS_A_PAGE).get_page(request.GET.get("page"))
    lots = list(page)
    newest = newest_occupancy([lot.pk for lot in lots], now=now)
    context = {
        "now": now,
        "at": timezone.localtime(now),
        "districts": districts,
        "by_district": [{"district": district, "troubles": troubles[district.pk]} for district in districts],
        "gateways": gateways[:GATEWAYS_SHOWN],
        "more_gateways": max(len(gateways) - GATEWAYS_SHOWN, 0),
        "silent": sum(1 for row in gateways if row.silent),
        "quarantined": sum(row.quarantined for row in gateways),
        "page_obj": page,
        "rows": [{"lot": lot, "seen": newest.get(lot.pk)} for lot in lots],
        "old": OLD,
        "q": typed_words(request, "q"),
        "chosen": request.GET.get("district", ""),
    }
    return render(request, "city/sensors.html", context)


@require_http_methods(["GET", "HEAD"])
@signed_in
def day(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """How full one lot was on one day."""
    districts = overseen_districts(request)
    lot = get_object_or_404(Lot.objects.filter(district__in=districts).select_related("district"), pk=lot_id)
    chart = day_chart(lot, chosen_day(request.GET.get("day", ""), lot, now=clock.now()))
    return render(request, "city/day.html", {"lot": lot, "chart": chart})
