"""What time it is: read by the shell and by periodic tasks only; everything below gets `now` as a parameter.

A demonstration may let the day run faster. `CLOCK_SPEED` and `CLOCK_STARTED_AT` (the real instant from which time runs
faster) come from the environment, so that all processes of one installation agree without talking to each other.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """The platform's present, an aware datetime in UTC."""
    return platform_time(timezone.now(), started_at=settings.CLOCK_STARTED_AT, speed=settings.CLOCK_SPEED)


def platform_time(real: datetime, *, started_at: datetime | None, speed: float) -> datetime:
    """Map a real instant to the platform's: unchanged before `started_at`, `speed` times as fast after it."""
    if started_at is None or speed == 1 or real <= started_at:
        return real
    return started_at + timedelta(seconds=(real - started_at).total_seconds() * speed)
