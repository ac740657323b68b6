"""Real stays from a table, and the future day that stands in for theirs."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from parking_share.errors import DomainError
from parking_share.spaces.models import CalendarDay
from parking_share.spaces.tables import Row

FIELDS = ("arrival", "departure")
SOONEST = timedelta(days=2)
SEARCHED_DAYS = 21


class ReplayRefused(DomainError):
    code = "replay_refused"


@dataclass(frozen=True, kw_only=True)
class RealStay:
    """Local times as the table has them."""

    arrived: datetime
    departed: datetime


@dataclass(kw_only=True)
class Day:
    """The stays that began on a day, in order of arrival, and how many rows of the day make no sense."""

    stays: list[RealStay] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


def check_columns(columns: Mapping[str, str], header: Iterable[str]) -> None:
    known = list(header)
    for name in FIELDS:
        if columns.get(name) not in known:
            values = {"name": name, "known": ", ".join(known)}
            raise ReplayRefused(_("Name the column of %(name)s in --columns. The table has %(known)s.") % values)


def stays_of(day: date, rows: Iterable[Row], columns: Mapping[str, str]) -> Day:
    """Pick a day's stays. A stay that ends before it begins is refused and counted; so is a time that is none."""
    found = Day()
    for row in rows:
        arrival, departure = row.cells[columns["arrival"]].strip(), row.cells[columns["departure"]].strip()
        if arrival[:10] == day.isoformat():
            _add(found, arrival, departure)
    found.stays.sort(key=lambda stay: (stay.arrived, stay.departed))
    return found


def stand_in(day: date, *, today: date, region: str) -> date:
    """The next date with the same weekday that is neither a holiday nor a make-up day, two days ahead or more."""
    first = today + SOONEST
    special = set(
        CalendarDay.objects.filter(
            region=region, date__range=(first, first + timedelta(days=SEARCHED_DAYS))
        ).values_list("date", flat=True)
    )
    for offset in range(SEARCHED_DAYS):
        candidate = first + timedelta(days=offset)
        if candidate.isoweekday() == day.isoweekday() and candidate not in special:
            return candidate
    raise ReplayRefused(_("The next three weeks have no ordinary day of this weekday. Choose another day."))


def moved(local: datetime, *, by: timedelta, zone: ZoneInfo) -> datetime:
    """The same local time so many days later."""
    return (local + by).replace(tzinfo=zone)


def _add(found: Day, arrival: str, departure: str) -> None:
    try:
        stay = RealStay(arrived=datetime.fromisoformat(arrival), departed=datetime.fromisoformat(departure))
    except ValueError:
        found.refused["not_a_time"] += 1
        return
    if stay.departed <= stay.arrived:
        found.refused["departure_not_after_arrival"] += 1
    else:
        found.stays.append(stay)
