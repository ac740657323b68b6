"""Wake a room that we may not import, by the name of its task.

A bell is a hint: the work is a row in PostgreSQL, and a sweep finds it whether or not the bell was heard. So a broker
that is away is logged and counted, never raised.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from typing import Any, cast

import structlog
from celery import current_app
from django.db import transaction
from kombu import Producer
from kombu.exceptions import LimitExceeded, OperationalError
from kombu.pools import ProducerPool, producers
from redis import Redis
from redis.exceptions import RedisError

PATIENCE_S = 0.5
ON_ITS_WAY_MS = 2000

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
    _after_commit(partial(_send, task_name, arguments))


def ring_unless_rung(task_name: str, **arguments: int | str) -> None:
    """Ring after commit, unless a bell of this name is on its way: for tasks that do all the work there is.

    Whoever answers such a bell calls `answer` before it looks for work; so work written before a bell was saved is
    seen by whoever answers the one that was sent.
    """
    _after_commit(partial(_send, task_name, arguments, once=True))


def answer(task_name: str) -> None:
    """From now on the next `ring_unless_rung` sends a bell again."""
    with _heard(task_name), _ropes().acquire(block=True, timeout=PATIENCE_S) as producer:
        _marks(producer).delete(_mark(task_name))


def _after_commit(send: Callable[[], None]) -> None:
    if not _is_muted.get():
        transaction.on_commit(send, robust=True)


def _send(task_name: str, arguments: dict[str, int | str], *, once: bool = False) -> None:
    with _heard(task_name), _ropes().acquire(block=True, timeout=PATIENCE_S) as producer:
        if once and not _marks(producer).set(_mark(task_name), 1, nx=True, px=ON_ITS_WAY_MS):
            return
        current_app.send_task(task_name, kwargs=arguments, retry=False, ignore_result=True, producer=producer)


@contextmanager
def _heard(task_name: str) -> Iterator[None]:
    """Log and count what the broker did not take."""
    try:
        yield
    except (OperationalError, LimitExceeded, RedisError, OSError) as error:
        unheard.add_one()
        log.warning("bell_unheard", task=task_name, error=type(error).__name__, unheard=unheard.count)


def _marks(producer: Producer) -> Redis:
    """The broker itself keeps the marks of bells that are on their way, over the connection that sends them."""
    channel: Any = producer.channel
    return cast(Redis, channel.client)


def _mark(task_name: str) -> str:
    return f"bell:{task_name}"


@cache
def _ropes() -> ProducerPool:
    """Connections for bells alone: whoever rings has a person waiting, so they give up sooner than a worker's."""
    connection = current_app.connection_for_write(transport_options={"socket_timeout": PATIENCE_S})
    ropes: ProducerPool = producers[connection]
    return ropes
