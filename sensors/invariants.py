"""What the promises of `invariants.sql` take from the code."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from sensors.partitions import kept_since

QUEUE_PATIENCE = timedelta(minutes=5)


def parameters(*, now: datetime, since: datetime) -> dict[str, Any]:
    """Real waiting times count as many times as the clock runs faster."""
    return {
        "now": now,
        "since": since,
        "readings_since": kept_since(now),
        "queue_patience": QUEUE_PATIENCE * settings.CLOCK_SPEED,
    }
