"""What is forgotten, and when."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef

from parking_share.accounts.models import Vehicle
from parking_share.reservations.models import ReservationVehicle

RESERVED_PLATES_ARE_KEPT = timedelta(days=180)
REMOVED_CARS_ARE_KEPT = timedelta(days=30)
NO_PLATE, NO_HASH = b"", bytes(32)

log = structlog.get_logger(__name__)


@transaction.atomic
def forget_plates(*, now: datetime) -> int:
    """Delete the plates of reservations long past, and of removed cars that no later reservation needs; count them.

    The reservations stay, without saying which car it was. Safe to run twice: what is forgotten is left alone.
    """
    past = ReservationVehicle.objects.filter(is_held=False, held_until__lt=now - RESERVED_PLATES_ARE_KEPT)
    reservations = past.exclude(plate_exact_hash=NO_PLATE).update(plate_exact_hash=NO_PLATE)
    still_named = ReservationVehicle.objects.filter(vehicle=OuterRef("pk")).exclude(plate_exact_hash=NO_PLATE)
    removed = Vehicle.objects.filter(~Exists(still_named), removed_at__lt=now - REMOVED_CARS_ARE_KEPT)
    cars = removed.exclude(plate_encrypted=NO_PLATE).update(
        plate_encrypted=NO_PLATE, plate_exact_hash=NO_HASH, plate_folded_hash=NO_HASH, label=""
    )
    log.info("plates_forgotten", reservations=reservations, cars=cars)
    return reservations + cars
