"""Events in batches, in our own JSON."""

from dataclasses import dataclass
from typing import Any, cast

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from parking_share import clock
from parking_share.api.fields import FiniteField, InstantField
from parking_share.api.gate_answers import GateReply, answer_of
from parking_share.api.gateways import GatewayAuthentication, GatewayCaller, bounded_body
from parking_share.api.views import ApiView
from sensors.adapters.bodies import JSON
from sensors.adapters.own import MOST_EVENTS, items_of
from sensors.events import Event, Unreadable
from sensors.models import Kind
from sensors.services import refuse_other_serials, sentence_of, store_and_tell
from sensors.storing import Stored

STORED, KNOWN, REFUSED = "STORED", "KNOWN", "REFUSED"


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A bay that was taken, and a car at a gate",
            value={
                "events": [
                    {
                        "key": "bay-7:4711",
                        "kind": "OCCUPIED",
                        "device": "bay-7",
                        "reported_at": "2026-11-23T10:00:15+08:00",
                        "sequence": 4711,
                    },
                    {
                        "key": "east:20261123-0001",
                        "kind": "ENTER",
                        "device": "east",
                        "reported_at": "2026-11-23T10:00:16+08:00",
                        "is_live": True,
                        "plate": "粤B12345",
                        "confidence": 0.97,
                    },
                ]
            },
            request_only=True,
        )
    ]
)
class EventIn(serializers.Serializer[Any]):
    """One event, as it is described; `sensors.adapters.own` reads it."""

    key = serializers.CharField(max_length=200, help_text="The same whenever the event is sent again. Names no plate.")
    kind = serializers.ChoiceField(Kind.choices)
    device = serializers.CharField(max_length=80, help_text="As it was entered at the gateway.")
    reported_at = InstantField(help_text="On the clock of the device.")
    sequence = serializers.IntegerField(min_value=0, required=False, help_text="Orders events of one instant.")
    is_live = serializers.BooleanField(required=False, allow_null=True, help_text="False: it was kept and sent later.")
    plate = serializers.CharField(required=False, allow_blank=True, help_text="Empty where none was read.")
    alternatives = serializers.ListField(child=serializers.CharField(), required=False, max_length=10)
    plate_colour = serializers.CharField(required=False, allow_blank=True)
    confidence = FiniteField(min_value=0, max_value=1, required=False, allow_null=True)
    occupied = serializers.IntegerField(
        min_value=0, max_value=1_000_000, required=False, allow_null=True, help_text="With COUNT: cars counted."
    )
    state_text = serializers.CharField(max_length=20, required=False, allow_blank=True, help_text="Such as FULL.")
    media_ref = serializers.CharField(required=False, allow_blank=True, help_text="Where a picture is kept.")


class EventsIn(serializers.Serializer[Any]):
    events = serializers.ListField(child=EventIn(), min_length=1, max_length=MOST_EVENTS)


class GateReplyOut(serializers.Serializer[GateReply]):
    opens = serializers.BooleanField()
    sentence = serializers.CharField(allow_blank=True)
    space = serializers.CharField(allow_blank=True, help_text="Label of the bay.")
    until = InstantField(allow_null=True)


class ResultOut(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField([STORED, KNOWN, REFUSED])
    problem = serializers.CharField(required=False, help_text="Of what was refused: a stable name.")
    sentence = serializers.CharField(required=False, help_text="Of what was refused: what to do.")
    gate = GateReplyOut(required=False, help_text="Of a car at a gate that came alone in its batch.")


class ResultsOut(serializers.Serializer[Any]):
    stored = serializers.IntegerField()
    known = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = ResultOut(many=True, help_text="One for each event, in order.")


@dataclass(frozen=True)
class Batch:
    """What was sent, and which of it can be stored."""

    items: list[Event | Unreadable]

    @property
    def events(self) -> list[Event]:
        return [item for item in self.items if not isinstance(item, Unreadable)]


class SensorEvents(ApiView):
    authentication_classes = [GatewayAuthentication]

    @extend_schema(request=EventsIn, responses=ResultsOut, summary="Say what gates and bay sensors saw")
    def post(self, request: Request) -> Response:
        """Up to 500 events, each with its own result; sending them again does no harm.

        An event that is refused keeps none of the others out. A car at a gate is answered (`gate`) when it comes alone.
        """
        if (request.content_type or "").partition(";")[0].strip().lower() != JSON:
            raise UnsupportedMediaType(request.content_type or "")
        body = bounded_body(request._request, most=GatewayAuthentication.most_bytes)
        writer, now = cast(GatewayCaller, request.user).writer, clock.now()
        try:
            batch = Batch(items_of(body, request.content_type))
            refuse_other_serials(batch.events, expected=writer.expected_serial)
        except Unreadable as refusal:
            raise ValidationError({"events": [refusal.sentence]}) from refusal
        stored = store_and_tell(gateway_id=writer.gateway_id, events=batch.events, received_at=now)
        results = _results(batch, stored)
        if len(stored) == 1 == len(results) and (reply := answer_of(stored, now=now)) is not None:
            results[0]["gate"] = GateReplyOut(reply).data
        return Response(
            {
                "stored": sum(one["outcome"] == STORED for one in results),
                "known": sum(one["outcome"] == KNOWN for one in results),
                "refused": sum(one["outcome"] == REFUSED for one in results),
                "results": results,
            }
        )


def _results(batch: Batch, stored: list[Stored]) -> list[dict[str, Any]]:
    kept = iter(stored)
    return [_unread(item) if isinstance(item, Unreadable) else _result(next(kept)) for item in batch.items]


def _unread(refusal: Unreadable) -> dict[str, Any]:
    return {"outcome": REFUSED, "problem": refusal.code, "sentence": refusal.sentence}


def _result(one: Stored) -> dict[str, Any]:
    if one.problem is not None:
        return {"outcome": REFUSED, "problem": one.problem, "sentence": sentence_of(one.problem)}
    return {"outcome": STORED if one.is_new else KNOWN}
