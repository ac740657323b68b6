"""The forms of django-allauth with one field for an e-mail address or a phone number."""

from typing import Any

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parking_share.web.phones import PhoneField, normalise_phone


class LoginForm(allauth_forms.LoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["login"] = forms.CharField(
            label=_("E-mail address or phone number"),
            max_length=254,
            widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
        )
        self.fields["password"].widget.attrs.pop("placeholder", None)
        self.order_fields(["login", "password"])

    def clean_login(self) -> str:
        """A phone number may be typed with spaces or without its country code; an address never matches one."""
        text = self.cleaned_data["login"].strip()
        return text if "@" in text else normalise_phone(text)


class SignupForm(allauth_forms.SignupForm):  # type: ignore[misc]
    contact = forms.CharField(
        label=gettext_lazy("E-mail address or phone number"),
        help_text=gettext_lazy("With an e-mail address you can reset a lost password and get your notices by mail."),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    field_order = ["contact", "password1"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._email_field = self.fields.pop("email")
        self.fields["password1"].widget.attrs.pop("placeholder", None)

    def clean(self) -> dict[str, Any]:
        """Read the one field as an address where it has an @, else as a phone number."""
        cleaned: dict[str, Any] = super().clean()
        contact = cleaned.get("contact", "")
        if not contact:
            return cleaned
        try:
            if "@" in contact:
                address = get_adapter().clean_email(self._email_field.clean(contact))
                cleaned["email"] = self.validate_unique_email(address)
            else:
                cleaned["phone"] = self._unused_phone(contact)
        except ValidationError as error:
            self.add_error("contact", error)
        return cleaned

    def _unused_phone(self, contact: str) -> str:
        phone: str = PhoneField().clean(contact)
        if get_adapter().get_user_by_phone(phone) is not None:
            raise ValidationError(_("Somebody is registered with this phone number already. Sign in instead."))
        return phone
