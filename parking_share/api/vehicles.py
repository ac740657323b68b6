"""A driver's own cars. A plate comes in a body only, and goes out masked."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from parking_share import clock
from parking_share.accounts.models import SizeClass, Vehicle
from parking_share.accounts.selectors import vehicles_of
from parking_share.accounts.services import register_vehicle, remove_vehicle
from parking_share.api.authentication import caller
from parking_share.api.fields import InstantField
from parking_share.api.views import ApiView, ListView


@extend_schema_serializer(
    examples=[OpenApiExample("A car", value={"plate": "粤B·12345", "label": "the blue one"}, request_only=True)]
)
class VehicleIn(serializers.Serializer[Any]):
    plate = serializers.CharField(max_length=20, write_only=True, help_text="As it stands on the car.")
    label = serializers.CharField(max_length=40, allow_blank=True, default="")  # type: ignore[assignment]
    size = serializers.ChoiceField(SizeClass.choices, default=SizeClass.STANDARD.value)
    height_cm = serializers.IntegerField(min_value=80, max_value=450, allow_null=True, default=None)


class VehicleOut(serializers.Serializer[Vehicle]):
    id = serializers.IntegerField()
    plate = serializers.CharField(source="masked_plate", help_text="Masked.")
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    size = serializers.ChoiceField(SizeClass.choices)
    height_cm = serializers.IntegerField(allow_null=True)
    created_at = InstantField()


class VehicleList(ListView):
    @extend_schema(responses=VehicleOut(many=True), summary="List one's cars")
    def get(self, request: Request) -> Response:
        """The caller's cars, the newest first."""
        return self.answer(self.page_of(vehicles_of(caller(request))), VehicleOut)

    @extend_schema(request=VehicleIn, responses={201: VehicleOut}, summary="Add a car")
    def post(self, request: Request) -> Response:
        """The plate is stored encrypted and shown masked from now on."""
        asked = VehicleIn(data=request.data)
        asked.is_valid(raise_exception=True)
        vehicle = register_vehicle(driver=caller(request), now=clock.now(), **asked.validated_data)
        return Response(VehicleOut(vehicle).data, status=status.HTTP_201_CREATED)


class VehicleDetail(ApiView):
    @extend_schema(responses={204: None}, summary="Remove a car")
    def delete(self, request: Request, vehicle_id: int) -> Response:
        """Reservations already made with the car keep it."""
        vehicle = get_object_or_404(vehicles_of(caller(request)), pk=vehicle_id)
        remove_vehicle(vehicle_id=vehicle.pk, now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
