from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from allocation.area_models import FURTHEST_REACH_M, NEAREST_REACH_M
from parking_share.accounts.models import SizeClass, User, Vehicle
from parking_share.accounts.plates import LONGEST_PLATE
from parking_share.accounts.selectors import vehicles_of
from parking_share.web.periods import LocalTimeField

PLATE_INPUT = {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "placeholder": "粤B12345"}


class PeriodForm(forms.Form):
    """The period of a link, with the needs that were searched for."""

    charger = forms.BooleanField(required=False)
    accessible = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["from"] = LocalTimeField()
        self.fields["until"] = LocalTimeField()


class AreaForm(PeriodForm):
    """A point, how far one would walk, and the period of a link; `where` is what the point was called."""

    lat = forms.FloatField(min_value=-90, max_value=90)
    lon = forms.FloatField(min_value=-180, max_value=180)
    radius = forms.IntegerField(min_value=NEAREST_REACH_M, max_value=FURTHEST_REACH_M)
    where = forms.CharField(required=False, max_length=80)


class BookingForm(forms.Form):
    """Which car, and what it needs. A plate that is typed wins over a car that is chosen."""

    vehicle = forms.ModelMultipleChoiceField(Vehicle.objects.none(), label=_("Your car"), required=False)
    plate = forms.CharField(
        label=_("Number plate"),
        required=False,
        max_length=LONGEST_PLATE * 2,
        widget=forms.TextInput(attrs=PLATE_INPUT),
    )
    size = forms.TypedChoiceField(
        label=_("Size of the car"),
        choices=SizeClass,
        coerce=int,
        initial=SizeClass.STANDARD,
        empty_value=None,
        required=False,
    )
    charger = forms.BooleanField(label=_("I need a charger"), required=False)
    accessible = forms.BooleanField(
        label=_("I need an accessible bay"), help_text=_("Kept for holders of a permit."), required=False
    )
    token = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, driver: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["from"] = LocalTimeField(widget=forms.HiddenInput())
        self.fields["until"] = LocalTimeField(widget=forms.HiddenInput())
        self.cars = list(vehicles_of(driver))
        vehicle = self.fields["vehicle"]
        assert isinstance(vehicle, forms.ModelMultipleChoiceField)
        vehicle.queryset = vehicles_of(driver)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("plate") and not cleaned.get("vehicle") and "vehicle" not in self.errors:
            self.add_error("plate", _("Name the car that you will come with."))
        return cleaned
