"""Requests for an area instead of a lot; `models` gathers these with the other rows of this room."""

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from allocation.engine.choice import ChoiceWeights
from parking_share.accounts.models import User
from parking_share.reservations.models import Reservation

NEAREST_REACH_M, FURTHEST_REACH_M = 50, 2000
DEAREST_CENTS = 100_000


class AreaWeights(models.Model):
    """What a walk and a broken gap count beside the price, when the platform chooses the lot. Versioned."""

    version = models.PositiveIntegerField(_("version"), unique=True)
    walk_cents_per_100m = models.PositiveIntegerField(
        _("100 m on foot, there and back, in minor units"), default=100, validators=[MaxValueValidator(DEAREST_CENTS)]
    )
    sustainability_cents = models.PositiveIntegerField(
        _("one unit of sustainability cost, in minor units"), default=30, validators=[MaxValueValidator(DEAREST_CENTS)]
    )
    valid_from = models.DateTimeField(_("valid from"), default=timezone.now)
    superseded_at = models.DateTimeField(_("superseded"), null=True, blank=True)
    changed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("changed by")
    )

    class Meta:
        verbose_name = _("weights for areas")
        verbose_name_plural = _("weights for areas")
        constraints = [
            models.UniqueConstraint(
                name="area_weights_one_in_force",
                fields=["superseded_at"],
                condition=Q(superseded_at__isnull=True),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="area_weights_are_plausible",
                condition=Q(walk_cents_per_100m__lte=DEAREST_CENTS, sustainability_cents__lte=DEAREST_CENTS),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.walk_cents_per_100m} {self.sustainability_cents}"

    @property
    def choice(self) -> ChoiceWeights:
        return ChoiceWeights(walk_per_100m=self.walk_cents_per_100m, sustainability=self.sustainability_cents)


class AreaRequest(models.Model):
    """Where the driver of a reservation wants to be: until it is decided its lot only stands for the area.

    `considered` has what was weighed: every lot in reach, with its price, walk, cost and total, or why it said no.
    """

    reservation = models.OneToOneField(Reservation, on_delete=models.PROTECT, related_name="area")
    latitude = models.FloatField(_("latitude"))
    longitude = models.FloatField(_("longitude"))
    radius_m = models.PositiveIntegerField(_("reach in metres"))
    weights_version = models.PositiveIntegerField(_("version of the weights"), null=True, blank=True)
    considered: "models.JSONField[list[dict[str, object]], list[dict[str, object]]]" = models.JSONField(
        _("lots considered"), default=list, blank=True
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    class Meta:
        verbose_name = _("request for an area")
        verbose_name_plural = _("requests for areas")
        indexes = [
            models.Index(name="area_request_waiting", fields=["reservation"], condition=Q(decided_at__isnull=True))
        ]
        constraints = [
            models.CheckConstraint(
                name="area_request_is_on_earth", condition=Q(latitude__range=(-90, 90), longitude__range=(-180, 180))
            ),
            models.CheckConstraint(
                name="area_request_is_within_a_walk", condition=Q(radius_m__range=(NEAREST_REACH_M, FURTHEST_REACH_M))
            ),
            models.CheckConstraint(
                name="area_request_names_its_weights_once_decided",
                condition=Q(decided_at__isnull=True, weights_version__isnull=True)
                | Q(decided_at__isnull=False, weights_version__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.radius_m} m"
