"""Rows turned into arrays for the engine: lots as their policies see them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from allocation.engine.evidence import DayOfDemand
from allocation.engine.holds import Holds
from allocation.engine.policy import Policy
from allocation.engine.registry import policy_named
from allocation.engine.request import Request
from allocation.engine.rules import Horizon, Rules
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation
from allocation.filling import Reach, filled_lots
from allocation.knowledge import KINDS, SLOTS_AN_HOUR, Knowledge, LocalSlots, knowledge_by_lot
from allocation.models import LotPolicy
from parking_share.accounts.models import Vehicle
from parking_share.reservations.models import Reservation
from parking_share.spaces.models import BookingLimits, Lot, Space
from parking_share.spaces.selectors import admissions, limits_by_lot, suits, usable_spaces
from parking_share.spaces.tariffs import RateTable, rate_tables
from sensors.slots import SLOT


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


@dataclass(frozen=True, kw_only=True, eq=False)
class SlotWorth:
    """What the slots of a horizon are worth: g(t) as learnt, w(t) as the tariff bills it, T_mode as learnt."""

    importance: NDArray[np.float64]
    rates: NDArray[np.float64]
    rules: Rules
    local: LocalSlots
    knowledge: Knowledge

    @classmethod
    def of(cls, row: LotPolicy, rates: RateTable, knowledge: Knowledge, *, grid: SlotGrid) -> "SlotWorth":
        local = LocalSlots.over(rates, origin=grid.origin, slots=grid.slots)
        tariff = np.array([rates.importance_percent[kind] for kind in KINDS]).repeat(SLOTS_AN_HOUR, axis=1) / 100
        rules = Rules(
            threshold=row.threshold,
            weights=(row.fragment_weight, 1 - row.fragment_weight),
            mode_hours=knowledge.modal_stay_h(KINDS[local.kind[0]], prior_h=row.modal_stay_h),
            horizon=Horizon.FROM_NOW_ON,
        )
        return cls(
            importance=local.of(knowledge.importance(rates)),
            rates=local.of(tariff) * rates.peak_rate_cents,
            rules=rules,
            local=local,
            knowledge=knowledge,
        )

    def policy(self, name: str) -> Policy:
        return policy_named(name, self.importance, self.rates, rules=self.rules)


@dataclass(frozen=True, kw_only=True)
class LotPicture:
    """A lot as its policy sees it: which slots of which space are free, and what they are worth.

    `shared` says by slot how many bays are shared, whether promised or not.
    """

    lot: Lot
    grid: SlotGrid
    spaces: Sequence[Space]
    holds: Holds
    shared: NDArray[np.int64]
    policy: Policy
    policy_row: LotPolicy
    limits: BookingLimits
    rates: RateTable
    worth: "SlotWorth"

    @property
    def state(self) -> LotState:
        """All that is promised, in the engine's arrays; whoever only places somebody changes it in place."""
        return self.holds.state

    @cached_property
    def index_of(self) -> dict[int, int]:
        """Row of a space id in the engine's arrays."""
        return {space.pk: row for row, space in enumerate(self.spaces)}

    @cached_property
    def valuation(self) -> Valuation:
        """What fragments are worth here, for placing somebody whatever the policy would decide."""
        return Valuation.of(self.worth.importance, self.worth.rates, rules=self.worth.rules)

    @cached_property
    def demand(self) -> DayOfDemand | None:
        """What whole days of the horizon bring, whoever has asked already; None where nothing has been learnt."""
        return self.worth.knowledge.demand(
            self.rates, self.worth.local, shared=self.shared, prior_h=self.policy_row.modal_stay_h
        )

    def mask_without(self, space_ids: Collection[int]) -> NDArray[np.bool_]:
        """All spaces but these."""
        return np.array([space.pk not in space_ids for space in self.spaces], dtype=bool)

    def request_for(self, reservation: Reservation, eligible: NDArray[np.bool_] | None) -> Request | None:
        """The engine's request, or None where nothing of the period lies ahead."""
        start, end = self.grid.outward(reservation.starts_at, reservation.ends_at)
        return Request(start=start, end=end, eligible=eligible) if start < end else None


def lot_pictures(lots: Sequence[Lot], *, latest_ends: Mapping[int, datetime], reach: Reach) -> dict[int, LotPicture]:
    """Load windows, holds, tariffs, limits and policies: one query each, however many lots. By lot id.

    What `reach` lets move is laid on top of what cannot.
    """
    now = reach.now
    grids = {lot.pk: SlotGrid.covering(now=now, latest_end=latest_ends[lot.pk], lot=lot) for lot in lots}
    spaces: dict[int, list[Space]] = defaultdict(list)
    for space in usable_spaces(lots):
        spaces[space.lot_id].append(space)
    policies, limits = policies_by_lot(lots), limits_by_lot(lots)
    filled = filled_lots(
        spaces, grids, reach, moving={lot_id for lot_id, row in policies.items() if reach.moves(row.name)}
    )
    last = max((grid.ends_at for grid in grids.values()), default=now)
    rates = rate_tables(lots, first=now.date() - timedelta(days=1), last=last.date() + timedelta(days=1))
    known = knowledge_by_lot(lots)
    worth = {lot.pk: SlotWorth.of(policies[lot.pk], rates[lot.pk], known[lot.pk], grid=grids[lot.pk]) for lot in lots}
    return {
        lot.pk: LotPicture(
            lot=lot,
            grid=grids[lot.pk],
            spaces=spaces[lot.pk],
            holds=filled[lot.pk].holds,
            shared=filled[lot.pk].shared,
            policy=worth[lot.pk].policy(policies[lot.pk].name),
            policy_row=policies[lot.pk],
            limits=limits[lot.pk],
            rates=rates[lot.pk],
            worth=worth[lot.pk],
        )
        for lot in lots
    }


def lot_picture(lot: Lot, *, latest_end: datetime, now: datetime, without: Collection[int] = ()) -> LotPicture:
    """The picture of one lot."""
    return lot_pictures([lot], latest_ends={lot.pk: latest_end}, reach=Reach(now=now, without=without))[lot.pk]


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
