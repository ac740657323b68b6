"""“Someone is in my bay”: nothing but the plate is asked, and the answer is another bay."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from parking_share import clock
from parking_share.errors import DomainError
from parking_share.fulfilment.incidents import report_taken_bay
from parking_share.fulfilment.models import BrokenPromise
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import reservations_of
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.gate_forms import TakenForm


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("plate")
@signed_in
def taken(request: PersonalRequest, reservation_id: int) -> HttpResponse:
    """Ask for the plate of the other car, which may be left out; a second tap on the same form is the same report."""
    reservation = _own(request, reservation_id)
    form = TakenForm(request.POST or None, initial={"bay": reservation.space_id})
    if request.method == "POST" and form.is_valid():
        if _is_dealt_with(reservation, bay=form.cleaned_data["bay"]):
            return redirect("web:taken_result", reservation.pk)
        try:
            report_taken_bay(
                reservation_id=reservation.pk,
                actor=request.user,
                plate_text=form.cleaned_data["plate"],
                now=clock.now(),
            )
        except DomainError as refusal:
            form.add_error("plate", refusal.sentence)
        else:
            return redirect("web:taken_result", reservation.pk)
    return render(request, "driver/taken.html", {"reservation": reservation, "form": form})


@require_safe
@signed_in
def result(request: PersonalRequest, reservation_id: int) -> HttpResponse:
    """What was done: the new bay, the other lot, or nothing owed."""
    reservation = _own(request, reservation_id)
    incident = (
        reservation.incidents.select_related("space", "moved_to", "replacement__lot", "replacement__space")
        .order_by("-pk")
        .first()
    )
    if incident is None:
        raise Http404
    shown = {
        "reservation": reservation,
        "incident": incident,
        "broken": BrokenPromise.objects.filter(reservation=reservation).first(),
        "moved_again": incident.moved_to_id is not None and incident.moved_to_id != reservation.space_id,
    }
    return render(request, "driver/taken_result.html", shown)


def _own(request: PersonalRequest, reservation_id: int) -> Reservation:
    return get_object_or_404(reservations_of(request.user), pk=reservation_id)


def _is_dealt_with(reservation: Reservation, *, bay: int | None) -> bool:
    """The form was about a bay that the driver has left since, because of an earlier report."""
    return bay is not None and bay != reservation.space_id and reservation.incidents.filter(space=bay).exists()
