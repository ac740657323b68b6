from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from allocation import areas, laboratory_admin, policies  # noqa: F401 -- the laboratory's pages register themselves
from allocation.explanations import sentences_of
from allocation.models import (
    AreaRequest,
    AreaWeights,
    Assignment,
    Decision,
    DecisionSnapshot,
    LearntDemand,
    LotPolicy,
    Obstacle,
    Overruling,
    Pin,
)
from allocation.policies import Settings
from parking_share import clock
from parking_share.admin_tools import Endless, ModelForm, ReadOnly, whoever_asks


class PolicyForm(ModelForm):
    why = forms.CharField(label=_("why"), max_length=300)
    fairness_tolerance = forms.FloatField(label=_("tolerance for fairness"), min_value=0, initial=0)

    class Meta:
        model = LotPolicy
        fields = (
            "lot",
            "name",
            "threshold",
            "fragment_weight",
            "modal_stay_h",
            "peak_rate_cents",
            "fairness_tolerance",
            "why",
        )

    def settings(self) -> Settings:
        return Settings(**{name: self.cleaned_data[name] for name in self.Meta.fields if name not in {"lot", "why"}})

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            present = policies.history_of(given["lot"]).filter(superseded_at__isnull=True).first()
            if present is not None and policies.settings_of(present) == self.settings():
                raise ValidationError(_("These settings are in force already."))
        return given


@admin.register(LotPolicy)
class LotPolicyAdmin(ReadOnly):
    """The history of every lot's policy. A change is a new version: add one, and it supersedes the one in force."""

    form = PolicyForm
    list_display = (
        "id",
        "lot",
        "version",
        "name",
        "threshold",
        "fragment_weight",
        "modal_stay_h",
        "valid_from",
        "superseded_at",
        "changed_by",
        "why",
    )
    list_filter = ("name", ("superseded_at", admin.EmptyFieldListFilter))
    list_select_related = ("lot", "changed_by")
    search_fields = ("lot__name",)
    autocomplete_fields = ("lot",)
    date_hierarchy = "valid_from"
    ordering = ("lot", "-version")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_fields(self, request: HttpRequest, obj: LotPolicy | None = None) -> Any:  # noqa: ARG002
        fields = PolicyForm.Meta.fields
        return fields if obj is None else (*fields, "version", "valid_from", "superseded_at", "changed_by")

    def save_model(self, request: HttpRequest, obj: LotPolicy, form: Any, change: bool) -> None:  # noqa: ARG002
        made = policies.change_policy(
            lot=form.cleaned_data["lot"],
            settings=form.settings(),
            changed_by=whoever_asks(request),
            now=clock.now(),
            why=form.cleaned_data["why"],
        )
        obj.__dict__.update(made.__dict__)


@admin.register(Decision)
class DecisionAdmin(ReadOnly):
    list_display = ("id", "lot", "reservation", "is_accepted", "reason", "space", "policy_name", "decided_at")
    list_filter = ("is_accepted", "reason", "policy_name", "reservation__lot__district")
    list_select_related = ("reservation__lot", "space")
    search_fields = ("=reservation__id", "reservation__lot__name")
    date_hierarchy = "decided_at"
    exclude = ("snapshot",)

    def get_fields(self, request: HttpRequest, obj: Decision | None = None) -> Any:
        return ["in_words", *super().get_fields(request, obj)]

    def get_readonly_fields(self, request: HttpRequest, obj: Decision | None = None) -> Any:
        return ["in_words", *super().get_readonly_fields(request, obj)]

    @admin.display(description=_("in words"))
    def in_words(self, decision: Decision) -> str:
        return " ".join(sentences_of(decision))

    @admin.display(description=_("lot"), ordering="reservation__lot__name")
    def lot(self, decision: Decision) -> str:
        return str(decision.reservation.lot)


@admin.register(DecisionSnapshot)
class DecisionSnapshotAdmin(Endless):
    list_display = ("id", "lot", "made_at", "engine_version", "size")
    list_select_related = ("lot",)
    search_fields = ("=id",)
    date_hierarchy = "made_at"

    @admin.display(description=_("bytes"))
    def size(self, snapshot: DecisionSnapshot) -> int:
        return len(bytes(snapshot.packed))


@admin.register(Overruling)
class OverrulingAdmin(ReadOnly):
    """Rejections that staff took up again; it is done on the page of the request."""

    list_display = ("id", "reservation", "space", "why", "made_by", "made_at", "settled_at", "answer")
    list_filter = ("answer", "reservation__lot__district")
    list_select_related = ("reservation", "space", "made_by")
    search_fields = ("=reservation__id", "reservation__lot__name", "why")
    date_hierarchy = "made_at"


@admin.register(Pin)
class PinAdmin(ReadOnly):
    list_display = ("id", "reservation", "space", "why", "pinned_by", "pinned_at", "lifted_by", "lifted_at")
    list_filter = (("lifted_at", admin.EmptyFieldListFilter), "reservation__lot__district")
    list_select_related = ("reservation", "space", "pinned_by", "lifted_by")
    search_fields = ("=reservation__id", "reservation__lot__name", "why")
    date_hierarchy = "pinned_at"


@admin.register(Assignment)
class AssignmentAdmin(ReadOnly):
    list_display = ("id", "lot", "reservation", "space", "tentative_space", "policy_name", "assigned_at")
    list_filter = ("policy_name", "reservation__lot__district")
    list_select_related = ("reservation__lot", "space", "tentative_space")
    search_fields = ("=reservation__id", "reservation__lot__name")
    date_hierarchy = "assigned_at"

    @admin.display(description=_("lot"), ordering="reservation__lot__name")
    def lot(self, assignment: Assignment) -> str:
        return str(assignment.reservation.lot)


@admin.register(Obstacle)
class ObstacleAdmin(ReadOnly):
    list_display = ("id", "space", "seen_at", "until")
    list_select_related = ("space",)
    search_fields = ("space__label", "space__lot__name")
    date_hierarchy = "seen_at"


@admin.register(LearntDemand)
class LearntDemandAdmin(ReadOnly):
    list_display = (
        "id",
        "lot",
        "day_type",
        "version",
        "days_seen",
        "requests",
        "stays",
        "survey_people",
        "last_date",
        "learnt_at",
        "superseded_at",
    )
    list_filter = ("day_type", ("superseded_at", admin.EmptyFieldListFilter))
    list_select_related = ("lot",)
    search_fields = ("lot__name",)
    date_hierarchy = "learnt_at"
    ordering = ("lot", "day_type", "-version")


@admin.register(AreaRequest)
class AreaRequestAdmin(ReadOnly):
    list_display = ("id", "reservation", "lot", "radius_m", "weights_version", "decided_at")
    list_select_related = ("reservation__lot",)
    search_fields = ("=reservation__id", "reservation__lot__name")
    date_hierarchy = "decided_at"

    @admin.display(description=_("lot"), ordering="reservation__lot__name")
    def lot(self, asked: AreaRequest) -> str:
        return str(asked.reservation.lot)


@admin.register(AreaWeights)
class AreaWeightsAdmin(ReadOnly):
    """The history of the weights. A change is a new version: add one, and it supersedes the one in force."""

    list_display = (
        "id",
        "version",
        "walk_cents_per_100m",
        "sustainability_cents",
        "valid_from",
        "superseded_at",
        "changed_by",
    )
    list_select_related = ("changed_by",)
    ordering = ("-version",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_fields(self, request: HttpRequest, obj: AreaWeights | None = None) -> Any:  # noqa: ARG002
        fields = ("walk_cents_per_100m", "sustainability_cents")
        return fields if obj is None else (*fields, "version", "valid_from", "superseded_at", "changed_by")

    def save_model(self, request: HttpRequest, obj: AreaWeights, form: Any, change: bool) -> None:  # noqa: ARG002
        made = areas.change_weights(changed_by=whoever_asks(request), now=clock.now(), **form.cleaned_data)
        obj.__dict__.update(made.__dict__)
