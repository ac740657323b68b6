from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from parking_share.accounts import plates
from parking_share.accounts.models import SizeClass, User, Vehicle
from parking_share.errors import DomainError


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
