"""What owners really publish and drivers really book, in the hours that a survey asks about."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from parking_share.reservations.models import Reservation
from parking_share.spaces.calendar import DEFAULT_REGION, day_type, weekdays_by_date
from parking_share.spaces.models import District, ShareWindow
from surveys.definition import Option
from surveys.engine.suppression import FEWEST_SHOWN

HALF_HOUR, HALVES_OF_A_DAY, DAYS = timedelta(minutes=30), 48, 7
EVERYWHERE = 0  # in place of a district's id: all of them together


@dataclass(frozen=True, kw_only=True)
class Published:
    """Of the bays that a district shares at all, what share is open in each band on average; None for too few bays."""

    bays: int
    shares: tuple[float, ...] | None


@dataclass(frozen=True, kw_only=True)
class Booked:
    """Of a district's reservations, what share begins in each option's hours; None for too few."""

    reservations: int
    shares: tuple[float, ...] | None


def published_hours(districts: Collection[District], bands: Sequence[Option], *, now: datetime) -> dict[int, Published]:
    """Windows of the seven days from the next local midnight, by district and everywhere; one query."""
    rows = _windows(districts, now)
    by_district = {district.pk: [row for row in rows if row[0] == district.pk] for district in districts}
    return {place: _published(mine, bands, now) for place, mine in ({EVERYWHERE: rows} | by_district).items()}


def _published(
    rows: Sequence[tuple[int, int, datetime, datetime, str]], bands: Sequence[Option], now: datetime
) -> Published:
    bays = len({space for _district, space, *_period in rows})
    if bays < FEWEST_SHOWN:
        return Published(bays=bays, shares=None)
    by_half = _open_by_half(rows, now) / (bays * DAYS)
    return Published(bays=bays, shares=tuple(float(by_half[_halves(band)].mean()) for band in bands))


def booked_times(
    districts: Collection[District], options: Sequence[Option], *, since: datetime, now: datetime
) -> dict[int, Booked]:
    """Reservations made since an instant that begin in the hours of each option, by district and everywhere."""
    starts: dict[int, list[datetime]] = {place: [] for place in (EVERYWHERE, *(one.pk for one in districts))}
    rows = Reservation.objects.filter(lot__district__in=districts, requested_at__gte=since, requested_at__lte=now)
    for district, starts_at, zone in rows.values_list("lot__district", "starts_at", "lot__time_zone"):
        for place in (EVERYWHERE, district):
            starts[place].append(starts_at.astimezone(ZoneInfo(zone)))
    acts_as = _calendar(starts[EVERYWHERE])
    return {
        district: Booked(
            reservations=len(times),
            shares=tuple(sum(_begins_in(local, option, acts_as) for local in times) / len(times) for option in options)
            if len(times) >= FEWEST_SHOWN
            else None,
        )
        for district, times in starts.items()
    }


def _windows(districts: Collection[District], now: datetime) -> list[tuple[int, int, datetime, datetime, str]]:
    rows = ShareWindow.objects.filter(
        superseded_at__isnull=True,
        space__lot__district__in=districts,
        ends_at__gt=now,
        starts_at__lt=now + timedelta(days=DAYS + 2),
    )
    return list(rows.values_list("space__lot__district", "space_id", "starts_at", "ends_at", "space__lot__time_zone"))


def _open_by_half(rows: Sequence[tuple[int, int, datetime, datetime, str]], now: datetime) -> NDArray[np.float64]:
    """Bay-days that are open in each local half hour of the day, summed over seven local days."""
    total = np.zeros(DAYS * HALVES_OF_A_DAY + 1)
    for _district, _space, starts_at, ends_at, zone_name in rows:
        zone = ZoneInfo(zone_name)
        midnight = (now.astimezone(zone) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        first, last = (_half_since(midnight, instant.astimezone(UTC)) for instant in (starts_at, ends_at))
        if last > first:
            total[first] += 1
            total[last] -= 1
    summed: NDArray[np.float64] = np.cumsum(total)[:-1].reshape(DAYS, HALVES_OF_A_DAY).sum(axis=0)
    return summed


def _half_since(midnight: datetime, instant: datetime) -> int:
    halves = (instant - midnight.astimezone(UTC)) / HALF_HOUR
    return int(min(max(round(halves), 0), DAYS * HALVES_OF_A_DAY))


def _halves(band: Option) -> NDArray[np.intp]:
    """The half hours of the day that a band covers; it may cross midnight."""
    if band.starts_at is None or band.ends_at is None:
        return np.arange(HALVES_OF_A_DAY)
    first, last = (at.hour * 2 + at.minute // 30 for at in (band.starts_at, band.ends_at))
    length = (last - first) % HALVES_OF_A_DAY or HALVES_OF_A_DAY
    return (first + np.arange(length)) % HALVES_OF_A_DAY


def _calendar(local_times: Sequence[datetime]) -> dict[date, int]:
    """Dates that act as another weekday: holidays and make-up working days."""
    dates = [local.date() for local in local_times]
    return weekdays_by_date(region=DEFAULT_REGION, first=min(dates), last=max(dates)) if dates else {}


def _begins_in(local: datetime, option: Option, acts_as: dict[date, int]) -> bool:
    if option.days and day_type(local.date(), acts_as) != option.days:
        return False
    if option.starts_at is None or option.ends_at is None:
        return True
    if option.starts_at < option.ends_at:
        return option.starts_at <= local.time() < option.ends_at
    return local.time() >= option.starts_at or local.time() < option.ends_at
