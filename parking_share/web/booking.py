"""One period, one lot, one button."""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from allocation.areas import AreaWish
from allocation.services import request_reservation
from parking_share import clock
from parking_share.accounts import plates
from parking_share.accounts.models import SizeClass, User, Vehicle
from parking_share.accounts.services import VehicleRefused, register_vehicle
from parking_share.errors import DomainError
from parking_share.reservations.models import IdempotencyKey, Reservation
from parking_share.reservations.offers import offers_for
from parking_share.reservations.selectors import Question
from parking_share.reservations.services import KeyReused, OnceOnly, Wish
from parking_share.spaces.models import Lot
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.booking_forms import BookingForm, PeriodForm
from parking_share.web.periods import LONGEST_PERIOD, in_zone


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def book(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """Show what a period costs and take the booking; a form that is sent twice books once."""
    lot = get_object_or_404(Lot.objects.select_related("district"), pk=lot_id)
    period = PeriodForm(request.POST if request.method == "POST" else request.GET)
    if not period.is_valid():
        return redirect("web:landing")
    asked = period.cleaned_data
    length = in_zone(asked["until"], lot.zone) - in_zone(asked["from"], lot.zone)
    if length > LONGEST_PERIOD or (request.method != "POST" and length <= timedelta(0)):
        return redirect(_search(lot, period.data))
    if request.method != "POST":
        return _page(request, lot, asked, fresh_form(request.user, asked))
    form = BookingForm(request.POST, driver=request.user)
    if form.is_valid():
        try:
            return redirect("web:reservation", _ask(request.user, lot, form.cleaned_data, now=clock.now()).pk)
        except DomainError as error:
            form.add_error(None, error.sentence)
            if isinstance(error, KeyReused):
                form.data = with_fresh_token(request.POST)
    return _page(request, lot, asked, form)


def _page(request: PersonalRequest, lot: Lot, asked: dict[str, Any], form: BookingForm) -> HttpResponse:
    question = Question(
        starts_at=in_zone(asked["from"], lot.zone),
        ends_at=in_zone(asked["until"], lot.zone),
        driver=request.user,
        needs_charger=asked["charger"],
        needs_accessible=asked["accessible"],
    )
    (offer,) = offers_for([(lot, None)], question, now=clock.now())
    chosen = {str(value) for value in form["vehicle"].value() or []}
    shown = {"lot": lot, "form": form, "question": question, "offer": offer, "chosen": chosen}
    return render(request, "driver/book.html", shown)


def _search(lot: Lot, given: Mapping[str, Any]) -> str:
    """The search for the same lot and period; it says beside the field what is wrong."""
    asked = {"where": lot.name, "from": given["from"], "until": given["until"]}
    return f"{reverse('web:search')}?{urlencode(asked)}"


def fresh_form(driver: User, asked: dict[str, Any]) -> BookingForm:
    """The form with the newest car chosen, and a token that makes it count once."""
    form = BookingForm(driver=driver, initial=asked | {"token": uuid.uuid4()})
    form.initial["vehicle"] = [form.cars[0].pk] if form.cars else []
    return form


def with_fresh_token(sent: QueryDict) -> QueryDict:
    copy = sent.copy()
    copy["token"] = str(uuid.uuid4())
    return copy


def _ask(driver: User, lot: Lot, asked: dict[str, Any], *, now: datetime) -> Reservation:
    wish = Wish(
        lot=lot,
        vehicles=chosen_cars(driver, asked, now=now),
        starts_at=in_zone(asked["from"], lot.zone),
        ends_at=in_zone(asked["until"], lot.zone),
        needs_charger=asked["charger"],
        needs_accessible=asked["accessible"],
    )
    once = OnceOnly(key=f"form:{asked['token']}", fingerprint=fingerprint(wish, wish.lot.pk))
    return ask_once(driver, once, lambda: request_reservation(driver=driver, wish=wish, now=now, once=once))


def ask_once(driver: User, once: OnceOnly, ask: Callable[[], Reservation]) -> Reservation:
    """Ask for the reservation; if the same form has made one already, whatever happens then, answer with that one."""
    try:
        return ask()
    except DomainError:
        earlier = IdempotencyKey.objects.filter(caller=driver, key=once.key).select_related("reservation").first()
        if earlier is None:
            raise
        if earlier.fingerprint != once.fingerprint:
            raise KeyReused(
                _("This form has made a reservation already. Send it again if you want another one.")
            ) from None
        return earlier.reservation


def chosen_cars(driver: User, asked: dict[str, Any], *, now: datetime) -> Sequence[Vehicle]:
    """The car whose plate was typed, registered where it is new; else the cars that were chosen."""
    if not asked["plate"]:
        return list(asked["vehicle"])
    known = _own_car(driver, asked["plate"])
    if known is not None:
        return [known]
    try:
        size = asked["size"] or SizeClass.STANDARD
        return [register_vehicle(driver=driver, plate=asked["plate"], size=size, now=now)]
    except VehicleRefused:
        registered_meanwhile = _own_car(driver, asked["plate"])
        if registered_meanwhile is None:
            raise
        return [registered_meanwhile]


def _own_car(driver: User, plate: str) -> Vehicle | None:
    return Vehicle.objects.with_plate(plates.parse_plate(plate)).filter(driver=driver, removed_at=None).first()


def fingerprint(wish: Wish | AreaWish, *where: float) -> str:
    """A hash of what a form asks for, and where."""
    call = [
        *where,
        sorted(vehicle.pk for vehicle in wish.vehicles),
        wish.starts_at.timestamp(),
        wish.ends_at.timestamp(),
        wish.needs_charger,
        wish.needs_accessible,
    ]
    return hashlib.sha256(json.dumps(call).encode()).hexdigest()
