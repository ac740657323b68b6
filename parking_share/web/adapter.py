"""How people sign up and log in, where django-allauth asks.

A person signs up with an e-mail address or a phone number. There is no SMS provider yet, so a phone number is taken as
it is typed and stays unverified: it is a name to log in with, nothing more. No password is reset by phone, no message
is sent to it and no right depends on it.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from parking_share.accounts.models import User
from parking_share.web.phones import PhoneField


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """E-mail address or phone number."""

    def phone_form_field(self, **options: Any) -> forms.Field:
        return PhoneField(**options)

    def save_user(self, request: HttpRequest, user: User, form: forms.Form, commit: bool = True) -> User:
        """Fill in the person from the sign-up form; an address that was not given is no address, not an empty one."""
        super().save_user(request, user, form, commit=False)
        user.email = form.cleaned_data.get("email") or None
        user.phone = form.cleaned_data.get("phone") or None
        user.language = get_language() or settings.LANGUAGE_CODE
        if commit:
            user.save()
        return user

    def post_login(self, request: HttpRequest, user: User, **details: Any) -> HttpResponse:
        """Show the site in the language that the person chose before."""
        response: HttpResponse = super().post_login(request, user, **details)
        remember_language(response, user.language)
        return response

    def get_phone(self, user: User) -> tuple[str, bool] | None:
        return (user.phone, user.phone_verified) if user.phone else None

    def get_user_by_phone(self, phone: str) -> User | None:
        return User.objects.filter(phone=phone).first()


def remember_language(response: HttpResponse, language: str) -> None:
    """Keep the choice for a year, for the visits before the next log-in."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
