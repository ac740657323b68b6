"""The Celery application of a fault test: `celery -A tests.faults.hooked`. The product knows nothing of it.

PAUSE_WHILE_DECIDING_S makes a decision dwell between its steps, so that a kill hits the middle of one. LOCKS_OFF takes
the lots and the requests without locking them: the negative control of the races.
"""

import os
import random
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from celery.signals import worker_process_init

from parking_share.celery import app

__all__ = ["app"]

PAUSE_S = float(os.environ.get("PAUSE_WHILE_DECIDING_S", "0"))
LOCKS_OFF = os.environ.get("LOCKS_OFF") == "1"


@worker_process_init.connect
def hook(**_signal: object) -> None:
    from allocation import locks, services

    steps = [(locks, "lock_lots_with_requests"), (locks, "lock_waiting")]
    if LOCKS_OFF:
        for (module, name), unlocked in zip(steps, (lots_with_requests, waiting), strict=True):
            setattr(module, name, unlocked)
    if PAUSE_S:
        for module, name in [
            *steps,
            (services, "open_round"),
            (services, "change_spaces"),
            (services, "make_transitions"),
        ]:
            setattr(module, name, dwelling(getattr(module, name)))


def dwelling(step: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(step)
    def dwelt(*args: Any, **kwargs: Any) -> Any:
        result = step(*args, **kwargs)
        time.sleep(random.uniform(0, PAUSE_S))
        return result

    return dwelt


def lots_with_requests(lot_id: int, *, along: int) -> list[Any]:
    """As the original, without a lock."""
    from parking_share.spaces.models import Lot

    return list(Lot.objects.filter(pk=lot_id, reservations__status="REQUESTED").distinct())


def waiting(lot_ids: list[int], *, only: int | None = None) -> list[Any]:
    """As the original, without a lock."""
    from parking_share.reservations.selectors import WITH_VEHICLES, waiting_in

    rows = waiting_in(lot_ids) if only is None else waiting_in(lot_ids).filter(pk=only)
    return list(rows.prefetch_related(WITH_VEHICLES))
