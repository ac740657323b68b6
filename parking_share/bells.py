"""Wake a room that we may not import, by the name of its task.

A bell is a hint: the work is a row in PostgreSQL, and a sweep finds it whether or not the bell was heard. So a broker
that is away is logged and counted, never raised.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import LimitExceeded, OperationalError
from kombu.pools import ProducerPool, producers

PATIENCE_S = 0.5

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
_is_muted: ContextVar[bool] = ContextVar("bells_are_muted", default=False)


@contextmanager
def muted() -> Iterator[None]:
    """Ring nothing meanwhile: for a caller that itself does the work which the bells would ask for."""
    token = _is_muted.set(True)
    try:
        yield
    finally:
        _is_muted.reset(token)


def ring(task_name: str, **arguments: int | str) -> None:
    """Send the task after commit; at once where no transaction is open."""
    if _is_muted.get():
        return
    transaction.on_commit(partial(_send, task_name, arguments), robust=True)


def _send(task_name: str, arguments: dict[str, int | str]) -> None:
    try:
        with _ropes().acquire(block=True, timeout=PATIENCE_S) as producer:
            current_app.send_task(task_name, kwargs=arguments, retry=False, ignore_result=True, producer=producer)
    except (OperationalError, LimitExceeded, OSError) as error:
        unheard.add_one()
        log.warning("bell_unheard", task=task_name, error=type(error).__name__, unheard=unheard.count)


@cache
def _ropes() -> ProducerPool:
    """Connections for bells alone: whoever rings has a person waiting, so they give up sooner than a worker's."""
    connection = current_app.connection_for_write(transport_options={"socket_timeout": PATIENCE_S})
    ropes: ProducerPool = producers[connection]
    return ropes
