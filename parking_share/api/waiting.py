"""`Prefer: wait=N` (RFC 7240): wait for a decision, with at most half of the threads of this process."""

import re
import threading
import time

from django.conf import settings

from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status

LONGEST_WAIT_S = 10
FIRST_PAUSE_S, LONGEST_PAUSE_S, GROWTH = 0.005, 0.05, 1.3

_places = threading.BoundedSemaphore(settings.API_WAITERS)


def preferred_wait(header: str) -> int | None:
    """Seconds that a Prefer header asks to wait, at most ten; None where it does not ask or can't be read."""
    for preference in header.split(","):
        name, _equals, value = preference.partition(";")[0].partition("=")
        digits = value.strip().strip('"')
        if name.strip().lower() == "wait" and re.fullmatch(r"[0-9]{1,9}", digits):
            return min(int(digits), LONGEST_WAIT_S)
    return None


def wait_for_decision(reservation_id: int, *, seconds: int) -> bool:
    """Wait until the reservation is decided or the time is up; return False at once when too many wait already.

    It asks by primary key, with growing pauses, and holds no transaction meanwhile.
    """
    if not _places.acquire(blocking=False):
        return False
    try:
        _poll(reservation_id, until=time.monotonic() + seconds)
    finally:
        _places.release()
    return True


def _poll(reservation_id: int, *, until: float) -> None:
    pause = FIRST_PAUSE_S
    undecided = Reservation.objects.filter(pk=reservation_id, status=Status.REQUESTED)
    while undecided.exists() and time.monotonic() + pause < until:
        time.sleep(pause)
        pause = min(pause * GROWTH, LONGEST_PAUSE_S)
