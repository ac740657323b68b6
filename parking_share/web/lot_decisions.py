"""What a lot decided, why, and where its staff know better: rejections taken up again, bays chosen by hand."""

from datetime import datetime

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from allocation import overruling
from allocation.explanations import sentences_of
from allocation.models import Decision, Pin
from allocation.replaying import NothingToReplay, replay
from parking_share import clock
from parking_share.errors import DomainError
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import Lot, Space
from parking_share.spaces.selectors import districts_overseen_by, lots_managed_by, usable_spaces
from parking_share.web.access import PersonalRequest, signed_in

ROWS_A_PAGE = 30


class WishForm(forms.Form):
    """What staff want instead."""

    space = forms.ModelChoiceField(
        label=gettext_lazy("Bay"), queryset=Space.objects.none(), required=False, empty_label=gettext_lazy("any")
    )
    why = forms.CharField(
        label=gettext_lazy("Why"), max_length=300, help_text=gettext_lazy("Kept with the decision, with your name.")
    )

    def __init__(self, *args: object, spaces: QuerySet[Space], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["space"].queryset = spaces  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD"])
@signed_in
def decision_list(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """Requests whose time is not over: what was declined first, then what holds a bay."""
    lot, now = _lot(request, lot_id), clock.now()
    page = Paginator(_open_requests(lot, now=now), ROWS_A_PAGE).get_page(request.GET.get("page"))
    context = {"lot": lot, "page_obj": page, "is_manager": _is_manager(request, lot)}
    return render(request, "decisions/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def decision_detail(request: PersonalRequest, lot_id: int, reservation_id: int) -> HttpResponse:
    """Why one request was answered as it was, and the forms with which staff overrule it."""
    lot = _lot(request, lot_id)
    reservation = get_object_or_404(
        Reservation.objects.filter(lot=lot).select_related("space", "decision"), pk=reservation_id
    )
    spaces = usable_spaces([lot])
    form = WishForm(request.POST if "why" in request.POST else None, spaces=spaces)
    if request.method == "POST" and _obey(request, reservation, form):
        return redirect("web:lot_decision", lot.pk, reservation.pk)
    decision = getattr(reservation, "decision", None)
    context = {
        "lot": lot,
        "reservation": reservation,
        "decision": decision,
        "sentences": sentences_of(decision) if decision else [],
        "overrulings": reservation.overrulings.select_related("made_by", "space").order_by("-pk"),
        "pins": reservation.pins.select_related("pinned_by", "lifted_by", "space").order_by("-pk"),
        "is_pinned": overruling.is_pinned(reservation.pk),
        "may_overrule": reservation.status == Status.DECLINED and reservation.ends_at > clock.now(),
        "may_pin": reservation.status == Status.ACCEPTED,
        "replayed": _replayed(decision) if decision and "replay" in request.GET else None,
        "form": form,
        "is_manager": _is_manager(request, lot),
    }
    return render(request, "decisions/detail.html", context)


def _obey(request: PersonalRequest, reservation: Reservation, form: WishForm) -> bool:
    """Do what was asked for; False where the form or a rule says no."""
    now = clock.now()
    if "unpin" in request.POST:
        overruling.unpin(reservation_id=reservation.pk, by=request.user, now=now)
        messages.success(request, _("The policy may move this reservation again until its bay is announced."))
        return True
    if not form.is_valid():
        return False
    space = form.cleaned_data["space"]
    wish = overruling.Wish(
        reservation_id=reservation.pk,
        made_by=request.user,
        why=form.cleaned_data["why"],
        space_id=space.pk if space else None,
    )
    try:
        if reservation.status == Status.DECLINED:
            overruling.overrule(wish, now=now)
            said = _("The request is taken up again. The answer is here in a moment, and the driver is told.")
        else:
            overruling.pin(wish, now=now)
            said = _("The bay is kept for this reservation. The driver is told it shortly before the start.")
    except DomainError as refusal:
        form.add_error(None, refusal.sentence)
        return False
    messages.success(request, said)
    return True


def _replayed(decision: Decision) -> dict[str, object]:
    try:
        found = replay(decision)
    except NothingToReplay as refusal:
        return {"refusal": refusal.sentence}
    return {"found": found}


def _lot(request: PersonalRequest, lot_id: int) -> Lot:
    """A lot that the person manages, or that lies in a district she oversees."""
    mine = Q(pk__in=lots_managed_by(request.user).order_by().values("pk"))
    overseen = Q(district__in=districts_overseen_by(request.user).order_by().values("pk"))
    return get_object_or_404(Lot.objects.filter(mine | overseen).select_related("district"), pk=lot_id)


def _is_manager(request: PersonalRequest, lot: Lot) -> bool:
    return lots_managed_by(request.user).filter(pk=lot.pk).exists()


def _open_requests(lot: Lot, *, now: datetime) -> QuerySet[Reservation]:
    order = {Status.DECLINED: 0, Status.REQUESTED: 1, Status.ACCEPTED: 2, Status.ASSIGNED: 3}
    cases = [When(status=status, then=Value(place)) for status, place in order.items()]
    pinned = Exists(Pin.objects.filter(reservation=OuterRef("pk"), lifted_at__isnull=True))
    rows = Reservation.objects.filter(lot=lot, status__in=order, ends_at__gt=now).select_related("space", "decision")
    ordered = rows.annotate(place=Case(*cases, output_field=IntegerField()), is_pinned=pinned)
    return ordered.order_by("place", "starts_at", "pk")
