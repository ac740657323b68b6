"""The promises of the platform as queries: the `invariants.sql` of each room says what, this runs them.

A room that has such a file has a module `invariants` beside it, whose `parameters` says what its queries take from the
code. Rooms are found by their files, so that this one need not know those above it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction

from parking_share.reservations.states import ALLOWED, CHANGES_THE_HOLD, HOLDS_A_SPACE

_NAMED_QUERY = re.compile(r"^-- name: (?P<name>.+)\n(?P<query>[^;]+);", re.MULTILINE)
_LOCK_WAIT, _PATIENCE, _QUEUE_PATIENCE = timedelta(seconds=20), timedelta(minutes=1), timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Invariant:
    """One promise, and the rows that break it."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Room:
    """A room that makes promises, and what they take from its code."""

    sql: Path
    parameters: Callable[..., dict[str, Any]]

    @property
    def queries(self) -> list[tuple[str, str]]:
        """The names and the texts, in order."""
        return [(match["name"], match["query"]) for match in _NAMED_QUERY.finditer(self.sql.read_text())]


def check_invariants(*, now: datetime, since: datetime) -> list[Invariant]:
    """Look for broken promises, in the order of rooms and files; each query sees one snapshot of the database."""
    found = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for room in rooms():
            values = room.parameters(now=now, since=since)
            for name, query in room.queries:
                cursor.execute(query, values)
                columns = tuple(column[0] for column in cursor.description)
                found.append(Invariant(name=name, columns=columns, rows=tuple(cursor.fetchall())))
    return found


def rooms() -> Iterator[Room]:
    """The rooms that have an `invariants.sql`, from the ground up."""
    for config in apps.get_app_configs():
        sql = Path(config.path) / "invariants.sql"
        if sql.exists():
            yield Room(sql=sql, parameters=import_module(f"{config.name}.invariants").parameters)


def parameters(*, now: datetime, since: datetime) -> dict[str, Any]:
    """What the queries take from the code; real waiting times count as many times as the clock runs faster."""
    allowed = [(before.value, after.value) for before, afters in ALLOWED.items() for after in afters]
    return {
        "now": now,
        "since": since,
        "holds": [status.value for status in HOLDS_A_SPACE],
        "hold_reasons": [reason.value for reason in CHANGES_THE_HOLD],
        "may_from": [before for before, _ in allowed],
        "may_to": [after for _, after in allowed],
        "lock_wait": _LOCK_WAIT * settings.CLOCK_SPEED,
        "patience": _PATIENCE * settings.CLOCK_SPEED,
        "queue_patience": _QUEUE_PATIENCE * settings.CLOCK_SPEED,
    }
