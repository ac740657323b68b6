import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from parking_share.accounts import plates
from parking_share.accounts.models import ApiToken, SizeClass, User, Vehicle
from parking_share.errors import DomainError

TOKEN_PREFIX = "pshare_"  # noqa: S105 -- makes a leaked token recognisable
LAST_USE_IS_WRITTEN_EVERY = timedelta(hours=1)


class VehicleRefused(DomainError):
    code = "vehicle_refused"


def register_vehicle(
    *,
    driver: User,
    plate: str,
    now: datetime,
    size: int = SizeClass.STANDARD,
    height_cm: int | None = None,
    label: str = "",
) -> Vehicle:
    """Add a car to a driver's account; the plate is stored in one spelling, encrypted."""
    spelled = plates.parse_plate(plate)
    try:
        with transaction.atomic():
            return Vehicle.objects.create(
                driver=driver,
                plate_encrypted=plates.encrypt_plate(spelled),
                plate_exact_hash=plates.exact_hash(spelled),
                plate_folded_hash=plates.folded_hash(spelled),
                size=size,
                height_cm=height_cm,
                label=label,
                created_at=now,
            )
    except IntegrityError as error:
        raise VehicleRefused(_("This car is in your account already.")) from error


@transaction.atomic
def remove_vehicle(*, vehicle_id: int, now: datetime) -> None:
    """Take a car out of the account; reservations already made with it keep it."""
    Vehicle.objects.filter(pk=vehicle_id, removed_at__isnull=True).update(removed_at=now)


def issue_api_token(*, user: User, name: str, now: datetime) -> str:
    """Make a token and return its secret, which nobody can ask for again."""
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(user=user, name=name, secret_hash=token_hash(secret), created_at=now)
    return secret


def use_api_token(*, secret: str, now: datetime) -> ApiToken | None:
    """Find the live token of an active person by its secret, and note its use, at most once an hour."""
    token = (
        ApiToken.objects.select_related("user")
        .filter(secret_hash=token_hash(secret), revoked_at__isnull=True, user__is_active=True)
        .first()
    )
    if token is not None and (token.last_used_at is None or token.last_used_at < now - LAST_USE_IS_WRITTEN_EVERY):
        unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - LAST_USE_IS_WRITTEN_EVERY)
        ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now)
    return token


def revoke_api_token(*, token: ApiToken, now: datetime) -> None:
    """End a token; safe to run twice, the first instant counts."""
    ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=now)


def token_hash(secret: str) -> str:
    """A plain hash is enough: the secret is 32 random bytes, nothing that could be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()
