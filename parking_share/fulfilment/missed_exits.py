"""A car that comes in again must have left, though no gate saw it go: its entry ends what it left open."""

from datetime import datetime, timedelta

from parking_share.fulfilment import arrivals
from parking_share.reservations.models import Reservation
from sensors.models import Stay
from sensors.staying import close_stay

SAME_ENTRY_WITHIN = timedelta(minutes=10)  # a car before the barrier is read several times, and by two cameras


def end_unseen(*, lot_id: int, plate: bytes, at: datetime, known_as: int | None) -> bool:
    """End the stay that a car left open, and the reservation it had; say whether that is the one it is `known_as`.

    Whoever comes back within the time of the same reservation goes on with it. The caller holds the lot's lock.
    """
    began_before = at - SAME_ENTRY_WITHIN
    stays = Stay.objects.filter(lot=lot_id, plate_exact_hash=plate, ended_at__isnull=True, began_at__lt=began_before)
    stay = stays.select_related("reservation").first()
    if stay is None or _goes_on(stay.reservation, at=at, known_as=known_as):
        return False
    if stay.reservation_id is not None:
        arrivals.see_departure(reservation_id=stay.reservation_id, at=at, plate=plate)
    close_stay(lot_id=lot_id, ended_at=at, plate_exact_hash=plate)
    return stay.reservation_id is not None and stay.reservation_id == known_as


def _goes_on(reservation: Reservation | None, *, at: datetime, known_as: int | None) -> bool:
    return reservation is not None and reservation.pk == known_as and at < reservation.ends_at
