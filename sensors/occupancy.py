"""What was, in quarters of an hour: roll-ups, what has to be rolled again, and profiles learned from them."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from parking_share.spaces.models import DayType, Lot, Space

SLOTS_A_DAY = 96


class OccupancySlot(models.Model):
    """How full a lot was in one quarter of an hour."""

    class Source(models.TextChoices):
        BAYS = "BAYS", _("bay sensors")
        COUNTER = "COUNTER", _("counter")
        GATES = "GATES", _("gates")
        IMPORTED = "IMPORTED", _("imported")

    class Quality(models.TextChoices):
        GOOD = "GOOD", _("good")
        STUCK = "STUCK", _("counter stuck")
        WORDS = "WORDS", _("a word instead of a number")

    lot = models.ForeignKey(
        Lot, on_delete=models.CASCADE, related_name="occupancy_slots", db_index=False, verbose_name=_("lot")
    )
    starts_at = models.DateTimeField(_("slot"))
    source = models.CharField(_("known from"), max_length=8, choices=Source)
    quality = models.CharField(_("quality"), max_length=5, choices=Quality, default=Quality.GOOD)
    bays = models.PositiveIntegerField(_("bays observed"), null=True, blank=True)
    mean_occupied = models.FloatField(_("occupied on average"), null=True, blank=True)
    most_occupied = models.PositiveIntegerField(_("occupied at most"), null=True, blank=True)
    unknown_share = models.FloatField(_("share unknown"), default=0)
    closed_share = models.FloatField(_("share closed"), default=0)
    state_text = models.CharField(_("state in words"), max_length=20, blank=True)
    newest_reading_at = models.DateTimeField(_("newest reading"), null=True, blank=True)
    rolled_at = models.DateTimeField(_("computed"))

    class Meta:
        verbose_name = _("occupancy of a slot")
        verbose_name_plural = _("occupancy by slot")
        indexes = [BrinIndex(name="occupancy_slot_by_time", fields=["starts_at"])]
        constraints = [
            models.UniqueConstraint(name="occupancy_slot_once_per_lot", fields=["lot", "starts_at"]),
            models.CheckConstraint(
                name="occupancy_slot_shares_are_shares",
                condition=Q(unknown_share__range=(0, 1), closed_share__range=(0, 1)),
            ),
            models.CheckConstraint(
                name="occupancy_slot_mean_is_below_most",
                condition=Q(mean_occupied__isnull=True)
                | Q(mean_occupied__gte=0, mean_occupied__lte=F("most_occupied") + 1e-9),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lot_id} {self.starts_at:%Y-%m-%d %H:%M}"


class StaleSlot(models.Model):
    """What came late for a lot, or for one of its bays, from the first to the last of it; without a last, until now.

    It is rolled up again for as long as it matters: until the next word of the bay, say (`due.py`).
    """

    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="+", verbose_name=_("lot"))
    space = models.ForeignKey(Space, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("space"))
    from_at = models.DateTimeField(_("from"))
    until_at = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("slot to compute again")
        verbose_name_plural = _("slots to compute again")

    def __str__(self) -> str:
        return f"{self.lot_id} {self.from_at:%Y-%m-%d %H:%M}"


class OccupancyProfile(models.Model):
    """What a quarter of an hour of a kind of day usually looks like in a lot. Versioned, never rewritten."""

    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="occupancy_profiles", verbose_name=_("lot"))
    day_type = models.CharField(_("kind of day"), max_length=8, choices=DayType)
    version = models.PositiveIntegerField(_("version"))
    bays = models.PositiveIntegerField(_("bays"))
    mean_occupied: "ArrayField[list[float | None], list[float | None]]" = ArrayField(
        models.FloatField(null=True), size=SLOTS_A_DAY, verbose_name=_("occupied on average, by slot of the day")
    )
    samples: "ArrayField[list[int], list[int]]" = ArrayField(
        models.PositiveIntegerField(), size=SLOTS_A_DAY, verbose_name=_("days seen, by slot of the day")
    )
    first_date = models.DateField(_("first day"))
    last_date = models.DateField(_("last day"))
    learned_at = models.DateTimeField(_("learned"))
    superseded_at = models.DateTimeField(_("superseded"), null=True, blank=True)

    class Meta:
        verbose_name = _("occupancy profile")
        verbose_name_plural = _("occupancy profiles")
        constraints = [
            models.UniqueConstraint(name="occupancy_profile_versioned", fields=["lot", "day_type", "version"]),
            models.UniqueConstraint(
                name="occupancy_profile_one_in_force",
                fields=["lot", "day_type"],
                condition=Q(superseded_at__isnull=True),
            ),
            models.CheckConstraint(
                name="occupancy_profile_has_96_slots",
                condition=Q(mean_occupied__len=SLOTS_A_DAY, samples__len=SLOTS_A_DAY),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lot_id} {self.get_day_type_display()} {self.version}"
