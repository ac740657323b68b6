"""When reality and promise part: overstays, discrepancies, incidents, broken promises."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from parking_share.accounts.models import User
from parking_share.reservations.models import Reservation
from parking_share.spaces.models import Lot, Space


class Overstay(models.Model):
    """A car that stayed past its end: since when, until when, what it costs at the penalty rate, and who waived that.

    From when on it is charged, and how much an hour, are written down when it begins: later rules do not change them.
    """

    reservation = models.OneToOneField(
        Reservation, on_delete=models.PROTECT, related_name="overstay", verbose_name=_("reservation")
    )
    space = models.ForeignKey(Space, on_delete=models.PROTECT, related_name="+", verbose_name=_("space"))
    began_at = models.DateTimeField(_("since"))
    ended_at = models.DateTimeField(_("until"), null=True, blank=True)
    warned_at = models.DateTimeField(_("warned"), null=True, blank=True)
    charged_from = models.DateTimeField(_("charged from"))
    cents_an_hour = models.PositiveIntegerField(_("penalty rate, minor units an hour"))
    penalty_cents = models.PositiveIntegerField(_("penalty in minor units"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    waived_at = models.DateTimeField(_("waived"), null=True, blank=True)
    waived_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("waived by")
    )
    waiver_note = models.CharField(_("why it was waived"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("overstay")
        verbose_name_plural = _("overstays")
        indexes = [models.Index(name="overstay_going_on", fields=["id"], condition=Q(ended_at__isnull=True))]
        constraints = [
            models.CheckConstraint(
                name="overstay_ends_after_it_begins",
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("began_at")),
            ),
            models.CheckConstraint(
                name="overstay_is_waived_by_somebody_for_a_reason",
                condition=Q(waived_at__isnull=True, waived_by__isnull=True, waiver_note="")
                | (Q(waived_at__isnull=False, waived_by__isnull=False, ended_at__isnull=False) & ~Q(waiver_note="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reservation_id}"

    @property
    def owed_cents(self) -> int:
        return 0 if self.waived_at else self.penalty_cents


class Discrepancy(models.Model):
    """A sensor and the reservations disagree about a bay. A sensor cancels nothing: rules or people resolve this."""

    class Kind(models.TextChoices):
        NOBODY_DUE = "NOBODY_DUE", _("occupied with nobody due")
        EMPTY_WHILE_PARKED = "EMPTY_WHILE_PARKED", _("free while somebody is parked")
        WRONG_BAY = "WRONG_BAY", _("a driver stands in another bay than announced")
        NOT_BACK_IN_TIME = "NOT_BACK_IN_TIME", _("occupied in the owner's own time")
        CLOSED_WHILE_DUE = "CLOSED_WHILE_DUE", _("closed with somebody due")

    class Outcome(models.TextChoices):
        CLEARED = "CLEARED", _("the sensor came to agree")
        COMPLETED = "COMPLETED", _("the stay was ended")
        REHOMED = "REHOMED", _("whoever was due got another bay")
        STAFF = "STAFF", _("settled by staff")

    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="discrepancies", verbose_name=_("lot"))
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="discrepancies", verbose_name=_("space"))
    kind = models.CharField(_("kind"), max_length=18, choices=Kind)
    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("reservation")
    )
    reading_id = models.BigIntegerField(null=True, blank=True)
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=9, choices=Outcome, blank=True)
    closed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("closed by")
    )
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("discrepancy")
        verbose_name_plural = _("discrepancies")
        constraints = [
            models.UniqueConstraint(
                name="discrepancy_open_once_per_bay_and_kind",
                fields=["space", "kind"],
                condition=Q(closed_at__isnull=True),
            ),
            models.CheckConstraint(
                name="discrepancy_closed_with_an_outcome",
                condition=Q(closed_at__isnull=True, outcome="") | (Q(closed_at__isnull=False) & ~Q(outcome="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.space_id} {self.kind}"


class Incident(models.Model):
    """“Someone is in my bay”: who said so, whose car it is, what we did, and what the sensors knew at that moment."""

    class Outcome(models.TextChoices):
        ANOTHER_BAY = "ANOTHER_BAY", _("another bay in the same lot")
        ANOTHER_LOT = "ANOTHER_LOT", _("a bay in another lot")
        FREE_CANCELLATION = "FREE_CANCELLATION", _("cancelled free of charge")

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="incidents", verbose_name=_("lot"))
    space = models.ForeignKey(Space, on_delete=models.PROTECT, related_name="incidents", verbose_name=_("space"))
    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, related_name="incidents", verbose_name=_("reservation")
    )
    reported_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("reported by")
    )
    intruder_encrypted = models.BinaryField(null=True, blank=True, editable=False)
    intruder_exact_hash = models.BinaryField(max_length=32, null=True, blank=True, editable=False)
    intruder_reservation = models.ForeignKey(
        Reservation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reservation of the other car"),
    )
    outcome = models.CharField(_("outcome"), max_length=17, choices=Outcome)
    moved_to = models.ForeignKey(
        Space, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("moved to")
    )
    replacement = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("replacement")
    )
    evidence = models.JSONField(_("evidence"), default=list)
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("closed by")
    )
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        indexes = [models.Index(name="incident_open_by_lot", fields=["lot"], condition=Q(closed_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.lot_id} {self.opened_at:%Y-%m-%d %H:%M}"


class BrokenPromise(models.Model):
    """A bay we had promised and could not give: why, what was offered instead, what is owed."""

    class Cause(models.TextChoices):
        OVERSTAY = "OVERSTAY", _("the car before did not leave")
        INTRUDER = "INTRUDER", _("somebody else stood in the bay")
        NEVER_ANNOUNCED = "NEVER_ANNOUNCED", _("no bay could be announced in time")
        TAKEN_BACK = "TAKEN_BACK", _("the bay was taken back")

    reservation = models.OneToOneField(
        Reservation, on_delete=models.PROTECT, related_name="broken_promise", verbose_name=_("reservation")
    )
    cause = models.CharField(_("cause"), max_length=15, choices=Cause)
    offered_lot = models.ForeignKey(
        Lot, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("lot offered")
    )
    replacement = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("replacement")
    )
    compensation_cents = models.PositiveIntegerField(_("compensation in minor units"))
    currency = models.CharField(_("currency"), max_length=3)
    happened_at = models.DateTimeField(_("happened"))
    attended_at = models.DateTimeField(_("replacement looked for"), null=True, blank=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("settled by")
    )
    settlement_note = models.CharField(_("how it was settled"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("broken promise")
        verbose_name_plural = _("broken promises")
        indexes = [models.Index(name="broken_promise_to_attend", fields=["id"], condition=Q(attended_at__isnull=True))]
        constraints = [
            models.CheckConstraint(
                name="broken_promise_is_settled_by_somebody_somehow",
                condition=Q(settled_at__isnull=True, settled_by__isnull=True, settlement_note="")
                | (Q(settled_at__isnull=False, settled_by__isnull=False) & ~Q(settlement_note="")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.reservation_id} {self.cause}"
