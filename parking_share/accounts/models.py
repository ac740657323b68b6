from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parking_share.accounts import plates

models.BinaryField.register_lookup(Length)


class Language(models.TextChoices):
    """Each under its own name, whoever reads it."""

    CHINESE = "zh-hans", "简体中文"
    ENGLISH = "en", "English"


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, email: str | None = None, password: str | None = None, *, phone: str | None = None, **fields: Any
    ) -> "User":
        """Create a person who signs in with an e-mail address, a phone number or either."""
        user = self.model(email=(email or "").strip().lower() or None, phone=phone or None, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find by e-mail address, whatever its case, or by phone number."""
        return self.get(Q(email=(username or "").lower()) | Q(phone=username))


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What they may do beyond driving and owning is said by role grants, not here."""

    email = models.EmailField(_("e-mail address"), unique=True, null=True, blank=True)
    phone = models.CharField(
        _("phone number"),
        max_length=16,
        unique=True,
        null=True,
        blank=True,
        validators=[
            RegexValidator(r"^\+[1-9][0-9]{6,14}$", _("Write the number with its country code, as +8613800138000."))
        ],
    )
    phone_verified = models.BooleanField(_("phone number verified"), default=False)
    display_name = models.CharField(_("name"), max_length=80, blank=True)
    language = models.CharField(_("language"), max_length=10, choices=Language, default=Language.CHINESE)
    has_accessible_permit = models.BooleanField(_("may use accessible bays"), default=False)
    is_staff = models.BooleanField(_("may enter the admin"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(
                name="user_has_email_or_phone",
                condition=Q(email__isnull=False) | Q(phone__isnull=False),
                violation_error_message=_("Give an e-mail address or a phone number."),
            ),
            models.CheckConstraint(
                name="user_email_is_lower_case",
                condition=Q(email__isnull=True) | Q(email=models.functions.Lower("email")),
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.email or self.phone or ""

    def clean(self) -> None:
        super().clean()
        self.email = (self.email or "").lower() or None
        self.phone = self.phone or None


class SizeClass(models.IntegerChoices):
    """How much room a car needs, and how much a bay gives: a car fits a bay of its own class or a larger one."""

    COMPACT = 1, _("compact")
    STANDARD = 2, _("standard")
    LARGE = 3, _("large")


class VehicleManager(models.Manager["Vehicle"]):
    def with_plate(self, text: str) -> models.QuerySet["Vehicle"]:
        """Vehicles whose plate is this one, however it was typed."""
        return self.filter(plate_exact_hash=plates.exact_hash(plates.normalise_plate(text)))

    def lock(self, plate_hashes: Iterable[bytes]) -> None:
        """Lock the cars with these plates, whoever registered them, in order of id, until the transaction ends."""
        cars = self.filter(plate_exact_hash__in=list(plate_hashes)).order_by("pk")
        list(cars.select_for_update(no_key=True).values_list("pk"))


class Vehicle(models.Model):
    """A plate that a driver comes with."""

    driver = models.ForeignKey(User, on_delete=models.CASCADE, related_name="vehicles", verbose_name=_("driver"))
    plate_encrypted = models.BinaryField(editable=False)
    plate_exact_hash = models.BinaryField(max_length=32, editable=False)
    plate_folded_hash = models.BinaryField(max_length=32, editable=False)
    label = models.CharField(_("name"), max_length=40, blank=True)
    size = models.PositiveSmallIntegerField(_("size"), choices=SizeClass, default=SizeClass.STANDARD)
    height_cm = models.PositiveSmallIntegerField(_("height in cm"), null=True, blank=True)
    created_at = models.DateTimeField(_("registered"), default=timezone.now)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    objects: ClassVar[VehicleManager] = VehicleManager()

    class Meta:
        verbose_name = _("vehicle")
        verbose_name_plural = _("vehicles")
        indexes = [
            models.Index(name="vehicle_by_exact_plate", fields=["plate_exact_hash"]),
            models.Index(name="vehicle_by_folded_plate", fields=["plate_folded_hash"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="vehicle_once_per_driver",
                fields=["driver", "plate_exact_hash"],
                condition=Q(removed_at__isnull=True),
            ),
            models.CheckConstraint(
                name="vehicle_hashes_are_32_bytes",
                condition=Q(plate_exact_hash__length=32, plate_folded_hash__length=32),
            ),
            models.CheckConstraint(
                name="vehicle_height_is_plausible",
                condition=Q(height_cm__isnull=True) | Q(height_cm__range=(80, 450)),
            ),
        ]

    def __str__(self) -> str:
        return self.masked_plate

    @property
    def plate(self) -> str:
        """Empty once it has been forgotten."""
        return plates.decrypt_plate(bytes(self.plate_encrypted)) if self.plate_encrypted else ""

    @property
    def masked_plate(self) -> str:
        return plates.mask_plate(self.plate)


class ApiToken(models.Model):
    """A secret by which a program acts for a person. Only its hash is kept: a copy of the table opens nothing."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("person"))
    name = models.CharField(_("name"), max_length=80)
    secret_hash = models.CharField(_("hash of the secret"), max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [
            models.CheckConstraint(
                name="api_token_hash_is_a_sha_256",
                condition=Q(secret_hash__regex=r"^[0-9a-f]{64}$"),  # noqa: S106 -- a shape, not a secret
            )
        ]

    def __str__(self) -> str:
        return self.name
