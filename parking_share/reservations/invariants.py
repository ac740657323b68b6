"""The promises of the platform as queries: `invariants.sql` says what, this runs it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from parking_share.reservations.states import ALLOWED, CHANGES_THE_HOLD, HOLDS_A_SPACE

_SQL = Path(__file__).with_name("invariants.sql")
_NAMED_QUERY = re.compile(r"^-- name: (?P<name>.+)\n(?P<query>[^;]+);", re.MULTILINE)
_LOCK_WAIT, _PATIENCE, _QUEUE_PATIENCE = timedelta(seconds=20), timedelta(minutes=1), timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Invariant:
    """One promise, and the rows that break it."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def check_invariants(*, now: datetime, since: datetime) -> list[Invariant]:
    """Look for broken promises, in the order of the file; each query sees one snapshot of the database."""
    parameters = _parameters(now=now, since=since)
    found = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for name, query in named_queries():
            cursor.execute(query, parameters)
            columns = tuple(column[0] for column in cursor.description)
            found.append(Invariant(name=name, columns=columns, rows=tuple(cursor.fetchall())))
    return found


def named_queries() -> list[tuple[str, str]]:
    """The names and the texts of the queries, in order."""
    return [(match["name"], match["query"]) for match in _NAMED_QUERY.finditer(_SQL.read_text())]


def _parameters(*, now: datetime, since: datetime) -> dict[str, Any]:
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
