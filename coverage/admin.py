from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from coverage import bases
from coverage.engine.capability import FeeEffect
from coverage.models import (
    CityOutline,
    CoverageBase,
    CoveragePart,
    CoverageRun,
    CoverageSettings,
    Scenario,
)
from coverage.selectors import alerts_for
from coverage.vacancy import SLOT
from parking_share import clock
from parking_share.admin_tools import Endless, Kept, ModelForm, ReadOnly
from parking_share.spaces.models import District

LONGEST_M = {"floor_m": 1_000.0, "cluster_radius_m": 5_000.0, "tolerance_m": 50.0}
SHORTEST_TOLERANCE_M = 0.05
MOST_SAID = 60


class SettingsForm(ModelForm):
    """What a picture could not be made with is refused here, before a worker finds it."""

    fee_effect = forms.ChoiceField(choices=[(effect.value, effect.value) for effect in FeeEffect])

    class Meta:
        model = CoverageSettings
        fields = (
            "city", "mode", "fee_effect", "fee_scale", "floor_m", "vacancy_accuracy", "cluster_radius_m",
            "tolerance_m", "is_public",
        )  # fmt: skip

    def clean_city(self) -> str:
        city: str = self.cleaned_data["city"]
        if city and not District.objects.filter(city=city).exists():
            raise ValidationError(_("No district belongs to this city. Write it as its districts do."))
        return city

    def clean_floor_m(self) -> float:
        return self._length("floor_m")

    def clean_cluster_radius_m(self) -> float:
        return self._length("cluster_radius_m")

    def clean_tolerance_m(self) -> float:
        if self.cleaned_data["tolerance_m"] < SHORTEST_TOLERANCE_M:
            raise ValidationError(_("Below %(least)s m borders have more points than anybody sees.") % {"least": 0.05})
        return self._length("tolerance_m")

    def _length(self, name: str) -> float:
        length: float = self.cleaned_data[name]
        if length > LONGEST_M[name]:
            raise ValidationError(_("At most %(most)s metres.") % {"most": f"{LONGEST_M[name]:g}"})
        return length


@admin.register(CoverageSettings)
class CoverageSettingsAdmin(Kept):
    """How pictures are computed from the next slot on. The history of a row says what each change was from and to."""

    form = SettingsForm
    list_display = ("__str__", "mode", "fee_effect", "fee_scale", "cluster_radius_m", "is_public")
    list_filter = ("mode", "is_public")
    search_fields = ("city",)
    ordering = ("city",)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Values, not only the names of fields: a map can't be understood later without them."""
        if add:
            return super().construct_change_message(request, form, formsets, add)
        said = [f"{name}: {form.initial.get(name)} → {form.cleaned_data.get(name)}" for name in form.changed_data]
        return [{"changed": {"fields": said}}] if said else []


@admin.register(CityOutline)
class CityOutlineAdmin(ReadOnly):
    """Outlines come by `manage.py import_boundary`; an older one stays to say what older pictures stood on."""

    list_display = ("city", "imported_datum", "source", "valid_from", "superseded_at")
    list_filter = (("superseded_at", admin.EmptyFieldListFilter), "imported_datum")
    search_fields = ("city", "source")
    date_hierarchy = "valid_from"


@admin.register(CoverageBase)
class CoverageBaseAdmin(Endless):
    list_display = ("city", "made_at", "engine_version", "lots", "fingerprint")
    list_filter = ("engine_version",)
    search_fields = ("city", "fingerprint")
    exclude = ("lot_ids",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CoverageBase]:
        rows: QuerySet[CoverageBase] = super().get_queryset(request)
        return rows.defer("arrays", "clusters", "mesh")

    @admin.display(description=_("lots"))
    def lots(self, base: CoverageBase) -> int:
        return len(base.lot_ids)


@admin.register(CoverageRun)
class CoverageRunAdmin(Endless):
    """Pictures, the newest first. What is late or was refused is said above the list."""

    list_display = ("city", "slot_starts_at", "status", "seconds", "is_backfilled", "engine_version", "why")
    list_filter = ("status", "is_backfilled", "engine_version")
    list_select_related = False
    search_fields = ("city", "complaint")
    date_hierarchy = "slot_starts_at"
    raw_id_fields = ("base",)

    def get_ordering(self, request: HttpRequest) -> Any:  # noqa: ARG002 -- the signature is Django's
        return ["-slot_starts_at", "-pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CoverageRun]:
        rows: QuerySet[CoverageRun] = super().get_queryset(request)
        return rows.defer("values", "areas", "paint")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        for alert in alerts_for(bases.cities(), now=clock.now()):
            at = f"{alert.slot_starts_at + SLOT:%Y-%m-%d %H:%M}"
            said = (
                _("%(city)s: the picture of %(at)s is late.") if alert.is_late else _("%(city)s: %(at)s was refused.")
            )
            messages.warning(request, said % {"city": alert.city, "at": f"{at} UTC"})
        answer: HttpResponse = super().changelist_view(request, extra_context)
        return answer

    @admin.display(description=_("seconds"))
    def seconds(self, run: CoverageRun) -> str:
        return "–" if run.ended_at is None else f"{(run.ended_at - run.began_at).total_seconds():.1f}"

    @admin.display(description=_("why it was refused"))
    def why(self, run: CoverageRun) -> str:
        return run.complaint[:MOST_SAID]


@admin.register(CoveragePart)
class CoveragePartAdmin(Endless):
    list_display = ("run_id", "number", "claimed_at", "done_at")
    list_filter = (("done_at", admin.EmptyFieldListFilter),)
    exclude = ("clusters",)
    raw_id_fields = ("run",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CoveragePart]:
        rows: QuerySet[CoveragePart] = super().get_queryset(request)
        return rows.select_related("run").defer("values", "areas", "run__values", "run__areas", "run__paint")


@admin.register(Scenario)
class ScenarioAdmin(ReadOnly):
    """Who named which what-if. Their links are shown nowhere: whoever has one may look."""

    list_display = ("name", "city", "made_by", "made_at", "expires_at")
    list_filter = ("city",)
    list_select_related = ("made_by",)
    search_fields = ("name", "city")
    date_hierarchy = "made_at"
