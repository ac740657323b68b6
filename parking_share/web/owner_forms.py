from django import forms
from django.utils.translation import gettext_lazy as _

from parking_share.accounts.models import SizeClass
from parking_share.spaces.services import LONGEST_RETURN_MARGIN_MIN


class MarginForm(forms.Form):
    minutes = forms.IntegerField(
        label=_("Minutes the bay must be back before your shared hours end"),
        min_value=0,
        max_value=LONGEST_RETURN_MARGIN_MIN,
        help_text=_("From 0 to 240. A driver who is a little late then still leaves in time for you."),
    )


class BayForm(forms.Form):
    """The fields are named as those of `Bay`."""

    label = forms.CharField(
        label=_("Number of the bay"),
        max_length=20,
        help_text=_("As it is painted on the ground, for example B-012."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    size = forms.TypedChoiceField(label=_("Size"), choices=SizeClass, coerce=int, initial=SizeClass.STANDARD)
    height_limit_cm = forms.IntegerField(
        label=_("Height limit in cm"), required=False, min_value=100, max_value=600, help_text=_("Empty: no limit.")
    )
    return_margin_min = forms.IntegerField(
        label=_("Minutes the bay must be back early"), min_value=0, max_value=LONGEST_RETURN_MARGIN_MIN, initial=15
    )
    has_charger = forms.BooleanField(label=_("It has a charger"), required=False)
    is_accessible = forms.BooleanField(label=_("It is an accessible bay"), required=False)
