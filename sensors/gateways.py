"""Who may tell us what happens: gateways, their keys, and the devices behind them."""

import ipaddress

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parking_share.spaces.models import Gate, Lot, Space

LIVE_KEYS = (1, 2)


class Gateway(models.Model):
    """A party that sends events: a camera, a network server of bay sensors, a car park's own system."""

    class Format(models.TextChoices):
        OWN = "OWN", _("our own JSON")
        VZENITH = "VZENITH", "Vzenith AlarmInfoPlate"
        HIKVISION = "HIKVISION", "Hikvision ISAPI"
        PLATE_RECOGNIZER = "PLATE_RECOGNIZER", "Plate Recognizer Stream"
        REKOR = "REKOR", "Rekor (OpenALPR)"
        THINGS_STACK = "THINGS_STACK", "The Things Stack v3"

    class Trust(models.TextChoices):
        SIGNED = "SIGNED", _("signs its messages")
        DEVICE = "DEVICE", _("knows only an address nobody can guess")

    name = models.CharField(_("name"), max_length=80, unique=True)
    format = models.CharField(_("format"), max_length=16, choices=Format)
    trust = models.CharField(_("how it proves itself"), max_length=6, choices=Trust)
    lots = models.ManyToManyField(Lot, related_name="gateways", verbose_name=_("lots it may write for"))
    expected_serial = models.CharField(_("serial number it must name"), max_length=80, blank=True)
    addresses: "ArrayField[list[str], list[str]]" = ArrayField(
        models.CharField(max_length=43), default=list, blank=True, verbose_name=_("networks it must call from")
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("gateway")
        verbose_name_plural = _("gateways")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Write networks in their one spelling: callers are compared with them as text."""
        super().clean()
        try:
            self.addresses = [str(ipaddress.ip_network(one.strip())) for one in self.addresses]
        except ValueError as error:
            message = _("Write addresses as 203.0.113.7 and networks as 203.0.113.0/24.")
            raise ValidationError({"addresses": message}) from error


class GatewayKey(models.Model):
    """A secret of a gateway; two may live at once, so that one can be changed without losing a message.

    What a device must only know is kept as a hash; what signs has to be kept whole, and is encrypted.
    """

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="keys", verbose_name=_("gateway"))
    position = models.PositiveSmallIntegerField(_("first or second key"))
    secret_hash = models.CharField(_("hash of the secret"), max_length=64, unique=True, editable=False)
    secret_encrypted = models.BinaryField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("key of a gateway")
        verbose_name_plural = _("keys of gateways")
        constraints = [
            models.UniqueConstraint(
                name="gateway_has_at_most_two_live_keys",
                fields=["gateway", "position"],
                condition=Q(revoked_at__isnull=True),
            ),
            models.CheckConstraint(name="gateway_key_is_first_or_second", condition=Q(position__in=LIVE_KEYS)),
            models.CheckConstraint(
                name="gateway_key_hash_is_a_sha_256",
                condition=Q(secret_hash__regex=r"^[0-9a-f]{64}$"),  # noqa: S106 -- a shape, not a secret
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.position}"


class Device(models.Model):
    """One camera at a gate, one sensor in a bay, or one counter of a lot."""

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="devices", verbose_name=_("gateway"))
    identifier = models.CharField(_("serial number or name it sends"), max_length=80)
    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="devices", verbose_name=_("lot"))
    gate = models.ForeignKey(
        Gate, on_delete=models.CASCADE, null=True, blank=True, related_name="devices", verbose_name=_("gate")
    )
    space = models.ForeignKey(
        Space, on_delete=models.CASCADE, null=True, blank=True, related_name="devices", verbose_name=_("space")
    )
    decoder = models.CharField(_("kind of sensor"), max_length=40, blank=True)
    heartbeat_s = models.PositiveIntegerField(_("seconds between signs of life"), default=3600)
    heard_at = models.DateTimeField(_("last heard"), null=True, blank=True)
    clock_off_s = models.IntegerField(_("seconds its clock is ahead"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        constraints = [
            models.UniqueConstraint(name="device_once_per_gateway", fields=["gateway", "identifier"]),
            models.CheckConstraint(
                name="device_is_at_a_gate_or_in_a_bay",
                condition=Q(gate__isnull=True) | Q(space__isnull=True),
                violation_error_message=_("A device is at a gate or in a bay, not both."),
            ),
            models.CheckConstraint(name="device_has_a_heartbeat", condition=Q(heartbeat_s__gte=1)),
        ]

    def __str__(self) -> str:
        return self.identifier

    def clean(self) -> None:
        """Say what a trigger in the database refuses: a gate or a bay of another lot."""
        super().clean()
        for field, place in (("gate", self.gate), ("space", self.space)):
            if place is not None and place.lot_id != self.lot_id:
                raise ValidationError({field: _("This is in another lot than the device.")})
