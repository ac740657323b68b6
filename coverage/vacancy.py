"""How many bays of each lot a driver could use in a slot, and how well we know it.

A lot whose access class admits the public opens all its bays, and sensors say how many are in use. Elsewhere only bays
in their shared hours are open, and reservations say how many are taken. What nobody has seen lately comes from the
lot's profile for that kind of day; where there is none, from the usual demand of its land use; marked as what it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from parking_share.reservations.states import HOLDS_A_SPACE, MAY_LAPSE, Status
from parking_share.spaces.calendar import day_type, region_of, weekdays_by_date
from parking_share.spaces.models import DayType, Lot
from parking_share.spaces.tariffs import RateTable, rate_tables
from sensors.models import OccupancySlot
from sensors.selectors import profiles_of

SLOT = timedelta(minutes=15)
BELIEVED_FOR = 2 * SLOT
PEAK_SHARE_OF_PRIOR = 0.8  # bays in use in the busiest hour, where a lot has never been measured

_SHARED_AND_HELD = """
WITH shared AS (
    SELECT space.lot_id, count(*) AS bays
    FROM spaces_space space
    JOIN spaces_sharewindow offered ON offered.space_id = space.id
    WHERE space.lot_id = ANY(%(lots)s)
      AND space.standing = 'APPROVED'
      AND offered.starts_at <= %(starts_at)s AND offered.ends_at >= %(ends_at)s
      AND offered.created_at <= %(as_of)s
      AND (offered.superseded_at IS NULL OR offered.superseded_at > %(as_of)s)
    GROUP BY space.lot_id
), held AS (
    SELECT reservation.lot_id, count(*) AS bays
    FROM reservations_reservation reservation
    WHERE reservation.lot_id = ANY(%(lots)s)
      AND reservation.held_from < %(ends_at)s AND reservation.held_until > %(starts_at)s
      AND reservation.status = ANY(%(holding)s)
      AND NOT (reservation.status = ANY(%(may_lapse)s) AND reservation.lapses_at IS NOT NULL
               AND reservation.lapses_at <= %(as_of)s)
    GROUP BY reservation.lot_id
)
SELECT wanted.lot_id, coalesce(shared.bays, 0), coalesce(held.bays, 0)
FROM unnest(%(lots)s::bigint[]) AS wanted (lot_id)
LEFT JOIN shared USING (lot_id)
LEFT JOIN held USING (lot_id)
"""
# A stay that is over held its bay too; when it was, a past slot still has to count it.
_HELD_THEN = sorted({*HOLDS_A_SPACE, Status.COMPLETED})


class Basis(IntEnum):
    """Where a lot's vacancy comes from."""

    CLOSED = 0
    BOOKINGS = 1
    SEEN = 2
    PROFILE = 3
    PRIOR = 4


@dataclass(frozen=True, kw_only=True)
class Vacancies:
    """One slot of many lots, as arrays of shape (n,) in the order of `lot_ids`.

    `vacancy` is free over open bays, in [0, 1]; 0 where nothing is open, and then `basis` says CLOSED. `age_s` is how
    old the newest reading was when the slot ended, in seconds; NaN where nothing was read.
    """

    lot_ids: NDArray[np.int64]
    open_bays: NDArray[np.float64]
    free_bays: NDArray[np.float64]
    vacancy: NDArray[np.float64]
    basis: NDArray[np.int8]
    age_s: NDArray[np.float64]

    @property
    def is_estimated(self) -> NDArray[np.bool_]:
        return np.isin(self.basis, (Basis.PROFILE, Basis.PRIOR))


def vacancies_in(lots: Sequence[Lot], *, slot_starts_at: datetime, now: datetime) -> Vacancies:
    """The vacancy of each lot in a slot: six queries, however many lots. For a slot in the past, as it was then."""
    as_of = min(now, slot_starts_at + SLOT)
    bookings = _bookings(lots, slot_starts_at=slot_starts_at, as_of=as_of)
    seen = _seen(lots, slot_starts_at=slot_starts_at)
    usual = _UsualDemand.of(lots, slot_starts_at=slot_starts_at)
    count = len(lots)
    open_bays, free_bays = np.zeros(count), np.zeros(count)
    basis, age_s = np.zeros(count, dtype=np.int8), np.full(count, np.nan)
    for row, lot in enumerate(lots):
        shared, taken = bookings.get(lot.pk, (0, 0))
        if not lot.access_class.admits_public:
            open_bays[row], free_bays[row], basis[row] = shared, shared - taken, Basis.BOOKINGS
            continue
        capacity = float(lot.capacity or 0)
        slot = seen.get(lot.pk)
        used, basis[row], closed_share = usual.bays_in_use(lot, slot)
        open_bays[row] = capacity * (1 - closed_share)
        free_bays[row] = open_bays[row] - max(used, taken)
        if slot is not None and slot.newest_reading_at is not None:
            age_s[row] = (slot_starts_at + SLOT - slot.newest_reading_at).total_seconds()
    free_bays = np.clip(free_bays, 0, open_bays)
    is_open = open_bays > 0
    vacancy = np.divide(free_bays, open_bays, out=np.zeros(count), where=is_open)
    basis[~is_open] = Basis.CLOSED
    lot_ids = np.array([lot.pk for lot in lots], dtype=np.int64)
    return Vacancies(
        lot_ids=lot_ids, open_bays=open_bays, free_bays=free_bays, vacancy=vacancy, basis=basis, age_s=age_s
    )


def _bookings(lots: Sequence[Lot], *, slot_starts_at: datetime, as_of: datetime) -> dict[int, tuple[int, int]]:
    """Bays shared for the whole slot, and holds that touch it, by lot id."""
    values: dict[str, Any] = {
        "lots": [lot.pk for lot in lots],
        "starts_at": slot_starts_at,
        "ends_at": slot_starts_at + SLOT,
        "as_of": as_of,
        "holding": _HELD_THEN,
        "may_lapse": sorted(MAY_LAPSE),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SHARED_AND_HELD, values)
        return {lot_id: (shared, taken) for lot_id, shared, taken in cursor.fetchall()}


def _seen(lots: Sequence[Lot], *, slot_starts_at: datetime) -> dict[int, OccupancySlot]:
    """The newest good slot of each lot that is not older than we believe."""
    rows = OccupancySlot.objects.filter(
        lot__in=[lot.pk for lot in lots],
        starts_at__gt=slot_starts_at - BELIEVED_FOR,
        starts_at__lte=slot_starts_at,
        quality=OccupancySlot.Quality.GOOD,
        mean_occupied__isnull=False,
    )
    return {slot.lot_id: slot for slot in rows.order_by("starts_at")}


@dataclass(frozen=True, kw_only=True)
class _UsualDemand:
    """What stands in for sensors: profiles, and behind them the importance of the hour for the land use."""

    profiles: dict[int, float]
    rates: dict[int, RateTable]
    instant: datetime

    @classmethod
    def of(cls, lots: Sequence[Lot], *, slot_starts_at: datetime) -> "_UsualDemand":
        day = slot_starts_at.date()
        before, after = day - timedelta(days=1), day + timedelta(days=1)
        regions = {region_of(lot.time_zone) for lot in lots}
        calendars = {region: weekdays_by_date(region=region, first=before, last=after) for region in regions}
        kinds: dict[int, DayType] = {}
        slots: dict[int, int] = {}
        for lot in lots:
            local = slot_starts_at.astimezone(lot.zone)
            kinds[lot.pk] = day_type(local.date(), calendars[region_of(lot.time_zone)])
            slots[lot.pk] = local.hour * 4 + local.minute // 15
        shares = {
            lot_id: mean / profile.bays
            for lot_id, profile in profiles_of([lot.pk for lot in lots], day_types=kinds).items()
            if profile.bays and (mean := profile.mean_occupied[slots[lot_id]]) is not None
        }
        return cls(profiles=shares, rates=rate_tables(lots, first=before, last=after), instant=slot_starts_at)

    def bays_in_use(self, lot: Lot, slot: OccupancySlot | None) -> tuple[float, Basis, float]:
        """How many bays are in use, where that comes from, and the share of bays that is closed."""
        capacity = float(lot.capacity or 0)
        usual, basis = self._usual_share(lot)
        if slot is None or slot.mean_occupied is None:
            return usual * capacity, basis, 0.0
        observed = float(slot.bays or capacity)
        in_use = slot.mean_occupied + observed * slot.unknown_share * usual
        return in_use + max(capacity - observed, 0) * usual, Basis.SEEN, slot.closed_share

    def _usual_share(self, lot: Lot) -> tuple[float, Basis]:
        if lot.pk in self.profiles:
            return min(self.profiles[lot.pk], 1.0), Basis.PROFILE
        importance = self.rates[lot.pk].importance_at(self.instant) / 100
        return PEAK_SHARE_OF_PRIOR * importance, Basis.PRIOR
