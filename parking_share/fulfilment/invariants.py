"""What the promises of `invariants.sql` take from the code."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

PATIENCE = timedelta(minutes=5)


def parameters(*, now: datetime, since: datetime) -> dict[str, Any]:
    """Real waiting times count as many times as the clock runs faster."""
    return {"now": now, "since": since, "patience": PATIENCE * settings.CLOCK_SPEED}
