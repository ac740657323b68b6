"""What this room forgets: plates of cars in others' bays, and of those taken off a list; old answers to gates."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from parking_share.fulfilment.models import Incident, ListedPlate
from sensors.retention import record_deletion

A_MONTH = timedelta(days=31)
AT_ONCE, PORTIONS = 5_000, 200
_OLD_ANSWERS = """
DELETE FROM fulfilment_gateanswer WHERE id IN (
    SELECT id FROM fulfilment_gateanswer WHERE answered_at < %(before)s ORDER BY id LIMIT %(most)s
)
"""


@transaction.atomic
def forget_intruders(*, now: datetime) -> int:
    """Delete the plates of incidents as old as matched plates may be; count them. Safe to run twice.

    The incident stays, without the car.
    """
    older_than = now - settings.MATCHED_PLATES_KEPT
    old = Incident.objects.filter(opened_at__lt=older_than, intruder_exact_hash__isnull=False)
    rows = old.update(intruder_encrypted=None, intruder_exact_hash=None)
    _record("plates of incidents", rows, kept=settings.MATCHED_PLATES_KEPT, now=now)
    return rows


@transaction.atomic
def forget_listed(*, now: datetime) -> int:
    """Delete cars from the lists that were removed, or ran out, as long ago as matched plates are kept; count them."""
    older_than = now - settings.MATCHED_PLATES_KEPT
    over = ListedPlate.objects.filter(Q(removed_at__lt=older_than) | Q(valid_until__lt=older_than))
    rows = over.delete()[0]
    _record("plates of lists", rows, kept=settings.MATCHED_PLATES_KEPT, now=now)
    return rows


def forget_answers(*, now: datetime) -> int:
    """Delete answers to gates as old as readings may be, a portion at a time; count them. Safe to run twice.

    They are append-only: the database deletes what is older than the instant that this transaction names, and no more.
    """
    rows = 0
    for _portion in range(PORTIONS):
        found = _forget_answers(now=now)
        rows += found
        if found < AT_ONCE:
            break
    return rows


@transaction.atomic
def _forget_answers(*, now: datetime) -> int:
    kept = A_MONTH * settings.READINGS_KEPT_MONTHS
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('parking_share.forget_before', %s, true)", [(now - kept).isoformat()])
        cursor.execute(_OLD_ANSWERS, {"before": now - kept, "most": AT_ONCE})
        rows: int = cursor.rowcount
    _record("answers to gates", rows, kept=kept, now=now)
    return rows


def _record(what: str, rows: int, *, kept: timedelta, now: datetime) -> None:
    if rows:
        record_deletion(what, kept=kept, rows=rows, now=now)
