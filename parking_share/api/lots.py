"""Lots: near a point, one, and what a period costs there."""

import math

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from parking_share import clock
from parking_share.api.authentication import caller_or_none
from parking_share.api.fields import FiniteField, PeriodIn, PointOut
from parking_share.api.throttles import SearchThrottle
from parking_share.api.views import ApiView, ListView
from parking_share.reservations.offers import Offer, offers_for
from parking_share.reservations.selectors import Question
from parking_share.spaces.models import LandUse, Lot
from parking_share.spaces.selectors import lots_near

FURTHEST_M = 5_000


class QuestionIn(PeriodIn):
    needs_charger = serializers.BooleanField(default=False)
    needs_accessible = serializers.BooleanField(default=False)


class SearchIn(QuestionIn):
    latitude = FiniteField(min_value=-90, max_value=90, help_text="WGS-84, degrees.")
    longitude = FiniteField(min_value=-180, max_value=180, help_text="WGS-84, degrees.")
    radius_m = FiniteField(min_value=1, max_value=FURTHEST_M, default=800)


class LotOut(serializers.Serializer[Lot]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    address = serializers.CharField(allow_blank=True)
    land_use = serializers.ChoiceField(LandUse.choices)
    time_zone = serializers.CharField(help_text="IANA name.")
    entrance = PointOut(help_text="Where one drives in.")
    capacity = serializers.IntegerField(allow_null=True)
    peak_rate_cents = serializers.IntegerField()
    currency = serializers.CharField()
    is_open = serializers.BooleanField()


class OfferOut(serializers.Serializer[Offer]):
    lot = LotOut()
    bays_free = serializers.IntegerField(help_text="Bays free for exactly this period.")
    price_cents = serializers.IntegerField()
    currency = serializers.CharField()


class NearbyOfferOut(OfferOut):
    distance_m = serializers.SerializerMethodField()

    def get_distance_m(self, offer: Offer) -> int:
        return math.ceil(offer.distance_m or 0)


class LotList(ListView):
    permission_classes = [AllowAny]
    throttle_classes = [SearchThrottle]

    @extend_schema(parameters=[SearchIn], responses=NearbyOfferOut(many=True), summary="Find bays near a point")
    def get(self, request: Request) -> Response:
        """Lots near a point, the nearest first, with the bays that are free for exactly this period."""
        asked = SearchIn.of(request)
        near = lots_near(
            latitude=asked.pop("latitude"), longitude=asked.pop("longitude"), radius_m=asked.pop("radius_m")
        )
        question = Question(driver=caller_or_none(request), **asked)
        return self.answer(offers_for(self.page_of(near), question, now=clock.now()), NearbyOfferOut)


class LotDetail(ApiView):
    permission_classes = [AllowAny]

    @extend_schema(responses=LotOut, summary="Read a lot")
    def get(self, _request: Request, lot_id: int) -> Response:
        return Response(LotOut(_lot(lot_id)).data)


class LotQuote(ApiView):
    permission_classes = [AllowAny]
    throttle_classes = [SearchThrottle]

    @extend_schema(parameters=[QuestionIn], responses=OfferOut, summary="Ask what a period costs")
    def get(self, request: Request, lot_id: int) -> Response:
        """Price and free bays of one lot for one period. A quote promises nothing: a reservation does."""
        question = Question(driver=caller_or_none(request), **QuestionIn.of(request))
        return Response(OfferOut(offers_for([(_lot(lot_id), None)], question, now=clock.now())[0]).data)


def _lot(lot_id: int) -> Lot:
    lots: QuerySet[Lot] = Lot.objects.all()
    return get_object_or_404(lots, pk=lot_id)
