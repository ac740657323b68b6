"""Messages of cameras and sensor networks as they are, each at an address that nobody can guess.

A message is kept before it is read: what was answered with 200 is safe. What comes after that (reading, storing,
answering the gate) can only fail into “do not open”; a sweep reads what was left.
"""

from functools import partial
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from parking_share import clock
from parking_share.api import gate_answers
from parking_share.api.gate_answers import GateReply, Remembered, answer_of, answer_without_database
from parking_share.api.gateways import address_of, bounded_body
from parking_share.api.patience import Patience, patience_with_database
from parking_share.api.refusals import RETRY_SOON_S, TooLarge
from parking_share.api.views import ApiView
from sensors.adapters.registry import FORMATS
from sensors.credentials import hash_of
from sensors.events import Unreadable
from sensors.services import Message, MessageTooLong, accept_message, read_message

MOST_BYTES = 4_000_000  # with pictures, which are not kept
GATE_HEADER = "Parking-Gate"
SHUT = GateReply(opens=False, sentence="")

log = structlog.get_logger(__name__)


class SensorPush(ApiView):
    """Devices ask for no format and speak none of ours, so this address is not part of the description."""

    authentication_classes = []
    permission_classes = [AllowAny]
    schema = None

    def perform_content_negotiation(self, _request: Request, _force: bool = False) -> Any:
        """Whatever a device accepts, it gets what its format expects."""
        return JSONRenderer(), JSONRenderer.media_type

    def post(self, request: Request, secret: str) -> HttpResponse:
        body = bounded_body(request._request, most=MOST_BYTES)
        with patience_with_database() as patience:
            return self._answer(request, secret, body, patience)

    def _answer(self, request: Request, secret: str, body: bytes, patience: Patience) -> HttpResponse:
        content_type, now = request.headers.get("Content-Type", ""), clock.now()
        address = address_of(request)
        accept = partial(
            accept_message, secret=secret, body=body, content_type=content_type, address=address, received_at=now
        )
        try:
            message = patience.first(accept)
        except MessageTooLong as refusal:
            raise TooLarge(refusal.sentence) from refusal
        except (OperationalError, InterfaceError) as error:
            gateway = gate_answers.memory.find(hash_of(secret), address=address)
            if gateway is None:
                raise
            return _without_database(gateway, body, content_type, error)
        if message is None:
            gate_answers.memory.forget(hash_of(secret), address=address)
            raise NotFound
        return _as_device_expects(message.format, _answer(message, hash_of(secret), address=address))


def _answer(message: Message, secret_hash: str, *, address: str) -> GateReply:
    """Read the message and answer the gate. It is kept already: what goes wrong here is not the device's trouble."""
    now = clock.now()
    try:
        stored = read_message(message, now=now)
        gate_answers.memory.keep(secret_hash, message, stored)
        return answer_of(stored, now=now) or SHUT
    except (OperationalError, InterfaceError) as error:
        log.warning("gate_unanswered", message=message.id, error=str(error).partition("\n")[0])
        gateway = gate_answers.memory.find(secret_hash, address=address)
        return GateReply(opens=_opens(gateway, message.body, message.content_type), sentence="") if gateway else SHUT
    except Exception as error:  # the device is told the safe thing; the sweep tries to read it again
        log.error("message_failed", message=message.id, exc_info=error)
        return SHUT


def _without_database(gateway: Remembered, body: bytes, content_type: str, error: Exception) -> HttpResponse:
    """Not kept, so not answered with 200, unless the site's rule opens: a camera obeys no other answer."""
    log.warning("database_unavailable", error=str(error).partition("\n")[0])
    opens = _opens(gateway, body, content_type)
    response = _as_device_expects(gateway.format, GateReply(opens=opens, sentence=""))
    if not opens:
        response.status_code = 503
        response.headers["Retry-After"] = str(RETRY_SOON_S)
    return response


def _opens(gateway: Remembered, body: bytes, content_type: str) -> bool:
    try:
        events = FORMATS[gateway.format].read(body, content_type)
    except Unreadable:
        return False
    return answer_without_database(gateway, events, now=clock.now())


def _as_device_expects(format_name: str, reply: GateReply) -> HttpResponse:
    content, content_type = FORMATS[format_name].reply(opens=reply.opens, sentence=reply.sentence)
    headers = {GATE_HEADER: "open" if reply.opens else "shut"}
    return HttpResponse(content, content_type=content_type, headers=headers)
