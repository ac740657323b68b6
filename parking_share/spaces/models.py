from datetime import time
from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parking_share.accounts.models import SizeClass, User
from parking_share.ranges import period
from parking_share.spaces.places import AccessClass, District, Gate, LandUse, Lot

__all__ = [
    "AccessClass",
    "BookingLimits",
    "CalendarDay",
    "DayType",
    "District",
    "Gate",
    "LandUse",
    "Lot",
    "Resident",
    "Role",
    "RoleGrant",
    "ShareException",
    "ShareRule",
    "ShareWindow",
    "Space",
    "Tariff",
]

HOURS_OF_A_DAY = 24


class Role(models.TextChoices):
    MANAGER = "MANAGER", _("property manager")
    CITY_STAFF = "CITY_STAFF", _("city staff")
    GUARD = "GUARD", _("guard")
    GATEWAY = "GATEWAY", _("gateway")
    OPERATOR = "OPERATOR", _("operator")


class RoleGrant(models.Model):
    """What a person may do, and where: managers and guards in a lot, city staff in a district, operators anywhere."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_grants", verbose_name=_("person"))
    role = models.CharField(_("role"), max_length=12, choices=Role)
    lot = models.ForeignKey(
        Lot, on_delete=models.CASCADE, null=True, blank=True, related_name="role_grants", verbose_name=_("lot")
    )
    district = models.ForeignKey(
        District,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="role_grants",
        verbose_name=_("district"),
    )
    granted_at = models.DateTimeField(_("granted"), default=timezone.now)

    class Meta:
        verbose_name = _("role grant")
        verbose_name_plural = _("role grants")
        constraints = [
            models.UniqueConstraint(
                name="role_granted_once", fields=["user", "role", "lot", "district"], nulls_distinct=False
            ),
            models.CheckConstraint(
                name="role_has_its_own_scope",
                condition=Q(role__in=["MANAGER", "GUARD", "GATEWAY"], lot__isnull=False, district__isnull=True)
                | Q(role="CITY_STAFF", lot__isnull=True, district__isnull=False)
                | Q(role="OPERATOR", lot__isnull=True, district__isnull=True),
                violation_error_message=_(
                    "A manager, a guard and a gateway need a lot, city staff a district, an operator neither."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.lot or self.district or '*'}"


class CalendarDay(models.Model):
    """A date that is not the weekday it seems: a public holiday, or a make-up working day (调休)."""

    class Kind(models.TextChoices):
        HOLIDAY = "HOLIDAY", _("public holiday")
        MAKE_UP_WORKDAY = "MAKE_UP_WORKDAY", _("make-up working day")

    region = models.CharField(_("region"), max_length=40, default="CN")
    date = models.DateField(_("date"))
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    acts_as = models.PositiveSmallIntegerField(
        _("counts as this weekday"), validators=[MinValueValidator(1), MaxValueValidator(7)]
    )
    name = models.CharField(_("name"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("calendar day")
        verbose_name_plural = _("calendar days")
        constraints = [
            models.UniqueConstraint(name="calendar_day_once_per_region", fields=["region", "date"]),
            models.CheckConstraint(
                name="calendar_day_acts_as_its_kind",
                condition=Q(kind="HOLIDAY", acts_as__in=[6, 7]) | Q(kind="MAKE_UP_WORKDAY", acts_as__range=(1, 5)),
                violation_error_message=_("A holiday counts as 6 or 7, a make-up working day as 1 to 5."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.name or self.get_kind_display()}"


class DayType(models.TextChoices):
    WORKDAY = "WORKDAY", _("working day")
    DAY_OFF = "DAY_OFF", _("day off")


class Tariff(models.Model):
    """Importance g(t) of each local hour in per cent; the rate of an hour is the lot's peak rate times it (eq. 3).

    A row without a lot is the default for a land use.
    """

    lot = models.ForeignKey(
        Lot, on_delete=models.CASCADE, null=True, blank=True, related_name="tariffs", verbose_name=_("lot")
    )
    land_use = models.CharField(_("land use"), max_length=20, choices=LandUse, blank=True)
    day_type = models.CharField(_("kind of day"), max_length=8, choices=DayType)
    importance_percent: "ArrayField[list[int], list[int]]" = ArrayField(
        models.PositiveSmallIntegerField(validators=[MaxValueValidator(100)]),
        size=HOURS_OF_A_DAY,
        verbose_name=_("importance of the 24 hours, in per cent"),
    )

    class Meta:
        verbose_name = _("tariff")
        verbose_name_plural = _("tariffs")
        constraints = [
            models.UniqueConstraint(
                name="tariff_once_per_lot_or_land_use", fields=["lot", "land_use", "day_type"], nulls_distinct=False
            ),
            models.CheckConstraint(
                name="tariff_is_of_a_lot_or_of_a_land_use",
                condition=Q(lot__isnull=False, land_use="") | (Q(lot__isnull=True) & ~Q(land_use="")),
            ),
            models.CheckConstraint(name="tariff_has_24_hours", condition=Q(importance_percent__len=HOURS_OF_A_DAY)),
        ]

    def __str__(self) -> str:
        return f"{self.lot or self.get_land_use_display()} {self.get_day_type_display()}"


class BookingLimits(models.Model):
    """What a request may ask for; the row without a lot holds everywhere else."""

    lot = models.OneToOneField(
        Lot, on_delete=models.CASCADE, null=True, blank=True, related_name="limits", verbose_name=_("lot")
    )
    shortest_stay_min = models.PositiveIntegerField(_("shortest stay in minutes"), default=15)
    longest_stay_min = models.PositiveIntegerField(_("longest stay in minutes"), default=3 * 24 * 60)
    furthest_ahead_days = models.PositiveSmallIntegerField(_("how many days ahead"), default=30)
    open_requests_per_driver = models.PositiveSmallIntegerField(_("open reservations per driver"), default=10)
    announce_before_min = models.PositiveSmallIntegerField(_("bay announced, minutes before the start"), default=15)
    no_show_grace_min = models.PositiveSmallIntegerField(_("bay kept, minutes after the start"), default=60)

    class Meta:
        verbose_name = _("booking limits")
        verbose_name_plural = _("booking limits")
        constraints = [
            models.UniqueConstraint(name="booking_limits_once_per_lot", fields=["lot"], nulls_distinct=False),
            models.CheckConstraint(
                name="booking_limits_leave_something_possible",
                condition=Q(shortest_stay_min__gte=1, longest_stay_min__gte=F("shortest_stay_min")),
                violation_error_message=_("The longest stay can't be shorter than the shortest."),
            ),
            models.CheckConstraint(
                name="booking_limits_stay_within_shown_windows",
                condition=Q(furthest_ahead_days__lte=55),
                violation_error_message=_("Bookings are possible at most 55 days ahead."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.lot or _("everywhere else"))


class Space(models.Model):
    """One bay, in one lot."""

    class Admits(models.TextChoices):
        EVERYONE = "EVERYONE", _("everyone")
        RESIDENTS = "RESIDENTS", _("residents of the lot")
        LISTED = "LISTED", _("people on its list")

    class Standing(models.TextChoices):
        PENDING = "PENDING", _("waiting for approval")
        APPROVED = "APPROVED", _("approved")
        PAUSED = "PAUSED", _("paused")
        REFUSED = "REFUSED", _("refused")

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="spaces", verbose_name=_("lot"))
    label = models.CharField(_("label"), max_length=20)
    owner = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="spaces", verbose_name=_("owner")
    )
    standing = models.CharField(_("standing"), max_length=8, choices=Standing, default=Standing.APPROVED)
    size = models.PositiveSmallIntegerField(_("size"), choices=SizeClass, default=SizeClass.STANDARD)
    height_limit_cm = models.PositiveSmallIntegerField(_("height limit in cm"), null=True, blank=True)
    has_charger = models.BooleanField(_("has a charger"), default=False)
    is_accessible = models.BooleanField(_("accessible"), default=False)
    admits = models.CharField(_("who may park"), max_length=9, choices=Admits, default=Admits.EVERYONE)
    guests = models.ManyToManyField(User, blank=True, related_name="+", verbose_name=_("people on its list"))
    return_margin_min = models.PositiveSmallIntegerField(
        _("minutes the bay must be back early"), default=15, validators=[MaxValueValidator(240)]
    )

    class Meta:
        verbose_name = _("space")
        verbose_name_plural = _("spaces")
        constraints = [
            models.UniqueConstraint(name="space_labelled_once_per_lot", fields=["lot", "label"]),
            models.CheckConstraint(name="space_return_margin_is_plausible", condition=Q(return_margin_min__lte=240)),
        ]

    def __str__(self) -> str:
        return self.label


class Resident(models.Model):
    """A person who lives or works in a lot, and so may use its residents' bays."""

    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="residents", verbose_name=_("lot"))
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="residences", verbose_name=_("person"))

    class Meta:
        verbose_name = _("resident")
        verbose_name_plural = _("residents")
        constraints = [models.UniqueConstraint(name="resident_once_per_lot", fields=["lot", "user"])]

    def __str__(self) -> str:
        return f"{self.user}: {self.lot}"


class ShareRule(models.Model):
    """A recurring offer in the local time of the lot: on these weekdays, from then until then.

    An end that is not after the start lies on the next day. A calendar day acts as the weekday it stands for.
    """

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="rules", verbose_name=_("space"))
    weekdays: "ArrayField[list[int], list[int]]" = ArrayField(
        models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(7)]),
        size=7,
        verbose_name=_("weekdays"),
    )
    starts_at_local = models.TimeField(_("from"), default=time(8, 30))
    ends_at_local = models.TimeField(_("until"), default=time(18, 0))
    first_date = models.DateField(_("first day"))
    last_date = models.DateField(_("last day"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    class Meta:
        verbose_name = _("share rule")
        verbose_name_plural = _("share rules")
        constraints = [
            models.CheckConstraint(
                name="share_rule_ends_after_it_begins",
                condition=Q(last_date__isnull=True) | Q(last_date__gte=F("first_date")),
                violation_error_message=_("The last day can't be before the first."),
            ),
            models.CheckConstraint(name="share_rule_has_weekdays", condition=Q(weekdays__len__range=(1, 7))),
        ]

    def __str__(self) -> str:
        return f"{self.space} {self.starts_at_local:%H:%M}-{self.ends_at_local:%H:%M}"


class ShareException(models.Model):
    """Hours that the owner takes out of the weekly pattern."""

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="exceptions", verbose_name=_("space"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("exception")
        verbose_name_plural = _("exceptions")
        constraints = [
            models.CheckConstraint(name="share_exception_ends_after_start", condition=Q(ends_at__gt=F("starts_at")))
        ]

    def __str__(self) -> str:
        return f"{self.space} {self.starts_at}-{self.ends_at}"


class ShareWindowQuerySet(models.QuerySet["ShareWindow"]):
    def current(self) -> "ShareWindowQuerySet":
        """Windows in force, not the versions they replaced."""
        return self.filter(superseded_at__isnull=True)


class ShareWindow(models.Model):
    """One concrete period in which a space may be used: merged, and trimmed by the return margin.

    Versioned, never rewritten: a change supersedes the row and adds another.
    """

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="windows", verbose_name=_("space"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    created_at = models.DateTimeField(_("created"))
    superseded_at = models.DateTimeField(_("superseded"), null=True, blank=True)

    objects: ClassVar["models.Manager[ShareWindow]"] = ShareWindowQuerySet.as_manager()

    class Meta:
        verbose_name = _("share window")
        verbose_name_plural = _("share windows")
        constraints = [
            models.CheckConstraint(name="share_window_ends_after_start", condition=Q(ends_at__gt=F("starts_at"))),
            ExclusionConstraint(
                name="share_window_no_overlap_in_space",
                expressions=[
                    ("space", RangeOperators.EQUAL),
                    (period("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
                condition=Q(superseded_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.space} {self.starts_at:%m-%d %H:%M}-{self.ends_at:%m-%d %H:%M}"
