"""What a gate may do: rules of a site, lists, answers that were given, one-time codes."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parking_share.accounts.models import User
from parking_share.reservations.models import Reservation
from parking_share.spaces.models import Gate, Lot


class LotRules(models.Model):
    """How a lot keeps its promises; the row without a lot holds everywhere else."""

    class FailSafe(models.TextChoices):
        STAY_SHUT = "STAY_SHUT", _("stay shut")
        OPEN = "OPEN", _("open")
        USE_LIST = "USE_LIST", _("use the list the gate has kept")

    lot = models.OneToOneField(
        Lot, on_delete=models.CASCADE, null=True, blank=True, related_name="rules", verbose_name=_("lot")
    )
    early_grace_min = models.PositiveSmallIntegerField(_("admitted early, minutes before the start"), default=15)
    late_exit_grace_min = models.PositiveSmallIntegerField(_("may leave late, minutes after the end"), default=10)
    penalty_percent = models.PositiveSmallIntegerField(_("penalty rate, per cent of the peak rate"), default=200)
    compensation_percent = models.PositiveSmallIntegerField(
        _("compensation for a broken promise, per cent of the price"), default=100
    )
    least_compensation_cents = models.PositiveIntegerField(_("least compensation, in minor units"), default=500)
    fail_safe = models.CharField(
        _("when the platform can't be reached"), max_length=9, choices=FailSafe, default=FailSafe.USE_LIST
    )
    unknown_may_leave = models.BooleanField(_("exits open for cars that nobody knows"), default=True)

    class Meta:
        verbose_name = _("rules of a lot")
        verbose_name_plural = _("rules of lots")
        constraints = [
            models.UniqueConstraint(name="lot_rules_once_per_lot", fields=["lot"], nulls_distinct=False),
            models.CheckConstraint(
                name="lot_rules_are_plausible",
                condition=Q(
                    early_grace_min__lte=240,
                    late_exit_grace_min__lte=120,
                    penalty_percent__range=(100, 1000),
                    compensation_percent__lte=1000,
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(self.lot or _("everywhere else"))

    @property
    def early_grace(self) -> timedelta:
        return timedelta(minutes=self.early_grace_min)


class ListedPlate(models.Model):
    """A car that the manager lets in whenever she said: staff, deliveries, a resident's second car."""

    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="listed_plates", verbose_name=_("lot"))
    plate_encrypted = models.BinaryField(editable=False)
    plate_exact_hash = models.BinaryField(max_length=32, editable=False)
    plate_folded_hash = models.BinaryField(max_length=32, editable=False)
    label = models.CharField(_("who or what for"), max_length=60, blank=True)
    valid_from = models.DateTimeField(_("from"))
    valid_until = models.DateTimeField(_("until"), null=True, blank=True)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("added by"))
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    class Meta:
        verbose_name = _("listed plate")
        verbose_name_plural = _("listed plates")
        indexes = [models.Index(name="listed_plate_by_folded", fields=["lot", "plate_folded_hash"])]
        constraints = [
            models.UniqueConstraint(
                name="listed_plate_once_per_lot",
                fields=["lot", "plate_exact_hash"],
                condition=Q(removed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return self.label or f"{self.lot_id}"


class GateAnswer(models.Model):
    """One answer of the platform to a gate: open or not, and why. Append-only, by a trigger."""

    class Asked(models.TextChoices):
        PLATE = "PLATE", _("a plate was read")
        CODE = "CODE", _("a code was shown")
        GUARD = "GUARD", _("a guard opened")

    class Verdict(models.TextChoices):
        RESERVED = "RESERVED", _("reserved")
        ADMITTED_EARLY = "ADMITTED_EARLY", _("reserved, and a bay is free already")
        RESIDENT = "RESIDENT", _("lives or works here")
        LISTED = "LISTED", _("on the manager's list")
        LEAVING = "LEAVING", _("leaving")
        OPENED_BY_GUARD = "OPENED_BY_GUARD", _("opened by a guard")
        TOO_EARLY = "TOO_EARLY", _("too early, and no bay is free yet")
        TOO_LATE = "TOO_LATE", _("the reservation is over")
        UNKNOWN_PLATE = "UNKNOWN_PLATE", _("no reservation and on no list")
        AMBIGUOUS = "AMBIGUOUS", _("more than one reservation could be meant")
        NO_PLATE = "NO_PLATE", _("no plate was read")
        NOT_LIVE = "NOT_LIVE", _("sent later, or sent twice")
        WRONG_CODE = "WRONG_CODE", _("the code is wrong, used or too old")
        NOT_THIS_LANE = "NOT_THIS_LANE", _("the lane does not serve this direction")
        FAIL_SAFE = "FAIL_SAFE", _("the database did not answer, the site's rule did")

    gate = models.ForeignKey(Gate, on_delete=models.PROTECT, related_name="answers", verbose_name=_("gate"))
    asked_by = models.CharField(_("asked by"), max_length=5, choices=Asked)
    reading_id = models.BigIntegerField(null=True, blank=True)
    opens = models.BooleanField(_("opens"))
    verdict = models.CharField(_("why"), max_length=15, choices=Verdict)
    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("reservation")
    )
    actor = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("guard")
    )
    note = models.CharField(_("reason given"), max_length=200, blank=True)
    answered_at = models.DateTimeField(_("answered"))

    class Meta:
        verbose_name = _("answer to a gate")
        verbose_name_plural = _("answers to gates")
        indexes = [
            models.Index(name="gate_answer_by_gate", fields=["gate", "-id"]),
            models.Index(
                name="gate_answer_of_reservation", fields=["reservation"], condition=Q(reservation__isnull=False)
            ),
            models.Index(name="gate_answer_to_reading", fields=["reading_id"], condition=Q(reading_id__isnull=False)),
            models.Index(
                name="gate_answer_to_wrong_code", fields=["gate", "answered_at"], condition=Q(verdict="WRONG_CODE")
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="gate_answer_by_a_guard_has_guard_and_reason",
                condition=~Q(asked_by="GUARD") | (Q(actor__isnull=False) & ~Q(note="")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.gate_id} {self.verdict}"


class EntryCode(models.Model):
    """A one-time code (and QR) by which a driver opens the gate when the camera fails. Only its hash is kept."""

    reservation = models.ForeignKey(Reservation, on_delete=models.CASCADE, related_name="entry_codes")
    code_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)

    class Meta:
        verbose_name = _("entry code")
        verbose_name_plural = _("entry codes")
        constraints = [
            models.UniqueConstraint(
                name="entry_code_one_unused_per_reservation",
                fields=["reservation"],
                condition=Q(used_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.reservation_id}"
