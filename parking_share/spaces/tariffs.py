"""What a period costs: integer minor units, local hours, rate = peak rate times importance (eq. 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from parking_share.spaces.calendar import day_type, region_of, special_days, weekdays_by_date
from parking_share.spaces.models import DayType, Lot, Tariff

FLAT = (100,) * 24
_PERCENT_SECONDS = 100 * 3600


@dataclass(frozen=True, kw_only=True)
class RateTable:
    """All that pricing needs, loaded once for any number of periods of one lot."""

    peak_rate_cents: int
    currency: str
    zone: ZoneInfo
    importance_percent: Mapping[DayType, tuple[int, ...]]
    acts_as: Mapping[date, int]

    def importance_at(self, instant: datetime) -> int:
        """Importance of the local hour, in per cent."""
        local = instant.astimezone(self.zone)
        return self.importance_percent[day_type(local.date(), self.acts_as)][local.hour]

    def price_cents(self, starts_at: datetime, ends_at: datetime) -> int:
        """Price of [starts_at, ends_at): the sum over local hours of seconds times rate, rounded once, half up."""
        weighted, instant, end = 0, starts_at.astimezone(UTC), ends_at.astimezone(UTC)
        while instant < end:
            boundary = min(self._next_local_hour(instant), end)
            weighted += (boundary - instant) // timedelta(seconds=1) * self.importance_at(instant)
            instant = boundary
        return (2 * weighted * self.peak_rate_cents + _PERCENT_SECONDS) // (2 * _PERCENT_SECONDS)

    def _next_local_hour(self, instant: datetime) -> datetime:
        """The next full hour on the lot's clock, which in some zones is not a full hour of UTC."""
        local = instant.astimezone(self.zone)
        gone = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return instant + timedelta(hours=1) - gone


def rate_tables(lots: Sequence[Lot], *, first: date, last: date) -> dict[int, RateTable]:
    """Rate tables by lot id, in one query; each calendar region beyond the first costs another."""
    regions = sorted({region_of(lot.time_zone) for lot in lots})
    rows = Tariff.objects.filter(Q(lot__in=lots) | Q(lot__isnull=True, land_use__in={lot.land_use for lot in lots}))
    tariffs = list(rows.annotate(calendar=special_days(region=regions[0], first=first, last=last))) if regions else []
    curves = {(row.lot_id, row.land_use, DayType(row.day_type)): tuple(row.importance_percent) for row in tariffs}
    calendars = {region: weekdays_by_date(region=region, first=first, last=last) for region in regions[bool(tariffs) :]}
    if tariffs:
        calendars[regions[0]] = {date.fromisoformat(day): acts_as for day, acts_as in tariffs[0].calendar}
    return {
        lot.pk: RateTable(
            peak_rate_cents=lot.peak_rate_cents,
            currency=lot.currency,
            zone=lot.zone,
            importance_percent={
                kind: curves.get((lot.pk, "", kind)) or curves.get((None, lot.land_use, kind), FLAT) for kind in DayType
            },
            acts_as=calendars[region_of(lot.time_zone)],
        )
        for lot in lots
    }


def rate_table(lot: Lot, *, starts_at: datetime, ends_at: datetime) -> RateTable:
    """The rate table of one lot for any period inside [starts_at, ends_at)."""
    return rate_tables([lot], first=starts_at.date() - timedelta(days=1), last=ends_at.date() + timedelta(days=1))[
        lot.pk
    ]
