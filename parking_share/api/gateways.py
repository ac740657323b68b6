"""How gateways call: bodies read within bounds, and proofs of who they are."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, ParseError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from parking_share.api.authentication import SCHEME
from parking_share.api.refusals import TooLarge
from sensors.credentials import Writer, writer_with_secret, writer_with_signature

GATEWAY_HEADER, SIGNATURE_HEADER = "Parking-Gateway", "webhook-signature"
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class GatewayCaller:
    """Who calls, in the place of a person."""

    writer: Writer
    is_authenticated: bool = True


class GatewayAuthentication(BaseAuthentication):
    """A signature after Standard Webhooks, or `Authorization: Bearer <key>`. A person's token opens nothing here."""

    most_bytes = 1_000_000

    def authenticate(self, request: Request) -> tuple[GatewayCaller, None] | None:
        """The body belongs to the proof, so it is read here, and once: `request.body` has it afterwards."""
        address = address_of(request)
        if SIGNATURE_HEADER in request.headers:
            number = request.headers.get(GATEWAY_HEADER, "")
            if not number.isascii() or not number.isdigit() or len(number) > 18:
                raise AuthenticationFailed(_("Name the number of the gateway in the header Parking-Gateway."))
            body = bounded_body(request._request, most=self.most_bytes)
            return _caller(
                writer_with_signature(gateway_id=int(number), headers=request.headers, body=body, address=address)
            )
        scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        return _caller(writer_with_secret(secret=secret.strip(), address=address))

    def authenticate_header(self, _request: Request) -> str:
        return SCHEME


def bounded_body(request: HttpRequest, *, most: int) -> bytes:
    """Read the body, once; refuse what says that it is longer before reading any of it, and the rest as it comes."""
    kept: bytes | None = getattr(request, "_bounded_body", None)
    if kept is not None:
        return kept
    try:
        announced = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        announced = 0
    if announced > most:
        raise TooLarge(_("The body is larger than %(n)s bytes.") % {"n": most})
    try:
        body = _stream(request).read(most + 1)
    except OSError as error:
        raise ParseError(_("The body ended too soon.")) from error
    if len(body) > most:
        raise TooLarge(_("The body is larger than %(n)s bytes.") % {"n": most})
    if len(body) < announced:
        raise ParseError(_("The body ended too soon."))
    request._bounded_body = body  # type: ignore[attr-defined]
    return body


def address_of(request: Request) -> str:
    """Where the call comes from; a proxy is believed only where the settings say that there is one."""
    return str(BaseThrottle().get_ident(request) or "")


def _stream(request: HttpRequest) -> "HttpRequest":
    """Django reads nothing of a body in chunks, for it has no length; our server says where it ends."""
    in_chunks = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if in_chunks and request.META.get("wsgi.input_terminated"):
        stream: HttpRequest = request.META["wsgi.input"]
        return stream
    return request


def _caller(writer: Writer | None) -> tuple[GatewayCaller, None]:
    if writer is None:
        raise AuthenticationFailed(_("This key or signature is not valid here."))
    return GatewayCaller(writer), None


class GatewayScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the description names these proofs; found by drf-spectacular because it exists."""

    target_class = "parking_share.api.gateways.GatewayAuthentication"
    name = ["gateway", "signature"]

    def get_security_definition(self, _auto_schema: AutoSchema) -> list[dict[str, str]]:
        signed = "After Standard Webhooks; with webhook-id, webhook-timestamp and Parking-Gateway."
        return [
            {"type": "http", "scheme": "bearer", "description": "A key of a gateway, from the lot's page."},
            {"type": "apiKey", "in": "header", "name": SIGNATURE_HEADER, "description": signed},
        ]

    def get_security_requirement(self, _auto_schema: AutoSchema) -> list[dict[str, list[str]]]:
        """Either of them is enough."""
        return [{name: []} for name in self.name]
