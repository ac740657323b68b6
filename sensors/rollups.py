"""Quarters of an hour from readings and stays: by the database, for many lots at once, and again where facts came late.

A slot is rolled up a minute after it ends: no statement that stores events runs that long, so whatever began before
the end has been committed, and what is stored later marks the slot as stale. The same facts give the same row; one that
would not change is not written. One worker rolls at a time; whoever comes second has nothing to do.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction

from sensors import partitions
from sensors.due import Pair, due_again, due_now, settle
from sensors.slots import slot_start

SETTLES_IN = timedelta(minutes=1)
REMEMBERED = timedelta(days=7)  # a bay or counter that was silent for so long is no longer watched
LONGEST_STAY = timedelta(days=30)  # without an end: the exit was missed
STUCK_AFTER, STUCK_AFTER_AT_LONGEST, SMALL_LOT_BAYS = timedelta(hours=12), timedelta(hours=48), 30
AT_ONCE = 200  # pairs of lot and slot in one transaction
ROUNDS = 100  # well below the time that a task has; the rest waits for the next minute
# What one part of the statement hands to the next can't be estimated: a nested loop over it would be quadratic.
_PLANNING = """
SET LOCAL enable_nestloop = off; SET LOCAL jit = off; SET LOCAL work_mem = '64MB'; SET LOCAL statement_timeout = '50s'
"""
STATEMENT = Path(__file__).with_suffix(".sql").read_text()
_LOCK = 0x5E0501  # any number that no other advisory lock of the platform has

log = structlog.get_logger(__name__)


def roll_up(*, now: datetime, rounds: int = ROUNDS) -> int:
    """Roll up what is due: first the slots that are over, then those for which something came late; count the changed.

    Safe to run twice, at once and after any interruption: each round is a transaction of its own.
    """
    end = slot_start(now - SETTLES_IN * settings.CLOCK_SPEED)
    changed = 0
    for _ in range(rounds):
        found = _round(now=now, end=end)
        if found is None:
            break
        changed += found
    if changed:
        log.info("rolled_up", slots=changed)
    return changed


@transaction.atomic
def _round(*, now: datetime, end: datetime) -> int | None:
    """One transaction's worth; None where nothing is due, or another worker is at it."""
    if not _is_alone():
        return None
    pairs = due_now(end=end, most=AT_ONCE)
    if pairs:
        return len(roll(pairs, now=now))
    again = due_again(end=end, most=AT_ONCE, looked_back=STUCK_AFTER_AT_LONGEST)
    if again is None:
        return None
    changed = len(roll(again.pairs, now=now))
    settle(again)
    return changed


def roll(pairs: Iterable[Pair], *, now: datetime) -> list[Pair]:
    """Compute these slots from what is known now; return those that changed. In the caller's transaction."""
    wanted = list(pairs)
    if not wanted:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_PLANNING)
        cursor.execute(STATEMENT, _parameters(wanted, now))
        return [Pair(lot_id=lot_id, starts_at=starts_at) for lot_id, starts_at in cursor.fetchall()]


def _parameters(pairs: list[Pair], now: datetime) -> dict[str, Any]:
    return {
        "lots": [pair.lot_id for pair in pairs],
        "slots": [pair.starts_at for pair in pairs],
        "now": now,
        "remembered": REMEMBERED,
        "longest_stay": LONGEST_STAY,
        "stuck": STUCK_AFTER,
        "stuck_long": STUCK_AFTER_AT_LONGEST,
        "small": SMALL_LOT_BAYS,
        "readings_since": partitions.kept_since(now),
    }


def _is_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        row = cursor.fetchone()
        return bool(row and row[0])
