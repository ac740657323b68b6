from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from parking_share.accounts.models import User


class CityOutline(models.Model):
    """The target area of a city: the ground that is divided among its lots. Versioned; WGS-84, GeoJSON."""

    city = models.CharField(_("city"), max_length=80)
    outline = models.JSONField(_("outline, GeoJSON"))
    source = models.CharField(_("source"), max_length=200, blank=True)
    imported_datum = models.CharField(_("datum of the source"), max_length=5)
    valid_from = models.DateTimeField(_("from"))
    superseded_at = models.DateTimeField(_("superseded"), null=True, blank=True)

    class Meta:
        verbose_name = _("outline of a city")
        verbose_name_plural = _("outlines of cities")
        constraints = [
            models.UniqueConstraint(
                name="city_outline_one_in_force", fields=["city"], condition=Q(superseded_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return self.city


class Mode(models.TextChoices):
    FLAT = "FLAT", _("one network")
    NESTED = "NESTED", _("a network for each cluster")


class CoverageSettings(models.Model):
    """How a city's coverage is computed; the row without a city holds everywhere else."""

    city = models.CharField(_("city"), max_length=80, blank=True, unique=True)
    mode = models.CharField(_("mode"), max_length=6, choices=Mode, default=Mode.FLAT)
    fee_effect = models.CharField(_("how the fee counts"), max_length=20, default="hyperbolic")
    fee_scale = models.FloatField(_("fee scale, currency units"), default=1.0)
    floor_m = models.FloatField(_("least distance in metres"), default=10.0)
    vacancy_accuracy = models.FloatField(_("accuracy of vacancy"), default=0.01)
    cluster_radius_m = models.FloatField(_("radius of clusters in metres"), default=220.0)
    tolerance_m = models.FloatField(_("tolerance of borders in metres"), default=0.5)
    is_public = models.BooleanField(
        _("the map may be shown to everybody"),
        default=False,
        help_text=_(
            "Opens the read-only map that other sites may embed: areas and ranks, no bays. Only of a named city."
        ),
    )

    class Meta:
        verbose_name = _("coverage settings")
        verbose_name_plural = _("coverage settings")
        constraints = [
            models.CheckConstraint(
                name="coverage_settings_are_plausible",
                condition=Q(
                    fee_scale__gt=0,
                    floor_m__gt=0,
                    vacancy_accuracy__gt=0,
                    vacancy_accuracy__lte=0.5,
                    cluster_radius_m__gt=0,
                    tolerance_m__gt=0,
                    fee_effect__in=["hyperbolic", "free_counts_as_one", "exponential"],
                ),
                violation_error_message=_(
                    "Lengths and the fee's scale are above zero, the accuracy of vacancy is above 0 and at most 0.5."
                ),
            ),
            models.CheckConstraint(
                name="coverage_public_only_of_a_named_city",
                condition=Q(is_public=False) | ~Q(city=""),
                violation_error_message=_("Name the city whose map everybody may see."),
            ),
        ]

    def __str__(self) -> str:
        return self.city or str(_("everywhere else"))


class CoverageBase(models.Model):
    """The part of the picture that only changes with the lots: positions, capability, potential, clusters, mesh.

    Immutable. `arrays` is the engine's city, its sites in the order of `lot_ids`; `clusters` the cluster of each lot;
    `mesh` what the browser paints on, under an address that names `mesh_hash`.
    """

    city = models.CharField(_("city"), max_length=80)
    fingerprint = models.CharField(_("hash of lots, outline and settings"), max_length=64)
    engine_version = models.CharField(_("version of the engine"), max_length=20)
    parameters = models.JSONField(_("parameters"))
    made_at = models.DateTimeField(_("made"))
    plane_latitude = models.FloatField(_("latitude of the middle"))
    plane_longitude = models.FloatField(_("longitude of the middle"))
    lot_ids: "ArrayField[list[int], list[int]]" = ArrayField(models.BigIntegerField(), verbose_name=_("lots"))
    arrays = models.BinaryField()
    clusters = models.BinaryField()
    mesh = models.BinaryField()
    mesh_hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("base of coverage")
        verbose_name_plural = _("bases of coverage")
        constraints = [models.UniqueConstraint(name="coverage_base_once", fields=["city", "fingerprint"])]

    def __str__(self) -> str:
        return f"{self.city} {self.made_at:%Y-%m-%d %H:%M}"


class CoverageRun(models.Model):
    """One picture of a city: its service areas in one slot. Published whole or not at all, then immutable.

    `values` keeps vacancy, rank, area, basis and age by lot; `paint` the weights and vacancies that the browser gets.
    """

    class Status(models.TextChoices):
        COMPUTING = "COMPUTING", _("being computed")
        PUBLISHED = "PUBLISHED", _("published")
        REFUSED = "REFUSED", _("refused by the checks")

    base = models.ForeignKey(CoverageBase, on_delete=models.PROTECT, related_name="runs", verbose_name=_("base"))
    city = models.CharField(_("city"), max_length=80)
    slot_starts_at = models.DateTimeField(_("slot"))
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.COMPUTING)
    input_at = models.DateTimeField(_("as known at"))
    began_at = models.DateTimeField(_("begun"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    engine_version = models.CharField(_("version of the engine"), max_length=20)
    parameters = models.JSONField(_("parameters"))
    is_backfilled = models.BooleanField(_("computed afterwards"), default=False)
    complaint = models.TextField(_("why it was refused"), blank=True)
    values = models.BinaryField(null=True, blank=True)
    areas = models.BinaryField(null=True, blank=True)
    paint = models.BinaryField(null=True, blank=True)
    paint_hash = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("picture of coverage")
        verbose_name_plural = _("pictures of coverage")
        indexes = [
            models.Index(
                name="coverage_run_published", fields=["city", "-slot_starts_at"], condition=Q(status="PUBLISHED")
            )
        ]
        constraints = [
            models.UniqueConstraint(
                name="coverage_run_published_once_per_slot",
                fields=["city", "slot_starts_at"],
                condition=Q(status="PUBLISHED"),
            ),
            models.UniqueConstraint(
                name="coverage_run_computed_once_at_a_time",
                fields=["city", "slot_starts_at"],
                condition=Q(status="COMPUTING"),
            ),
            models.CheckConstraint(
                name="coverage_run_published_is_whole",
                condition=~Q(status="PUBLISHED") | Q(values__isnull=False, paint__isnull=False, ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.city} {self.slot_starts_at:%Y-%m-%d %H:%M} {self.status}"


class CoveragePart(models.Model):
    """Some clusters of a nested run, computed by one worker; whoever finishes the last part publishes."""

    run = models.ForeignKey(CoverageRun, on_delete=models.CASCADE, related_name="parts", verbose_name=_("picture"))
    number = models.PositiveIntegerField(_("number"))
    clusters: "ArrayField[list[int], list[int]]" = ArrayField(models.IntegerField(), verbose_name=_("clusters"))
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    values = models.BinaryField(null=True, blank=True)
    areas = models.BinaryField(null=True, blank=True)

    class Meta:
        verbose_name = _("part of a picture")
        verbose_name_plural = _("parts of pictures")
        constraints = [models.UniqueConstraint(name="coverage_part_once", fields=["run", "number"])]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.number}"


class Scenario(models.Model):
    """A named what-if: lots added, moved, closed, resized or beginning to share. Seen by link; changes nothing."""

    city = models.CharField(_("city"), max_length=80)
    name = models.CharField(_("name"), max_length=80)
    link = models.CharField(_("link"), max_length=43, unique=True, editable=False)
    changes = models.JSONField(_("changes"))
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("made by"))
    made_at = models.DateTimeField(_("made"))
    expires_at = models.DateTimeField(_("kept until"))

    class Meta:
        verbose_name = _("scenario")
        verbose_name_plural = _("scenarios")
        indexes = [models.Index(name="scenario_by_city", fields=["city", "-made_at"])]
        constraints = [
            models.CheckConstraint(name="scenario_expires_after_it_is_made", condition=Q(expires_at__gt=F("made_at")))
        ]

    def __str__(self) -> str:
        return self.name
