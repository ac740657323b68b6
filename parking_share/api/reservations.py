"""Reservations: ask, read, cancel, arrive, leave."""

import hashlib
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from allocation.selectors import alternatives_for
from allocation.services import request_reservation
from parking_share import clock
from parking_share.accounts.models import User
from parking_share.api.authentication import caller
from parking_share.api.idempotency import HEADER, REPLAYED, earlier_call, once_only
from parking_share.api.refusals import RETRY_SOON_S, StillDeciding
from parking_share.api.reservation_shapes import ReservationIn, ReservationOut, ReservationRowOut
from parking_share.api.retries import retried
from parking_share.api.views import ApiView, ListView, as_json
from parking_share.api.waiting import LONGEST_WAIT_S, preferred_wait, wait_for_decision
from parking_share.errors import DomainError
from parking_share.reservations import services
from parking_share.reservations.models import IdempotencyKey, Reservation
from parking_share.reservations.selectors import reservations_of
from parking_share.reservations.services import OnceOnly, Wish
from parking_share.reservations.states import Reason, Status

NO_ROOM = {Reason.NO_FREE_SPACE, Reason.FRAGMENTS_OUTWEIGH_REVENUE}

CREATE_HEADERS = [
    OpenApiParameter(
        HEADER,
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        OpenApiParameter.HEADER,
        required=True,
        description="Chosen by the client, once for each thing it wants. A repeat gets the reply of the first call.",
    ),
    OpenApiParameter(
        "Prefer",
        str,
        OpenApiParameter.HEADER,
        description=f"`wait=5` waits up to that many seconds for the decision, at most {LONGEST_WAIT_S}.",
    ),
    OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[201, 202], description="The reservation."),
    OpenApiParameter("Retry-After", int, OpenApiParameter.HEADER, response=[202], description="Seconds."),
    OpenApiParameter(
        "Preference-Applied", str, OpenApiParameter.HEADER, response=[201, 202], description="How long it waited."
    ),
    OpenApiParameter(
        REPLAYED, str, OpenApiParameter.HEADER, response=[201], description="`true`: the reply of an earlier call."
    ),
]


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
        """Ask for a bay: 201 with the decision if it comes within the client's patience, else 202."""
        once = once_only(request)
        if earlier := earlier_call(caller(request), once):
            return _repeated(earlier)
        asked = ReservationIn(data=request.data, context={"request": request})
        asked.is_valid(raise_exception=True)
        wish = Wish(**asked.validated_data)
        try:
            reservation = retried(
                lambda: request_reservation(driver=caller(request), wish=wish, now=clock.now(), once=once)
            )
        except DomainError:
            if earlier := earlier_call(caller(request), once):  # its twin was quicker
                return _repeated(earlier)
            raise
        return _first_answer(request, reservation.pk, once)


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
        """Status, bay once it is announced, reason; where declined, other periods that would be accepted now."""
        body = _body(_own(caller(request), reservation_id))
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
        return _moved(request, reservation_id, services.record_arrival)


class ReservationLeave(ApiView):
    @extend_schema(request=None, responses=ReservationOut, summary="Say that the car has left")
    def post(self, request: Request, reservation_id: int) -> Response:
        """The rest of the period is free at once."""
        return _moved(request, reservation_id, services.record_departure)


def _first_answer(request: Request, reservation_id: int, once: OnceOnly) -> HttpResponseBase:
    """Wait as long as the client would; keep the reply once it is final."""
    seconds = preferred_wait(request.headers.get("Prefer", ""))
    waited = seconds is not None and wait_for_decision(reservation_id, seconds=seconds)
    reservation = _own(caller(request), reservation_id)
    key = earlier_call(caller(request), once)
    if reservation.is_decided and key is not None:
        answer = _final(key, reservation)
    else:
        answer = HttpResponse(_body(reservation), status=status.HTTP_202_ACCEPTED, content_type="application/json")
        answer["Location"] = _address(reservation_id)
        answer["Retry-After"] = str(RETRY_SOON_S)
    if waited:
        answer["Preference-Applied"] = f"wait={seconds}"
    return answer


def _repeated(earlier: IdempotencyKey) -> HttpResponseBase:
    """The kept reply; where none could be kept yet, the reply that is final now."""
    if not earlier.reservation.is_decided:
        raise StillDeciding(_("The first request with this Idempotency-Key is being decided. Repeat it in a moment."))
    answer = _final(earlier, earlier.reservation)
    answer[REPLAYED] = "true"
    return answer


def _final(key: IdempotencyKey, reservation: Reservation) -> HttpResponse:
    """The one reply to this call; whoever is first keeps it for all."""
    code, body = key.reply_status, key.reply_body
    if code is None:
        shown = _own(key.caller, reservation.pk)
        code, body = services.keep_reply(key_id=key.pk, status=status.HTTP_201_CREATED, body=_body(shown))
    answer = HttpResponse(body, status=code, content_type="application/json")
    answer["Location"] = _address(reservation.pk)
    return answer


def _moved(request: Request, reservation_id: int, move: Callable[..., Reservation]) -> Response:
    """Check whose it is, make one move, show what became of it."""
    own = _own(caller(request), reservation_id)
    retried(lambda: move(reservation_id=own.pk, actor=caller(request), now=clock.now()))
    return Response(_shown(_own(caller(request), reservation_id)))


def _own(driver: User, reservation_id: int) -> Reservation:
    return get_object_or_404(reservations_of(driver), pk=reservation_id)


def _shown(reservation: Reservation) -> dict[str, Any]:
    has_no_room = reservation.status == Status.DECLINED and reservation.reason in NO_ROOM
    others = alternatives_for(reservation, now=clock.now()) if has_no_room else []
    return ReservationOut(reservation, context={"alternatives": others}).data


def _body(reservation: Reservation) -> str:
    return as_json(_shown(reservation))


def _address(reservation_id: int) -> str:
    return reverse("api:reservation", args=[reservation_id])
