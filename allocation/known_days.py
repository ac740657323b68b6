"""What is known of a lot's days, for people: what was seen, how often, and what the engine makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from allocation.knowledge import KINDS, SLOTS_AN_HOUR, Knowledge, read_knowledge
from allocation.learnt import HOURS_A_DAY, LearntDemand
from allocation.pictures import policies_by_lot
from parking_share.spaces.models import DayType, Lot
from parking_share.spaces.selectors import usable_spaces
from parking_share.spaces.tariffs import RateTable, rate_table


@dataclass(frozen=True, kw_only=True)
class KnownHour:
    """One local hour: importance in per cent, bays in use as they were seen, requests a day seen and expected."""

    hour: int
    tariff_percent: int
    importance_percent: int
    bays_in_use: float | None
    requests_seen: float | None
    requests_expected: float


@dataclass(frozen=True, kw_only=True)
class KnownDay:
    """One kind of day. `row` is None where nothing was learnt yet; then all is as believed before."""

    kind: DayType
    row: LearntDemand | None
    modal_stay_h: float
    age: timedelta | None
    hours: Sequence[KnownHour]

    @property
    def period(self) -> tuple[date, date] | None:
        row = self.row
        return (
            None if row is None or row.first_date is None or row.last_date is None else (row.first_date, row.last_date)
        )

    @property
    def requests_a_day(self) -> float:
        return sum(hour.requests_expected for hour in self.hours)


def known_days_of(lot: Lot, *, now: datetime) -> list[KnownDay]:
    """Both kinds of day of a lot, read afresh. Five queries."""
    knowledge = read_knowledge([lot.pk])[lot.pk]
    rates = rate_table(lot, starts_at=now, ends_at=now)
    prior_h = policies_by_lot([lot])[lot.pk].modal_stay_h
    bays = usable_spaces([lot]).count()
    return [_known(kind, knowledge, rates, prior_h=prior_h, bays=bays, now=now) for kind in KINDS]


def _known(
    kind: DayType, knowledge: Knowledge, rates: RateTable, *, prior_h: float, bays: int, now: datetime
) -> KnownDay:
    row = knowledge.rows.get(kind)
    importance = knowledge.importance(rates)[KINDS.index(kind)]
    arrivals = knowledge.arrivals(kind, importance, bays=bays, prior_h=prior_h)
    return KnownDay(
        kind=kind,
        row=row,
        modal_stay_h=knowledge.modal_stay_h(kind, prior_h=prior_h),
        age=None if row is None else now - row.learnt_at,
        hours=[
            KnownHour(
                hour=hour,
                tariff_percent=rates.importance_percent[kind][hour],
                importance_percent=round(100 * float(importance[_quarters(hour)].mean())),
                bays_in_use=_seen(row, hour),
                requests_seen=_asked(row, hour),
                requests_expected=float(arrivals[_quarters(hour)].sum()),
            )
            for hour in range(HOURS_A_DAY)
        ],
    )


def _quarters(hour: int) -> slice:
    return slice(hour * SLOTS_AN_HOUR, (hour + 1) * SLOTS_AN_HOUR)


def _seen(row: LearntDemand | None, hour: int) -> float | None:
    means = [] if row is None else [mean for mean in row.occupied[_quarters(hour)] if mean is not None]
    return float(np.mean(means)) if means else None


def _asked(row: LearntDemand | None, hour: int) -> float | None:
    return sum(row.arrivals[_quarters(hour)]) / row.asked_days if row is not None and row.asked_days else None
