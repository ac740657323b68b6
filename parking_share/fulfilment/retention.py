"""What this room forgets: whose plate it was that stood in another's bay. The incident stays, without the car."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from parking_share.fulfilment.models import Incident
from sensors.models import Deletion


@transaction.atomic
def forget_intruders(*, now: datetime) -> int:
    """Delete the plates of incidents as old as matched plates may be; count them. Safe to run twice."""
    older_than = now - settings.MATCHED_PLATES_KEPT
    old = Incident.objects.filter(opened_at__lt=older_than, intruder_exact_hash__isnull=False)
    rows = old.update(intruder_encrypted=None, intruder_exact_hash=None)
    if rows:
        Deletion.objects.create(
            what="plates of incidents",
            rule=f"after {settings.MATCHED_PLATES_KEPT}",
            rows=rows,
            older_than=older_than,
            deleted_at=now,
        )
    return rows
