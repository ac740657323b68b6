"""The pictures of one day of a city: which slots there are, which are late, and which failed their checks."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from coverage.models import CoverageRun
from coverage.services import DUE_AFTER, LATE_AFTER
from coverage.vacancy import SLOT

WEEK = timedelta(days=7)
# Blobs of a day of a large city would be many megabytes
LIGHT = ("pk", "city", "slot_starts_at", "status", "ended_at", "is_backfilled", "complaint", "paint_hash", "base_id")


class SlotState(StrEnum):
    PUBLISHED = "published"
    REFUSED = "refused"
    LATE = "late"
    AWAITED = "awaited"
    FUTURE = "future"


@dataclass(frozen=True, kw_only=True)
class DaySlot:
    """One quarter of an hour of a day.

    `before` is the published picture of the same slot a week earlier; it may have another base.
    """

    starts_at: datetime
    state: SlotState
    run: CoverageRun | None
    before: CoverageRun | None

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + SLOT

    @property
    def is_comparable(self) -> bool:
        """Whether both weeks have the same lots, so that one can be drawn against the other."""
        return self.run is not None and self.before is not None and self.run.base_id == self.before.base_id


def published_runs(city: str) -> QuerySet[CoverageRun]:
    return CoverageRun.objects.filter(city=city, status=CoverageRun.Status.PUBLISHED)


def newest_run(city: str, *, now: datetime) -> CoverageRun | None:
    """The newest picture that is not of a later time."""
    runs = published_runs(city).filter(slot_starts_at__lte=now).select_related("base")
    return runs.defer("areas", "base__arrays", "base__clusters", "base__mesh").order_by("-slot_starts_at").first()


def slots_of_day(city: str, *, day: date, zone: ZoneInfo, now: datetime) -> list[DaySlot]:
    """Every slot of a local day, in two queries; 92 or 100 where clocks change."""
    begins, ends = (datetime.combine(day + timedelta(days=n), time(), tzinfo=zone).timestamp() for n in (0, 1))
    count = round((ends - begins) / SLOT.total_seconds())
    starts = [datetime.fromtimestamp(begins + number * SLOT.total_seconds(), tz=zone) for number in range(count)]
    these = _best(CoverageRun.objects.filter(city=city), since=starts[0], until=starts[-1])
    before = _best(published_runs(city), since=starts[0] - WEEK, until=starts[-1] - WEEK)
    return [
        DaySlot(
            starts_at=at,
            state=_state(these.get(at), at, now=now),
            run=run if (run := these.get(at)) and run.status == CoverageRun.Status.PUBLISHED else None,
            before=before.get(at - WEEK),
        )
        for at in starts
    ]


def newest_refusal(city: str, *, since: datetime) -> CoverageRun | None:
    """The newest picture that failed its checks and that no published one of the same or a later slot replaced."""
    refused = CoverageRun.objects.filter(city=city, status=CoverageRun.Status.REFUSED, slot_starts_at__gte=since)
    newest = refused.only(*LIGHT).order_by("-slot_starts_at", "-pk").first()
    if newest is None or published_runs(city).filter(slot_starts_at__gte=newest.slot_starts_at).exists():
        return None
    return newest


def _best(runs: QuerySet[CoverageRun], *, since: datetime, until: datetime) -> dict[datetime, CoverageRun]:
    """The published picture of each slot, else the newest that there is."""
    rows = runs.filter(slot_starts_at__gte=since, slot_starts_at__lte=until).only(*LIGHT).order_by("pk")
    found: dict[datetime, CoverageRun] = {}
    for run in rows:
        present = found.get(run.slot_starts_at)
        if present is None or present.status != CoverageRun.Status.PUBLISHED:
            found[run.slot_starts_at] = run
    return found


def _state(run: CoverageRun | None, starts_at: datetime, *, now: datetime) -> SlotState:
    if run is not None and run.status == CoverageRun.Status.PUBLISHED:
        return SlotState.PUBLISHED
    if run is not None and run.status == CoverageRun.Status.REFUSED:
        return SlotState.REFUSED
    if now < starts_at + SLOT:
        return SlotState.FUTURE
    return SlotState.AWAITED if now < starts_at + SLOT + DUE_AFTER + LATE_AFTER else SlotState.LATE
