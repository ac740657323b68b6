"""Readings by month: a table for each is there before it is needed, and dropped whole when it is old.

Every step is a short transaction that gives up rather than make others wait: what did not get its lock is tried again
with the next run.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

import structlog
from django.conf import settings
from django.db import OperationalError, connection, transaction

from sensors.models import Deletion

MONTHS_AHEAD = 3
ELSEWHEN = "sensors_reading_elsewhen"
_MONTH = re.compile(r"sensors_reading_(\d{4})_(\d{2})")

log = structlog.get_logger(__name__)


def kept_since(now: datetime) -> datetime:
    """The beginning of the oldest month whose readings are kept."""
    return _month(now, -settings.READINGS_KEPT_MONTHS)


def tend(*, now: datetime) -> bool:
    """Make the months to come, and those for which something waits elsewhen; drop those that are too old.

    Stops at the first step that somebody else is in the way of, and says so. Safe to run twice, and at any time.
    """
    wanted = {_month(now, step) for step in range(MONTHS_AHEAD + 1)} | set(_months_elsewhen(now))
    old = [(name, month) for name, month in _months_made() if month < kept_since(now)]
    steps: list[Callable[[], object]] = [
        partial(_execute, "SELECT sensors_ensure_month(%s)", month) for month in sorted(wanted)
    ]
    steps += [partial(_drop, name, month, now=now) for name, month in old]
    steps += [partial(_forget_elsewhen, now=now), _watch_elsewhen]
    return all(_patiently(step) for step in steps)


def _months_elsewhen(now: datetime) -> Iterator[datetime]:
    """The months that are kept, or still to come, and have readings in the default partition."""
    query = f"SELECT DISTINCT date_trunc('month', observed_at, 'UTC') FROM {ELSEWHEN} WHERE observed_at >= %s"  # noqa: S608 -- a constant
    with connection.cursor() as cursor:
        cursor.execute(query, [kept_since(now)])
        yield from (month for (month,) in cursor.fetchall() if month < _month(now, MONTHS_AHEAD + 1))


def _months_made() -> list[tuple[str, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'sensors_reading'::regclass ORDER BY 1"
        )
        found = [(name, _MONTH.fullmatch(name)) for (name,) in cursor.fetchall()]
    return [(name, datetime(int(match[1]), int(match[2]), 1, tzinfo=UTC)) for name, match in found if match]


def _drop(name: str, month: datetime, *, now: datetime) -> None:
    """Count and drop a month. It is counted before anybody has to wait; nothing is written to months so old."""
    rows = _execute(f"SELECT count(*) FROM {name}")  # noqa: S608 -- a name that matched _MONTH
    _execute(f"DROP TABLE {name}")
    _record(rows, older_than=_month(month, 1), now=now)
    log.info("month_dropped", month=f"{month:%Y-%m}", rows=rows)


def _forget_elsewhen(*, now: datetime) -> None:
    """Delete what came so late that its month is gone already."""
    older_than = kept_since(now)
    if not _execute(f"SELECT count(*) FROM {ELSEWHEN} WHERE observed_at < %s", older_than):  # noqa: S608 -- a constant
        return
    _execute(f"ALTER TABLE {ELSEWHEN} DISABLE TRIGGER append_only")
    query = f"WITH gone AS (DELETE FROM {ELSEWHEN} WHERE observed_at < %s RETURNING 1) SELECT count(*) FROM gone"  # noqa: S608 -- a constant
    rows = _execute(query, older_than)
    _execute(f"ALTER TABLE {ELSEWHEN} ENABLE TRIGGER append_only")
    _record(rows, older_than=older_than, now=now)


def _watch_elsewhen() -> None:
    """Say so when readings lie outside of all months: each makes the next month a little slower to attach."""
    left = _execute(f"SELECT count(*) FROM {ELSEWHEN}")  # noqa: S608 -- a constant
    if left:
        log.warning("readings_elsewhen", rows=left)


def _record(rows: int, *, older_than: datetime, now: datetime) -> None:
    rule = f"READINGS_KEPT_MONTHS={settings.READINGS_KEPT_MONTHS}"
    Deletion.objects.create(what="readings", rule=rule, rows=rows, older_than=older_than, deleted_at=now)


def _month(at: datetime, step: int) -> datetime:
    """The beginning of the month `step` months after that of an instant, in UTC."""
    in_utc = at.astimezone(UTC)
    years, month = divmod(in_utc.year * 12 + in_utc.month - 1 + step, 12)
    return datetime(years, month + 1, 1, tzinfo=UTC)


def _patiently(step: Callable[[], object]) -> bool:
    """One transaction that waits two seconds for a lock at most; False where it did not get it."""
    try:
        with transaction.atomic():
            _execute("SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '50s', true)")
            step()
    except OperationalError as error:
        log.warning("months_not_tended", error=str(error).partition("\n")[0])
        return False
    return True


def _execute(query: str, *values: datetime) -> int:
    """Run a statement; return the number that it selects, or 0."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row and isinstance(row[0], int) else 0
