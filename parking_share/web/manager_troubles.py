"""Where reality and promise parted in a lot: incidents with their evidence, and what sensors disagree with."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from parking_share import clock
from parking_share.errors import DomainError
from parking_share.fulfilment.closing import close_discrepancy, close_incident, waive_penalty
from parking_share.fulfilment.models import Discrepancy, Overstay
from parking_share.spaces.models import Lot
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.evidence import timeline
from parking_share.web.gate_forms import ClosingForm, WaiverForm
from parking_share.web.scoped import managed_lot

ROWS_A_PAGE, PENALTIES_SHOWN = 50, 50


@require_http_methods(["GET", "HEAD"])
@signed_in
def incident_list(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """What is open comes first; cars past their end, and what those that left owe, stand beside it."""
    return _incidents(request, managed_lot(request, lot_id))


@require_POST
@signed_in
def penalty_waive(request: PersonalRequest, lot_id: int, overstay_id: int) -> HttpResponse:
    """Let a driver off what an overstay cost; the reason stays with it."""
    lot = managed_lot(request, lot_id)
    row = get_object_or_404(_penalties(lot), pk=overstay_id)
    form = WaiverForm(request.POST, prefix=_prefix(row))
    if form.is_valid():
        try:
            waive_penalty(overstay_id=row.pk, actor=request.user, note=form.cleaned_data["note"], now=clock.now())
        except DomainError as refusal:
            form.add_error("note", refusal.sentence)
        else:
            messages.success(request, _("The penalty is waived. Your reason stays with it."))
            return redirect("web:manager_incidents", lot.pk)
    return _incidents(request, lot, refused={row.pk: form})


def _incidents(request: PersonalRequest, lot: Lot, *, refused: dict[int, ClosingForm] | None = None) -> HttpResponse:
    incidents = lot.incidents.select_related("lot", "space", "moved_to").order_by("-closed_at", "-opened_at", "-pk")
    overstays = Overstay.objects.filter(space__lot=lot, ended_at__isnull=True).select_related("space", "reservation")
    context = {
        "lot": lot,
        "now": clock.now(),
        "page_obj": Paginator(incidents, ROWS_A_PAGE).get_page(request.GET.get("page")),
        "overstays": overstays.order_by("began_at")[:ROWS_A_PAGE],
        "penalties": [
            {
                "row": row,
                "form": None if row.waived_at else (refused or {}).get(row.pk) or WaiverForm(prefix=_prefix(row)),
            }
            for row in _penalties(lot)[:PENALTIES_SHOWN]
        ],
        "discrepancies": lot.discrepancies.filter(closed_at__isnull=True).count(),
    }
    return render(request, "manager/incidents.html", context, status=400 if refused else 200)


def _penalties(lot: Lot) -> QuerySet[Overstay]:
    """What cars that have left owe, or owed before it was waived; the last to leave first."""
    over = Overstay.objects.filter(space__lot=lot, ended_at__isnull=False, penalty_cents__gt=0)
    return over.select_related("space", "reservation", "waived_by").order_by("-ended_at", "-pk")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def incident_detail(request: PersonalRequest, lot_id: int, incident_id: int) -> HttpResponse:
    """What was said, what was done, what the sensors knew; closed with a note."""
    lot = managed_lot(request, lot_id)
    incidents = lot.incidents.select_related("lot", "space", "moved_to", "reservation", "replacement__lot", "closed_by")
    incident = get_object_or_404(incidents, pk=incident_id)
    form = ClosingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            close_incident(incident_id=incident.pk, actor=request.user, note=form.cleaned_data["note"], now=clock.now())
        except DomainError as refusal:
            messages.error(request, refusal.sentence)
            return redirect("web:manager_incident", lot.pk, incident.pk)
        messages.success(request, _("The incident is closed."))
        return redirect("web:manager_incidents", lot.pk)
    shown = {"lot": lot, "incident": incident, "evidence": timeline(incident), "form": form}
    return render(request, "manager/incident.html", shown)


@require_http_methods(["GET", "HEAD"])
@signed_in
def discrepancy_list(request: PersonalRequest, lot_id: int) -> HttpResponse:
    return _discrepancies(request, managed_lot(request, lot_id))


@require_POST
@signed_in
def discrepancy_close(request: PersonalRequest, lot_id: int, discrepancy_id: int) -> HttpResponse:
    lot = managed_lot(request, lot_id)
    row = get_object_or_404(lot.discrepancies.all(), pk=discrepancy_id)
    form = ClosingForm(request.POST, prefix=_prefix(row))
    if form.is_valid():
        try:
            close_discrepancy(
                discrepancy_id=row.pk, actor=request.user, note=form.cleaned_data["note"], now=clock.now()
            )
        except DomainError as refusal:
            form.add_error("note", refusal.sentence)
        else:
            messages.success(request, _("Settled. Your note stays with it."))
            return redirect("web:manager_discrepancies", lot.pk)
    return _discrepancies(request, lot, refused={row.pk: form})


def _discrepancies(
    request: PersonalRequest, lot: Lot, *, refused: dict[int, ClosingForm] | None = None
) -> HttpResponse:
    rows = lot.discrepancies.select_related("space", "reservation", "closed_by").order_by("-closed_at", "-opened_at")
    page = Paginator(rows, ROWS_A_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "lot": lot,
        "now": clock.now(),
        "page_obj": page,
        "rows": [{"row": row, "form": _form(row, refused or {})} for row in page],
    }
    return render(request, "manager/discrepancies.html", context, status=400 if refused else 200)


def _form(row: Discrepancy, refused: dict[int, ClosingForm]) -> ClosingForm | None:
    if row.closed_at is not None and row.pk not in refused:
        return None
    return refused.get(row.pk) or ClosingForm(prefix=_prefix(row))


def _prefix(row: Discrepancy | Overstay) -> str:
    return f"row{row.pk}"
