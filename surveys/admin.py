from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from parking_share.admin_tools import ReadOnly
from surveys.models import (
    FormEntry,
    ImportMapping,
    ImportProblem,
    Question,
    Questionnaire,
    QuestionnaireVersion,
    Response,
    ResponseImport,
    Standing,
    Wave,
    Weighting,
)


@admin.register(Questionnaire)
class QuestionnaireAdmin(ReadOnly):
    """Drafts are edited on the pages of the city, where they are checked."""

    list_display = ("id", "slug", "__str__", "city", "changed_at", "pages")
    list_filter = ("city",)
    search_fields = ("slug", "city")
    date_hierarchy = "created_at"

    @admin.display(description=_("pages"))
    def pages(self, questionnaire: Questionnaire) -> str:
        return _link("web:city_survey", questionnaire.pk, _("open"))


@admin.register(QuestionnaireVersion)
class QuestionnaireVersionAdmin(ReadOnly):
    list_display = ("id", "questionnaire", "number", "published_at", "published_by")
    list_select_related = ("questionnaire", "published_by")
    search_fields = ("questionnaire__slug",)
    date_hierarchy = "published_at"


@admin.register(Question)
class QuestionAdmin(ReadOnly):
    list_display = ("id", "version", "number", "key", "kind", "meaning")
    list_filter = ("kind", "meaning")
    list_select_related = ("version__questionnaire",)
    search_fields = ("key", "version__questionnaire__slug")


@admin.register(Wave)
class WaveAdmin(ReadOnly):
    """The funnel in the list; the summary one click away."""

    list_display = (
        "id", "questionnaire", "name", "handed_out", "returned", "valid", "opened_at", "closed_at", "is_synthetic",
        "summary",
    )  # fmt: skip
    list_filter = ("is_synthetic", ("closed_at", admin.EmptyFieldListFilter), "questionnaire__city")
    list_select_related = ("questionnaire",)
    search_fields = ("name", "questionnaire__slug")
    date_hierarchy = "opened_at"
    fields = (
        "questionnaire", "version", "name", "handed_out", "note", "needs_double_entry", "is_synthetic", "opened_at",
        "closed_at", "opened_by", "summary",
    )  # fmt: skip
    readonly_fields = ("summary",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Wave]:
        submitted = ~Q(responses__standing=Standing.DRAFT)
        waves: QuerySet[Wave] = super().get_queryset(request)
        return waves.annotate(
            returned=Count("responses", filter=submitted),
            valid=Count("responses", filter=Q(responses__standing=Standing.VALID)),
        )

    @admin.display(description=_("returned"), ordering="returned")
    def returned(self, wave: Any) -> int:
        count: int = wave.returned
        return count

    @admin.display(description=_("valid"), ordering="valid")
    def valid(self, wave: Any) -> int:
        count: int = wave.valid
        return count

    @admin.display(description=_("summary"))
    def summary(self, wave: Wave) -> str:
        return _link("web:city_wave", wave.pk, _("open"))


@admin.register(Response)
class ResponseAdmin(ReadOnly):
    list_display = ("id", "wave", "source", "standing", "reasons", "district", "answered_date")
    list_filter = ("standing", "source", "wave__questionnaire__city")
    list_select_related = ("wave", "district")
    search_fields = ("=id", "=reference", "wave__name")


@admin.register(FormEntry)
class FormEntryAdmin(ReadOnly):
    list_display = ("id", "wave", "form_number", "turn", "entered_at", "entered_by")
    list_filter = ("turn",)
    list_select_related = ("wave", "entered_by")
    search_fields = ("=form_number", "wave__name")
    date_hierarchy = "entered_at"


@admin.register(ResponseImport)
class ResponseImportAdmin(ReadOnly):
    list_display = (
        "id", "wave", "file_name", "state", "rows_done", "created", "already_there", "refused", "uploaded_at",
        "uploaded_by",
    )  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("wave", "uploaded_by")
    search_fields = ("file_name", "wave__name")
    date_hierarchy = "uploaded_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ResponseImport]:
        jobs: QuerySet[ResponseImport] = super().get_queryset(request)
        return jobs.defer("content")


@admin.register(ImportProblem)
class ImportProblemAdmin(ReadOnly):
    list_display = ("id", "response_import", "row_number", "column", "sentence")
    list_select_related = ("response_import",)
    search_fields = ("=response_import__id", "sentence")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportProblem]:
        problems: QuerySet[ImportProblem] = super().get_queryset(request)
        return problems.defer("response_import__content")


@admin.register(ImportMapping)
class ImportMappingAdmin(ReadOnly):
    list_display = ("id", "questionnaire", "header")
    list_select_related = ("questionnaire",)
    search_fields = ("questionnaire__slug",)


@admin.register(Weighting)
class WeightingAdmin(ReadOnly):
    list_display = ("id", "wave", "name", "effective_number", "design_effect", "made_at", "made_by")
    list_select_related = ("wave", "made_by")
    search_fields = ("name", "wave__name")
    date_hierarchy = "made_at"


def _link(route: str, pk: int, label: Any) -> str:
    return format_html('<a href="{}">{}</a>', reverse(route, args=[pk]), label)
