"""Comparisons of policies in the admin: only looked at; people begin and cancel them in the laboratory."""

from django.contrib import admin

from allocation.models import LabRun, LabStep
from parking_share.admin_tools import ReadOnly


@admin.register(LabRun)
class LabRunAdmin(ReadOnly):
    list_display = (
        "id",
        "lot",
        "first_date",
        "file_name",
        "district",
        "state",
        "steps_done",
        "steps_in_all",
        "seconds_used",
        "made_by",
        "made_at",
    )
    list_filter = ("state", "district")
    list_select_related = ("lot", "district", "made_by")
    search_fields = ("=id", "lot__name", "file_name")
    date_hierarchy = "made_at"
    exclude = ("days",)


@admin.register(LabStep)
class LabStepAdmin(ReadOnly):
    list_display = ("id", "run", "day", "name")
    list_filter = ("name",)
    list_select_related = ("run__lot",)
    search_fields = ("=run__id",)
