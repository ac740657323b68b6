"""Weekly hours, as owners and managers give them: local times of the lot."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from parking_share.spaces.calendar import Weekday
from parking_share.spaces.models import Lot
from parking_share.web.periods import LocalTimeField, in_zone

_PLAUSIBLE_DAY = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2100, 1, 1))]


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(attrs={"step": 900}, format="%H:%M")


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class HoursForm(forms.Form):
    """The fields are named as the arguments of `publish_hours`."""

    weekdays = forms.TypedMultipleChoiceField(
        label=_("On these days"),
        choices=Weekday.choices,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one weekday.")},
    )
    starts_at_local = forms.TimeField(label=_("From"), initial="08:30", widget=TimeInput())
    ends_at_local = forms.TimeField(
        label=_("Until"),
        initial="18:00",
        widget=TimeInput(),
        help_text=_("A time at or before the start lies on the next day: 18:00 until 08:00 is a night."),
    )
    first_date = forms.DateField(label=_("First day"), widget=DateInput(), validators=_PLAUSIBLE_DAY)
    last_date = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=DateInput(),
        validators=_PLAUSIBLE_DAY,
        help_text=_("Empty means: until you withdraw it."),
    )

    def __init__(self, *args: Any, today: date, **options: Any) -> None:
        options["initial"] = {"first_date": today, "weekdays": [1, 2, 3, 4, 5]} | options.get("initial", {})
        super().__init__(*args, **options)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("first_date"), cleaned.get("last_date")
        if first and last and last < first:
            self.add_error("last_date", ValidationError(_("The last day can't be before the first.")))
        return cleaned


class TakeOutForm(forms.Form):
    """A period in which the owner needs the bay after all."""

    starts_at = LocalTimeField(label=_("From"))
    ends_at = LocalTimeField(label=_("Until"))

    def __init__(self, *args: Any, lot: Lot, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lot = lot

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        return {name: in_zone(value, self.lot.zone) for name, value in cleaned.items() if value is not None}
