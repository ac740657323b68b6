from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from parking_share.accounts.plates import LONGEST_PLATE
from parking_share.fulfilment.closing import LONGEST_NOTE, SHORTEST_NOTE
from parking_share.fulfilment.guard import LONGEST_REASON, SHORTEST_REASON
from parking_share.fulfilment.lists import LONGEST_LABEL
from parking_share.fulfilment.models import LotRules
from parking_share.spaces.models import Gate, Lot
from parking_share.web.booking_forms import PLATE_INPUT
from parking_share.web.periods import LocalTimeField

CENTS = 100


class OpenForm(forms.Form):
    """Why a gate is opened by hand; one form a gate on the same page."""

    note = forms.CharField(
        label=_("Reason"),
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, gate: Gate) -> None:
        super().__init__(data, auto_id=f"id_gate{gate.pk}_%s")
        self.gate = gate


class PlateForm(forms.Form):
    plate = forms.CharField(label=_("Number plate"), max_length=LONGEST_PLATE * 2, widget=forms.TextInput(PLATE_INPUT))


class ClosingForm(forms.Form):
    """What was done about it."""

    note = forms.CharField(
        label=_("What was done"),
        min_length=SHORTEST_NOTE,
        max_length=LONGEST_NOTE,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class WaiverForm(ClosingForm):
    """Why nothing is owed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["note"].label = _("Reason to waive it")


class TakenForm(forms.Form):
    """Nothing but the plate; `bay` says which bay the form is about, so that two taps are one report."""

    plate = forms.CharField(
        label=_("Plate of the other car"),
        max_length=LONGEST_PLATE * 2,
        required=False,
        help_text=_("Leave it empty if you can't read it."),
        widget=forms.TextInput(attrs=PLATE_INPUT | {"class": "plate-input"}),
    )
    bay = forms.IntegerField(required=False, widget=forms.HiddenInput)


class ExtendForm(forms.Form):
    until = LocalTimeField(label=_("New end"))

    def clean_until(self) -> datetime:
        """An instant, as our own form sends it."""
        until: datetime = self.cleaned_data["until"]
        if until.tzinfo is None:
            raise ValidationError(_("Choose one of the times."))
        return until


class ListedForm(forms.Form):
    """A car on the manager's list; the fields are named as `add_plate` names them."""

    plate = forms.CharField(label=_("Number plate"), max_length=LONGEST_PLATE * 2, widget=forms.TextInput(PLATE_INPUT))
    label = forms.CharField(label=_("Who or what for"), max_length=LONGEST_LABEL, required=False)
    valid_from = LocalTimeField(label=_("From"), required=False, help_text=_("Empty: from now on."))
    valid_until = LocalTimeField(label=_("Until"), required=False, help_text=_("Empty: until you remove it."))


class RulesForm(forms.ModelForm):  # type: ignore[type-arg]
    """How a lot keeps its promises; the domain validates and writes."""

    least_compensation = forms.DecimalField(min_value=0, max_value=10_000, decimal_places=2)

    class Meta:
        model = LotRules
        fields = (
            "early_grace_min",
            "late_exit_grace_min",
            "penalty_percent",
            "compensation_percent",
            "unknown_may_leave",
            "fail_safe",
        )

    def __init__(self, *args: Any, lot: Lot, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["least_compensation"] = Decimal(self.instance.least_compensation_cents) / CENTS
        self.fields["least_compensation"].label = _("Least compensation, in %(currency)s") % {"currency": lot.currency}

    def values(self) -> dict[str, Any]:
        """What `set_rules` takes: money in minor units."""
        given = dict(self.cleaned_data)
        return given | {"least_compensation_cents": int(given.pop("least_compensation") * CENTS)}
