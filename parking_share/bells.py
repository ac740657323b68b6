"""Wake a room that we may not import, by the name of its task.

A bell is a hint: the work is a row in PostgreSQL, and a sweep finds it whether or not the bell was heard. So a broker
that is away is logged and counted, never raised.
"""

import threading
from functools import partial

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


class UnheardBells:
    """Counts, for this process, the bells that no broker took."""

    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()

    def add_one(self) -> None:
        with self._lock:
            self._count += 1

    @property
    def count(self) -> int:
        return self._count


unheard = UnheardBells()


def ring(task_name: str, **arguments: int | str) -> None:
    """Send the task after commit; at once where no transaction is open."""
    transaction.on_commit(partial(_send, task_name, arguments), robust=True)


def _send(task_name: str, arguments: dict[str, int | str]) -> None:
    try:
        current_app.send_task(task_name, kwargs=arguments, retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        unheard.add_one()
        log.warning("bell_unheard", task=task_name, error=type(error).__name__, unheard=unheard.count)
