"""Which cars a lot lets in at this moment, and the manager's own list. Plates are shown in part."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from parking_share import clock
from parking_share.errors import DomainError
from parking_share.fulfilment.allowed import cars_of_residents, cars_with_reservations
from parking_share.fulfilment.lists import add_plate, listed_in, remove_plate
from parking_share.fulfilment.models import ListedPlate
from parking_share.spaces.models import Lot
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.gate_forms import ListedForm
from parking_share.web.periods import in_zone
from parking_share.web.scoped import managed_lot

LISTED_A_PAGE, RESIDENTS_SHOWN = 50, 100


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("plate")
@signed_in
def plate_list(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """Cars with a reservation, cars of residents, and the list with its form."""
    lot, now = managed_lot(request, lot_id), clock.now()
    form = ListedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            _add(request, lot, form.cleaned_data, now=now)
        except DomainError as refusal:
            form.add_error("plate", refusal.sentence)
        else:
            messages.success(request, _("The gate lets this car in."))
            return redirect("web:manager_plates", lot.pk)
    residents = cars_of_residents(lot, most=RESIDENTS_SHOWN + 1)
    context = {
        "lot": lot,
        "now": now,
        "form": form,
        "cars": cars_with_reservations(lot, now=now),
        "residents": residents[:RESIDENTS_SHOWN],
        "more_residents": len(residents) > RESIDENTS_SHOWN,
        "page_obj": Paginator(listed_in(lot, now=now), LISTED_A_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "manager/plates.html", context)


@require_POST
@signed_in
def plate_remove(request: PersonalRequest, lot_id: int, listed_id: int) -> HttpResponse:
    lot = managed_lot(request, lot_id)
    get_object_or_404(ListedPlate.objects.filter(lot=lot), pk=listed_id)
    remove_plate(lot=lot, listed_id=listed_id, now=clock.now())
    messages.success(request, _("The gate no longer lets this car in by the list."))
    return redirect("web:manager_plates", lot.pk)


def _add(request: PersonalRequest, lot: Lot, given: dict[str, Any], *, now: datetime) -> None:
    until = given["valid_until"]
    add_plate(
        lot=lot,
        actor=request.user,
        plate=given["plate"],
        label=given["label"],
        valid_from=in_zone(given["valid_from"], lot.zone) if given["valid_from"] else now,
        valid_until=in_zone(until, lot.zone) if until else None,
        now=now,
    )
