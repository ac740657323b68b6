"""A barrier waits three seconds at most: a database that hangs is cut off, and counts as one that is away."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import structlog
from django.db import DEFAULT_DB_ALIAS, Error, InterfaceError, OperationalError, connections

PATIENCE_S = 2.5
LOOKED_AGAIN_S = 0.05

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Patience:
    """With the connection of the thread that made this, until `is_done`."""

    def __init__(self, seconds: float) -> None:
        self._database = connections[DEFAULT_DB_ALIAS]
        self._seconds = seconds
        self._has_run_out = False
        self.is_done = threading.Event()

    def first(self, call: Callable[[], T]) -> T:
        """Make the first call, and make it again where it only found that its old connection was closed."""
        database = self._database
        may_be_stale = database.health_check_enabled and database.connection is not None
        try:
            return call()
        except (OperationalError, InterfaceError):
            if self._has_run_out or not may_be_stale or database.in_atomic_block:
                raise
        database.close()
        return call()

    def watch(self) -> None:
        """Wait for the end of the work. What is connected to anew after that time is cut off as well."""
        is_late = not self.is_done.wait(self._seconds)
        while is_late and not self.is_done.is_set():
            self._has_run_out = True
            _cut_off(self._database.connection)
            self.is_done.wait(LOOKED_AGAIN_S)


@contextmanager
def patience_with_database() -> Iterator[Patience]:
    """Cut this thread's connection off where its work takes too long: the statement under way fails at once.

    The server's own limits would not do, for it keeps none while it is stopped or out of reach. Trying the connection
    out before it is used would not do either: that hangs just as long.
    """
    patience = Patience(PATIENCE_S)
    connections[DEFAULT_DB_ALIAS].health_check_done = True
    watcher = threading.Thread(target=patience.watch, daemon=True)
    watcher.start()
    try:
        yield patience
    finally:
        patience.is_done.set()
        watcher.join()


def _cut_off(connection: Any) -> None:
    """End the conversation on this side, whatever the other side does; twice is safe."""
    if connection is None or connection.closed:
        return
    with suppress(OSError, Error), socket.socket(fileno=os.dup(connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)
        log.warning("database_hangs", patience_s=PATIENCE_S)
