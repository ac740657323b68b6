from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from parking_share import clock
from parking_share.accounts import plates
from parking_share.admin_tools import Endless, ModelAdmin, ReadOnly
from parking_share.fulfilment.admin_settling import SettledWithANote
from parking_share.fulfilment.closing import settle_promise, waive_penalty
from parking_share.fulfilment.models import (
    BrokenPromise,
    Discrepancy,
    EntryCode,
    GateAnswer,
    Incident,
    ListedPlate,
    LotRules,
    Overstay,
)
from parking_share.reservations.admin import PlateForm
from sensors.models import PlateRead, Reading, Stay

MOST_RESULTS = 100
TO_SEE_PLATES = ("fulfilment.view_incident", "sensors.view_plateread")


@admin.register(LotRules)
class LotRulesAdmin(ModelAdmin):
    list_display = (
        "__str__",
        "early_grace_min",
        "late_exit_grace_min",
        "penalty_percent",
        "compensation_percent",
        "least_compensation_cents",
        "fail_safe",
    )
    list_filter = ("fail_safe",)
    list_select_related = ("lot",)
    search_fields = ("lot__name",)
    autocomplete_fields = ("lot",)


class WithPlate(ReadOnly):
    """Rows that name a plate: masked here, and looked for by POST on a page of its own."""

    change_list_template = "admin/with_gate_plate_search.html"
    search_help_text = _("A plate has a page of its own: it must not stand in an address.")


@admin.register(ListedPlate)
class ListedPlateAdmin(WithPlate):
    """The lists of managers; they add and remove on their own page."""

    list_display = ("masked_plate", "lot", "label", "valid_from", "valid_until", "added_by", "removed_at")
    list_filter = (("removed_at", admin.EmptyFieldListFilter), "lot__district")
    list_select_related = ("lot", "added_by")
    search_fields = ("label", "lot__name")
    date_hierarchy = "valid_from"
    fields = ("masked_plate", "lot", "label", "valid_from", "valid_until", "added_by", "removed_at")

    @admin.display(description=_("plate"))
    def masked_plate(self, listed: ListedPlate) -> str:
        return _masked(listed.plate_encrypted)


@admin.register(GateAnswer)
class GateAnswerAdmin(Endless):
    list_display = ("id", "gate", "lot", "asked_by", "opens", "verdict", "reservation", "actor", "note", "answered_at")
    list_filter = ("opens", "verdict", "asked_by", "gate__lot__district")
    list_select_related = ("gate__lot", "reservation", "actor")
    search_fields = ("=reservation__id", "=reading_id", "gate__name", "gate__lot__name", "note")

    @admin.display(description=_("lot"), ordering="gate__lot__name")
    def lot(self, answer: GateAnswer) -> str:
        return str(answer.gate.lot)


@admin.register(EntryCode)
class EntryCodeAdmin(ReadOnly):
    """That a code was made and used; the code itself is nowhere."""

    list_display = ("reservation", "created_at", "expires_at", "used_at")
    list_filter = (("used_at", admin.EmptyFieldListFilter),)
    list_select_related = ("reservation",)
    search_fields = ("=reservation__id",)
    date_hierarchy = "created_at"


@admin.register(Overstay)
class OverstayAdmin(SettledWithANote):
    settle_title = _("Waive the penalty")
    list_display = (
        "reservation",
        "space",
        "began_at",
        "ended_at",
        "warned_at",
        "penalty_cents",
        "currency",
        "waived_at",
    )
    list_filter = (
        ("ended_at", admin.EmptyFieldListFilter),
        ("waived_at", admin.EmptyFieldListFilter),
        "space__lot__district",
    )
    list_select_related = ("reservation", "space")
    search_fields = ("=reservation__id", "space__label", "space__lot__name")
    date_hierarchy = "began_at"

    def settle_row(self, row_id: int, **given: Any) -> None:
        waive_penalty(overstay_id=row_id, now=clock.now(), **given)


@admin.register(Discrepancy)
class DiscrepancyAdmin(ReadOnly):
    list_display = ("id", "lot", "space", "kind", "reservation", "opened_at", "closed_at", "outcome", "closed_by")
    list_filter = ("kind", "outcome", ("closed_at", admin.EmptyFieldListFilter), "lot__district")
    list_select_related = ("lot", "space", "reservation", "closed_by")
    search_fields = ("=reservation__id", "lot__name", "space__label", "note")
    date_hierarchy = "opened_at"


@admin.register(Incident)
class IncidentAdmin(WithPlate):
    """“Someone is in my bay”, with what the sensors knew; closed by the lot's manager."""

    list_display = ("id", "lot", "space", "reservation", "outcome", "moved_to", "opened_at", "closed_at", "closed_by")
    list_filter = ("outcome", ("closed_at", admin.EmptyFieldListFilter), "lot__district")
    list_select_related = ("lot", "space", "reservation", "moved_to", "closed_by")
    search_fields = ("=reservation__id", "lot__name", "space__label", "note")
    date_hierarchy = "opened_at"

    def get_fields(self, request: HttpRequest, obj: Incident | None = None) -> Any:
        return ("masked_intruder", *super().get_fields(request, obj))

    @admin.display(description=_("plate of the other car"))
    def masked_intruder(self, incident: Incident) -> str:
        return _masked(incident.intruder_encrypted)

    def get_urls(self) -> list[URLPattern]:
        found = path("by-plate/", self.admin_site.admin_view(self.by_plate), name="fulfilment_by_plate")
        return [found, *super().get_urls()]

    @method_decorator(sensitive_post_parameters("plate"))
    def by_plate(self, request: HttpRequest) -> HttpResponse:
        """What gates and people know of a plate: sent by POST, found by its keyed hash, in no address and no log."""
        if not request.user.has_perms(TO_SEE_PLATES):
            raise PermissionDenied
        form = PlateForm(request.POST or None)
        found: dict[str, Any] = {}
        if form.is_valid():
            found, form = _with_plate(form.cleaned_data["plate"]), PlateForm()
        context = self.admin_site.each_context(request) | {
            "title": _("Find at the gates by number plate"),
            "form": form,
        }
        return TemplateResponse(request, "admin/fulfilment/by_plate.html", context | found)


@admin.register(BrokenPromise)
class BrokenPromiseAdmin(SettledWithANote):
    settle_title = _("The compensation was paid")
    list_display = (
        "reservation",
        "cause",
        "offered_lot",
        "replacement",
        "compensation_cents",
        "currency",
        "happened_at",
        "settled_at",
    )
    list_filter = ("cause", ("settled_at", admin.EmptyFieldListFilter), "reservation__lot__district")
    list_select_related = ("reservation", "offered_lot", "replacement")
    search_fields = ("=reservation__id", "reservation__lot__name")
    date_hierarchy = "happened_at"

    def settle_row(self, row_id: int, **given: Any) -> None:
        settle_promise(broken_id=row_id, now=clock.now(), **given)


def _masked(encrypted: Any) -> str:
    return plates.mask_plate(plates.decrypt_plate(bytes(encrypted))) if encrypted else "–"


def _with_plate(text: str) -> dict[str, Any]:
    """The newest reads, stays, list entries and incidents of one car."""
    wanted = plates.exact_hash(plates.normalise_plate(text))
    reads = list(PlateRead.objects.filter(plate_exact_hash=wanted).order_by("-observed_at")[:MOST_RESULTS])
    readings = Reading.objects.filter(
        pk__in=[read.reading_id for read in reads], observed_at__in={read.observed_at for read in reads}
    )
    return {
        "readings": readings.select_related("lot", "gate", "device").order_by("-observed_at"),
        "stays": Stay.objects.filter(plate_exact_hash=wanted)
        .select_related("lot", "space")
        .order_by("-began_at")[:100],
        "listed": ListedPlate.objects.filter(plate_exact_hash=wanted).select_related("lot", "added_by")[:MOST_RESULTS],
        "incidents": Incident.objects.filter(intruder_exact_hash=wanted)
        .select_related("lot", "space")
        .order_by("-opened_at")[:MOST_RESULTS],
        "has_searched": True,
    }
