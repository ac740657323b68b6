"""The gates of a lot, for its manager and its guards: what they answered and why, and the button that opens them."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from parking_share import clock
from parking_share.errors import DomainError
from parking_share.fulfilment.allowed import ask_about
from parking_share.fulfilment.guard import open_by_guard
from parking_share.fulfilment.models import GateAnswer
from parking_share.spaces.models import Lot
from parking_share.spaces.selectors import gates_guarded_by, lots_managed_by
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.gate_forms import OpenForm, PlateForm
from parking_share.web.scoped import watched_lots

ANSWERS_A_PAGE = LOTS_A_PAGE = 50
WHICH = {"open": True, "shut": False}


@require_http_methods(["GET", "HEAD"])
@signed_in
def lot_list(request: PersonalRequest) -> HttpResponse:
    """The lots whose gates a person watches; who watches one alone is led there."""
    page = Paginator(watched_lots(request), LOTS_A_PAGE).get_page(request.GET.get("page"))
    lots = list(page)
    if not lots:
        raise Http404
    if page.paginator.count == 1:
        return redirect("web:lot_gates", lots[0].pk)
    return render(request, "gates/lots.html", {"page_obj": page})


@require_http_methods(["GET", "HEAD"])
@signed_in
def gates_of_lot(request: PersonalRequest, lot_id: int) -> HttpResponse:
    return _page(request, get_object_or_404(watched_lots(request), pk=lot_id))


@require_POST
@signed_in
def open_gate(request: PersonalRequest, lot_id: int, gate_id: int) -> HttpResponse:
    """Open by hand, with a reason that stays on record."""
    lot = get_object_or_404(watched_lots(request), pk=lot_id)
    gate = get_object_or_404(gates_guarded_by(request.user).filter(lot=lot), pk=gate_id)
    form = OpenForm(request.POST, gate=gate)
    if form.is_valid():
        try:
            open_by_guard(gate=gate, actor=request.user, note=form.cleaned_data["note"], now=clock.now())
        except DomainError as refusal:
            form.add_error("note", refusal.sentence)
        else:
            messages.success(request, _("That you opened %(gate)s is on record.") % {"gate": gate.name})
            return redirect("web:lot_gates", lot.pk)
    return _page(request, lot, refused=form)


@require_POST
@sensitive_post_parameters("plate")
@signed_in
def ask(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """What the gate would answer to a plate; nothing opens and nothing is recorded."""
    lot = get_object_or_404(watched_lots(request), pk=lot_id)
    form = PlateForm(request.POST)
    if form.is_valid():
        try:
            answer = ask_about(lot=lot, plate=form.cleaned_data["plate"], now=clock.now())
        except DomainError as refusal:
            form.add_error("plate", refusal.sentence)
        else:
            return _page(request, lot, asked=PlateForm(), answer=answer)
    return _page(request, lot, asked=form)


def _page(request: PersonalRequest, lot: Lot, *, refused: OpenForm | None = None, **shown: Any) -> HttpResponse:
    gates = list(lot.gates.order_by("name", "pk"))
    forms = [refused if refused and refused.gate == gate else OpenForm(gate=gate) for gate in gates]
    which, chosen = request.GET.get("which", ""), request.GET.get("gate", "")
    answers = GateAnswer.objects.filter(gate__in=[gate for gate in gates if not chosen or str(gate.pk) == chosen])
    if which in WHICH:
        answers = answers.filter(opens=WHICH[which])
    rows = answers.select_related("gate", "reservation__space", "actor").order_by("-pk")
    context = {
        "lot": lot,
        "now": clock.now(),
        "forms": forms,
        "gates": gates,
        "page_obj": Paginator(rows, ANSWERS_A_PAGE).get_page(request.GET.get("page")),
        "which": which,
        "chosen": chosen,
        "manages": lots_managed_by(request.user).filter(pk=lot.pk).exists(),
        "asked": PlateForm(),
    } | shown
    return render(request, "gates/lot.html", context, status=400 if refused else 200)
