"""What was learnt of lots, read for those who decide there: one query at most, however many lots."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.core.cache import caches
from numpy.typing import NDArray

from allocation.engine.evidence import (
    PRIOR_DAYS,
    DayOfDemand,
    arrivals_prior,
    importance_from,
    mean_lead_h,
    modal_stay_from,
    stays_from,
    weighed,
)
from allocation.learnt import HOURS_A_DAY, SLOTS_A_DAY, LearntDemand
from parking_share.spaces.calendar import day_type
from parking_share.spaces.models import DayType, Lot
from parking_share.spaces.tariffs import RateTable
from sensors.slots import SLOT

SLOTS_AN_HOUR = SLOTS_A_DAY // HOURS_A_DAY
REMEMBERED_S = 300  # it changes once a night; a process may be that late
KINDS = tuple(DayType)

Values = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class LocalSlots:
    """The slots of a horizon on the lot's own clock: kind of day (an index of `KINDS`), and slot of that day."""

    kind: Numbers
    slot_of_day: Numbers

    @classmethod
    def over(cls, rates: RateTable, *, origin: datetime, slots: int) -> "LocalSlots":
        """One look-up per local hour."""
        kind, slot_of_day = np.empty(slots, dtype=np.int64), np.empty(slots, dtype=np.int64)
        slot = 0
        while slot < slots:
            local = (origin + slot * SLOT).astimezone(rates.zone)
            quarter = local.minute // 15
            until = min(slot + SLOTS_AN_HOUR - quarter, slots)
            kind[slot:until] = KINDS.index(day_type(local.date(), rates.acts_as))
            slot_of_day[slot:until] = local.hour * SLOTS_AN_HOUR + quarter + np.arange(until - slot)
            slot = until
        return cls(kind=kind, slot_of_day=slot_of_day)

    def of(self, table: Values) -> Values:
        """The values of a table of shape (kinds, slots of a day) over the horizon."""
        values: Values = table[self.kind, self.slot_of_day]
        return values


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """What a lot has taught, by kind of day; a kind without a row has taught nothing."""

    rows: Mapping[DayType, LearntDemand] = field(default_factory=dict)

    def importance(self, rates: RateTable) -> Values:
        """g(t) by kind and slot of the day: the tariff's, as far as occupancy has not shown another."""
        return np.stack([self._importance(kind, rates) for kind in KINDS])

    def modal_stay_h(self, kind: DayType, *, prior_h: float) -> float:
        """T_mode of a kind of day; the operator's number is the prior."""
        row = self.rows.get(kind)
        return prior_h if row is None else modal_stay_from(np.array(row.stay_lengths, dtype=float), prior_h=prior_h)

    def demand(self, rates: RateTable, local: LocalSlots, *, shared: Numbers, prior_h: float) -> DayOfDemand | None:
        """What the slots of a horizon bring over whole days; None where nothing has been learnt yet.

        `shared` counts the bays that are shared in each slot: only for these is anybody guessed beyond what was seen.
        """
        if not self.rows:
            return None
        importance = self.importance(rates)
        seen, with_one_bay = (
            local.of(
                np.stack(
                    [self.arrivals(kind, importance[n], bays=bays, prior_h=prior_h) for n, kind in enumerate(KINDS)]
                )
            )
            for bays in (0, 1)
        )
        rows = list(self.rows.values())
        lengths = np.sum([row.wanted_lengths for row in rows], axis=0).astype(float)
        return DayOfDemand(
            arrivals=seen + shared * (with_one_bay - seen),
            stays=stays_from(lengths, mode_hours=prior_h),
            lead_h=mean_lead_h(sum(row.lead_total_h for row in rows), sum(row.requests for row in rows)),
        )

    def _importance(self, kind: DayType, rates: RateTable) -> Values:
        prior = np.repeat(rates.importance_percent[kind], SLOTS_AN_HOUR) / 100
        row = self.rows.get(kind)
        if row is None:
            return prior
        return importance_from(np.array(row.occupied, dtype=float), np.array(row.occupied_days, dtype=float), prior)

    def arrivals(self, kind: DayType, importance: Values, *, bays: int, prior_h: float) -> Values:
        """Requests of a day by the slot in which they start; the prior is spread as a survey or g(t) has it."""
        row = self.rows.get(kind)
        shape = importance
        if row is not None and row.survey_shares:
            shape = np.repeat(row.survey_shares, SLOTS_AN_HOUR).astype(float)
        expected = arrivals_prior(importance, bays=bays, mode_hours=self.modal_stay_h(kind, prior_h=prior_h))
        prior: Values = expected * shape / max(float(shape.sum()), 1e-9)
        if row is None or not row.asked_days:
            return prior
        days = np.full(SLOTS_A_DAY, float(row.asked_days))
        return weighed(np.array(row.arrivals) / row.asked_days, days, prior, prior_samples=PRIOR_DAYS)


NOTHING_LEARNT = Knowledge()


def knowledge_by_lot(lots: Iterable[Lot]) -> dict[int, Knowledge]:
    """What each of these lots has taught; from this process's memory, else in one query for all that are missing."""
    cache = caches["process"]
    wanted = {lot.pk: f"learnt:{lot.pk}" for lot in lots}
    kept = cache.get_many(list(wanted.values()))
    known = {lot_id: kept[key] for lot_id, key in wanted.items() if key in kept}
    missing = [lot_id for lot_id in wanted if lot_id not in known]
    if missing:
        read = read_knowledge(missing)
        cache.set_many({wanted[lot_id]: one for lot_id, one in read.items()}, timeout=REMEMBERED_S)
        known |= read
    return known


def forget(lot_ids: Iterable[int]) -> None:
    """Let this process read these lots again; others follow within minutes."""
    caches["process"].delete_many([f"learnt:{lot_id}" for lot_id in lot_ids])


def read_knowledge(lot_ids: Iterable[int]) -> dict[int, Knowledge]:
    """What these lots have taught, as the database has it; one query."""
    rows: dict[int, dict[DayType, LearntDemand]] = {lot_id: {} for lot_id in lot_ids}
    for row in LearntDemand.objects.filter(lot__in=rows, superseded_at__isnull=True):
        rows[row.lot_id][DayType(row.day_type)] = row
    return {lot_id: Knowledge(rows=own) for lot_id, own in rows.items()}
