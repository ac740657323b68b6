"""Comparisons of policies on recorded days; `models` gathers them with the other rows of this room."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from parking_share.accounts.models import User
from parking_share.spaces.models import District, Lot


class LabRun(models.Model):
    """A week of a lot, or an uploaded instance, as it was read; its steps hold what each policy made of it."""

    class State(models.TextChoices):
        WAITING = "WAITING", _("waiting")
        RUNNING = "RUNNING", _("being computed")
        DONE = "DONE", _("done")
        OUT_OF_TIME = "OUT_OF_TIME", _("stopped: out of time")
        CANCELLED = "CANCELLED", _("cancelled")
        REFUSED = "REFUSED", _("not possible")

    district = models.ForeignKey(
        District, on_delete=models.CASCADE, related_name="lab_runs", verbose_name=_("district")
    )
    lot = models.ForeignKey(
        Lot, on_delete=models.CASCADE, null=True, blank=True, related_name="lab_runs", verbose_name=_("lot")
    )
    first_date = models.DateField(_("first day"), null=True, blank=True)
    file_name = models.CharField(_("file"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.WAITING)
    sentence = models.TextField(_("why it ended"), blank=True)
    days: "models.JSONField[Any, Any]" = models.JSONField(_("recorded days"), default=list)
    steps_in_all = models.PositiveIntegerField(_("steps in all"), default=0)
    steps_done = models.PositiveIntegerField(_("steps done"), default=0)
    attempts = models.PositiveSmallIntegerField(_("attempts at the next step"), default=0)
    seconds_used = models.FloatField(_("seconds used"), default=0)
    engine_version = models.CharField(_("version of the engine"), max_length=20, blank=True)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    made_at = models.DateTimeField(_("made"))
    made_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by")
    )

    class Meta:
        verbose_name = _("comparison of policies")
        verbose_name_plural = _("comparisons of policies")
        indexes = [models.Index(name="lab_run_under_way", fields=["id"], condition=Q(state__in=["RUNNING", "WAITING"]))]
        constraints = [
            models.CheckConstraint(
                name="lab_run_is_of_a_week_or_of_a_file",
                condition=Q(lot__isnull=False, first_date__isnull=False, file_name="")
                | (Q(lot__isnull=True, first_date__isnull=True) & ~Q(file_name="")),
            ),
            models.CheckConstraint(
                name="lab_run_does_no_more_than_all", condition=Q(steps_done__lte=F("steps_in_all"))
            ),
        ]

    def __str__(self) -> str:
        return self.file_name or f"{self.lot} {self.first_date}"

    @property
    def is_under_way(self) -> bool:
        return self.state in {self.State.WAITING, self.State.RUNNING}

    @property
    def percent(self) -> int:
        return 100 * self.steps_done // self.steps_in_all if self.steps_in_all else 0


class LabStep(models.Model):
    """What one policy, or one sweep, made of one day. Written once."""

    run = models.ForeignKey(LabRun, on_delete=models.CASCADE, related_name="steps")
    day = models.PositiveSmallIntegerField(_("day"))
    name = models.CharField(_("policy or sweep"), max_length=20)
    found: "models.JSONField[Any, Any]" = models.JSONField(_("found"))

    class Meta:
        verbose_name = _("step of a comparison")
        verbose_name_plural = _("steps of comparisons")
        constraints = [models.UniqueConstraint(name="lab_step_once", fields=["run", "day", "name"])]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"
