"""A driver's own reservations: the list, one with its live status, and what the driver can do with it."""

from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from allocation.alternatives import ANOTHER_LOT_MAY_HELP, ANOTHER_TIME_MAY_HELP, Alternative, alternatives_for
from parking_share import clock
from parking_share.errors import DomainError
from parking_share.fulfilment import arrivals
from parking_share.reservations import services
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import reservations_of
from parking_share.reservations.states import OPEN
from parking_share.web.access import PersonalRequest, signed_in, wants_fragment
from parking_share.web.area_story import AreaStory
from parking_share.web.live_status import LiveStatus

EARLIER_A_PAGE = 20


@require_safe
@signed_in
def reservation_list(request: PersonalRequest) -> HttpResponse:
    """What is to come, soonest first; then what was, latest first, in pages."""
    own = reservations_of(request.user).select_related("area")
    is_coming = Q(status__in=OPEN, ends_at__gt=clock.now())
    page = Paginator(own.exclude(is_coming), EARLIER_A_PAGE).get_page(request.GET.get("page"))
    coming = own.filter(is_coming).order_by("starts_at", "pk") if page.number == 1 else own.none()
    return render(request, "driver/reservations.html", {"coming": coming, "page_obj": page})


@require_safe
@signed_in
@vary_on_headers("HX-Request")
def reservation_detail(request: PersonalRequest, reservation_id: int) -> HttpResponse:
    """The page, or for htmx the part of it that changes: 304 as long as it has not."""
    own = reservations_of(request.user).select_related("area")
    reservation = get_object_or_404(own, pk=reservation_id)
    live = LiveStatus.of(reservation, now=clock.now())
    shown = {"reservation": reservation, "live": live, "story": AreaStory.of(reservation)}
    if not wants_fragment(request):
        return render(request, "driver/reservation.html", shown)
    unchanged = get_conditional_response(request, etag=live.etag)
    response = unchanged or render(request, "driver/_status.html", shown)
    response.headers["ETag"] = live.etag
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@require_safe
@signed_in
@vary_on_headers("HX-Request")
def alternatives(request: PersonalRequest, reservation_id: int) -> HttpResponse:
    """Times at which the same lot would say yes, and lots that would at this time, each with a form that books it."""
    own = reservations_of(request.user).prefetch_related(None)  # its cars come along with the alternatives
    reservation = get_object_or_404(own, pk=reservation_id)
    found = alternatives_for(reservation, now=clock.now())
    template = "driver/_alternatives.html" if wants_fragment(request) else "driver/alternatives.html"
    shown = {
        "reservation": reservation,
        "cars": found.cars,
        "times": [(one, _token(reservation, one)) for one in found.times],
        "lots": [(one, _token(reservation, one)) for one in found.lots],
        "time_may_help": reservation.reason in ANOTHER_TIME_MAY_HELP,
        "lot_may_help": reservation.reason in ANOTHER_LOT_MAY_HELP,
    }
    return render(request, template, shown)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def cancel(request: PersonalRequest, reservation_id: int) -> HttpResponse:
    """Ask first, then take the reservation back."""
    reservation = _own(request, reservation_id)
    if request.method != "POST":
        return render(request, "driver/cancel.html", {"reservation": reservation})
    try:
        services.cancel_reservation(reservation_id=reservation.pk, actor=request.user, now=clock.now())
        messages.success(request, _("The reservation is cancelled; it costs nothing."))
    except DomainError as error:
        messages.error(request, error.sentence)
    return redirect("web:reservation", reservation.pk)


@require_POST
@signed_in
def arrive(request: PersonalRequest, reservation_id: int) -> HttpResponse:
    """The driver's own button, where no gate or sensor saw the car."""
    reservation = _own(request, reservation_id)
    try:
        arrivals.record_arrival(reservation_id=reservation.pk, actor=request.user, now=clock.now())
    except DomainError as error:
        messages.error(request, error.sentence)
    return redirect("web:reservation", reservation.pk)


@require_POST
@signed_in
def leave(request: PersonalRequest, reservation_id: int) -> HttpResponse:
    """The driver's own button, where no gate or sensor saw the car leave."""
    reservation = _own(request, reservation_id)
    try:
        arrivals.record_departure(reservation_id=reservation.pk, actor=request.user, now=clock.now())
        messages.success(request, _("Thank you. The bay is free for others again."))
    except DomainError as error:
        messages.error(request, error.sentence)
    return redirect("web:reservation", reservation.pk)


def _own(request: PersonalRequest, reservation_id: int) -> Reservation:
    return get_object_or_404(reservations_of(request.user), pk=reservation_id)


def _token(reservation: Reservation, alternative: Alternative) -> str:
    """The same for the same alternative of the same refusal, so that two clicks book once."""
    return str(uuid5(NAMESPACE_URL, f"{reservation.pk} {alternative.lot.pk} {_instant(alternative.starts_at)}"))


def _instant(instant: datetime) -> str:
    return f"{instant.timestamp():.0f}"
