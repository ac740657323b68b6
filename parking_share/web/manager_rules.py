"""How a lot keeps its promises: graces, penalties, compensation, and what gates do without the platform."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from parking_share.errors import DomainError
from parking_share.fulfilment.models import LotRules
from parking_share.fulfilment.rules import drop_rules, rules_of, set_rules
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.gate_forms import CENTS, RulesForm
from parking_share.web.scoped import managed_lot


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def rules(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """The lot's own rules, beside those that hold everywhere else."""
    lot = managed_lot(request, lot_id)
    if request.method == "POST" and "drop" in request.POST:
        drop_rules(lot=lot)
        messages.success(request, _("The rules that hold everywhere hold here again."))
        return redirect("web:manager_rules", lot.pk)
    own, everywhere = LotRules.objects.filter(lot=lot).first(), rules_of(None)
    form = RulesForm(request.POST or None, lot=lot, instance=own or _copy(everywhere))
    if request.method == "POST" and form.is_valid():
        try:
            set_rules(lot=lot, **form.values())
        except DomainError as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, _("The rules are saved. They count from now on."))
            return redirect("web:manager_rules", lot.pk)
    rows = [{"field": field, "usual": _in_words(everywhere, field.name)} for field in form]
    return render(request, "manager/rules.html", {"lot": lot, "form": form, "rows": rows, "has_own": own is not None})


def _copy(everywhere: LotRules) -> LotRules:
    """A row that isn't saved, with the values that hold everywhere, as the form's start."""
    names = [*RulesForm.Meta.fields, "least_compensation_cents"]
    return LotRules(**{name: getattr(everywhere, name) for name in names})


def _in_words(everywhere: LotRules, name: str) -> str:
    if name == "least_compensation":
        return f"{everywhere.least_compensation_cents / CENTS:.2f}"
    value = getattr(everywhere, name)
    if name == "fail_safe":
        return everywhere.get_fail_safe_display()
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)
