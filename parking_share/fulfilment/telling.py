"""What people are told when promise and reality part: facts as values, each notice once under its key."""

from datetime import datetime

from parking_share.accounts.models import User
from parking_share.fulfilment.models import BrokenPromise, Overstay
from parking_share.notices.models import Notice
from parking_share.notices.selectors import is_told
from parking_share.notices.services import tell
from parking_share.reservations.models import Reservation
from parking_share.spaces.models import Space
from parking_share.spaces.selectors import distance_m


def ending_key(reservation: Reservation) -> str:
    """An extension ends at another time, of which the driver is told again."""
    return f"ending {reservation.pk} {reservation.ends_at.timestamp():.0f}"


def tell_ending_soon(reservation: Reservation, *, stay_until: datetime, now: datetime) -> None:
    tell(
        recipient_id=reservation.driver_id,
        kind=Notice.Kind.ENDING_SOON,
        reservation=reservation,
        facts={
            "space": str(reservation.space),
            "ends_at": reservation.ends_at.isoformat(),
            "stay_until": stay_until.isoformat(),
        },
        once_key=ending_key(reservation),
        now=now,
    )


def tell_overstay(overstay: Overstay, reservation: Reservation, *, now: datetime) -> None:
    tell(
        recipient_id=reservation.driver_id,
        kind=Notice.Kind.OVERSTAY,
        reservation=reservation,
        facts={
            "space": str(overstay.space),
            "ends_at": overstay.began_at.isoformat(),
            "charged_from": overstay.charged_from.isoformat(),
            "cents_an_hour": overstay.cents_an_hour,
            "currency": overstay.currency,
        },
        once_key=f"overstay {reservation.pk}",
        now=now,
    )


def tell_promise_broken(broken: BrokenPromise, *, now: datetime) -> None:
    lost, replacement = broken.reservation, broken.replacement
    facts: dict[str, str | int] = {"compensation_cents": broken.compensation_cents, "currency": broken.currency}
    if replacement is not None:
        metres = distance_m(lost.lot.entrance, replacement.lot.entrance)
        facts |= {
            "offered_lot": replacement.lot.name,
            "distance_m": round(metres),
            "replacement": replacement.pk,
        }
    tell(
        recipient_id=lost.driver_id,
        kind=Notice.Kind.PROMISE_BROKEN,
        reservation=lost,
        facts=facts,
        once_key=f"broken {broken.pk}",
        now=now,
    )


def ask_to_move(
    driver: User, space: Space, *, incident_id: int, reservation: Reservation | None, now: datetime
) -> None:
    """Somebody's car stands in another's bay; they are told which bay, and not who said so."""
    tell(
        recipient_id=driver.pk,
        kind=Notice.Kind.ASKED_TO_MOVE,
        reservation=reservation,
        facts={"space": space.label, "lot": space.lot.name},
        once_key=f"asked to move {incident_id} {driver.pk}",
        now=now,
    )


def tell_to_come_later(reservation: Reservation, *, earliest_at: datetime, now: datetime) -> None:
    """A driver was at the gate too early; told again where a bay turns out to be free at another time."""
    tell(
        recipient_id=reservation.driver_id,
        kind=Notice.Kind.COME_LATER,
        reservation=reservation,
        facts={"earliest_at": earliest_at.isoformat()},
        once_key=f"come later {reservation.pk} {earliest_at.timestamp():.0f}",
        now=now,
    )


def is_told_of_the_end(reservation: Reservation) -> bool:
    return is_told(ending_key(reservation))
