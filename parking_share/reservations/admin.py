from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from parking_share import clock
from parking_share.accounts.models import Vehicle
from parking_share.admin_tools import ReadOnly, TabularInline, do_or_say_why, whoever_asks
from parking_share.reservations import services, transitions
from parking_share.reservations.models import IdempotencyKey, Reservation, ReservationEvent, ReservationVehicle
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import Change

MOST_RESULTS = 100


class PlateForm(forms.Form):
    plate = forms.CharField(
        label=_("number plate"), max_length=20, widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True})
    )


class EndForm(forms.Form):
    """Why an operator ends a reservation."""

    how = forms.ChoiceField(
        label=_("What happened"),
        choices=[
            (Status.CANCELLED, _("The driver asked for it: cancel.")),
            (Status.RELEASED, _("The bay is lost and there is no other: release.")),
        ],
        widget=forms.RadioSelect,
    )


class ReadOnlyRows(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 -- as above
        return False


class EventRows(ReadOnlyRows):
    model = ReservationEvent
    fields = ("happened_at", "from_status", "to_status", "from_space", "to_space", "reason", "actor")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReservationEvent]:
        return super().get_queryset(request).select_related("from_space", "to_space", "actor")


class VehicleRows(ReadOnlyRows):
    model = ReservationVehicle
    fields = ("vehicle", "held_from", "held_until", "is_held")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReservationVehicle]:
        return super().get_queryset(request).select_related("vehicle")


@admin.register(Reservation)
class ReservationAdmin(ReadOnly):
    """Reservations move by transitions only: the one button here calls them."""

    change_list_template = "admin/with_plate_search.html"
    change_form_template = "admin/reservations/reservation/change_form.html"
    list_display = ("id", "lot", "space", "driver", "status", "reason", "starts_at", "ends_at", "requested_at")
    list_filter = ("status", "reason", "lot__district", "needs_charger", "needs_accessible")
    list_select_related = ("lot", "space", "driver")
    search_fields = ("=id", "driver__email", "driver__phone", "lot__name", "space__label")
    search_help_text = _("Search by number, driver, lot or bay. A plate has a page of its own: see the button above.")
    date_hierarchy = "starts_at"
    inlines = (EventRows, VehicleRows)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reservation]:
        return super().get_queryset(request).select_related("lot", "space", "driver")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("by-plate/", wrap(self.by_plate), name="reservations_reservation_by_plate"),
            path("<int:reservation_id>/end/", wrap(self.end), name="reservations_reservation_end"),
            *super().get_urls(),
        ]

    @method_decorator(sensitive_post_parameters("plate"))
    def by_plate(self, request: HttpRequest) -> HttpResponse:
        """Cars and reservations with a plate: sent by POST, found by its keyed hash, in no address and no log."""
        if not (self.has_view_permission(request) and request.user.has_perm("accounts.view_vehicle")):
            raise PermissionDenied
        form = PlateForm(request.POST or None)
        found: dict[str, Any] = {}
        if form.is_valid():
            found, form = _with_plate(form.cleaned_data["plate"]), PlateForm()
        context = self.admin_site.each_context(request) | {"title": _("Find by number plate"), "form": form} | found
        return TemplateResponse(request, "admin/reservations/reservation/by_plate.html", context)

    def end(self, request: HttpRequest, reservation_id: int) -> HttpResponse:
        """Cancel or release a reservation, after saying why."""
        if not request.user.has_perm("reservations.change_reservation"):
            raise PermissionDenied
        reservation = get_object_or_404(self.get_queryset(request), pk=reservation_id)
        form = EndForm(request.POST or None)
        if form.is_valid():
            if do_or_say_why(request, lambda: _end(reservation, Status(form.cleaned_data["how"]), request)):
                self.log_change(request, reservation, [{"changed": {"fields": ["status"]}}])
                messages.success(request, _("The reservation has ended; its bay is free."))
            return redirect("admin:reservations_reservation_change", reservation_id)
        context = self.admin_site.each_context(request) | {
            "title": _("End this reservation"),
            "form": form,
            "reservation": reservation,
        }
        return TemplateResponse(request, "admin/reservations/reservation/end.html", context)


def _end(reservation: Reservation, how: Status, request: HttpRequest) -> object:
    if how == Status.CANCELLED:
        return services.cancel_reservation(reservation_id=reservation.pk, actor=whoever_asks(request), now=clock.now())
    change = Change(reservation_id=reservation.pk, to=Status.RELEASED, reason=Reason.SPACE_LOST)
    return transitions.make_transition(change, at=clock.now(), actor=whoever_asks(request))


def _with_plate(plate: str) -> dict[str, Any]:
    vehicles = list(Vehicle.objects.with_plate(plate).select_related("driver").order_by("-pk")[:MOST_RESULTS])
    reservations = (
        Reservation.objects.filter(vehicle_rows__vehicle__in=vehicles)
        .select_related("lot", "space", "driver")
        .order_by("-starts_at")
        .distinct()[:MOST_RESULTS]
    )
    return {"vehicles": vehicles, "reservations": reservations, "has_searched": True}


@admin.register(ReservationVehicle)
class ReservationVehicleAdmin(ReadOnly):
    list_display = ("id", "reservation", "vehicle", "held_from", "held_until", "is_held")
    list_filter = ("is_held",)
    list_select_related = ("reservation", "vehicle")
    search_fields = ("=reservation__id",)
    date_hierarchy = "held_from"


@admin.register(ReservationEvent)
class ReservationEventAdmin(ReadOnly):
    list_display = ("id", "reservation", "from_status", "to_status", "from_space", "to_space", "reason", "happened_at")
    list_filter = ("to_status", "reason")
    list_select_related = ("reservation", "from_space", "to_space")
    search_fields = ("=reservation__id",)
    date_hierarchy = "happened_at"


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnly):
    list_display = ("id", "caller", "reservation", "created_at", "reply_status")
    list_filter = ("reply_status",)
    list_select_related = ("caller", "reservation")
    search_fields = ("=reservation__id", "caller__email", "caller__phone")
    date_hierarchy = "created_at"
