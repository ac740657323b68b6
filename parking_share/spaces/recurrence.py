"""From weekly rules to concrete periods: pure functions over dates, zones and intervals.

Local times follow RFC 5545 on daylight-saving days: a time that is skipped counts with the offset before the gap, so it
shifts forward; a time that comes twice means the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

UTC = ZoneInfo("UTC")


@dataclass(frozen=True, kw_only=True)
class WeeklyOffer:
    """A weekly pattern in local time; an end that is not after the start lies on the next day."""

    weekdays: frozenset[int]
    starts_at: time
    ends_at: time
    first_date: date
    last_date: date | None = None


Interval = tuple[datetime, datetime]


def occurrences(
    offer: WeeklyOffer, *, first: date, last: date, zone: ZoneInfo, acts_as: Mapping[date, int]
) -> list[Interval]:
    """Return the offer's periods in UTC that begin on a local date in [first, last], in order.

    `acts_as` maps a calendar day (holiday, make-up working day) to the ISO weekday that it stands for.
    """
    day, end = max(first, offer.first_date), min(last, offer.last_date or last)
    periods = []
    while day <= end:
        if acts_as.get(day, day.isoweekday()) in offer.weekdays:
            last_day = day if offer.ends_at > offer.starts_at else day + timedelta(days=1)
            starts, ends = _instant(day, offer.starts_at, zone), _instant(last_day, offer.ends_at, zone)
            if starts < ends:
                periods.append((starts, ends))
        day += timedelta(days=1)
    return periods


def merge(periods: Iterable[Interval]) -> list[Interval]:
    """Join periods that overlap or touch, so that a stay may cross from one offer into the next."""
    merged: list[Interval] = []
    for starts, ends in sorted(periods):
        if merged and starts <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ends))
        else:
            merged.append((starts, ends))
    return merged


def overlaps(one: Interval, other: Interval) -> bool:
    """Whether two half-open periods share an instant; touching ones do not."""
    return one[0] < other[1] and other[0] < one[1]


def subtract(periods: Sequence[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """Cut the holes out of sorted, disjoint periods."""
    left = list(periods)
    for hole_starts, hole_ends in holes:
        left = [
            piece
            for starts, ends in left
            for piece in ((starts, min(ends, hole_starts)), (max(starts, hole_ends), ends))
            if piece[0] < piece[1]
        ]
    return left


def trim_ends(periods: Iterable[Interval], *, margin: timedelta) -> list[Interval]:
    """End every period earlier by the return margin; what is no longer than the margin goes."""
    return [(starts, ends - margin) for starts, ends in periods if ends - margin > starts]


def _instant(day: date, local: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, local, tzinfo=zone).astimezone(UTC)
