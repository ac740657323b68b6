"""Public holidays and make-up working days of mainland China.

2026 is as the State Council's General Office published it on 4 November 2025. 2027 is illustrative: the statutory days
alone, without the bridges and make-up days that a later notice adds; their names say so.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from parking_share.spaces.calendar import DEFAULT_REGION
from parking_share.spaces.models import CalendarDay

SUNDAY = 7
PUBLISHED = [
    ("元旦", date(2026, 1, 1), date(2026, 1, 3)),
    ("春节", date(2026, 2, 15), date(2026, 2, 23)),
    ("清明节", date(2026, 4, 4), date(2026, 4, 6)),
    ("劳动节", date(2026, 5, 1), date(2026, 5, 5)),
    ("端午节", date(2026, 6, 19), date(2026, 6, 21)),
    ("中秋节", date(2026, 9, 25), date(2026, 9, 27)),
    ("国庆节", date(2026, 10, 1), date(2026, 10, 7)),
]
PUBLISHED_WORKDAYS = [
    ("元旦", date(2026, 1, 4)),
    ("春节", date(2026, 2, 14)),
    ("春节", date(2026, 2, 28)),
    ("劳动节", date(2026, 5, 9)),
    ("国庆节", date(2026, 9, 20)),
    ("国庆节", date(2026, 10, 10)),
]
ILLUSTRATIVE = [
    ("元旦", date(2027, 1, 1), date(2027, 1, 1)),
    ("春节", date(2027, 2, 5), date(2027, 2, 8)),
    ("清明节", date(2027, 4, 5), date(2027, 4, 5)),
    ("劳动节", date(2027, 5, 1), date(2027, 5, 2)),
    ("端午节", date(2027, 6, 9), date(2027, 6, 9)),
    ("中秋节", date(2027, 9, 15), date(2027, 9, 15)),
    ("国庆节", date(2027, 10, 1), date(2027, 10, 3)),
]


def calendar_days() -> Iterator[CalendarDay]:
    """Rows for every day that is not the weekday it seems; a make-up day acts as the workday next to it."""
    for name, first, last in PUBLISHED:
        yield from _holiday(name, first, last)
    for name, first, last in ILLUSTRATIVE:
        yield from _holiday(f"{name}（示意）", first, last)
    for name, day in PUBLISHED_WORKDAYS:
        acts_as = 1 if day.isoweekday() == SUNDAY else 5
        kind = CalendarDay.Kind.MAKE_UP_WORKDAY
        yield CalendarDay(region=DEFAULT_REGION, date=day, kind=kind, acts_as=acts_as, name=f"{name}调休上班")


def add_calendar() -> None:
    """Add the days that nobody has entered yet."""
    CalendarDay.objects.bulk_create(calendar_days(), ignore_conflicts=True)


def _holiday(name: str, first: date, last: date) -> Iterator[CalendarDay]:
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        kind = CalendarDay.Kind.HOLIDAY
        yield CalendarDay(region=DEFAULT_REGION, date=day, kind=kind, acts_as=SUNDAY, name=name)
