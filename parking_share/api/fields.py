import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
LONGEST_PERIOD = timedelta(days=31)


class InstantField(serializers.DateTimeField):
    """An instant with its offset, in ISO 8601; told in UTC."""

    default_error_messages = {
        "naive": _("Write the offset too, as in 2026-11-23T10:00:00+08:00."),
        "implausible": _("Choose a time between the years 2000 and 2100."),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"default_timezone": UTC} | options)

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        try:
            instant = value.astimezone(UTC)
        except OverflowError:
            self.fail("implausible")
        if not EARLIEST <= instant < LATEST:
            self.fail("implausible")
        return instant


class ReasonOut(serializers.Serializer[Any]):
    """Why something is as it is: a code for programs, a sentence for people."""

    code = serializers.CharField(source="reason")
    sentence = serializers.CharField(source="get_reason_display")


class FiniteField(serializers.FloatField):
    """A number that is one: neither NaN nor infinite."""

    def to_internal_value(self, data: Any) -> float:
        number = super().to_internal_value(data)
        if not math.isfinite(number):
            self.fail("invalid")
        return number


class PeriodIn(serializers.Serializer[Any]):
    """A half-open period, at most a month long."""

    starts_at = InstantField()
    ends_at = InstantField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["ends_at"] <= attrs["starts_at"]:
            raise serializers.ValidationError({"ends_at": [_("The end must lie after the start.")]})
        if attrs["ends_at"] - attrs["starts_at"] > LONGEST_PERIOD:
            raise serializers.ValidationError({"ends_at": [_("Choose a period of at most 31 days.")]})
        return attrs

    @classmethod
    def of(cls, request: Request) -> dict[str, Any]:
        """What the address asks for, checked."""
        asked = cls(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)


class DayField(serializers.DateField):
    """A calendar day that a person could mean."""

    default_error_messages = {"implausible": InstantField.default_error_messages["implausible"]}

    def to_internal_value(self, value: Any) -> date:
        day = super().to_internal_value(value)
        if not EARLIEST.date() <= day < LATEST.date():
            self.fail("implausible")
        return day


class PointOut(serializers.Serializer[Any]):
    """A pair of latitude and longitude, WGS-84, by name."""

    latitude = serializers.FloatField()
    longitude = serializers.FloatField()

    def to_representation(self, instance: tuple[float, float]) -> dict[str, float]:
        return {"latitude": instance[0], "longitude": instance[1]}


@extend_schema_field({"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]$", "example": "08:30"})
class LocalTimeField(serializers.TimeField):
    """A time of day on the clock of the lot: hours and minutes, no offset."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"format": "%H:%M", "input_formats": ["%H:%M"]} | options)
