from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from parking_share import clock
from parking_share.admin_tools import Kept, ModelAdmin, ModelForm, ReadOnly, TabularInline, do_or_say_why
from parking_share.spaces import lots, services
from parking_share.spaces.calendar import Weekday
from parking_share.spaces.models import (
    AccessClass,
    BookingLimits,
    CalendarDay,
    District,
    Gate,
    Lot,
    Resident,
    RoleGrant,
    ShareException,
    ShareRule,
    ShareWindow,
    Space,
    Tariff,
)
from parking_share.spaces.services import ShareRefused

Standing = Space.Standing


@admin.register(District)
class DistrictAdmin(ModelAdmin):
    list_display = ("name", "city", "lot_count")
    list_filter = ("city",)
    search_fields = ("name", "city")

    def get_queryset(self, request: HttpRequest) -> QuerySet[District]:
        districts: QuerySet[District] = super().get_queryset(request)
        return districts.annotate(lot_count=Count("lots"))

    @admin.display(description=_("lots"), ordering="lot_count")
    def lot_count(self, district: Any) -> int:
        return int(district.lot_count)


@admin.register(AccessClass)
class AccessClassAdmin(ModelAdmin):
    list_display = ("code", "openness")

    def get_readonly_fields(self, request: HttpRequest, obj: AccessClass | None = None) -> Any:  # noqa: ARG002
        return ("code",) if obj else ()


class GateInline(TabularInline):
    model = Gate
    extra = 0


@admin.register(Lot)
class LotAdmin(Kept):
    list_display = ("name", "district", "land_use", "access_class", "capacity", "peak_rate_cents", "is_open")
    list_filter = ("is_open", "land_use", "access_class", "district", "time_zone")
    list_select_related = ("district", "access_class")
    search_fields = ("name", "address", "source_key")
    autocomplete_fields = ("district",)
    inlines = (GateInline,)


@admin.register(Gate)
class GateAdmin(ModelAdmin):
    list_display = ("name", "lot", "kind", "latitude", "longitude")
    list_filter = ("kind",)
    list_select_related = ("lot",)
    search_fields = ("name", "lot__name")
    autocomplete_fields = ("lot",)


@admin.register(RoleGrant)
class RoleGrantAdmin(ModelAdmin):
    list_display = ("user", "role", "lot", "district", "granted_at")
    list_filter = ("role", "district")
    list_select_related = ("user", "lot", "district")
    search_fields = ("user__email", "user__phone", "user__display_name", "lot__name")
    autocomplete_fields = ("user", "lot", "district")
    date_hierarchy = "granted_at"


@admin.register(CalendarDay)
class CalendarDayAdmin(ModelAdmin):
    """Windows follow a changed calendar when they are next materialised, at most six hours later."""

    list_display = ("date", "region", "kind", "acts_as", "name")
    list_filter = ("region", "kind")
    search_fields = ("name",)
    date_hierarchy = "date"


@admin.register(Tariff)
class TariffAdmin(ModelAdmin):
    list_display = ("id", "lot", "land_use", "day_type")
    list_filter = ("land_use", "day_type")
    list_select_related = ("lot",)
    search_fields = ("lot__name",)
    autocomplete_fields = ("lot",)


@admin.register(BookingLimits)
class BookingLimitsAdmin(ModelAdmin):
    list_display = ("id", "lot", "shortest_stay_min", "longest_stay_min", "furthest_ahead_days", "no_show_grace_min")
    list_select_related = ("lot",)
    search_fields = ("lot__name",)
    autocomplete_fields = ("lot",)


@admin.register(Resident)
class ResidentAdmin(ModelAdmin):
    list_display = ("user", "lot")
    list_select_related = ("user", "lot")
    search_fields = ("user__email", "user__phone", "user__display_name", "lot__name")
    autocomplete_fields = ("user", "lot")


@admin.register(Space)
class SpaceAdmin(Kept):
    """A bay stays in its lot; what changes its hours makes its windows anew."""

    list_display = ("label", "lot", "owner", "standing", "size", "has_charger", "is_accessible", "admits")
    list_filter = ("standing", "size", "has_charger", "is_accessible", "admits", "lot__district")
    list_select_related = ("lot", "owner")
    search_fields = ("label", "lot__name", "owner__email", "owner__phone")
    autocomplete_fields = ("lot", "owner", "guests")
    actions = ("approve", "pause", "refuse")

    def get_readonly_fields(self, request: HttpRequest, obj: Space | None = None) -> Any:  # noqa: ARG002
        return ("lot",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Space, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        services.materialise_windows(space=obj, now=clock.now())

    @admin.action(description=_("Approve the chosen bays, or end their pause"), permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Space]) -> None:
        self._change(request, queryset, to=Standing.APPROVED)

    @admin.action(description=_("Pause the chosen bays"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Space]) -> None:
        self._change(request, queryset, to=Standing.PAUSED)

    @admin.action(description=_("Refuse the chosen bays"), permissions=["change"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[Space]) -> None:
        self._change(request, queryset, to=Standing.REFUSED)

    def _change(self, request: HttpRequest, queryset: QuerySet[Space], *, to: Standing) -> None:
        by_lot: dict[Lot, list[int]] = {}
        for space in queryset.select_related("lot").order_by("lot_id"):
            by_lot.setdefault(space.lot, []).append(space.pk)
        for lot, space_ids in by_lot.items():
            if do_or_say_why(request, partial(lots.change_standing, lot=lot, space_ids=space_ids, to=to)):
                self.message_user(request, _("%(lot)s: done.") % {"lot": lot.name})


class ShareRuleForm(ModelForm):
    weekdays = forms.TypedMultipleChoiceField(
        label=_("weekdays"),
        coerce=int,
        choices=Weekday.choices,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = ShareRule
        fields = ("space", "weekdays", "starts_at_local", "ends_at_local", "first_date", "last_date")

    def clean(self) -> dict[str, Any]:
        """Ask the domain before saving, so that its refusal stands beside the form."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                services.preview_hours(space=given["space"], offer=services.offer_of(given), now=clock.now())
            except ShareRefused as refusal:
                raise ValidationError(refusal.sentence) from refusal
        return given


class OnlyAdded(ReadOnly):
    """Rows that are added through their service and never edited."""

    list_select_related = ("space__lot",)
    search_fields = ("space__label", "space__lot__name", "space__owner__email")
    autocomplete_fields = ("space",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"spaces.change_{self.opts.model_name}")

    @admin.display(description=_("lot"), ordering="space__lot__name")
    def lot(self, row: Any) -> str:
        return str(row.space.lot)


@admin.register(ShareRule)
class ShareRuleAdmin(OnlyAdded):
    """A rule is withdrawn, never rewritten: the windows that it made are versions."""

    form = ShareRuleForm
    list_display = (
        "space",
        "lot",
        "weekdays",
        "starts_at_local",
        "ends_at_local",
        "first_date",
        "last_date",
        "withdrawn_at",
    )
    list_filter = (("withdrawn_at", admin.EmptyFieldListFilter),)
    date_hierarchy = "created_at"
    actions = ("withdraw",)

    def get_fields(self, request: HttpRequest, obj: ShareRule | None = None) -> Any:  # noqa: ARG002
        fields = ShareRuleForm.Meta.fields
        return fields if obj is None else (*fields, "created_at", "withdrawn_at")

    def save_model(self, request: HttpRequest, obj: ShareRule, form: Any, change: bool) -> None:  # noqa: ARG002
        made = services.publish_hours(**form.cleaned_data, now=clock.now())
        obj.__dict__.update(made.__dict__)

    @admin.action(description=_("Withdraw the chosen rules; what is promised stays"), permissions=["end"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[ShareRule]) -> None:
        for rule in queryset.select_related("space__lot"):
            services.withdraw_rule(rule=rule, now=clock.now())
        self.message_user(request, _("The chosen rules are withdrawn. Drivers who hold a bay keep it."))


class ShareExceptionForm(ModelForm):
    class Meta:
        model = ShareException
        fields = ("space", "starts_at", "ends_at")

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        ends_at = given.get("ends_at")
        if ends_at is not None and ends_at <= clock.now():
            self.add_error("ends_at", _("Choose an end in the future."))
        return given


@admin.register(ShareException)
class ShareExceptionAdmin(OnlyAdded):
    form = ShareExceptionForm
    list_display = ("space", "lot", "starts_at", "ends_at", "created_at")
    date_hierarchy = "starts_at"
    actions = ("restore",)

    def get_fields(self, request: HttpRequest, obj: ShareException | None = None) -> Any:  # noqa: ARG002
        return (*ShareExceptionForm.Meta.fields, *(("created_at",) if obj else ()))

    def save_model(self, request: HttpRequest, obj: ShareException, form: Any, change: bool) -> None:  # noqa: ARG002
        made = services.withdraw_hours(**form.cleaned_data, now=clock.now())
        obj.__dict__.update(made.__dict__)

    @admin.action(description=_("Give the chosen periods back to the weekly offer"), permissions=["end"])
    def restore(self, request: HttpRequest, queryset: QuerySet[ShareException]) -> None:
        for exception in queryset.select_related("space__lot"):
            services.restore_hours(exception=exception, now=clock.now())
        self.message_user(request, _("The chosen periods are shared again."))


@admin.register(ShareWindow)
class ShareWindowAdmin(ReadOnly):
    """Made from the rules, versioned, never rewritten."""

    list_display = ("space", "lot", "starts_at", "ends_at", "created_at", "superseded_at")
    list_filter = (("superseded_at", admin.EmptyFieldListFilter), "space__lot__district")
    list_select_related = ("space__lot",)
    search_fields = ("space__label", "space__lot__name")
    date_hierarchy = "starts_at"

    @admin.display(description=_("lot"), ordering="space__lot__name")
    def lot(self, window: ShareWindow) -> str:
        return str(window.space.lot)
