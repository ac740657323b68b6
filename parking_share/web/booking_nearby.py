"""One period, any lot in reach of a point, one button."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from allocation.areas import Area, AreaWish, lots_in, request_in_area
from parking_share import clock
from parking_share.errors import DomainError
from parking_share.reservations.models import Reservation
from parking_share.reservations.offers import offers_for
from parking_share.reservations.selectors import Question
from parking_share.reservations.services import KeyReused, OnceOnly
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.booking import ask_once, chosen_cars, fingerprint, fresh_form, with_fresh_token
from parking_share.web.booking_forms import AreaForm, BookingForm
from parking_share.web.periods import LONGEST_PERIOD, in_zone
from parking_share.web.places import place_at


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def book_nearby(request: PersonalRequest) -> HttpResponse:
    """Show what lies in reach, and ask for whatever is best; a form that is sent twice books once."""
    around = AreaForm(request.POST if request.method == "POST" else request.GET)
    if not around.is_valid():
        return redirect("web:landing")
    asked = around.cleaned_data
    zone = place_at(asked["lat"], asked["lon"]).zone
    period = {"starts_at": in_zone(asked["from"], zone), "ends_at": in_zone(asked["until"], zone)}
    if not period["starts_at"] < period["ends_at"] <= period["starts_at"] + LONGEST_PERIOD:
        return redirect(_search(asked))
    if request.method != "POST":
        return _page(request, asked, period, fresh_form(request.user, asked))
    form = BookingForm(request.POST, driver=request.user)
    if form.is_valid():
        try:
            return redirect("web:reservation", _ask(request, form.cleaned_data | asked, period).pk)
        except DomainError as error:
            form.add_error(None, error.sentence)
            if isinstance(error, KeyReused):
                form.data = with_fresh_token(request.POST)
    return _page(request, asked, period, form)


def _ask(request: PersonalRequest, asked: dict[str, Any], period: dict[str, Any]) -> Reservation:
    driver, now = request.user, clock.now()
    wish = AreaWish(
        area=_area(asked),
        vehicles=chosen_cars(driver, asked, now=now),
        needs_charger=asked["charger"],
        needs_accessible=asked["accessible"],
        **period,
    )
    where = fingerprint(wish, wish.area.latitude, wish.area.longitude, wish.area.radius_m)
    once = OnceOnly(key=f"form:{asked['token']}", fingerprint=where)
    return ask_once(driver, once, lambda: request_in_area(driver=driver, wish=wish, now=now, once=once))


def _page(request: PersonalRequest, asked: dict[str, Any], period: dict[str, Any], form: BookingForm) -> HttpResponse:
    question = Question(
        driver=request.user, needs_charger=asked["charger"], needs_accessible=asked["accessible"], **period
    )
    offers = offers_for(lots_in(_area(asked)), question, now=clock.now())
    shown = {
        "asked": asked,
        "form": form,
        "question": question,
        "offers": offers,
        "with_room": [offer for offer in offers if offer.bays_free],
        "chosen": {str(value) for value in form["vehicle"].value() or []},
        "search": _search(asked),
    }
    return render(request, "driver/book_nearby.html", shown)


def _area(asked: dict[str, Any]) -> Area:
    return Area(latitude=asked["lat"], longitude=asked["lon"], radius_m=asked["radius"])


def _search(asked: dict[str, Any]) -> str:
    """The search around the same point for the same period; it says beside the field what is wrong."""
    given = {"lat": asked["lat"], "lon": asked["lon"], "where": asked["where"]}
    period = {name: f"{asked[name]:%Y-%m-%dT%H:%M%z}" for name in ("from", "until")}
    return f"{reverse('web:search')}?{urlencode(given | period)}"
