"""Reservations: ask, read, cancel, arrive, leave."""

import hashlib
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from allocation.areas import Area, AreaWish, request_in_area
from allocation.services import request_reservation
from parking_share import clock
from parking_share.accounts.models import User
from parking_share.api.authentication import caller
from parking_share.api.idempotency import earlier_call, once_only
from parking_share.api.reservation_answers import (
    CREATE_HEADERS,
    body_of,
    first_answer,
    own_reservation,
    repeated_answer,
    shown,
)
from parking_share.api.reservation_shapes import ReservationIn, ReservationOut, ReservationRowOut
from parking_share.api.retries import retried
from parking_share.api.views import ApiView, ListView
from parking_share.errors import DomainError
from parking_share.fulfilment import arrivals
from parking_share.reservations import services
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import reservations_of
from parking_share.reservations.services import OnceOnly, Wish


class ReservationList(ListView):
    @extend_schema(responses=ReservationRowOut(many=True), summary="List one's reservations")
    def get(self, request: Request) -> Response:
        """The caller's reservations, the latest start first."""
        return self.answer(self.page_of(reservations_of(caller(request))), ReservationRowOut)

    @extend_schema(
        request=ReservationIn,
        responses={
            201: OpenApiResponse(ReservationOut, "Decided: accepted, or declined with a reason."),
            202: OpenApiResponse(ReservationOut, "Not decided yet: read the address in Location later."),
        },
        parameters=CREATE_HEADERS,
        summary="Ask for a bay",
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Ask for a bay in a lot, or in whatever lot near a point is best.

        201 with the decision if it comes within the client's patience, else 202.
        """
        once = once_only(request)
        asked = ReservationIn(data=request.data, context={"request": request})
        try:
            asked.is_valid(raise_exception=True)
            reservation = retried(lambda: _ask(caller(request), asked.validated_data, once))
        except (DomainError, ValidationError):
            if earlier := earlier_call(caller(request), once):  # the same call once more
                return repeated_answer(earlier)
            raise
        return first_answer(request, reservation, once)


def _ask(driver: User, wanted: dict[str, Any], once: OnceOnly) -> Reservation:
    if "area" in wanted:
        wish = AreaWish(**wanted | {"area": Area(**wanted["area"])})
        return request_in_area(driver=driver, wish=wish, now=clock.now(), once=once)
    return request_reservation(driver=driver, wish=Wish(**wanted), now=clock.now(), once=once)


class ReservationDetail(ApiView):
    @extend_schema(
        responses={200: ReservationOut, 304: OpenApiResponse(description="Unchanged since the ETag that was sent.")},
        parameters=[
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The ETag last read."),
            OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 304]),
        ],
        summary="Read a reservation",
    )
    def get(self, request: Request, reservation_id: int) -> HttpResponseBase:
        """Status, bay once it is announced, reason, how long one can stay; where declined, other periods."""
        body = body_of(own_reservation(caller(request), reservation_id), with_stay=True)
        etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
        answer = HttpResponse(body, content_type="application/json", headers={"ETag": etag})
        answer["Cache-Control"] = "private, no-cache"
        return get_conditional_response(request._request, etag=etag, response=answer) or answer


class ReservationCancel(ApiView):
    @extend_schema(request=None, responses=ReservationOut, summary="Cancel a reservation")
    def post(self, request: Request, reservation_id: int) -> Response:
        """Take the reservation back; its bay is free at once."""
        return _moved(request, reservation_id, services.cancel_reservation)


class ReservationArrive(ApiView):
    @extend_schema(request=None, responses=ReservationOut, summary="Say that the car is in its bay")
    def post(self, request: Request, reservation_id: int) -> Response:
        """Only once the bay is announced."""
        return _moved(request, reservation_id, arrivals.record_arrival)


class ReservationLeave(ApiView):
    @extend_schema(request=None, responses=ReservationOut, summary="Say that the car has left")
    def post(self, request: Request, reservation_id: int) -> Response:
        """The rest of the period is free at once."""
        return _moved(request, reservation_id, arrivals.record_departure)


def _moved(request: Request, reservation_id: int, move: Callable[..., Reservation]) -> Response:
    """Check whose it is, make one move, show what became of it."""
    own = own_reservation(caller(request), reservation_id)
    retried(lambda: move(reservation_id=own.pk, actor=caller(request), now=clock.now()))
    return Response(shown(own_reservation(caller(request), reservation_id)))
