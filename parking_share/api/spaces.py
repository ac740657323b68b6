"""An owner's bays: what they are, when they are shared."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from parking_share import clock
from parking_share.accounts.models import SizeClass
from parking_share.api.authentication import caller
from parking_share.api.fields import DayField, InstantField, LocalTimeField, PeriodIn
from parking_share.api.retries import retried
from parking_share.api.views import ApiView, ListView
from parking_share.spaces import services
from parking_share.spaces.models import ShareException, ShareRule, ShareWindow, Space
from parking_share.spaces.selectors import spaces_of

MOST_MARGIN_MIN = 240


class SpaceLotOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    time_zone = serializers.CharField()


class SpaceOut(serializers.Serializer[Space]):
    id = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]
    lot = SpaceLotOut()
    standing = serializers.ChoiceField(Space.Standing.choices)
    size = serializers.ChoiceField(SizeClass.choices)
    height_limit_cm = serializers.IntegerField(allow_null=True)
    has_charger = serializers.BooleanField()
    is_accessible = serializers.BooleanField()
    admits = serializers.ChoiceField(Space.Admits.choices)
    return_margin_min = serializers.IntegerField(help_text="How early before the end of its hours the bay is back.")


class SpaceChangeIn(serializers.Serializer[Any]):
    return_margin_min = serializers.IntegerField(min_value=0, max_value=MOST_MARGIN_MIN)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "While the owner is at work",
            value={
                "weekdays": [1, 2, 3, 4, 5],
                "starts_at_local": "08:30",
                "ends_at_local": "18:00",
                "first_date": "2026-11-23",
            },
            request_only=True,
        )
    ]
)
class RuleIn(serializers.Serializer[Any]):
    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=7),
        min_length=1,
        max_length=7,
        help_text="1 is Monday. Holidays and make-up working days act as the weekday they stand for.",
    )
    starts_at_local = LocalTimeField(help_text="On the lot's own clock.")
    ends_at_local = LocalTimeField(help_text="Not after the start: on the next day.")
    first_date = DayField()
    last_date = DayField(allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["last_date"] is not None and attrs["last_date"] < attrs["first_date"]:
            raise serializers.ValidationError({"last_date": [_("The last day can't be before the first.")]})
        return attrs


class RuleOut(serializers.Serializer[ShareRule]):
    id = serializers.IntegerField()
    weekdays = serializers.ListField(child=serializers.IntegerField())
    starts_at_local = LocalTimeField()
    ends_at_local = LocalTimeField()
    first_date = serializers.DateField()
    last_date = serializers.DateField(allow_null=True)
    created_at = InstantField()


class WindowOut(serializers.Serializer[ShareWindow]):
    starts_at = InstantField()
    ends_at = InstantField()


class ExceptionOut(serializers.Serializer[ShareException]):
    id = serializers.IntegerField()
    starts_at = InstantField()
    ends_at = InstantField()


class SpaceList(ListView):
    @extend_schema(responses=SpaceOut(many=True), summary="List one's bays")
    def get(self, request: Request) -> Response:
        """The bays that the caller owns."""
        return self.answer(self.page_of(spaces_of(caller(request))), SpaceOut)


class SpaceDetail(ApiView):
    @extend_schema(responses=SpaceOut, summary="Read a bay")
    def get(self, request: Request, space_id: int) -> Response:
        return Response(SpaceOut(_own(request, space_id)).data)

    @extend_schema(request=SpaceChangeIn, responses=SpaceOut, summary="Change how early a bay must be back")
    def patch(self, request: Request, space_id: int) -> Response:
        """Future windows change at once; drivers who hold the bay keep it for the time they were promised."""
        asked = SpaceChangeIn(data=request.data)
        asked.is_valid(raise_exception=True)
        space, minutes = _own(request, space_id), asked.validated_data["return_margin_min"]
        retried(lambda: services.set_return_margin(space=space, minutes=minutes, now=clock.now()))
        return Response(SpaceOut(_own(request, space_id)).data)


class RuleList(ListView):
    @extend_schema(responses=RuleOut(many=True), summary="List a bay's weekly offers")
    def get(self, request: Request, space_id: int) -> Response:
        """Offers in force, in the order in which they were made."""
        rules = _own(request, space_id).rules.filter(withdrawn_at__isnull=True).order_by("pk")
        return self.answer(self.page_of(rules), RuleOut)

    @extend_schema(request=RuleIn, responses={201: RuleOut}, summary="Offer a bay every week")
    def post(self, request: Request, space_id: int) -> Response:
        """The bay can be booked in these hours at once."""
        space = _own(request, space_id)
        asked = RuleIn(data=request.data)
        asked.is_valid(raise_exception=True)
        rule = retried(lambda: services.publish_hours(space=space, now=clock.now(), **asked.validated_data))
        return Response(RuleOut(rule).data, status=status.HTTP_201_CREATED)


class RuleDetail(ApiView):
    @extend_schema(responses={204: None}, summary="Withdraw a weekly offer")
    def delete(self, request: Request, space_id: int, rule_id: int) -> Response:
        """Drivers who hold the bay keep it for the time they were promised."""
        live = ShareRule.objects.filter(space=_own(request, space_id), withdrawn_at__isnull=True)
        rule = get_object_or_404(live.select_related("space__lot"), pk=rule_id)
        retried(lambda: services.withdraw_rule(rule=rule, now=clock.now()))
        return Response(status=status.HTTP_204_NO_CONTENT)


class WindowList(ListView):
    @extend_schema(parameters=[PeriodIn], responses=WindowOut(many=True), summary="List when a bay is shared")
    def get(self, request: Request, space_id: int) -> Response:
        """Windows that touch the period, the earliest first: merged, and trimmed by the return margin."""
        space, asked = _own(request, space_id), PeriodIn.of(request)
        windows = ShareWindow.objects.filter(
            space=space,
            superseded_at__isnull=True,
            starts_at__lt=asked["ends_at"],
            ends_at__gt=asked["starts_at"],
        )
        return self.answer(self.page_of(windows.order_by("starts_at")), WindowOut)


class ExceptionList(ListView):
    @extend_schema(responses=ExceptionOut(many=True), summary="List hours taken out")
    def get(self, request: Request, space_id: int) -> Response:
        """Present and future exceptions from the weekly offers, the earliest first."""
        coming = _own(request, space_id).exceptions.filter(ends_at__gt=clock.now()).order_by("starts_at", "pk")
        return self.answer(self.page_of(coming), ExceptionOut)

    @extend_schema(request=PeriodIn, responses={201: ExceptionOut}, summary="Take hours out of the weekly offers")
    def post(self, request: Request, space_id: int) -> Response:
        """Drivers who hold the bay then keep it."""
        space = _own(request, space_id)
        asked = PeriodIn(data=request.data)
        asked.is_valid(raise_exception=True)
        hours = retried(lambda: services.withdraw_hours(space=space, now=clock.now(), **asked.validated_data))
        return Response(ExceptionOut(hours).data, status=status.HTTP_201_CREATED)


def _own(request: Request, space_id: int) -> Space:
    return get_object_or_404(spaces_of(caller(request)), pk=space_id)
