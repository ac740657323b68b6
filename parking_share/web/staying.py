"""What a driver asks for while the stay goes on: a later end, and a code where the camera fails."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from allocation.extending import extend_reservation
from allocation.selectors import LongestStay, longest_stay
from parking_share import clock
from parking_share.errors import DomainError
from parking_share.fulfilment.codes import code_as_svg, issue_code
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import reservations_of
from parking_share.web.access import PersonalRequest, signed_in, wants_fragment
from parking_share.web.gate_forms import ExtendForm

LONGER_BY_MIN = (15, 30, 60, 120, 180, 240, 480)


@dataclass(frozen=True, kw_only=True)
class LaterEnd:
    """A possible new end, and what it adds to the price."""

    until: datetime
    added_cents: int


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@vary_on_headers("HX-Request")
def extend(request: PersonalRequest, reservation_id: int) -> HttpResponse:
    """“You can stay until 17:40”: the ends to choose from, with what they cost."""
    reservation = get_object_or_404(reservations_of(request.user), pk=reservation_id)
    form = ExtendForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            extend_reservation(
                reservation_id=reservation.pk, actor=request.user, until=form.cleaned_data["until"], now=clock.now()
            )
        except DomainError as refusal:
            form.add_error("until", refusal.sentence)
        else:
            messages.success(request, _("You may stay longer. The new end stands below."))
            return redirect("web:reservation", reservation.pk)
    longest = longest_stay(reservation, now=clock.now())
    shown = {
        "reservation": reservation,
        "form": form,
        "latest": longest.until if longest.until > reservation.ends_at else None,
        "ends": _later_ends(reservation, longest),
        "may_extend": reservation.holds_a_space and clock.now() < reservation.ends_at,
    }
    is_part = request.method != "POST" and wants_fragment(request)
    return render(request, "driver/_extend.html" if is_part else "driver/extend.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
def entry_code(request: PersonalRequest, reservation_id: int) -> HttpResponse:
    """Make a code when asked; it stands in this answer only, and replaces the one before."""
    reservation = get_object_or_404(reservations_of(request.user), pk=reservation_id)
    shown: dict[str, object] = {"reservation": reservation}
    if request.method == "POST":
        try:
            code, expires_at = issue_code(reservation_id=reservation.pk, actor=request.user, now=clock.now())
        except DomainError as refusal:
            messages.error(request, refusal.sentence)
            return redirect("web:reservation", reservation.pk)
        shown |= {"code": code, "expires_at": expires_at, "picture": code_as_svg(code)}
    return render(request, "driver/code.html", shown)


def _later_ends(reservation: Reservation, longest: LongestStay) -> list[LaterEnd]:
    """A few round lengths, and the latest end possible."""
    ends_at, latest, rates = reservation.ends_at, longest.until, longest.rates
    if latest <= ends_at or rates is None:
        return []
    found = [ends_at + timedelta(minutes=minutes) for minutes in LONGER_BY_MIN]
    ends = [*(until for until in found if until < latest), latest]
    return [LaterEnd(until=until, added_cents=rates.price_cents(ends_at, until)) for until in ends]
