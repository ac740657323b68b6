"""What guards do at gates: see which they watch, what was answered there, and open by hand."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from parking_share import clock
from parking_share.api.authentication import caller
from parking_share.api.fields import InstantField
from parking_share.api.gates import AnswerOut
from parking_share.api.views import ApiView, ListView
from parking_share.fulfilment import guard
from parking_share.fulfilment.models import GateAnswer
from parking_share.spaces.models import Gate
from parking_share.spaces.selectors import gates_guarded_by


class GateLotOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class GateOut(serializers.Serializer[Gate]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(Gate.Kind.choices)
    lot = GateLotOut()


class GateAnswerOut(serializers.Serializer[GateAnswer]):
    """Which car it was is not told: a guard sees it."""

    asked_by = serializers.ChoiceField(GateAnswer.Asked.choices)
    opens = serializers.BooleanField()
    verdict = serializers.ChoiceField(GateAnswer.Verdict.choices)
    note = serializers.CharField(allow_blank=True)
    answered_at = InstantField()


@extend_schema_serializer(examples=[OpenApiExample("A delivery", value={"note": "Parcels for 3B"}, request_only=True)])
class OpenIn(serializers.Serializer[Any]):
    note = serializers.CharField(min_length=3, max_length=200, help_text="Why. It is kept with the guard's name.")


class GateList(ListView):
    @extend_schema(responses=GateOut(many=True), summary="List the gates one watches")
    def get(self, request: Request) -> Response:
        """Gates of the lots that the caller guards or manages."""
        return self.answer(self.page_of(gates_guarded_by(caller(request))), GateOut)


class GateAnswers(ListView):
    @extend_schema(responses=GateAnswerOut(many=True), summary="List what a gate was answered")
    def get(self, request: Request, gate_id: int) -> Response:
        """The latest first."""
        answers = GateAnswer.objects.filter(gate=_watched(request, gate_id)).order_by("-pk")
        return self.answer(self.page_of(answers), GateAnswerOut)


class GateOpen(ApiView):
    @extend_schema(request=OpenIn, responses={201: AnswerOut}, summary="Open a gate by hand")
    def post(self, request: Request, gate_id: int) -> Response:
        """Always possible for whoever watches the gate, never without a reason, and recorded for good."""
        gate = _watched(request, gate_id)
        asked = OpenIn(data=request.data)
        asked.is_valid(raise_exception=True)
        note = asked.validated_data["note"]
        answer = guard.open_by_guard(gate=gate, actor=caller(request), note=note, now=clock.now())
        return Response(AnswerOut(answer).data, status=status.HTTP_201_CREATED)


def _watched(request: Request, gate_id: int) -> Gate:
    return get_object_or_404(gates_guarded_by(caller(request)), pk=gate_id)
