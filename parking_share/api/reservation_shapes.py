"""What reservations look like outside."""

import math
from typing import Any, cast

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from allocation.alternatives import Alternative
from allocation.area_models import FURTHEST_REACH_M, NEAREST_REACH_M
from allocation.models import AreaRequest
from parking_share.accounts.selectors import vehicles_of
from parking_share.api.fields import FiniteField, InstantField, PointOut, ReasonOut
from parking_share.reservations.models import Reservation, ReservationVehicle
from parking_share.reservations.states import MEANING, Status
from parking_share.spaces.models import Lot

MOST_VEHICLES = 5


class AreaIn(serializers.Serializer[Any]):
    latitude = FiniteField(min_value=-90, max_value=90, help_text="WGS-84, degrees.")
    longitude = FiniteField(min_value=-180, max_value=180, help_text="WGS-84, degrees.")
    radius_m = serializers.IntegerField(
        min_value=NEAREST_REACH_M, max_value=FURTHEST_REACH_M, help_text="How far one would walk."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Two hours on a Monday morning",
            value={
                "lot": 17,
                "vehicles": [4],
                "starts_at": "2026-11-23T09:00:00+08:00",
                "ends_at": "2026-11-23T11:00:00+08:00",
            },
            request_only=True,
        ),
        OpenApiExample(
            "Whatever lot is best within 400 metres",
            value={
                "area": {"latitude": 22.5431, "longitude": 114.1167, "radius_m": 400},
                "vehicles": [4],
                "starts_at": "2026-11-23T09:00:00+08:00",
                "ends_at": "2026-11-23T11:00:00+08:00",
            },
            request_only=True,
        ),
    ]
)
class ReservationIn(serializers.Serializer[Any]):
    lot = serializers.PrimaryKeyRelatedField(
        queryset=Lot.objects.all(),
        pk_field=serializers.IntegerField(min_value=1),
        required=False,
        help_text="Id of the lot; either this or an area.",
    )
    area = AreaIn(required=False, help_text="Any lot in reach of a point: the platform chooses. Either this or a lot.")
    vehicles = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        min_length=1,
        max_length=MOST_VEHICLES,
        help_text="Ids of one's own vehicles.",
    )
    starts_at = InstantField()
    ends_at = InstantField()
    needs_charger = serializers.BooleanField(default=False)
    needs_accessible = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("lot" in attrs) == ("area" in attrs):
            raise serializers.ValidationError({"lot": [_("Name a lot or an area, and not both.")]})
        return attrs

    def validate_vehicles(self, ids: list[int]) -> list[Any]:
        own = list(vehicles_of(self.context["request"].user).filter(pk__in=ids))
        if len(own) < len(set(ids)):
            raise serializers.ValidationError(_("One of these cars is not in your account."))
        return own


class NamedVehicleOut(serializers.Serializer[ReservationVehicle]):
    id = serializers.IntegerField(source="vehicle_id")
    plate = serializers.CharField(source="vehicle.masked_plate", help_text="Masked.")
    label = serializers.CharField(source="vehicle.label", allow_blank=True)  # type: ignore[assignment]


class ReservationLotOut(serializers.Serializer[Lot]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    address = serializers.CharField(allow_blank=True)
    time_zone = serializers.CharField()
    entrance = PointOut(help_text="Where one drives in.")


class ReservationRowOut(serializers.Serializer[Reservation]):
    id = serializers.IntegerField()
    status = serializers.ChoiceField(
        Status.choices, help_text=" ".join(f"{status.value}: {meaning}" for status, meaning in MEANING.items())
    )
    reason = ReasonOut(source="*")
    lot = ReservationLotOut()
    space = serializers.SerializerMethodField(help_text="Label of the bay, once it is announced.")
    starts_at = InstantField()
    ends_at = InstantField()
    lapses_at = InstantField(allow_null=True, help_text="The bay is given back unless the car has arrived by then.")
    needs_charger = serializers.BooleanField()
    needs_accessible = serializers.BooleanField()
    vehicles = NamedVehicleOut(source="vehicle_rows", many=True)
    price_cents = serializers.IntegerField()
    currency = serializers.CharField()
    requested_at = InstantField()
    decided_at = InstantField(allow_null=True)

    def get_space(self, reservation: Reservation) -> str | None:
        return reservation.space.label if reservation.is_announced and reservation.space else None


class AlternativeOut(serializers.Serializer[Alternative]):
    lot = ReservationLotOut()
    distance_m = serializers.SerializerMethodField(
        help_text="The walk from the lot that said no, as the crow flies; null where it is the same lot."
    )
    starts_at = InstantField()
    ends_at = InstantField()
    price_cents = serializers.IntegerField()
    currency = serializers.CharField()

    def get_distance_m(self, alternative: Alternative) -> int | None:
        return None if alternative.distance_m is None else math.ceil(alternative.distance_m)


class ConsideredOut(serializers.Serializer[Any]):
    """One lot in reach, as it was weighed."""

    lot = serializers.IntegerField(help_text="Id.")
    price_cents = serializers.IntegerField()
    walk_m = serializers.IntegerField(help_text="From its entrance to the point, as the crow flies.")
    cost = serializers.FloatField(
        allow_null=True, help_text="Sustainability cost; null where it said no or was not asked."
    )
    total = serializers.FloatField(
        allow_null=True,
        help_text="Price, walk and cost in minor units, the least is best; null where it has no cost.",
    )
    refusal = serializers.CharField(allow_blank=True, help_text="Why it said no; empty where it would take the car.")


class AreaOut(serializers.Serializer[AreaRequest]):
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()
    radius_m = serializers.IntegerField()
    considered = ConsideredOut(many=True, help_text="From the best to the worst; empty until it is decided.")


class ExtensionIn(serializers.Serializer[Any]):
    until = InstantField(help_text="The new end.")


class TakenBayIn(serializers.Serializer[Any]):
    plate = serializers.CharField(
        max_length=20, allow_blank=True, default="", help_text="Of the car in the bay; empty where it can't be read."
    )


class ReservationOut(ReservationRowOut):
    """A reservation; where it was declined, with other periods of the lot and other lots that would say yes now."""

    stay_until = serializers.SerializerMethodField(
        help_text="How long the bay could be kept, where one is held: the latest `until` of an extension. "
        "Null elsewhere, and in the answer to a booking."
    )
    alternatives = serializers.SerializerMethodField()
    area = serializers.SerializerMethodField(
        help_text="Where any lot in reach was asked for; until the decision `lot` only stands for the area."
    )

    @extend_schema_field(AreaOut(allow_null=True))
    def get_area(self, reservation: Reservation) -> dict[str, Any] | None:
        """Told where it was read along or has just been made: a booking's answer costs no query more for it."""
        came_along = Reservation.area.is_cached(reservation)
        area = getattr(reservation, "area", None) if came_along else None
        return None if area is None else cast(dict[str, Any], AreaOut(area).data)

    @extend_schema_field(InstantField(allow_null=True))
    def get_stay_until(self, _reservation: Reservation) -> str | None:
        latest = self.context.get("stay_until")
        return InstantField().to_representation(latest) if latest else None

    @extend_schema_field(AlternativeOut(many=True))
    def get_alternatives(self, _reservation: Reservation) -> list[dict[str, Any]]:
        return cast(list[dict[str, Any]], AlternativeOut(self.context.get("alternatives", []), many=True).data)
