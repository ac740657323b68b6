"""What a lot has taught so far about a kind of day; `models` gathers it with the other rows of this room."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from parking_share.spaces.models import DayType, Lot

SLOTS_A_DAY = 96
HOURS_A_DAY = 24


class LearntDemand(models.Model):
    """What was seen in a lot on one kind of day, with how often. Versioned, never rewritten.

    Facts only: what they weigh against the prior, `engine.evidence` says when they are used.
    """

    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="learnt_demand", verbose_name=_("lot"))
    day_type = models.CharField(_("kind of day"), max_length=8, choices=DayType)
    version = models.PositiveIntegerField(_("version"))
    engine_version = models.PositiveSmallIntegerField(_("version of the engine"))
    occupied: "ArrayField[list[float | None], list[float | None]]" = ArrayField(
        models.FloatField(null=True), size=SLOTS_A_DAY, verbose_name=_("bays in use on average, by slot of the day")
    )
    occupied_days: "ArrayField[list[int], list[int]]" = ArrayField(
        models.PositiveIntegerField(), size=SLOTS_A_DAY, verbose_name=_("days seen, by slot of the day")
    )
    arrivals: "ArrayField[list[int], list[int]]" = ArrayField(
        models.PositiveIntegerField(), size=SLOTS_A_DAY, verbose_name=_("requests, by the slot in which they start")
    )
    asked_days = models.PositiveIntegerField(_("days on which requests were counted"))
    wanted_lengths: "ArrayField[list[int], list[int]]" = ArrayField(
        models.PositiveIntegerField(), size=SLOTS_A_DAY, verbose_name=_("requests, by length in slots")
    )
    lead_total_h = models.FloatField(_("hours between requests and their starts, in all"))
    stay_lengths: "ArrayField[list[int], list[int]]" = ArrayField(
        models.PositiveIntegerField(), size=SLOTS_A_DAY, verbose_name=_("completed stays, by length in slots")
    )
    survey_shares: "ArrayField[list[float], list[float]]" = ArrayField(
        models.FloatField(),
        size=HOURS_A_DAY,
        default=list,
        blank=True,
        verbose_name=_("shares of demand by hour, as a survey has them"),
    )
    survey_people = models.PositiveIntegerField(_("people asked by the survey"), default=0)
    first_date = models.DateField(_("first day"), null=True, blank=True)
    last_date = models.DateField(_("last day"), null=True, blank=True)
    learnt_at = models.DateTimeField(_("learnt"))
    superseded_at = models.DateTimeField(_("superseded"), null=True, blank=True)

    class Meta:
        verbose_name = _("learnt demand")
        verbose_name_plural = _("learnt demand")
        constraints = [
            models.UniqueConstraint(name="learnt_demand_versioned", fields=["lot", "day_type", "version"]),
            models.UniqueConstraint(
                name="learnt_demand_one_in_force", fields=["lot", "day_type"], condition=Q(superseded_at__isnull=True)
            ),
            models.CheckConstraint(
                name="learnt_demand_has_96_slots",
                condition=Q(
                    occupied__len=SLOTS_A_DAY,
                    occupied_days__len=SLOTS_A_DAY,
                    arrivals__len=SLOTS_A_DAY,
                    wanted_lengths__len=SLOTS_A_DAY,
                    stay_lengths__len=SLOTS_A_DAY,
                ),
            ),
            models.CheckConstraint(
                name="learnt_demand_has_24_survey_hours_or_none",
                condition=Q(survey_shares=[], survey_people=0) | Q(survey_shares__len=HOURS_A_DAY, survey_people__gt=0),
            ),
            models.CheckConstraint(
                name="learnt_demand_ends_after_it_begins",
                condition=Q(first_date__isnull=True, last_date__isnull=True) | Q(last_date__gte=F("first_date")),
            ),
            models.CheckConstraint(
                name="learnt_demand_superseded_after_learnt",
                condition=Q(superseded_at__isnull=True) | Q(superseded_at__gte=F("learnt_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lot_id} {self.get_day_type_display()} {self.version}"

    @property
    def requests(self) -> int:
        return sum(self.arrivals)

    @property
    def stays(self) -> int:
        return sum(self.stay_lengths)

    @property
    def days_seen(self) -> int:
        """On how many days the fullness of its best-known slot was seen."""
        return max(self.occupied_days)
