"""Rows turned into arrays for the engine: lots as their policies see them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from allocation.engine.policy import Policy
from allocation.engine.registry import policy_named
from allocation.engine.request import Request
from allocation.engine.rules import Horizon, Rules
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation
from allocation.models import LotPolicy
from parking_share.accounts.models import Vehicle
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import holding
from parking_share.reservations.states import Status
from parking_share.spaces.models import BookingLimits, Lot, ShareWindow, Space
from parking_share.spaces.selectors import admissions, limits_by_lot, suits, usable_spaces
from parking_share.spaces.tariffs import RateTable, rate_tables

SLOT = timedelta(minutes=15)
SLOTS_AN_HOUR = 4
_A_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class SlotGrid:
    """The slots of a horizon; slot 0 begins at `origin`, a quarter of an hour of UTC."""

    origin: datetime
    slots: int

    @classmethod
    def covering(cls, *, now: datetime, latest_end: datetime, lot: Lot) -> "SlotGrid":
        """From the slot of `now` to 24 hours after the local day of the latest end; one slot where all that is past."""
        origin = slot_of(now)
        local_midnight = datetime.combine(latest_end.astimezone(lot.zone).date(), time(), tzinfo=lot.zone)
        slots = -((origin - local_midnight - timedelta(days=2)) // SLOT)
        return cls(origin=origin, slots=max(slots, 1))

    @property
    def ends_at(self) -> datetime:
        return self.origin + self.slots * SLOT

    def outward(self, starts_at: datetime, ends_at: datetime) -> tuple[int, int]:
        """The slots that a request or a hold touches, clipped to the horizon."""
        return self._clip((starts_at - self.origin) // SLOT), self._clip(-((self.origin - ends_at) // SLOT))

    def inward(self, starts_at: datetime, ends_at: datetime) -> tuple[int, int]:
        """The slots that lie wholly in a share window, clipped to the horizon."""
        return self._clip(-((self.origin - starts_at) // SLOT)), self._clip((ends_at - self.origin) // SLOT)

    def _clip(self, slot: int) -> int:
        return min(max(slot, 0), self.slots)


@dataclass(frozen=True, kw_only=True)
class LotPicture:
    """A lot as its policy sees it: which slots of which space are free, and what they are worth."""

    lot: Lot
    grid: SlotGrid
    spaces: Sequence[Space]
    state: LotState
    policy: Policy
    policy_row: LotPolicy
    limits: BookingLimits
    rates: RateTable

    @cached_property
    def index_of(self) -> dict[int, int]:
        """Row of a space id in the engine's arrays."""
        return {space.pk: row for row, space in enumerate(self.spaces)}

    @cached_property
    def valuation(self) -> Valuation:
        """What fragments are worth here, for placing somebody whatever the policy would decide."""
        importance = _importance(self.rates, self.grid)
        return Valuation.of(importance, importance * self.rates.peak_rate_cents, rules=_rules(self.policy_row))

    def mask_without(self, space_ids: Collection[int]) -> NDArray[np.bool_]:
        """All spaces but these."""
        return np.array([space.pk not in space_ids for space in self.spaces], dtype=bool)

    def request_for(self, reservation: Reservation, eligible: NDArray[np.bool_]) -> Request | None:
        """The engine's request, or None where nothing of the period lies ahead."""
        start, end = self.grid.outward(reservation.starts_at, reservation.ends_at)
        return Request(start=start, end=end, eligible=eligible) if start < end else None


def lot_pictures(
    lots: Sequence[Lot], *, latest_ends: Mapping[int, datetime], now: datetime, without: Collection[int] = ()
) -> dict[int, LotPicture]:
    """Load windows, holds, tariffs, limits and policies: one query each, however many lots. By lot id.

    The holds of the reservations `without` are left out, as if they had none.
    """
    grids = {lot.pk: SlotGrid.covering(now=now, latest_end=latest_ends[lot.pk], lot=lot) for lot in lots}
    spaces: dict[int, list[Space]] = defaultdict(list)
    for space in usable_spaces(lots):
        spaces[space.lot_id].append(space)
    free = _free_slots(spaces, grids, now=now, without=without)
    last = max((grid.ends_at for grid in grids.values()), default=now)
    rates = rate_tables(lots, first=now.date() - timedelta(days=1), last=last.date() + timedelta(days=1))
    policies, limits = policies_by_lot(lots), limits_by_lot(lots)
    return {
        lot.pk: LotPicture(
            lot=lot,
            grid=grids[lot.pk],
            spaces=spaces[lot.pk],
            state=LotState.from_free(free[lot.pk]),
            policy=_policy(policies[lot.pk], rates[lot.pk], grids[lot.pk]),
            policy_row=policies[lot.pk],
            limits=limits[lot.pk],
            rates=rates[lot.pk],
        )
        for lot in lots
    }


def lot_picture(lot: Lot, *, latest_end: datetime, now: datetime, without: Collection[int] = ()) -> LotPicture:
    """The picture of one lot."""
    return lot_pictures([lot], latest_ends={lot.pk: latest_end}, now=now, without=without)[lot.pk]


def policies_by_lot(lots: Iterable[Lot]) -> dict[int, LotPolicy]:
    """Each lot's own policy in force, else the row for everywhere, else the defaults of the model."""
    wanted = [lot.pk for lot in lots]
    rows = LotPolicy.objects.filter(Q(lot__in=wanted) | Q(lot__isnull=True), superseded_at__isnull=True)
    by_lot = {row.lot_id: row for row in rows}
    everywhere = by_lot.get(None) or LotPolicy(version=0)
    return {lot_id: by_lot.get(lot_id, everywhere) for lot_id in wanted}


def eligible_spaces(
    pictures: Mapping[int, LotPicture], reservations: Iterable[Reservation]
) -> dict[int, NDArray[np.bool_]]:
    """By reservation, the mask of its lot's spaces that its driver may use and its cars fit."""
    rows = list(reservations)
    spaces = [space for picture in pictures.values() for space in picture.spaces]
    admitted = admissions(spaces, drivers={row.driver_id for row in rows})
    return {
        row.pk: np.array(
            [
                admitted(space, row.driver_id)
                and suits(
                    space,
                    vehicles=_vehicles(row),
                    needs_charger=row.needs_charger,
                    needs_accessible=row.needs_accessible,
                )
                for space in pictures[row.lot_id].spaces
            ],
            dtype=bool,
        )
        for row in rows
    }


def slot_of(instant: datetime) -> datetime:
    return instant.replace(minute=instant.minute // 15 * 15, second=0, microsecond=0)


def _vehicles(reservation: Reservation) -> list[Vehicle]:
    return [row.vehicle for row in reservation.vehicle_rows.all()]


def _policy(row: LotPolicy, rates: RateTable, grid: SlotGrid) -> Policy:
    importance = _importance(rates, grid)
    return policy_named(row.name, importance, importance * rates.peak_rate_cents, rules=_rules(row))


def _rules(row: LotPolicy) -> Rules:
    return Rules(
        threshold=row.threshold,
        weights=(row.fragment_weight, 1 - row.fragment_weight),
        mode_hours=row.modal_stay_h,
        horizon=Horizon.FROM_NOW_ON,
    )


def _importance(rates: RateTable, grid: SlotGrid) -> NDArray[np.float64]:
    """g(t) of every slot of the horizon: one look-up per local hour."""
    values = np.empty(grid.slots)
    slot = 0
    while slot < grid.slots:
        instant = grid.origin + slot * SLOT
        until = slot + SLOTS_AN_HOUR - instant.astimezone(rates.zone).minute // 15
        values[slot:until] = rates.importance_at(instant) / 100
        slot = until
    return values


def _free_slots(
    spaces: Mapping[int, Sequence[Space]], grids: Mapping[int, SlotGrid], *, now: datetime, without: Collection[int]
) -> dict[int, NDArray[np.bool_]]:
    """By lot id, shape (spaces, slots): shared and not held; a car past its end is in its bay until it is seen off."""
    free = {lot_id: np.zeros((len(spaces[lot_id]), grid.slots), dtype=bool) for lot_id, grid in grids.items()}
    place = {space.pk: (lot_id, row) for lot_id in grids for row, space in enumerate(spaces[lot_id])}
    last = max((grid.ends_at for grid in grids.values()), default=now)
    windows = ShareWindow.objects.filter(
        space__in=place, superseded_at__isnull=True, ends_at__gt=now, starts_at__lt=last
    )
    for space_id, starts_at, ends_at in windows.values_list("space_id", "starts_at", "ends_at"):
        lot_id, row = place[space_id]
        start, end = grids[lot_id].inward(starts_at, ends_at)
        free[lot_id][row, start:end] = True
    still_there = Reservation.objects.filter(status=Status.PARKED, held_until__lte=now)
    holds = (holding(now=now) | still_there).filter(lot__in=grids, held_from__lt=last)
    if without:
        holds = holds.exclude(pk__in=without)
    for space_id, held_from, held_until in holds.values_list("space_id", "held_from", "held_until"):
        if space_id in place:
            lot_id, row = place[space_id]
            start, end = grids[lot_id].outward(held_from, max(held_until, now + _A_MOMENT))
            free[lot_id][row, start:end] = False
    return free
