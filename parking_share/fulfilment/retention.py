"""What this room forgets: plates of cars that stood in another's bay, and of those that were taken off a list."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from parking_share.fulfilment.models import Incident, ListedPlate
from sensors.models import Deletion


@transaction.atomic
def forget_intruders(*, now: datetime) -> int:
    """Delete the plates of incidents as old as matched plates may be; count them. Safe to run twice.

    The incident stays, without the car.
    """
    older_than = now - settings.MATCHED_PLATES_KEPT
    old = Incident.objects.filter(opened_at__lt=older_than, intruder_exact_hash__isnull=False)
    rows = old.update(intruder_encrypted=None, intruder_exact_hash=None)
    _record("plates of incidents", rows, older_than=older_than, now=now)
    return rows


@transaction.atomic
def forget_listed(*, now: datetime) -> int:
    """Delete cars from the lists that were removed, or ran out, as long ago as matched plates are kept; count them."""
    older_than = now - settings.MATCHED_PLATES_KEPT
    over = ListedPlate.objects.filter(Q(removed_at__lt=older_than) | Q(valid_until__lt=older_than))
    rows = over.delete()[0]
    _record("plates of lists", rows, older_than=older_than, now=now)
    return rows


def _record(what: str, rows: int, *, older_than: datetime, now: datetime) -> None:
    if rows:
        rule = f"after {settings.MATCHED_PLATES_KEPT}"
        Deletion.objects.create(what=what, rule=rule, rows=rows, older_than=older_than, deleted_at=now)
