"""What the periodic job and the commands do with pictures of cities."""

from datetime import datetime, timedelta

import structlog

from coverage import bases, runs
from coverage.models import CoverageRun
from coverage.vacancy import SLOT

DUE_AFTER = timedelta(seconds=90)  # roll-ups of the slot are made meanwhile
LATE_AFTER = timedelta(minutes=5)
CAUGHT_UP = 4  # slots that a stopped worker missed are computed by the job itself; older ones by backfill_coverage
AREAS_KEPT = timedelta(days=7)
ALL_SLOTS_KEPT = timedelta(days=90)
HOURS_KEPT = timedelta(days=730)

log = structlog.get_logger(__name__)


def slot_of(instant: datetime) -> datetime:
    """The start of the slot an instant lies in."""
    return datetime.fromtimestamp(instant.timestamp() // SLOT.total_seconds() * SLOT.total_seconds(), tz=instant.tzinfo)


def newest_due_slot(now: datetime) -> datetime:
    """The newest slot whose picture should be there by now."""
    return slot_of(now - DUE_AFTER) - SLOT


def attend(*, now: datetime) -> int:
    """Compute the pictures that are due, the newest first; return how many were published. Safe to run twice.

    A city whose picture can't be computed keeps neither the others waiting nor the word that it is late.
    """
    published = 0
    for city in bases.cities():
        try:
            published += _catch_up(city, now=now)
        except Exception:
            log.exception("coverage_failed", city=city)
    runs.attend_parts(now=now)
    _say_what_is_late(now)
    return published


def _catch_up(city: str, *, now: datetime) -> int:
    made = [
        runs.compute_slot(city, slot_starts_at=newest_due_slot(now) - back * SLOT, now=now) for back in range(CAUGHT_UP)
    ]
    return sum(run is not None and run.status == CoverageRun.Status.PUBLISHED for run in made)


def late_cities(*, now: datetime) -> list[str]:
    """Cities whose newest picture is more than five minutes behind."""
    due = newest_due_slot(now - LATE_AFTER)
    fresh = CoverageRun.objects.filter(status=CoverageRun.Status.PUBLISHED, slot_starts_at__gte=due)
    shown = set(fresh.values_list("city", flat=True))
    return [city for city in bases.cities() if city not in shown]


def _say_what_is_late(now: datetime) -> None:
    for city in late_cities(now=now):
        log.error("coverage_late", city=city, slot=newest_due_slot(now - LATE_AFTER).isoformat())


def thin_out(*, now: datetime) -> int:
    """Drop polygons after a week, all but full hours after three months, everything after two years."""
    published = CoverageRun.objects.filter(status=CoverageRun.Status.PUBLISHED)
    changed = published.filter(areas__isnull=False, slot_starts_at__lt=now - AREAS_KEPT).update(areas=None)
    old = CoverageRun.objects.filter(slot_starts_at__lt=now - ALL_SLOTS_KEPT)
    changed += old.exclude(slot_starts_at__minute=0).delete()[0]
    changed += CoverageRun.objects.filter(slot_starts_at__lt=now - HOURS_KEPT).delete()[0]
    unfinished = CoverageRun.objects.exclude(status=CoverageRun.Status.PUBLISHED)
    changed += unfinished.filter(began_at__lt=now - AREAS_KEPT).delete()[0]
    return changed
