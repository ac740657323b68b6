"""What is: the state of every bay, and who stands where."""

from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from parking_share.ranges import period
from parking_share.reservations.models import Reservation
from parking_share.spaces.models import Lot, Space
from sensors.gateways import Device


class Occupancy(models.TextChoices):
    """Four states, kept apart everywhere: a bay that nobody has heard of is not free."""

    FREE = "FREE", _("free")
    OCCUPIED = "OCCUPIED", _("occupied")
    CLOSED = "CLOSED", _("closed")
    UNKNOWN = "UNKNOWN", _("unknown")


class BayState(models.Model):
    """The newest word on a bay: the fold of its readings. Whether it is still believed, `selectors` say.

    `heard_at` is when the newest sign of life happened; silence for two heartbeats makes the bay *unknown* (see
    `selectors.bay_states`), whatever is written here. A bay that gave signs of life only is UNKNOWN, as of 1970.
    """

    space = models.OneToOneField(
        Space, on_delete=models.CASCADE, primary_key=True, related_name="bay_state", verbose_name=_("space")
    )
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+", verbose_name=_("device"))
    state = models.CharField(_("state"), max_length=8, choices=Occupancy)
    observed_at = models.DateTimeField(_("happened"))
    sequence = models.BigIntegerField(_("number in its source"))
    tie_break = models.UUIDField(_("hash of its key"))
    since = models.DateTimeField(_("in this state since"))
    heard_at = models.DateTimeField(_("last sign of life"))

    class Meta:
        verbose_name = _("state of a bay")
        verbose_name_plural = _("states of bays")
        constraints = [
            models.CheckConstraint(
                name="bay_state_is_one_of_four", condition=Q(state__in=["FREE", "OCCUPIED", "CLOSED", "UNKNOWN"])
            )
        ]

    def __str__(self) -> str:
        return f"{self.space_id} {self.state}"


class Stay(models.Model):
    """A car in a lot, from when until when, as far as gates, sensors or the driver said."""

    class Source(models.TextChoices):
        GATE = "GATE", _("gate")
        BAY_SENSOR = "BAY_SENSOR", _("bay sensor")
        DRIVER = "DRIVER", _("driver")
        GUARD = "GUARD", _("guard")
        IMPORTED = "IMPORTED", _("imported")

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="stays", verbose_name=_("lot"))
    space = models.ForeignKey(
        Space, on_delete=models.PROTECT, null=True, blank=True, related_name="stays", verbose_name=_("space")
    )
    reservation = models.ForeignKey(
        Reservation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="stays",
        verbose_name=_("reservation"),
    )
    plate_exact_hash = models.BinaryField(max_length=32, null=True, blank=True, editable=False)
    source = models.CharField(_("known from"), max_length=10, choices=Source)
    source_key = models.CharField(_("key in its source"), max_length=200, blank=True)
    began_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("stay")
        verbose_name_plural = _("stays")
        indexes = [
            models.Index(name="stay_of_lot", fields=["lot", "began_at"]),
            models.Index(name="stay_of_reservation", fields=["reservation"]),
            GistIndex("lot", period("began_at", "ended_at"), name="stay_by_period"),
            models.Index(name="stay_with_plate", fields=["began_at"], condition=Q(plate_exact_hash__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                name="stay_ends_after_it_begins", condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("began_at"))
            ),
            models.UniqueConstraint(
                name="stay_open_once_per_car_and_lot",
                fields=["lot", "plate_exact_hash"],
                condition=Q(ended_at__isnull=True, plate_exact_hash__isnull=False),
            ),
            models.UniqueConstraint(
                name="stay_open_once_per_reservation",
                fields=["reservation"],
                condition=Q(ended_at__isnull=True, reservation__isnull=False),
            ),
            models.UniqueConstraint(
                name="stay_open_once_per_bay", fields=["space"], condition=Q(ended_at__isnull=True, space__isnull=False)
            ),
            models.UniqueConstraint(
                name="stay_imported_once", fields=["lot", "source_key"], condition=~Q(source_key="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lot_id} {self.began_at:%Y-%m-%d %H:%M}"
