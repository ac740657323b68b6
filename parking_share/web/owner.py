"""Pages of owners: their bays, the hours they share, and what is booked. Who the driver is stays out of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from parking_share import clock
from parking_share.errors import DomainError
from parking_share.reservations import use
from parking_share.reservations.models import Reservation
from parking_share.spaces import lots, services
from parking_share.spaces.lots import Bay
from parking_share.spaces.models import Lot, ShareException, ShareRule, ShareWindow, Space
from parking_share.spaces.recurrence import Interval, overlaps
from parking_share.spaces.selectors import spaces_of
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.hours_forms import HoursForm, TakeOutForm
from parking_share.web.owner_bay import BayNow
from parking_share.web.owner_forms import BayForm, MarginForm
from parking_share.web.words import typed_words

SHOWN_DAYS = 14
MOST_LOTS_FOUND = 20


@require_http_methods(["GET", "HEAD"])
@signed_in
def space_list(request: PersonalRequest) -> HttpResponse:
    """The owner's bays, each with how many reservations lie ahead."""
    spaces = spaces_of(request.user)
    booked = use.bookings_ahead(spaces, now=clock.now())
    rows = [{"space": space, "booked": booked.get(space.pk, 0)} for space in spaces]
    return render(request, "owner/spaces.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def register(request: PersonalRequest) -> HttpResponse:
    """Find the lot first, then describe the bay; without a script."""
    asked = request.GET.get("lot", "")
    lot = get_object_or_404(Lot, pk=int(asked)) if asked.isdecimal() and len(asked) < 19 else None
    if lot is None:
        words = typed_words(request, "q")
        found = Lot.objects.filter(Q(name__icontains=words) | Q(address__icontains=words)).select_related("district")
        context = {"q": words, "lots": found.order_by("name", "pk")[:MOST_LOTS_FOUND] if words else []}
        return render(request, "owner/find_lot.html", context)
    form = BayForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            space = lots.register_space(owner=request.user, lot=lot, bay=Bay(**form.cleaned_data), now=clock.now())
        except DomainError as refusal:
            form.add_error("label", refusal.sentence)
        else:
            messages.success(request, _("The bay is registered. The property manager will look at it."))
            return redirect("web:owner_space", space.pk)
    return render(request, "owner/register.html", {"lot": lot, "form": form})


@require_http_methods(["GET", "HEAD"])
@signed_in
def space_detail(request: PersonalRequest, space_id: int) -> HttpResponse:
    space = get_object_or_404(spaces_of(request.user), pk=space_id)
    return _space_page(request, space)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def hours(request: PersonalRequest, space_id: int) -> HttpResponse:
    """The weekly form. The first POST shows what it would make, the second, with `publish`, does it."""
    space = get_object_or_404(spaces_of(request.user), pk=space_id)
    now = clock.now()
    form = HoursForm(request.POST or None, today=now.astimezone(space.lot.zone).date())
    preview = None
    if request.method == "POST" and form.is_valid():
        try:
            if "publish" in request.POST:
                services.publish_hours(space=space, now=now, **form.cleaned_data)
                messages.success(request, _("Your hours are published."))
                return redirect("web:owner_space", space.pk)
            preview = services.preview_hours(space=space, offer=services.offer_of(form.cleaned_data), now=now)
        except DomainError as refusal:
            form.add_error(None, refusal.sentence)
    return render(request, "owner/hours.html", {"space": space, "lot": space.lot, "form": form, "preview": preview})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def withdraw_rule(request: PersonalRequest, rule_id: int) -> HttpResponse:
    """Ask first: the page says which hours stay promised."""
    rules = ShareRule.objects.filter(space__owner=request.user, withdrawn_at__isnull=True)
    rule = get_object_or_404(rules.select_related("space__lot"), pk=rule_id)
    now = clock.now()
    if request.method == "POST":
        services.withdraw_rule(rule=rule, now=now)
        messages.success(request, _("These hours are no longer shared. What drivers were promised stays theirs."))
        return redirect("web:owner_space", rule.space_id)
    promised = use.promised_without_rule(rule, now=now)
    return render(
        request,
        "owner/withdraw.html",
        {"rule": rule, "space": rule.space, "lot": rule.space.lot, "promised": promised},
    )


@require_POST
@signed_in
def take_out(request: PersonalRequest, space_id: int) -> HttpResponse:
    """Take a period out of the weekly offer."""
    space = get_object_or_404(spaces_of(request.user), pk=space_id)
    form = TakeOutForm(request.POST, lot=space.lot)
    done = partial(services.withdraw_hours, space=space, now=clock.now())
    return _after(request, space, form, done, "take_out", _("This period is yours again."))


@require_POST
@signed_in
def restore(request: PersonalRequest, exception_id: int) -> HttpResponse:
    """Share a period again that was taken out."""
    mine = ShareException.objects.filter(space__owner=request.user).select_related("space__lot")
    exception = get_object_or_404(mine, pk=exception_id)
    services.restore_hours(exception=exception, now=clock.now())
    messages.success(request, _("This period is shared again."))
    return redirect("web:owner_space", exception.space_id)


@require_POST
@signed_in
def margin(request: PersonalRequest, space_id: int) -> HttpResponse:
    """How early the bay must be back."""
    space = get_object_or_404(spaces_of(request.user), pk=space_id)
    done = partial(services.set_return_margin, space=space, now=clock.now())
    return _after(request, space, MarginForm(request.POST), done, "margin", _("The return margin is changed."))


def _after(
    request: PersonalRequest, space: Space, form: Any, call: Callable[..., object], name: str, sentence: str
) -> HttpResponse:
    """Do what a valid form asks and go back to the bay; else show the bay's page with what is wrong."""
    if form.is_valid():
        try:
            call(**form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, sentence)
            return redirect("web:owner_space", space.pk)
    return _space_page(request, space, **{f"{name}_form": form})


@dataclass(frozen=True, kw_only=True)
class Day:
    """One local day: the shared hours and the bookings that begin on it."""

    date: date
    windows: list[Interval]
    bookings: list[Reservation]


def _space_page(request: PersonalRequest, space: Space, **forms: Any) -> HttpResponse:
    now = clock.now()
    today = now.astimezone(space.lot.zone).date()
    windows = list(space.windows.current().filter(ends_at__gt=now).order_by("starts_at"))
    bookings = list(use.bookings_of_space(space, now=now))
    context = {
        "space": space,
        "lot": space.lot,
        "now": now,
        "bay": BayNow.of(space, windows=windows, bookings=bookings, now=now),
        "rules": _rules(space),
        "exceptions": space.exceptions.filter(ends_at__gt=now).order_by("starts_at"),
        "days": _days(space, windows, bookings, first=today),
        "bookings": bookings,
        "promised": use.promised_outside_hours(space, now=now),
        "margin_form": MarginForm(initial={"minutes": space.return_margin_min}),
        "take_out_form": TakeOutForm(lot=space.lot),
    }
    return render(request, "owner/space.html", context | forms)


def _rules(space: Space) -> Any:
    return space.rules.filter(withdrawn_at__isnull=True).order_by("starts_at_local", "pk")


def _days(space: Space, windows: list[ShareWindow], bookings: list[Reservation], *, first: date) -> list[Day]:
    """The next two weeks. A night stands where it begins; hours of more than a day are shown day by day."""
    zone = space.lot.zone

    def day_of(instant: datetime) -> date:
        return max(instant.astimezone(zone).date(), first)

    def shared_on(day: date) -> Iterator[Interval]:
        begins, ends = (datetime.combine(day + timedelta(days=n), time(), tzinfo=zone) for n in (0, 1))
        for window in windows:
            if window.ends_at - window.starts_at <= timedelta(days=1):
                if day_of(window.starts_at) == day:
                    yield window.starts_at, window.ends_at
            elif overlaps((window.starts_at, window.ends_at), (begins, ends)):
                yield max(window.starts_at, begins), min(window.ends_at, ends)

    return [
        Day(
            date=day,
            windows=list(shared_on(day)),
            bookings=[booking for booking in bookings if day_of(booking.starts_at) == day],
        )
        for day in (first + timedelta(days=number) for number in range(SHOWN_DAYS))
    ]
