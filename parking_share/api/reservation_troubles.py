"""Reservations when things go otherwise: stay longer, somebody else in the bay."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from allocation.extending import extend_reservation
from parking_share import clock
from parking_share.api.authentication import caller
from parking_share.api.fields import InstantField
from parking_share.api.reservation_answers import own_reservation, shown
from parking_share.api.reservation_shapes import ExtensionIn, ReservationOut, TakenBayIn
from parking_share.api.retries import retried
from parking_share.api.views import ApiView
from parking_share.fulfilment.incidents import report_taken_bay
from parking_share.fulfilment.models import Incident


class IncidentOut(serializers.Serializer[Incident]):
    """What was done for the driver."""

    id = serializers.IntegerField()
    outcome = serializers.ChoiceField(
        Incident.Outcome.choices,
        help_text="ANOTHER_BAY: go to `space`. ANOTHER_LOT: `replacement` is a reservation nearby, at no extra cost. "
        "FREE_CANCELLATION: nothing is free nearby and nothing is owed.",
    )
    opened_at = InstantField()
    space = serializers.CharField(source="moved_to.label", allow_null=True, default=None, help_text="The new bay.")
    replacement = serializers.IntegerField(source="replacement_id", allow_null=True)
    reservation = serializers.SerializerMethodField(help_text="As it is now.")

    @extend_schema_field(ReservationOut)
    def get_reservation(self, incident: Incident) -> dict[str, Any]:
        return shown(own_reservation(self.context["driver"], incident.reservation_id))


class ReservationExtend(ApiView):
    @extend_schema(request=ExtensionIn, responses=ReservationOut, summary="Stay longer")
    def post(self, request: Request, reservation_id: int) -> Response:
        """Keep the bay until then, at the tariff of the added time; `stay_until` says how long is possible.

        Safe to repeat: the same end again changes nothing.
        """
        own = own_reservation(caller(request), reservation_id)
        asked = ExtensionIn(data=request.data)
        asked.is_valid(raise_exception=True)
        until = asked.validated_data["until"]
        retried(lambda: extend_reservation(reservation_id=own.pk, actor=caller(request), until=until, now=clock.now()))
        return Response(shown(own_reservation(caller(request), reservation_id), with_stay=True))


class BayTaken(ApiView):
    @extend_schema(
        request=TakenBayIn,
        responses={200: OpenApiResponse(IncidentOut, "What was done at once.")},
        summary="Say that somebody else is in one's bay",
    )
    def post(self, request: Request, reservation_id: int) -> Response:
        """Another bay of the lot, else one in the nearest lot, else a cancellation that costs nothing: in one call.

        Safe to repeat: the same plate again, or none again within three minutes, is the same report.
        """
        own = own_reservation(caller(request), reservation_id)
        asked = TakenBayIn(data=request.data)
        asked.is_valid(raise_exception=True)
        plate = asked.validated_data["plate"]
        incident = retried(
            lambda: report_taken_bay(reservation_id=own.pk, actor=caller(request), plate_text=plate, now=clock.now())
        )
        return Response(IncidentOut(incident, context={"driver": caller(request)}).data)
