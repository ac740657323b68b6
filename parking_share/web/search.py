from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from parking_share import clock
from parking_share.accounts.models import User
from parking_share.reservations.selectors import Question
from parking_share.web import places
from parking_share.web.access import wants_fragment
from parking_share.web.periods import LONGEST_PERIOD, USUAL_STAY, in_zone, next_quarter
from parking_share.web.places import Place
from parking_share.web.results import Result, results_around
from parking_share.web.search_forms import SearchForm

LOTS_A_PAGE = 20
LATE_START = timedelta(minutes=15)


@require_safe
@vary_on_headers("HX-Request")
def search(request: HttpRequest) -> HttpResponse:
    """Lots around a place for exactly one period; the answer to htmx is the list alone."""
    now = clock.now()
    form = SearchForm(_with_usual_period(request, now=now))
    shown: dict[str, Any] = {"form": form, "districts": places.districts()}
    place = _place(form) if form.is_valid() else None
    if place is not None:
        shown |= {"place": place} | _answer(request, form, place, now=now)
    return render(request, "web/_results.html" if wants_fragment(request) else "web/search.html", shown)


def _with_usual_period(request: HttpRequest, *, now: datetime) -> dict[str, str]:
    """The parameters of the address; a period that is missing is the usual one, as on the landing page."""
    starts_at = next_quarter(now, places.default_zone())
    usual = {"from": f"{starts_at:%Y-%m-%dT%H:%M}", "until": f"{starts_at + USUAL_STAY:%Y-%m-%dT%H:%M}"}
    return usual | {name: str(value) for name, value in request.GET.items()}


def _place(form: SearchForm) -> Place | None:
    asked = form.cleaned_data
    if not asked["where"]:
        return places.place_at(asked["lat"], asked["lon"])
    found = places.find_place(asked["where"])
    if found is None:
        form.add_error(
            "where",
            _("No place here is called “%(text)s”. Try a district, a street or the name of a car park.")
            % {"text": asked["where"]},
        )
    return found


def _answer(request: HttpRequest, form: SearchForm, place: Place, *, now: datetime) -> dict[str, Any]:
    """The page of results, or nothing where the period makes no sense; the form then says why."""
    asked = form.cleaned_data
    starts_at, ends_at = in_zone(asked["from"], place.zone), in_zone(asked["until"], place.zone)
    shown = {"from": starts_at.astimezone(place.zone), "until": ends_at.astimezone(place.zone)}
    form.data = {**form.data, **{name: f"{local:%Y-%m-%dT%H:%M}" for name, local in shown.items()}}
    if ends_at <= starts_at:
        form.add_error("until", _("The end must lie after the start."))
    if ends_at - starts_at > LONGEST_PERIOD:
        form.add_error("until", _("Choose a period of at most 31 days."))
    if starts_at < now - LATE_START:
        form.add_error("from", _("The start lies in the past. Choose a start from now on."))
    if form.errors:
        return {}
    question = Question(
        starts_at=starts_at,
        ends_at=ends_at,
        driver=request.user if isinstance(request.user, User) else None,
        needs_charger=asked["charger"],
        needs_accessible=asked["accessible"],
    )
    page: Page[Result] = Paginator(
        results_around(place, question, order=asked["order"], now=now), LOTS_A_PAGE
    ).get_page(request.GET.get("page"))
    return {"question": question, "page_obj": page, "total": page.paginator.count}
