"""What is going on in a lot at this moment: every bay with its state and the age of what is known, and its day."""

from collections import Counter

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from parking_share import clock
from parking_share.reservations.selectors import holding
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.charts import chosen_day, day_chart
from parking_share.web.scoped import managed_lot
from sensors.models import Occupancy
from sensors.selectors import NEVER_HEARD, bay_states

BAYS_A_PAGE = 120


@require_http_methods(["GET", "HEAD"])
@signed_in
def board(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """Free, occupied, closed or unknown, bay by bay; beside it who is due, and below the day as it went."""
    lot, now = managed_lot(request, lot_id), clock.now()
    spaces = list(lot.spaces.order_by("label", "pk"))
    views = bay_states([space.pk for space in spaces], now=now)
    chosen = request.GET.get("state", "")
    shown = [space for space in spaces if chosen not in Occupancy.values or views[space.pk].state == chosen]
    page = Paginator(shown, BAYS_A_PAGE).get_page(request.GET.get("page"))
    holds = holding(now=now).filter(space__in=[space.pk for space in page], held_from__lte=now)
    until = dict(holds.values_list("space_id", "held_until"))
    counts = Counter(view.state for view in views.values())
    context = {
        "lot": lot,
        "now": now,
        "page_obj": page,
        "rows": [{"space": space, "view": views[space.pk], "until": until.get(space.pk)} for space in page],
        "counts": [(state, counts[state]) for state in Occupancy],
        "without_sensor": sum(view == NEVER_HEARD for view in views.values()),
        "chosen": chosen,
        "chart": day_chart(lot, chosen_day(request.GET.get("day", ""), lot, now=now)),
    }
    return render(request, "manager/board.html", context)
