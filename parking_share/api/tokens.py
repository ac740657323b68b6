"""Tokens: a program's way in."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from parking_share import clock
from parking_share.accounts.models import ApiToken, User
from parking_share.accounts.services import issue_api_token, revoke_api_token
from parking_share.api.authentication import TokenAuthentication
from parking_share.api.throttles import LoginFailures, TokenThrottle
from parking_share.api.views import ApiView


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A driver's program",
            value={"login": "driver@example.org", "password": "a-quiet-street-47", "name": "my car's computer"},
            request_only=True,
        )
    ]
)
class TokenIn(serializers.Serializer[Any]):
    login = serializers.CharField(max_length=254, help_text="E-mail address, or phone number as +8613800138000.")
    password = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)
    name = serializers.CharField(max_length=80, help_text="What the token is for.")


class TokenOut(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Send it as `Authorization: Bearer …`. It is shown this once.")
    name = serializers.CharField()


class TokenList(ApiView):
    authentication_classes = [TokenAuthentication]
    permission_classes = [AllowAny]
    throttle_classes = [TokenThrottle]

    @extend_schema(request=TokenIn, responses={201: TokenOut}, summary="Get a token")
    def post(self, request: Request) -> Response:
        """Five wrong passwords for one account, and it has to wait five minutes."""
        asked = TokenIn(data=request.data)
        asked.is_valid(raise_exception=True)
        user = _person(request, login=asked.validated_data["login"], password=asked.validated_data["password"])
        name = asked.validated_data["name"]
        secret = issue_api_token(user=user, name=name, now=clock.now())
        return Response({"token": secret, "name": name}, status=status.HTTP_201_CREATED)


class CurrentToken(ApiView):
    @extend_schema(responses={204: None}, summary="Give the token of this call back")
    def delete(self, request: Request) -> Response:
        """404 where the call came with a session instead of a token."""
        if not isinstance(request.auth, ApiToken):
            raise NotFound(_("This call came without a token."))
        revoke_api_token(token=request.auth, now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def _person(request: Request, *, login: str, password: str) -> User:
    """The person with this password; an unknown login takes as long as a wrong password, and says the same."""
    failures = LoginFailures(login)
    failures.refuse_when_too_many()
    user = ModelBackend().authenticate(request._request, username=login, password=password)
    if not isinstance(user, User):
        failures.add_one()
        raise AuthenticationFailed(_("This login and password do not belong together."))
    failures.forget()
    return user
