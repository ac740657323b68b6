"""Pages of property managers: one lot's approvals, cars, bays, limits and residents. Another's lot is not there."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from parking_share import clock
from parking_share.errors import DomainError
from parking_share.fulfilment.statistics import open_troubles
from parking_share.reservations import use
from parking_share.spaces import lots
from parking_share.spaces.models import BookingLimits, Lot, Space
from parking_share.spaces.selectors import is_operator, lots_managed_by
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.hours_forms import HoursForm
from parking_share.web.manager_forms import PUBLISH, BaysForm, LimitsForm, ResidentForm
from parking_share.web.scoped import managed_lot
from parking_share.web.words import typed_words

LOTS_A_PAGE, BAYS_A_PAGE, RESIDENTS_A_PAGE = 50, 100, 50
Standing = Space.Standing


@require_http_methods(["GET", "HEAD"])
@signed_in
def lot_list(request: PersonalRequest) -> HttpResponse:
    """The lots a person manages; nobody else gets the page."""
    mine = lots_managed_by(request.user)
    if not is_operator(request.user) and not mine.exists():
        raise Http404
    words = typed_words(request, "q")
    counted = mine.filter(name__icontains=words).annotate(
        bays=Count("spaces"), pending=Count("spaces", filter=Q(spaces__standing=Standing.PENDING))
    )
    pages = Paginator(counted.order_by("-pending", "name", "pk"), LOTS_A_PAGE)
    return render(request, "manager/lots.html", {"page_obj": pages.get_page(request.GET.get("page")), "q": words})


@require_http_methods(["GET", "HEAD"])
@signed_in
def lot_detail(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """What waits for the manager, and which cars to expect."""
    lot, now = managed_lot(request, lot_id), clock.now()
    counts = dict(lot.spaces.order_by().values_list("standing").annotate(Count("pk")))
    context = {
        "lot": lot,
        "pending": lot.spaces.filter(standing=Standing.PENDING).select_related("owner").order_by("pk")[:BAYS_A_PAGE],
        "cars": use.cars_of_lot(lot, now=now),
        "troubles": open_troubles(lot),
        "standings": [(standing, counts.get(standing, 0)) for standing in Standing],
        "now": now,
    }
    return render(request, "manager/lot.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def bay_list(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """All bays, and one form to approve, pause, refuse or publish those that are chosen."""
    lot, now = managed_lot(request, lot_id), clock.now()
    standing = request.GET.get("standing", "")
    spaces = lot.spaces.filter(standing=standing) if standing in Standing.values else lot.spaces.all()
    today = now.astimezone(lot.zone).date()
    hours = HoursForm(request.POST if request.POST.get("do") == PUBLISH else None, today=today)
    errors: list[str] = []
    if request.method == "POST":
        errors = _change_bays(request, lot, hours)
        if not errors:
            return redirect(request.get_full_path())
    page = Paginator(spaces.select_related("owner").order_by("label", "pk"), BAYS_A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "lot": lot,
        "page_obj": page,
        "booked": use.bookings_ahead(Space.objects.filter(pk__in=[space.pk for space in page]), now=now),
        "hours": hours,
        "errors": errors,
        "chosen": set(request.POST.getlist("spaces")),
        "standing": standing,
        "standings": Standing.choices,
    }
    return render(request, "manager/bays.html", context, status=400 if errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def limits(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """The lot's own booking limits, beside those that hold everywhere else."""
    lot = managed_lot(request, lot_id)
    own = BookingLimits.objects.filter(lot=lot).first()
    everywhere = BookingLimits.objects.filter(lot__isnull=True).first() or BookingLimits()
    if request.method == "POST" and "drop" in request.POST:
        lots.drop_limits(lot=lot)
        messages.success(request, _("The limits that hold everywhere hold here again."))
        return redirect("web:manager_limits", lot.pk)
    form = LimitsForm(request.POST or None, instance=own or _copy(everywhere))
    if request.method == "POST" and form.is_valid():
        try:
            lots.set_limits(lot=lot, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, _("The limits are saved. They count for requests from now on."))
            return redirect("web:manager_limits", lot.pk)
    rows = [{"field": field, "usual": getattr(everywhere, field.name)} for field in form]
    return render(request, "manager/limits.html", {"lot": lot, "form": form, "rows": rows, "has_own": own is not None})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def residents(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """Who may use the residents' bays."""
    lot = managed_lot(request, lot_id)
    form = ResidentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            resident = lots.add_resident(lot=lot, contact=form.cleaned_data["contact"])
        except DomainError as refusal:
            form.add_error("contact", refusal.sentence)
        else:
            messages.success(request, _("%(person)s is on the list.") % {"person": resident.user})
            return redirect("web:manager_residents", lot.pk)
    pages = Paginator(lot.residents.select_related("user").order_by("-pk"), RESIDENTS_A_PAGE)
    context = {"lot": lot, "form": form, "page_obj": pages.get_page(request.GET.get("page"))}
    return render(request, "manager/residents.html", context)


@require_POST
@signed_in
def resident_remove(request: PersonalRequest, lot_id: int, resident_id: int) -> HttpResponse:
    lot = managed_lot(request, lot_id)
    get_object_or_404(lot.residents, pk=resident_id)
    lots.remove_resident(lot=lot, resident_id=resident_id)
    messages.success(request, _("The person is no longer on the list. Reservations that exist stay."))
    return redirect("web:manager_residents", lot.pk)


def _copy(everywhere: BookingLimits) -> BookingLimits:
    """A row that isn't saved, with the values that hold everywhere, as the form's start."""
    return BookingLimits(**{name: getattr(everywhere, name) for name in LimitsForm.Meta.fields})


def _change_bays(request: PersonalRequest, lot: Lot, hours: HoursForm) -> list[str]:
    """Do what the form asks; return what stands against it."""
    form = BaysForm(request.POST, space_ids=list(lot.spaces.values_list("pk", flat=True)))
    if not form.is_valid():
        return [str(sentence) for sentences in form.errors.values() for sentence in sentences]
    if form.cleaned_data["do"] == PUBLISH and not hours.is_valid():
        return [_("Look at the hours below: something is missing there.")]
    try:
        count = _do(lot, form.cleaned_data, hours)
    except DomainError as refusal:
        return [refusal.sentence]
    messages.success(request, ngettext("%(n)s bay changed.", "%(n)s bays changed.", count) % {"n": count})
    return []


def _do(lot: Lot, given: dict[str, Any], hours: HoursForm) -> int:
    if given["do"] == PUBLISH:
        return lots.publish_for_lot(lot=lot, space_ids=given["spaces"], now=clock.now(), **hours.cleaned_data)
    return lots.change_standing(lot=lot, space_ids=given["spaces"], to=Standing(given["do"]))
