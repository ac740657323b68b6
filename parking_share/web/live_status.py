"""What a reservation's page shows of its status, when to ask again, and whether anything has changed since."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import get_language

from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import Gate
from parking_share.spaces.selectors import limits_of
from parking_share.web.reality import Reality

UNDECIDED_PACES = [(5, "every 250ms"), (30, "every 1s"), (300, "every 5s")]
UNANNOUNCED_PACES = [(10, "every 1s"), (120, "every 5s")]
ON_THE_WAY, UNHURRIED = "every 10s", "every 30s"  # a driver at the gate looks at the page


@dataclass(frozen=True, kw_only=True)
class LiveStatus:
    """`ask_again` is an htmx trigger, or empty where nothing more will happen by itself."""

    ask_again: str
    announced_at: datetime | None
    gates: list[str]
    reality: Reality
    etag: str

    @classmethod
    def of(cls, reservation: Reservation, *, now: datetime) -> "LiveStatus":
        announced_at = _announced_at(reservation)
        ask_again = _pace(reservation, announced_at, now=now)
        gates = Gate.objects.filter(lot=reservation.lot_id).order_by("name") if reservation.is_announced else []
        reality = Reality.of(reservation, now=now)
        return cls(
            ask_again=ask_again,
            announced_at=announced_at,
            gates=[gate.name for gate in gates],
            reality=reality,
            etag=_etag(reservation, ask_again, reality),
        )


def _announced_at(reservation: Reservation) -> datetime | None:
    """When the driver learns the bay: known between the yes and the announcement."""
    if reservation.status != Status.ACCEPTED:
        return None
    return reservation.starts_at - timedelta(minutes=limits_of(reservation.lot).announce_before_min)


def _pace(reservation: Reservation, announced_at: datetime | None, *, now: datetime) -> str:
    """A few times a second while a decision is due, slower later; in seconds of the visitor's own clock."""
    if reservation.status == Status.REQUESTED:
        waited = (now - reservation.requested_at).total_seconds() / settings.CLOCK_SPEED
        return _first_beyond(waited, UNDECIDED_PACES)
    if announced_at is not None:
        ahead = (announced_at - now).total_seconds() / settings.CLOCK_SPEED
        return _first_beyond(ahead, UNANNOUNCED_PACES)
    if reservation.status == Status.ASSIGNED:
        return ON_THE_WAY
    return UNHURRIED if reservation.is_open else ""


def _first_beyond(seconds: float, paces: list[tuple[int, str]]) -> str:
    return next((pace for limit, pace in paces if seconds < limit), UNHURRIED)


def _etag(reservation: Reservation, ask_again: str, reality: Reality) -> str:
    """Changes with everything that the fragment shows and that can change."""
    shown = [
        reservation.pk,
        reservation.status,
        reservation.reason,
        reservation.space_id,
        reservation.held_until,
        reservation.ends_at,
        reservation.lapses_at,
        *reality.parts(),
        ask_again,
        get_language(),
    ]
    return f'"{hashlib.sha256(repr(shown).encode()).hexdigest()[:24]}"'
