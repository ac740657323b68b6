"""A barrier waits three seconds at most: a database that hangs is cut off, and counts as one that is away."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import structlog
from django.db import DEFAULT_DB_ALIAS, Error, InterfaceError, OperationalError, connections

PATIENCE_S = 2.5
LOOKED_EVERY_S = 0.1

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Patience:
    """With the connection of the thread that made this, until a moment of the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        database: Any = connections[DEFAULT_DB_ALIAS]
        database.health_check_done = True
        self._database = database
        self._until = time.monotonic() + seconds

    @property
    def has_run_out(self) -> bool:
        return time.monotonic() >= self._until

    def first(self, call: Callable[[], T]) -> T:
        """Make the first call, and make it again where it only found that its old connection was closed."""
        database = self._database
        may_be_stale = database.health_check_enabled and database.connection is not None
        try:
            return call()
        except (OperationalError, InterfaceError):
            if self.has_run_out or not may_be_stale or database.in_atomic_block:
                raise
        database.close()
        return call()

    def cut_off(self) -> None:
        """End the conversation on this side, whatever the other side does; twice is safe."""
        connection = self._database.connection
        if connection is None or connection.closed:
            return
        with suppress(OSError, Error), socket.socket(fileno=os.dup(connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
            log.warning("database_hangs", patience_s=PATIENCE_S)


class Watch:
    """One thread of the process looks at all who wait; to be watched costs them a microsecond."""

    def __init__(self) -> None:
        self._waiting: set[Patience] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self, patience: Patience) -> None:
        with self._lock:
            self._waiting.add(patience)
            if self._thread is None or not self._thread.is_alive():  # a process that was forked has none
                self._thread = threading.Thread(target=self._look, name="patience", daemon=True)
                self._thread.start()

    def end(self, patience: Patience) -> None:
        """Whoever is done is never cut off: both happen under the lock."""
        with self._lock:
            self._waiting.discard(patience)

    def _look(self) -> None:
        while True:
            time.sleep(LOOKED_EVERY_S)
            with self._lock:
                for patience in self._waiting:
                    if patience.has_run_out:
                        patience.cut_off()


watch = Watch()


@contextmanager
def patience_with_database() -> Iterator[Patience]:
    """Cut this thread's connection off where its work takes too long: the statement under way fails at once.

    The server's own limits would not do, for it keeps none while it is stopped or out of reach. Trying the connection
    out before it is used would not do either: that hangs just as long.
    """
    patience = Patience(PATIENCE_S)
    watch.begin(patience)
    try:
        yield patience
    finally:
        watch.end(patience)
