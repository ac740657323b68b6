from ipaddress import ip_network

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from parking_share import clock
from parking_share.accounts import plates
from parking_share.admin_tools import Endless, Kept, ModelForm, ReadOnly
from parking_share.errors import DomainError
from sensors.models import (
    BayState,
    Deletion,
    Device,
    Gateway,
    GatewayKey,
    ImportRun,
    OccupancyProfile,
    OccupancySlot,
    OutboxRow,
    PlateRead,
    RawMessage,
    Reading,
    StaleSlot,
    Stay,
)
from sensors.sealing import MESSAGE, unseal
from sensors.services import dismiss_message, replay_message

MOST_SHOWN = 20_000


class GatewayForm(ModelForm):
    class Meta:
        model = Gateway
        fields = ("name", "format", "trust", "lots", "expected_serial", "addresses", "is_active")

    def clean_addresses(self) -> list[str]:
        """Networks as they are written everywhere; a single address is a network of one."""
        try:
            return [str(ip_network(text)) for text in self.cleaned_data["addresses"]]
        except ValueError as error:
            raise ValidationError(_("Write networks like 192.0.2.0/24, separated by commas.")) from error


@admin.register(Gateway)
class GatewayAdmin(Kept):
    """Keys are issued and revoked on the lot's page for devices, where a secret is shown once."""

    form = GatewayForm
    list_display = ("name", "format", "trust", "is_active", "created_at")
    list_filter = ("format", "trust", "is_active", "lots__district")
    search_fields = ("name", "expected_serial", "lots__name")
    autocomplete_fields = ("lots",)


@admin.register(GatewayKey)
class GatewayKeyAdmin(ReadOnly):
    """When keys were made and revoked. Their secrets are shown nowhere."""

    list_display = ("gateway", "position", "created_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("gateway",)
    search_fields = ("gateway__name",)
    date_hierarchy = "created_at"


@admin.register(Device)
class DeviceAdmin(Kept):
    list_display = ("identifier", "gateway", "lot", "gate", "space", "heard_at", "clock_off_s", "is_active")
    list_filter = ("is_active", "gateway", ("clock_off_s", admin.EmptyFieldListFilter), "lot__district")
    list_select_related = ("gateway", "lot", "gate", "space")
    search_fields = ("identifier", "lot__name", "gate__name", "space__label")
    autocomplete_fields = ("gateway", "lot", "gate", "space")
    readonly_fields = ("heard_at", "clock_off_s")


class DismissForm(forms.Form):
    """Why a message is put aside."""

    note = forms.CharField(label=_("Why it is put aside"), min_length=3, max_length=200)


@admin.register(RawMessage)
class RawMessageAdmin(Endless):
    """What came, as it came. Its body is encrypted, for it names plates: whoever looks into it is on record."""

    change_form_template = "admin/sensors/rawmessage/change_form.html"
    list_display = ("id", "gateway", "received_at", "content_type", "state", "tries", "complaint")
    list_filter = ("state", "gateway")
    list_select_related = ("gateway",)
    search_fields = ("=id", "gateway__name", "complaint")
    actions = ("try_again",)

    def get_urls(self) -> list[URLPattern]:
        attend = self.admin_site.admin_view(self.attend)
        return [path("<int:message_id>/attend/", attend, name="sensors_rawmessage_attend"), *super().get_urls()]

    def has_attend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sensors.change_rawmessage")

    @admin.action(description=_("Try to read the chosen messages again"), permissions=["attend"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[RawMessage]) -> None:
        for message_id in queryset.order_by("pk").values_list("pk", flat=True):
            self._try_again(request, message_id)

    @method_decorator(never_cache)
    def attend(self, request: HttpRequest, message_id: int) -> HttpResponse:
        """Read one message again, look into it, or put it aside with a note; each is on record."""
        if not self.has_attend_permission(request):
            raise PermissionDenied
        message = get_object_or_404(self.get_queryset(request), pk=message_id)
        form = DismissForm(request.POST if "dismiss" in request.POST else None)
        body = ""
        if "again" in request.POST:
            self._try_again(request, message.pk)
            return redirect("admin:sensors_rawmessage_change", message.pk)
        if form.is_valid():
            dismiss_message(message_id=message.pk)
            self.log_change(request, message, str(_("Put aside: %(note)s")) % {"note": form.cleaned_data["note"]})
            messages.success(request, _("The message is put aside; the history says why."))
            return redirect("admin:sensors_rawmessage_change", message.pk)
        if "look" in request.POST and message.body_encrypted:
            self.log_change(request, message, str(_("Looked into the body.")))
            body = unseal(bytes(message.body_encrypted), purpose=MESSAGE).decode(errors="replace")[:MOST_SHOWN]
        context = self.admin_site.each_context(request) | {
            "title": _("Look into this message"),
            "message": message,
            "form": form,
            "body": body,
            "is_open": message.state in {RawMessage.State.QUARANTINED, RawMessage.State.DISMISSED},
        }
        return TemplateResponse(request, "admin/sensors/rawmessage/attend.html", context)

    def _try_again(self, request: HttpRequest, message_id: int) -> None:
        try:
            complaint = replay_message(message_id=message_id, now=clock.now())
        except DomainError as refusal:
            messages.error(request, f"{message_id}: {refusal.sentence}")
            return
        if complaint:
            messages.warning(request, f"{message_id}: {complaint}")
        else:
            messages.success(request, _("%(number)s: read.") % {"number": message_id})


@admin.register(Reading)
class ReadingAdmin(Endless):
    list_display = (
        "id",
        "kind",
        "lot",
        "gate",
        "space",
        "device",
        "observed_at",
        "received_at",
        "is_replayed",
        "clock_is_off",
    )
    list_filter = ("kind", "is_replayed", "clock_is_off", "gateway")
    list_select_related = ("lot", "gate", "space", "device")
    search_fields = ("=id", "lot__name", "=space__label")


@admin.register(PlateRead)
class PlateReadAdmin(Endless):
    """Plates are masked here; a plate is looked for by POST, on a page of its own."""

    change_list_template = "admin/with_gate_plate_search.html"
    list_display = ("masked_plate", "plate_colour", "lot", "observed_at", "forget_at")
    list_select_related = ("lot",)
    list_filter = ("lot__district",)
    search_fields = ("=reading_id", "lot__name")
    search_help_text = _("Search by lot. A plate has a page of its own: it must not stand in an address.")
    fields = ("masked_plate", "plate_colour", "media_ref", "lot", "reading_id", "observed_at", "forget_at")

    @admin.display(description=_("plate"))
    def masked_plate(self, read: PlateRead) -> str:
        return plates.mask_plate(plates.decrypt_plate(bytes(read.plate_encrypted)))


@admin.register(OutboxRow)
class OutboxRowAdmin(Endless):
    """What fulfilment has yet to look at. A row that is tried and tried is a trouble of ours."""

    list_display = ("id", "kind", "lot", "gate", "space", "observed_at", "received_at", "tries")
    list_filter = ("kind", "tries")
    list_select_related = ("lot", "gate", "space")
    search_fields = ("=reading_id", "lot__name")


@admin.register(BayState)
class BayStateAdmin(ReadOnly):
    """The newest word on each bay; after two heartbeats of silence pages say *unknown*, whatever stands here."""

    list_display = ("space", "lot", "state", "since", "heard_at", "device")
    list_filter = ("state", "space__lot__district")
    list_select_related = ("space__lot", "device")
    search_fields = ("space__label", "space__lot__name", "device__identifier")

    @admin.display(description=_("lot"), ordering="space__lot__name")
    def lot(self, state: BayState) -> str:
        return str(state.space.lot)


@admin.register(Stay)
class StayAdmin(Endless):
    list_display = ("id", "lot", "space", "reservation", "source", "began_at", "ended_at")
    list_filter = ("source", ("ended_at", admin.EmptyFieldListFilter), "lot__district")
    list_select_related = ("lot", "space", "reservation")
    search_fields = ("=reservation__id", "lot__name", "space__label")


@admin.register(OccupancySlot)
class OccupancySlotAdmin(Endless):
    list_display = (
        "lot",
        "starts_at",
        "bays",
        "mean_occupied",
        "most_occupied",
        "unknown_share",
        "source",
        "quality",
        "rolled_at",
    )
    list_filter = ("source", "quality", "lot__district")
    list_select_related = ("lot",)
    search_fields = ("lot__name",)


@admin.register(StaleSlot)
class StaleSlotAdmin(ReadOnly):
    list_display = ("lot", "space", "from_at", "until_at")
    list_select_related = ("lot", "space")
    search_fields = ("lot__name",)


@admin.register(OccupancyProfile)
class OccupancyProfileAdmin(ReadOnly):
    """Learned from good slots; a new version supersedes the one before."""

    list_display = ("lot", "day_type", "version", "bays", "first_date", "last_date", "learned_at", "superseded_at")
    list_filter = ("day_type", ("superseded_at", admin.EmptyFieldListFilter), "lot__district")
    list_select_related = ("lot",)
    search_fields = ("lot__name",)


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnly):
    list_display = ("file_name", "kind", "rows_done", "rows_refused", "began_at", "ended_at")
    list_filter = ("kind", ("ended_at", admin.EmptyFieldListFilter))
    search_fields = ("file_name", "=fingerprint")
    date_hierarchy = "began_at"


@admin.register(Deletion)
class DeletionAdmin(ReadOnly):
    list_display = ("what", "rule", "rows", "older_than", "deleted_at")
    list_filter = ("what",)
    search_fields = ("what", "rule")
    date_hierarchy = "deleted_at"
