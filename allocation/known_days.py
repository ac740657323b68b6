"""What is known of a lot's days, for people: what was seen, how often, and what the engine makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from allocation.knowledge import KINDS, SLOTS_AN_HOUR, Knowledge, LocalSlots, Values, read_knowledge
from allocation.learnt import HOURS_A_DAY, SLOTS_A_DAY, LearntDemand
from allocation.pictures import SlotGrid, policies_by_lot, slot_of
from parking_share.spaces.models import DayType, Lot, ShareWindow
from parking_share.spaces.selectors import usable_spaces
from parking_share.spaces.tariffs import RateTable, rate_table
from sensors.slots import SLOT

A_WEEK = timedelta(weeks=1)


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
    rates = rate_table(lot, starts_at=now, ends_at=now + A_WEEK)
    prior_h = policies_by_lot([lot])[lot.pk].modal_stay_h
    shared = _shared(lot, rates, now=now)
    return [_known(kind, knowledge, rates, prior_h=prior_h, shared=shared[n], now=now) for n, kind in enumerate(KINDS)]


def _shared(lot: Lot, rates: RateTable, *, now: datetime) -> Values:
    """Shape (kinds, slots of a day): how many bays are shared on average in the week to come."""
    grid = SlotGrid(origin=slot_of(now), slots=A_WEEK // SLOT)
    counts = np.zeros(grid.slots)
    windows = ShareWindow.objects.filter(
        space__in=usable_spaces([lot]), superseded_at__isnull=True, ends_at__gt=now, starts_at__lt=grid.ends_at
    )
    for starts_at, ends_at in windows.values_list("starts_at", "ends_at"):
        start, end = grid.inward(starts_at, ends_at)
        counts[start:end] += 1
    local = LocalSlots.over(rates, origin=grid.origin, slots=grid.slots)
    place, places = local.kind * SLOTS_A_DAY + local.slot_of_day, len(KINDS) * SLOTS_A_DAY
    days = np.maximum(np.bincount(place, minlength=places), 1)
    return (np.bincount(place, weights=counts, minlength=places) / days).reshape(len(KINDS), SLOTS_A_DAY)


def _known(
    kind: DayType, knowledge: Knowledge, rates: RateTable, *, prior_h: float, shared: Values, now: datetime
) -> KnownDay:
    row = knowledge.rows.get(kind)
    importance = knowledge.importance(rates)[KINDS.index(kind)]
    seen, with_one_bay = (knowledge.arrivals(kind, importance, bays=bays, prior_h=prior_h) for bays in (0, 1))
    arrivals = seen + shared * (with_one_bay - seen)
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
