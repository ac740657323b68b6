from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from parking_share.web.periods import LocalTimeField


class Order(models.TextChoices):
    NEAREST = "near", _("Nearest first")
    CHEAPEST = "price", _("Cheapest first")
    EMPTIEST = "free", _("Most bays first")


class SearchForm(forms.Form):
    """Where to and when; everything is in the address, so that a search can be kept and shared."""

    where = forms.CharField(
        label=_("Where to?"),
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"list": "places", "autocomplete": "off", "data-place": ""}),
    )
    lat = forms.FloatField(required=False, min_value=-90, max_value=90, widget=forms.HiddenInput)
    lon = forms.FloatField(required=False, min_value=-180, max_value=180, widget=forms.HiddenInput)
    charger = forms.BooleanField(label=_("with a charger"), required=False)
    accessible = forms.BooleanField(label=_("accessible bay"), required=False)
    order = forms.ChoiceField(label=_("Order"), choices=Order, required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["from"] = LocalTimeField(label=_("From"))
        self.fields["until"] = LocalTimeField(label=_("Until"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("where") and (cleaned.get("lat") is None or cleaned.get("lon") is None):
            self.add_error("where", _("Name a district, a street or a car park."))
        return cleaned
