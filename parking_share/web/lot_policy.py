"""By which policy a lot decides: what each one does, the numbers, and who changed them when and why."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from decimal import Decimal

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from allocation import policies
from allocation.explanations import EXPLANATIONS, MEASURED_BEST
from allocation.models import HIGHEST_PEAK_RATE_CENTS, LotPolicy, PolicyName
from allocation.pictures import policies_by_lot
from allocation.policies import Settings
from parking_share import clock
from parking_share.errors import DomainError
from parking_share.spaces.models import Lot
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.gate_forms import CENTS
from parking_share.web.scoped import overseen_districts

VERSIONS_SHOWN = 50
ONE_CLICK = (MEASURED_BEST, PolicyName.TWO_STAGE, PolicyName.FCFS)


class PolicyForm(forms.Form):
    """The domain validates the numbers again."""

    name = forms.ChoiceField(label=gettext_lazy("Policy"), choices=PolicyName)
    threshold = forms.FloatField(
        label=gettext_lazy("Threshold"),
        min_value=0,
        max_value=100,
        help_text=gettext_lazy(
            "Only for the two policies with a decision stage: gaps that count up to this much are harmless. With 1.5 "
            "and a most frequent stay of 3 hours, gaps of 2 hours and more are."
        ),
    )
    fragment_weight = forms.FloatField(
        label=gettext_lazy("Weight of fragmentation"),
        min_value=0,
        max_value=1,
        help_text=gettext_lazy("Between 0 (only busy hours count) and 1 (only the lengths of gaps count)."),
    )
    modal_stay_h = forms.FloatField(
        label=gettext_lazy("Most frequent stay in hours"),
        min_value=0.25,
        max_value=24,
        help_text=gettext_lazy("What counts as a useful gap, until enough stays have been seen here."),
    )
    peak_rate = forms.DecimalField(
        label=gettext_lazy("Price of the busiest hour"),
        min_value=0,
        max_value=HIGHEST_PEAK_RATE_CENTS // CENTS,
        decimal_places=2,
        required=False,
        help_text=gettext_lazy("Other hours cost their share of it. Bookings that were made keep their price."),
    )
    fairness_tolerance = forms.FloatField(
        label=gettext_lazy("Tolerance for fairness"),
        min_value=0,
        max_value=100,
        required=False,
        help_text=gettext_lazy(
            "Where a bay costs at most so much more, the owner who has earned least in 30 days gets the booking. "
            "A gap of one most frequent stay costs 0.7. 0 switches it off."
        ),
    )
    why = forms.CharField(
        label=gettext_lazy("Why"), max_length=300, help_text=gettext_lazy("Kept in the history, with your name.")
    )

    def settings(self, lot: Lot, present: Settings) -> Settings:
        """What was chosen; a price that was not touched stays whoever set it."""
        given = dict(self.cleaned_data)
        given.pop("why")
        rate = given.pop("peak_rate")
        cents = lot.peak_rate_cents if rate is None else int(rate * CENTS)
        peak = present.peak_rate_cents if cents == lot.peak_rate_cents else cents
        return Settings(**given | {"fairness_tolerance": given["fairness_tolerance"] or 0.0, "peak_rate_cents": peak})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def policy(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """The policy of a lot, its history, and what puts another version in force."""
    districts = overseen_districts(request)
    lot = get_object_or_404(Lot.objects.filter(district__in=districts).select_related("district"), pk=lot_id)
    present = policies_by_lot([lot])[lot.pk]
    settings = policies.settings_to_change(present, lot)
    form = PolicyForm(None if "switch" in request.POST else request.POST or None, initial=_initial(settings, lot))
    if request.method == "POST" and _change(request, lot, form, settings):
        messages.success(request, _("The new policy is in force. Decisions from now on name it."))
        return redirect("web:city_policy", lot.pk)
    history: Iterable[LotPolicy] = policies.history_of(lot)[:VERSIONS_SHOWN]
    context = {
        "lot": lot,
        "present": present,
        "form": form,
        "history": history,
        "explained": [(name, name.label, EXPLANATIONS[name], name == present.name) for name in PolicyName],
        "one_click": [(name, name.label) for name in ONE_CLICK if name != present.name],
        "best": MEASURED_BEST,
    }
    return render(request, "city/policy.html", context)


def _change(request: PersonalRequest, lot: Lot, form: PolicyForm, present: Settings) -> bool:
    """Put another version in force; False where the form or a rule says no."""
    switch = request.POST.get("switch")
    if switch is None and not form.is_valid():
        return False
    wanted = form.settings(lot, present) if switch is None else replace(present, name=switch)
    why = form.cleaned_data["why"] if switch is None else _("Chosen with one click.")
    try:
        policies.change_policy(lot=lot, settings=wanted, changed_by=request.user, now=clock.now(), why=why)
    except DomainError as refusal:
        if switch is None:
            form.add_error(None, refusal.sentence)
        else:
            messages.error(request, refusal.sentence)
        return False
    return True


def _initial(settings: Settings, lot: Lot) -> dict[str, object]:
    return asdict(settings) | {"peak_rate": Decimal(lot.peak_rate_cents) / CENTS}
