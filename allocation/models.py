from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from allocation.area_models import AreaRequest, AreaWeights
from allocation.lab_models import LabRun, LabStep
from allocation.learnt import LearntDemand
from allocation.overruling_models import Overruling, Pin
from parking_share.accounts.models import User
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Reason
from parking_share.spaces.models import Lot, Space

__all__ = [
    "AreaRequest",
    "AreaWeights",
    "Assignment",
    "Decision",
    "DecisionSnapshot",
    "LabRun",
    "LabStep",
    "LearntDemand",
    "LotPolicy",
    "Obstacle",
    "Overruling",
    "Pin",
    "PolicyName",
]

HIGHEST_THRESHOLD = HIGHEST_TOLERANCE = 1000
HIGHEST_PEAK_RATE_CENTS = 10_000_000
SHORTEST_MODAL_STAY_H, LONGEST_MODAL_STAY_H = 0.25, 24


class PolicyName(models.TextChoices):
    FCFS = "fcfs", _("first come, first served")
    DECISION_ONLY = "decision_only", _("decision stage alone")
    TWO_STAGE = "two_stage", _("two-stage")
    REVENUE = "revenue", _("revenue")
    BEST_FIT = "best_fit", _("best fit")
    REASSIGN = "reassign", _("reassign")
    FORESIGHT = "foresight", _("foresight")


class LotPolicy(models.Model):
    """How a lot decides and assigns. The row without a lot holds everywhere else; a change is a new version."""

    lot = models.ForeignKey(
        Lot, on_delete=models.CASCADE, null=True, blank=True, related_name="policies", verbose_name=_("lot")
    )
    version = models.PositiveIntegerField(_("version"), default=1)
    name = models.CharField(_("policy"), max_length=20, choices=PolicyName, default=PolicyName.FORESIGHT)
    threshold = models.FloatField(
        _("threshold"), default=1.5, validators=[MinValueValidator(0), MaxValueValidator(HIGHEST_THRESHOLD)]
    )
    fragment_weight = models.FloatField(
        _("weight of fragmentation"), default=0.7, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    modal_stay_h = models.FloatField(
        _("most frequent stay in hours"),
        default=3.0,
        validators=[MinValueValidator(SHORTEST_MODAL_STAY_H), MaxValueValidator(LONGEST_MODAL_STAY_H)],
    )
    peak_rate_cents = models.PositiveIntegerField(
        _("peak rate per hour, in minor units"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(HIGHEST_PEAK_RATE_CENTS)],
    )
    fairness_tolerance = models.FloatField(
        _("tolerance for fairness"), default=0, validators=[MinValueValidator(0), MaxValueValidator(HIGHEST_TOLERANCE)]
    )
    why = models.CharField(_("why"), max_length=300, blank=True)
    valid_from = models.DateTimeField(_("valid from"), default=timezone.now)
    superseded_at = models.DateTimeField(_("superseded"), null=True, blank=True)
    changed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("changed by")
    )

    class Meta:
        verbose_name = _("policy of a lot")
        verbose_name_plural = _("policies of lots")
        constraints = [
            models.UniqueConstraint(name="lot_policy_version_once", fields=["lot", "version"], nulls_distinct=False),
            models.UniqueConstraint(
                name="lot_has_one_policy_in_force",
                fields=["lot"],
                condition=Q(superseded_at__isnull=True),
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="lot_policy_weight_is_a_share", condition=Q(fragment_weight__range=(0, 1))),
            models.CheckConstraint(
                name="lot_policy_numbers_make_sense",
                condition=Q(threshold__range=(0, HIGHEST_THRESHOLD))
                & Q(modal_stay_h__range=(SHORTEST_MODAL_STAY_H, LONGEST_MODAL_STAY_H))
                & Q(fairness_tolerance__range=(0, HIGHEST_TOLERANCE)),
            ),
            models.CheckConstraint(
                name="lot_policy_peak_rate_is_a_lots_own",
                condition=Q(peak_rate_cents__isnull=True)
                | Q(peak_rate_cents__lte=HIGHEST_PEAK_RATE_CENTS, lot__isnull=False),
            ),
            models.CheckConstraint(
                name="lot_policy_superseded_after_valid",
                condition=Q(superseded_at__isnull=True) | Q(superseded_at__gte=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_name_display()} {self.version}"


class DecisionSnapshot(models.Model):
    """What one round saw of one lot, packed: all that its decisions are recomputed from. Kept for half a year."""

    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="+", verbose_name=_("lot"))
    made_at = models.DateTimeField(_("made"))
    engine_version = models.CharField(_("version of the engine"), max_length=20)
    packed = models.BinaryField(_("packed"), editable=False)

    class Meta:
        verbose_name = _("snapshot of a round")
        verbose_name_plural = _("snapshots of rounds")
        indexes = [models.Index(name="decision_snapshot_by_age", fields=["made_at"])]

    def __str__(self) -> str:
        return f"{self.lot_id} {self.made_at:%Y-%m-%d %H:%M:%S}"


class Decision(models.Model):
    """The answer of stage one, with its reason and the policy that gave it. Append-only."""

    reservation = models.OneToOneField(Reservation, on_delete=models.PROTECT, related_name="decision")
    is_accepted = models.BooleanField(_("accepted"))
    reason = models.CharField(_("reason"), max_length=40, choices=Reason)
    space = models.ForeignKey(
        Space, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("tentative space")
    )
    policy_name = models.CharField(_("policy"), max_length=20, choices=PolicyName)
    policy_version = models.PositiveIntegerField(_("version of the policy"))
    decided_at = models.DateTimeField(_("decided"))
    spaces_considered = models.PositiveIntegerField(_("spaces considered"))
    spaces_free = models.PositiveIntegerField(_("spaces free"), null=True, blank=True)
    others_moved = models.PositiveIntegerField(_("others moved"), default=0)
    snapshot = models.ForeignKey(
        DecisionSnapshot,
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,  # a decision is never changed, also when its snapshot is forgotten
        related_name="decisions",
        verbose_name=_("snapshot"),
    )
    place = models.PositiveSmallIntegerField(_("place in its round"), null=True, blank=True)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        indexes = [models.Index(name="decision_by_time", fields=["-decided_at"])]
        constraints = [
            models.CheckConstraint(
                name="decision_names_a_space_exactly_when_accepted",
                condition=Q(is_accepted=True, space__isnull=False) | Q(is_accepted=False, space__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}"


class Assignment(models.Model):
    """The final bay of stage two. Append-only."""

    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="assignments")
    space = models.ForeignKey(Space, on_delete=models.PROTECT, related_name="+", verbose_name=_("space"))
    tentative_space = models.ForeignKey(
        Space, on_delete=models.PROTECT, related_name="+", verbose_name=_("tentative space")
    )
    policy_name = models.CharField(_("policy"), max_length=20, choices=PolicyName)
    assigned_at = models.DateTimeField(_("assigned"))

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        constraints = [models.UniqueConstraint(name="reservation_assigned_once", fields=["reservation"])]

    def __str__(self) -> str:
        return str(self.space)


class Obstacle(models.Model):
    """A bay in which somebody found another car: until then nobody is sent there while another bay will do."""

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="obstacles", verbose_name=_("space"))
    seen_at = models.DateTimeField(_("seen"))
    until = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("obstacle")
        verbose_name_plural = _("obstacles")
        indexes = [models.Index(name="obstacle_in_space", fields=["space", "until"])]
        constraints = [
            models.CheckConstraint(name="obstacle_ends_after_it_was_seen", condition=Q(until__gte=F("seen_at")))
        ]

    def __str__(self) -> str:
        return f"{self.space_id} {self.until:%Y-%m-%d %H:%M}"
