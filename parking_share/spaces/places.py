"""Where parking is: districts, lots and their gates."""

from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


def validate_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("“%(name)s” is not an IANA time zone, such as Asia/Shanghai."), params={"name": name})


class District(models.Model):
    name = models.CharField(_("name"), max_length=80)
    city = models.CharField(_("city"), max_length=80)

    class Meta:
        verbose_name = _("district")
        verbose_name_plural = _("districts")
        constraints = [models.UniqueConstraint(name="district_named_once_per_city", fields=["city", "name"])]

    def __str__(self) -> str:
        return f"{self.city} {self.name}"


class LandUse(models.TextChoices):
    RESIDENTIAL = "RESIDENTIAL", _("residential")
    OFFICE = "OFFICE", _("office")
    COMMERCIAL = "COMMERCIAL", _("commercial")
    PUBLIC = "PUBLIC", _("public service")


class AccessClass(models.Model):
    """How open a kind of car park is to the public; the coverage model weighs capacity by it."""

    code = models.CharField(_("code"), max_length=20, primary_key=True)
    openness = models.DecimalField(
        _("openness"), max_digits=3, decimal_places=2, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    admits_public = models.BooleanField(
        _("every bay is open to the public"),
        default=False,
        help_text=_("Where it is not, only bays in their shared hours count as open."),
    )

    class Meta:
        verbose_name = _("access class")
        verbose_name_plural = _("access classes")
        constraints = [
            models.CheckConstraint(name="access_class_openness_is_a_share", condition=Q(openness__range=(0, 1)))
        ]

    def __str__(self) -> str:
        return self.code


LATITUDES = [MinValueValidator(-90), MaxValueValidator(90)]
LONGITUDES = [MinValueValidator(-180), MaxValueValidator(180)]


class Lot(models.Model):
    """A car park, or a compound with gates. Positions are WGS-84."""

    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="lots", verbose_name=_("district"))
    name = models.CharField(_("name"), max_length=120)
    address = models.CharField(_("address"), max_length=200, blank=True)
    source_key = models.CharField(_("key in the source it was imported from"), max_length=120, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=40, default="Asia/Shanghai", validators=[validate_zone])
    latitude = models.FloatField(_("latitude"), validators=LATITUDES)
    longitude = models.FloatField(_("longitude"), validators=LONGITUDES)
    entrance_latitude = models.FloatField(_("latitude of the entrance"), null=True, blank=True, validators=LATITUDES)
    entrance_longitude = models.FloatField(_("longitude of the entrance"), null=True, blank=True, validators=LONGITUDES)
    land_use = models.CharField(_("land use"), max_length=20, choices=LandUse)
    access_class = models.ForeignKey(AccessClass, on_delete=models.PROTECT, verbose_name=_("access class"))
    capacity = models.PositiveIntegerField(_("bays in all"), null=True, blank=True)
    peak_rate_cents = models.PositiveIntegerField(_("rate per hour at the peak, in minor units"), default=600)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    is_open = models.BooleanField(_("takes reservations"), default=True)

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        indexes = [models.Index(name="lot_by_position", fields=["latitude", "longitude"])]
        constraints = [
            models.UniqueConstraint(name="lot_imported_once", fields=["source_key"], condition=~Q(source_key="")),
            models.CheckConstraint(
                name="lot_is_on_earth", condition=Q(latitude__range=(-90, 90), longitude__range=(-180, 180))
            ),
            models.CheckConstraint(name="lot_currency_has_three_letters", condition=Q(currency__regex=r"^[A-Z]{3}$")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def entrance(self) -> tuple[float, float]:
        """Latitude and longitude of where one drives in; the lot's own point where no entrance is known."""
        if self.entrance_latitude is None or self.entrance_longitude is None:
            return self.latitude, self.longitude
        return self.entrance_latitude, self.entrance_longitude


class Gate(models.Model):
    """An entry or exit lane."""

    class Kind(models.TextChoices):
        ENTRY = "ENTRY", _("entry")
        EXIT = "EXIT", _("exit")
        BOTH = "BOTH", _("entry and exit")

    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="gates", verbose_name=_("lot"))
    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(_("kind"), max_length=5, choices=Kind, default=Kind.BOTH)
    latitude = models.FloatField(_("latitude"), validators=LATITUDES)
    longitude = models.FloatField(_("longitude"), validators=LONGITUDES)

    class Meta:
        verbose_name = _("gate")
        verbose_name_plural = _("gates")
        constraints = [models.UniqueConstraint(name="gate_named_once_per_lot", fields=["lot", "name"])]

    def __str__(self) -> str:
        return self.name
