"""Phone numbers as people type them."""

import re
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

_SEPARATORS = re.compile(r"[\s().\-]+")
_MAINLAND_MOBILE = re.compile(r"(?:0?086|86)?(1[3-9][0-9]{9})")


def normalise_phone(text: str) -> str:
    """One spelling with the country code; a Chinese mobile number may be typed without it."""
    number = _SEPARATORS.sub("", text)
    if number.startswith("00"):
        number = "+" + number[2:]
    mainland = _MAINLAND_MOBILE.fullmatch(number)
    return f"+86{mainland.group(1)}" if mainland else number


class PhoneField(forms.CharField):
    """A phone number in its one spelling."""

    default_validators = [
        RegexValidator(r"^\+[1-9][0-9]{6,14}$", _("Write the number with its country code, as +8613800138000."))
    ]

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", _("Phone number"))
        options.setdefault("widget", forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}))
        super().__init__(**options)

    def to_python(self, value: Any) -> str:
        return normalise_phone(super().to_python(value) or "")
