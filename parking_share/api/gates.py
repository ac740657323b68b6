"""What gates ask for themselves: the list they keep, and what a code opens; and how a driver gets a code."""

import io
from typing import Any, cast

from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers, status
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from parking_share import clock
from parking_share.api.authentication import caller
from parking_share.api.fields import InstantField
from parking_share.api.gateways import GatewayAuthentication, GatewayCaller, bounded_body
from parking_share.api.parsing import StrictJSONParser
from parking_share.api.reservation_answers import own_reservation
from parking_share.api.retries import retried
from parking_share.api.views import ApiView, as_json
from parking_share.fulfilment import codes
from parking_share.fulfilment.admission import Answer
from parking_share.fulfilment.models import GateAnswer
from parking_share.fulfilment.whitelist import Entry, whitelist_of
from parking_share.spaces.models import Gate
from sensors.models import Device

MOST_BYTES = 10_000


class EntryOut(serializers.Serializer[Entry]):
    plate = serializers.CharField(help_text="In one spelling: upper case, without separators.")
    allowed_from = InstantField()
    allowed_until = InstantField()


class WhitelistOut(serializers.Serializer[Any]):
    gate = serializers.IntegerField()
    entries = EntryOut(many=True)


class AnswerOut(serializers.Serializer[Answer]):
    opens = serializers.BooleanField()
    verdict = serializers.ChoiceField(GateAnswer.Verdict.choices)
    sentence = serializers.CharField(help_text="For the display beside the gate.")
    space = serializers.CharField(source="space_label", allow_blank=True, help_text="Label of the bay.")
    until = InstantField(allow_null=True)


@extend_schema_serializer(examples=[OpenApiExample("Typed or scanned", value={"code": "40718233"}, request_only=True)])
class CodeIn(serializers.Serializer[Any]):
    code = serializers.RegexField(r"^[0-9]{8}\Z", help_text="Eight digits, as the QR image holds them.")


class CodeOut(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Opens a gate of the lot once. It is shown this once.")
    expires_at = InstantField()
    qr_svg = serializers.CharField(help_text="The code as a QR image.")


class GateWhitelist(ApiView):
    authentication_classes = [GatewayAuthentication]

    @extend_schema(
        responses={200: WhitelistOut, 304: OpenApiResponse(description="Unchanged since the ETag that was sent.")},
        parameters=[
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The ETag last read."),
            OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 304]),
        ],
        summary="Read who may pass a gate in the next 24 hours",
    )
    def get(self, request: Request, gate_id: int) -> HttpResponseBase:
        """For gates that lose the line. Only a gateway with an active device at the gate gets the list."""
        gate = _gate_of(request, gate_id)
        entries, etag = whitelist_of(gate, now=clock.now())
        answer = get_conditional_response(request._request, etag=etag)
        if answer is None:
            body = as_json(WhitelistOut({"gate": gate.pk, "entries": entries}).data)
            answer = HttpResponse(body, content_type="application/json")
        answer.headers["ETag"], answer.headers["Cache-Control"] = etag, "private, no-cache"
        return answer


class GateCode(ApiView):
    authentication_classes = [GatewayAuthentication]

    @extend_schema(request=CodeIn, responses=AnswerOut, summary="Show a code at a gate")
    def post(self, request: Request, gate_id: int) -> Response:
        """For a terminal or a camera at the gate that read a driver's code. After five wrong ones the gate rests."""
        gate = _gate_of(request, gate_id)
        asked = CodeIn(data=_document(request))
        asked.is_valid(raise_exception=True)
        code = asked.validated_data["code"]
        answer = retried(lambda: codes.use_code(gate=gate, code=code, now=clock.now()))
        return Response(AnswerOut(answer).data)


class ReservationCode(ApiView):
    @extend_schema(request=None, responses={201: CodeOut}, summary="Get a code for the gate")
    def post(self, request: Request, reservation_id: int) -> Response:
        """For a gate whose camera can't read the plate. A new code replaces the one before."""
        own = own_reservation(caller(request), reservation_id)
        code, expires_at = codes.issue_code(reservation_id=own.pk, actor=caller(request), now=clock.now())
        shown = {"code": code, "expires_at": expires_at, "qr_svg": codes.code_as_svg(code)}
        return Response(CodeOut(shown).data, status=status.HTTP_201_CREATED)


def _gate_of(request: Request, gate_id: int) -> Gate:
    """A gate of a lot that the calling gateway may write for, with a device of it at that very gate, or 404."""
    gateway_id = cast(GatewayCaller, request.user).writer.gateway_id
    at_this_gate = Device.objects.filter(gateway=gateway_id, gate=OuterRef("pk"), is_active=True)
    own = Gate.objects.filter(Exists(at_this_gate), lot__gateways=gateway_id)
    return get_object_or_404(own.select_related("lot"), pk=gate_id)


def _document(request: Request) -> Any:
    """The body of a gateway's call: a signature may have needed it already, so it is not read by the framework."""
    if (request.content_type or "").partition(";")[0].strip().lower() != StrictJSONParser.media_type:
        raise UnsupportedMediaType(request.content_type or "")
    return StrictJSONParser().parse(io.BytesIO(bounded_body(request._request, most=MOST_BYTES)))
