from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from parking_share import clock
from parking_share.accounts import plates, services
from parking_share.accounts.models import ApiToken, User, Vehicle
from parking_share.admin_tools import Kept, ModelForm, ReadOnly
from parking_share.errors import DomainError

if TYPE_CHECKING:  # the stubs know these as generic, Django does not
    _UserAdmin = UserAdmin[User]
    _CreationForm = AdminUserCreationForm[User]
    _ChangeForm = UserChangeForm[User]
else:
    _UserAdmin, _CreationForm, _ChangeForm = UserAdmin, AdminUserCreationForm, UserChangeForm

FOR_SUPERUSERS = ("is_staff", "is_superuser", "groups", "user_permissions")


class PersonCreationForm(_CreationForm):
    class Meta:
        model = User
        fields = ("email", "phone", "display_name", "language")


class PersonChangeForm(_ChangeForm):
    class Meta:
        model = User
        fields = "__all__"


@admin.register(User)
class PersonAdmin(_UserAdmin):
    form, add_form = PersonChangeForm, PersonCreationForm
    list_display = ("id", "email", "phone", "display_name", "language", "is_active", "is_staff", "date_joined")
    list_display_links = ("id", "email", "phone")
    list_filter = ("is_active", "is_staff", "is_superuser", "role_grants__role", "language", "has_accessible_permit")
    search_fields = ("email", "phone", "display_name")
    ordering = ("-id",)
    date_hierarchy = "date_joined"
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ("groups", "user_permissions")
    fieldsets = (
        (None, {"fields": ("email", "phone", "phone_verified", "password")}),
        (_("About the person"), {"fields": ("display_name", "language", "has_accessible_permit")}),
        (_("What the person may do here"), {"fields": ("is_active", *FOR_SUPERUSERS)}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "phone", "display_name", "language", "usable_password", "password1", "password2"),
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only a superuser hands out powers: else whoever may change people could become one."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, *FOR_SUPERUSERS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """A superuser's row, with its password, is changed by superusers only."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:  # noqa: ARG002
        """People are switched off, not deleted: reservations and their events name them."""
        return False


class VehicleForm(ModelForm):
    class Meta:
        model = Vehicle
        fields = ("label", "size", "height_cm")


class NewVehicleForm(ModelForm):
    plate = forms.CharField(label=_("number plate"), max_length=20)

    class Meta:
        model = Vehicle
        fields = ("driver", "label", "size", "height_cm")

    def clean_plate(self) -> str:
        try:
            return plates.parse_plate(self.cleaned_data["plate"])
        except DomainError as refusal:
            raise ValidationError(refusal.sentence) from refusal

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        driver, plate = given.get("driver"), given.get("plate")
        if driver and plate and Vehicle.objects.with_plate(plate).filter(driver=driver, removed_at=None).exists():
            self.add_error("plate", _("This car is in the account already."))
        return given


@admin.register(Vehicle)
class VehicleAdmin(Kept):
    """Plates are masked here; a plate is looked for by POST, on the page beside the reservations."""

    change_list_template = "admin/with_plate_search.html"
    list_display = ("masked_plate", "driver", "label", "size", "height_cm", "created_at", "removed_at")
    list_filter = ("size", ("removed_at", admin.EmptyFieldListFilter))
    list_select_related = ("driver",)
    search_fields = ("driver__email", "driver__phone", "driver__display_name", "label")
    search_help_text = _("Search by driver or name. A plate has a page of its own: it must not stand in an address.")
    autocomplete_fields = ("driver",)
    date_hierarchy = "created_at"
    actions = ("remove_vehicles",)

    def get_form(self, request: HttpRequest, obj: Vehicle | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs | {"form": VehicleForm if obj else NewVehicleForm})

    def get_fields(self, request: HttpRequest, obj: Vehicle | None = None) -> Any:  # noqa: ARG002 -- Django's signature
        if obj is None:
            return ("driver", "plate", "label", "size", "height_cm")
        return ("driver", "masked_plate", "label", "size", "height_cm", "created_at", "removed_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Vehicle | None = None) -> Any:  # noqa: ARG002 -- as above
        return () if obj is None else ("driver", "masked_plate", "created_at", "removed_at")

    @admin.display(description=_("plate"))
    def masked_plate(self, vehicle: Vehicle) -> str:
        return vehicle.masked_plate

    def save_model(self, request: HttpRequest, obj: Vehicle, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        given = form.cleaned_data
        made = services.register_vehicle(
            driver=given["driver"],
            plate=given["plate"],
            now=clock.now(),
            size=given["size"],
            height_cm=given["height_cm"],
            label=given["label"],
        )
        obj.__dict__.update(made.__dict__)

    @admin.action(description=_("Take the chosen cars out of their accounts"), permissions=["change"])
    def remove_vehicles(self, request: HttpRequest, queryset: QuerySet[Vehicle]) -> None:
        for vehicle in queryset:
            services.remove_vehicle(vehicle_id=vehicle.pk, now=clock.now())
        count = len(queryset)
        self.message_user(request, ngettext("%(n)s car removed.", "%(n)s cars removed.", count) % {"n": count})


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    """Tokens are made by their owners and can only be revoked here; their secrets are nowhere."""

    list_display = ("name", "user", "created_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user",)
    search_fields = ("name", "user__email", "user__phone")
    date_hierarchy = "created_at"
    exclude = ("secret_hash",)
    actions = ("revoke_tokens",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_apitoken")

    @admin.action(description=_("Revoke the chosen tokens"), permissions=["revoke"])
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset.filter(revoked_at__isnull=True):
            services.revoke_api_token(token=token, now=clock.now())
        self.message_user(request, _("The chosen tokens open nothing any more."))
