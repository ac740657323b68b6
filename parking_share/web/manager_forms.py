from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from parking_share.spaces.models import BookingLimits, Space

PUBLISH = "PUBLISH"


class BaysForm(forms.Form):
    """Chosen bays of a lot, and what becomes of them."""

    spaces = forms.TypedMultipleChoiceField(
        coerce=int, choices=(), error_messages={"required": _("Choose at least one bay.")}
    )
    do = forms.ChoiceField(
        choices=[
            (Space.Standing.APPROVED, _("Approve")),
            (Space.Standing.PAUSED, _("Pause")),
            (Space.Standing.REFUSED, _("Refuse")),
            (PUBLISH, _("Publish hours")),
        ]
    )

    def __init__(self, *args: Any, space_ids: list[int], **options: Any) -> None:
        super().__init__(*args, **options)
        spaces = self.fields["spaces"]
        assert isinstance(spaces, forms.TypedMultipleChoiceField)
        spaces.choices = [(space_id, str(space_id)) for space_id in space_ids]


class LimitsForm(forms.ModelForm):  # type: ignore[type-arg]
    """What holds in one lot; the domain validates and writes."""

    class Meta:
        model = BookingLimits
        fields = (
            "shortest_stay_min",
            "longest_stay_min",
            "furthest_ahead_days",
            "open_requests_per_driver",
            "announce_before_min",
            "no_show_grace_min",
        )


class ResidentForm(forms.Form):
    contact = forms.CharField(
        label=_("E-mail address or phone number"),
        max_length=254,
        help_text=_("Of somebody who has an account. A number starts with its country code."),
    )
