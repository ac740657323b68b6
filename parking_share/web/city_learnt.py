"""What the platform has learnt of a lot: for staff of its district, with how often it was seen and how old it is."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from allocation.engine.evidence import PRIOR_DAYS, PRIOR_STAYS
from allocation.known_days import known_days_of
from allocation.pictures import policies_by_lot
from parking_share import clock
from parking_share.spaces.models import Lot
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.scoped import overseen_districts


@require_http_methods(["GET", "HEAD"])
@signed_in
def learnt(request: PersonalRequest, lot_id: int) -> HttpResponse:
    districts = overseen_districts(request)
    lot = get_object_or_404(Lot.objects.filter(district__in=districts).select_related("district"), pk=lot_id)
    shown = {
        "lot": lot,
        "days": known_days_of(lot, now=clock.now()),
        "prior_h": policies_by_lot([lot])[lot.pk].modal_stay_h,
        "prior_days": round(PRIOR_DAYS),
        "prior_stays": round(PRIOR_STAYS),
    }
    return render(request, "city/learnt.html", shown)
