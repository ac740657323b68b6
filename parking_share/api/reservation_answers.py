"""How a reservation is told: now, later, or once more to whoever asks twice."""

from collections.abc import Callable
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.request import Request

from allocation.alternatives import alternatives_for
from allocation.selectors import can_stay_until
from parking_share import clock
from parking_share.accounts.models import User
from parking_share.api.authentication import caller
from parking_share.api.idempotency import HEADER, REPLAYED, earlier_call
from parking_share.api.refusals import RETRY_SOON_S, StillDeciding
from parking_share.api.reservation_shapes import ReservationOut
from parking_share.api.views import as_json
from parking_share.api.waiting import LONGEST_WAIT_S, preferred_wait, wait_for_decision
from parking_share.reservations import services
from parking_share.reservations.models import IdempotencyKey, Reservation
from parking_share.reservations.selectors import WITH_VEHICLES, reservations_of
from parking_share.reservations.services import OnceOnly
from parking_share.reservations.states import Status

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


def own_reservation(driver: User, reservation_id: int) -> Reservation:
    """The driver's reservation, or 404."""
    return get_object_or_404(reservations_of(driver).select_related("area"), pk=reservation_id)


def shown(reservation: Reservation, *, with_stay: bool = False) -> dict[str, Any]:
    """What its driver sees; where it found no room, with other periods that would be accepted now.

    How long a bay could be kept costs as much as a decision, so it is told where somebody reads, not where they book.
    """
    stay_until = can_stay_until(reservation, now=clock.now()) if with_stay and reservation.holds_a_space else None
    if reservation.status == Status.DECLINED:
        found = alternatives_for(reservation, now=clock.now())
        others = [*found.times, *found.lots]
    else:
        others = []
    return ReservationOut(reservation, context={"alternatives": others, "stay_until": stay_until}).data


def body_of(reservation: Reservation, *, with_stay: bool = False) -> str:
    return as_json(shown(reservation, with_stay=with_stay))


def first_answer(request: Request, asked: Reservation, once: OnceOnly) -> HttpResponse:
    """Wait as long as the client would; keep the reply once it is final."""
    seconds = preferred_wait(request.headers.get("Prefer", ""))
    waited = seconds is not None and wait_for_decision(asked.pk, seconds=seconds)
    reservation = own_reservation(caller(request), asked.pk) if waited else asked
    key = earlier_call(caller(request), once) if reservation.is_decided else None
    if key is not None:
        answer = _final(key, lambda: body_of(reservation))
    else:
        prefetch_related_objects([reservation], WITH_VEHICLES)
        answer = _answer(body_of(reservation), status.HTTP_202_ACCEPTED, reservation.pk)
        answer["Retry-After"] = str(RETRY_SOON_S)
    if waited:
        answer["Preference-Applied"] = f"wait={seconds}"
    return answer


def repeated_answer(earlier: IdempotencyKey) -> HttpResponse:
    """The kept reply; where none could be kept yet, the reply that is final now."""
    if not earlier.reservation.is_decided:
        raise StillDeciding(_("The first request with this Idempotency-Key is being decided. Repeat it in a moment."))
    answer = _final(earlier, lambda: body_of(own_reservation(earlier.caller, earlier.reservation_id)))
    answer[REPLAYED] = "true"
    return answer


def _final(key: IdempotencyKey, body: Callable[[], str]) -> HttpResponse:
    """The one reply to this call; whoever is first keeps it for all."""
    code, kept = key.reply_status, key.reply_body
    if code is None:
        code, kept = services.keep_reply(key_id=key.pk, status=status.HTTP_201_CREATED, body=body())
    return _answer(kept, code, key.reservation_id)


def _answer(body: str, code: int, reservation_id: int) -> HttpResponse:
    address = reverse("api:reservation", args=[reservation_id])
    return HttpResponse(body, status=code, content_type="application/json", headers={"Location": address})
