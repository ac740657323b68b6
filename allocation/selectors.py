"""Rows turned into arrays for the engine, and what the shell asks about decisions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property

import numpy as np
from django.db.models import F, Min, Q, QuerySet
from numpy.typing import NDArray

from allocation.engine.policy import Policy
from allocation.engine.registry import policy_named
from allocation.engine.request import Request
from allocation.engine.rules import Horizon, Rules
from allocation.engine.state import LotState
from allocation.models import Decision, LotPolicy
from parking_share.accounts.models import Vehicle
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import holding
from parking_share.reservations.states import Status
from parking_share.spaces.models import BookingLimits, Lot, ShareWindow, Space
from parking_share.spaces.selectors import admissions, suits, usable_spaces
from parking_share.spaces.tariffs import RateTable, rate_table

SLOT = timedelta(minutes=15)
SLOTS_AN_HOUR = 4
ALTERNATIVE_SHIFTS = [sign * minutes for minutes in (15, 30, 45, 60) for sign in (-1, 1)]


@dataclass(frozen=True, kw_only=True)
class SlotGrid:
    """The slots of a horizon; slot 0 begins at `origin`, a quarter of an hour of UTC."""

    origin: datetime
    slots: int

    @classmethod
    def covering(cls, *, now: datetime, latest_end: datetime, lot: Lot) -> "SlotGrid":
        """From the slot of `now` to 24 hours after the local day of the latest end."""
        origin = _slot_of(now)
        local_midnight = datetime.combine(latest_end.astimezone(lot.zone).date(), time(), tzinfo=lot.zone)
        return cls(origin=origin, slots=-(-(local_midnight + timedelta(days=2) - origin) // SLOT))

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

    @cached_property
    def index_of(self) -> dict[int, int]:
        """Row of a space id in the engine's arrays."""
        return {space.pk: row for row, space in enumerate(self.spaces)}

    def request_for(self, reservation: Reservation, eligible: NDArray[np.bool_]) -> Request | None:
        """The engine's request, or None where nothing of the period lies ahead."""
        start, end = self.grid.outward(reservation.starts_at, reservation.ends_at)
        return Request(start=start, end=end, eligible=eligible) if start < end else None


def lot_picture(lot: Lot, *, latest_end: datetime, now: datetime) -> LotPicture:
    """Load a lot's windows, holds, tariff and policy once."""
    grid = SlotGrid.covering(now=now, latest_end=latest_end, lot=lot)
    spaces = list(usable_spaces(lot))
    policy_row = policy_of(lot)
    rates = rate_table(lot, starts_at=grid.origin, ends_at=grid.origin + grid.slots * SLOT)
    importance = _importance(rates, grid)
    return LotPicture(
        lot=lot,
        grid=grid,
        spaces=spaces,
        state=LotState.from_free(_free_slots(spaces, grid, now=now)),
        policy=policy_named(policy_row.name, importance, importance * rates.peak_rate_cents, rules=_rules(policy_row)),
        policy_row=policy_row,
    )


def policy_of(lot: Lot) -> LotPolicy:
    """The lot's own policy in force, else the row for everywhere, else the defaults of the model."""
    rows = LotPolicy.objects.filter(Q(lot=lot) | Q(lot__isnull=True), superseded_at__isnull=True)
    return rows.order_by(F("lot").asc(nulls_last=True)).first() or LotPolicy(version=0)


def eligible_spaces(picture: LotPicture, reservations: Iterable[Reservation]) -> dict[int, NDArray[np.bool_]]:
    """By reservation, the mask of spaces that its driver may use and its cars fit. Needs the vehicle rows loaded."""
    rows = list(reservations)
    admitted = admissions(picture.spaces, drivers={row.driver_id for row in rows})
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
                for space in picture.spaces
            ],
            dtype=bool,
        )
        for row in rows
    }


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """Another period in the same lot that would be accepted now."""

    starts_at: datetime
    ends_at: datetime
    price_cents: int
    currency: str


def alternatives_for(reservation: Reservation, *, now: datetime, most: int = 3) -> list[Alternative]:
    """Periods of the same length up to an hour earlier or later that the lot's policy would accept, nearest first."""
    if not reservation.lot.is_open:
        return []
    picture = lot_picture(reservation.lot, latest_end=reservation.ends_at + timedelta(hours=1), now=now)
    rates = rate_table(
        reservation.lot, starts_at=reservation.starts_at - SLOT * 4, ends_at=reservation.ends_at + SLOT * 4
    )
    eligible = eligible_spaces(picture, [reservation])[reservation.pk]
    found = []
    for minutes in ALTERNATIVE_SHIFTS:
        shift = timedelta(minutes=minutes)
        starts_at, ends_at = reservation.starts_at + shift, reservation.ends_at + shift
        start, end = picture.grid.outward(starts_at, ends_at)
        if starts_at < now or start >= end:
            continue
        decision = picture.policy.decide(picture.state, Request(start=start, end=end, eligible=eligible))
        if decision.space is not None:
            price = rates.price_cents(starts_at, ends_at)
            found.append(Alternative(starts_at=starts_at, ends_at=ends_at, price_cents=price, currency=rates.currency))
    return found[:most]


def lots_that_wait(*, asked_before: datetime) -> list[int]:
    """Lots with a request that nobody has decided, though it was made before this instant."""
    waiting = Reservation.objects.filter(status=Status.REQUESTED, requested_at__lt=asked_before)
    return sorted(waiting.values_list("lot_id", flat=True).distinct())


def lots_to_announce(*, now: datetime) -> list[int]:
    """Lots in which an accepted reservation is due for its bay, each by its own lead."""
    leads: dict[int | None, int] = dict(BookingLimits.objects.values_list("lot_id", "announce_before_min"))
    everywhere = leads.get(None, BookingLimits().announce_before_min)
    soon = Reservation.objects.filter(
        status=Status.ACCEPTED, starts_at__lte=now + timedelta(minutes=max(leads.values(), default=everywhere))
    )
    earliest = soon.values("lot_id").annotate(starts_first_at=Min("starts_at")).values_list("lot_id", "starts_first_at")
    return sorted(
        lot_id for lot_id, starts_at in earliest if starts_at <= now + timedelta(minutes=leads.get(lot_id, everywhere))
    )


def decisions_of(reservation: Reservation) -> QuerySet[Decision]:
    return Decision.objects.filter(reservation=reservation)


def _slot_of(instant: datetime) -> datetime:
    return instant.replace(minute=instant.minute // 15 * 15, second=0, microsecond=0)


def _vehicles(reservation: Reservation) -> list[Vehicle]:
    return [row.vehicle for row in reservation.vehicle_rows.all()]


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


def _free_slots(spaces: Sequence[Space], grid: SlotGrid, *, now: datetime) -> NDArray[np.bool_]:
    """Shape (spaces, slots): shared and not held."""
    free = np.zeros((len(spaces), grid.slots), dtype=bool)
    row_of = {space.pk: row for row, space in enumerate(spaces)}
    horizon_ends = grid.origin + grid.slots * SLOT
    windows = ShareWindow.objects.filter(
        space__in=row_of, superseded_at__isnull=True, ends_at__gt=grid.origin, starts_at__lt=horizon_ends
    )
    for space_id, starts_at, ends_at in windows.values_list("space_id", "starts_at", "ends_at"):
        start, end = grid.inward(starts_at, ends_at)
        free[row_of[space_id], start:end] = True
    holds = holding(now=now).filter(space__in=row_of, held_from__lt=horizon_ends)
    for space_id, held_from, held_until in holds.values_list("space_id", "held_from", "held_until"):
        start, end = grid.outward(held_from, held_until)
        free[row_of[space_id], start:end] = False
    return free
