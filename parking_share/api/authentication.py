"""Who calls: a program with a token, or a browser with its session (then CSRF is enforced)."""

from typing import cast

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from parking_share import clock
from parking_share.accounts.models import ApiToken, User
from parking_share.accounts.services import use_api_token

SCHEME = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <secret>`. Other schemes are left to whoever comes next."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        token = use_api_token(secret=secret.strip(), now=clock.now())
        if token is None:
            raise AuthenticationFailed(_("This token is not valid. Ask for a new one."))
        return token.user, token

    def authenticate_header(self, _request: Request) -> str:
        return SCHEME


def caller(request: Request) -> User:
    """The person who calls; for views that admit nobody else."""
    return cast(User, request.user)


def caller_or_none(request: Request) -> User | None:
    """The person who calls, or None for anybody."""
    return request.user if request.user.is_authenticated else None
