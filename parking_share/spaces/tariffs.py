"""What a period costs: integer minor units, local hours, rate = peak rate times importance (eq. 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from django.db.models import Q

from parking_share.spaces.calendar import day_type, region_of, weekdays_by_date
from parking_share.spaces.models import DayType, Lot, Tariff

FLAT = (100,) * 24
_PERCENT_MINUTES = 100 * 60


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
        """Price of [starts_at, ends_at): the sum over local hours of minutes times rate, rounded once, half up."""
        weighted, instant = Decimal(0), starts_at
        while instant < ends_at:
            boundary = min(_next_full_hour(instant), ends_at)
            minutes = Decimal((boundary - instant) // timedelta(seconds=1)) / 60
            weighted += minutes * self.importance_at(instant)
            instant = boundary
        return int((weighted * self.peak_rate_cents / _PERCENT_MINUTES).quantize(Decimal(1), ROUND_HALF_UP))


def rate_tables(lots: list[Lot], *, first: date, last: date) -> dict[int, RateTable]:
    """Rate tables by lot id, in one query for tariffs and one per calendar region."""
    curves = {
        (row.lot_id, row.land_use, DayType(row.day_type)): tuple(row.importance_percent)
        for row in Tariff.objects.filter(
            Q(lot__in=lots) | Q(lot__isnull=True, land_use__in={lot.land_use for lot in lots})
        )
    }
    regions = {region_of(lot.time_zone) for lot in lots}
    calendars = {region: weekdays_by_date(region=region, first=first, last=last) for region in regions}
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


def _next_full_hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
