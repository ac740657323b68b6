"""Replaying a day of real stays through the public API, once under each policy, and measuring what became of it."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

import numpy as np
from django.utils.translation import gettext as _

from allocation.engine.metrics import Metrics, measure
from allocation.engine.rules import Rules
from allocation.engine.valuation import Valuation
from allocation.models import LotPolicy
from allocation.pictures import LotPicture, lot_picture
from parking_share import bells
from parking_share.demo.client import Client
from parking_share.demo.copies import StatedSupply, close_lot, copy_lot
from parking_share.demo.stays import RealStay, ReplayRefused, moved
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import BookingLimits, Lot
from sensors.slots import SLOT

LONGEST_LEAD_MIN = 32_767
RING_AGAIN_S = 5
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is replayed: the stays, by how many days they are moved, onto which supply, how fast."""

    lot: Lot
    stays: Sequence[RealStay]
    moved_by: timedelta
    supply: StatedSupply
    modal_stay_h: float
    speed: float

    def period(self, stay: RealStay) -> tuple[datetime, datetime]:
        zone = self.lot.zone
        return moved(stay.arrived, by=self.moved_by, zone=zone), moved(stay.departed, by=self.moved_by, zone=zone)


@dataclass(kw_only=True)
class Outcome:
    """What a policy made of the day."""

    lot: Lot
    policy: str
    accepted: list[int] = field(default_factory=list)
    declined: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    assigned: int = 0
    revenue_cents: int = 0
    metrics: Metrics | None = None


def replay(
    plan: Plan, policy: str, client: Client, *, clock: Callable[[], datetime], tick: Callable[[], object]
) -> Outcome:
    """Book every stay of the day in a fresh copy of the lot, let the worker assign the bays, measure."""
    began_at = clock()
    lot = copy_lot(plan.lot, plan.supply, policy=policy, modal_stay_h=plan.modal_stay_h, now=began_at)
    before = lot_picture(lot, latest_end=plan.supply.ends_at, now=began_at)
    outcome = Outcome(lot=lot, policy=policy)
    try:
        for number, stay in enumerate(plan.stays):
            _pause(plan.stays[number - 1] if number else stay, stay, plan.speed)
            _book(plan, outcome, client, stay, number)
            tick()
        _assign(plan, outcome, clock=clock, patience_s=client.patience_s)
    finally:
        close_lot(lot)
    after = lot_picture(lot, latest_end=plan.supply.ends_at, now=began_at)
    outcome.metrics = measure(before.state, after.state, _valuation(before), accepted=len(outcome.accepted))
    return outcome


def _pause(previous: RealStay, stay: RealStay, speed: float) -> None:
    """Wait as long as the day did between two arrivals, divided by the speed; 0 waits never."""
    if speed > 0:
        time.sleep(max((stay.arrived - previous.arrived).total_seconds(), 0) / speed)


def _book(plan: Plan, outcome: Outcome, client: Client, stay: RealStay, number: int) -> None:
    """One car, one request. The key names the stay, so a repeated call books nothing twice."""
    starts_at, ends_at = plan.period(stay)
    wish = {
        "lot": outcome.lot.pk,
        "vehicles": [client.add_vehicle(_plate(outcome.lot.pk, number))],
        "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat(),
    }
    asked_at = time.perf_counter()
    reply = client.ask(wish, key=f"replay-{outcome.lot.pk}-{number}")
    outcome.seconds.append(time.perf_counter() - asked_at)
    if reply.status == 409:
        outcome.refused[reply.code] += 1
    elif reply.body["status"] == Status.DECLINED:
        outcome.declined[reply.body["reason"]["code"]] += 1
    else:
        outcome.accepted.append(reply.body["id"])
        outcome.revenue_cents += reply.body["price_cents"]


def _assign(plan: Plan, outcome: Outcome, *, clock: Callable[[], datetime], patience_s: float) -> None:
    """Let the lot announce its bays now; the worker gives the final bays, slot by slot of the replayed day."""
    lead = ceil((plan.supply.ends_at - clock()).total_seconds() / 60)
    BookingLimits.objects.filter(lot=outcome.lot).update(announce_before_min=min(lead, LONGEST_LEAD_MIN))
    until = time.monotonic() + patience_s
    rung_at = -RING_AGAIN_S * 1.0
    booked = Reservation.objects.filter(pk__in=outcome.accepted)
    while booked.filter(status=Status.ACCEPTED).exists():
        if time.monotonic() > until:
            sentence = _("The bays were not announced within %(n)s seconds. Is the Celery worker running?")
            raise ReplayRefused(sentence % {"n": round(patience_s)})
        if time.monotonic() - rung_at > RING_AGAIN_S:
            rung_at = time.monotonic()
            bells.ring("allocation.assign", lot_id=outcome.lot.pk)
        time.sleep(0.1)
    outcome.assigned = booked.filter(status=Status.ASSIGNED).count()


def _valuation(picture: LotPicture) -> Valuation:
    """One yardstick for all policies: the platform's default weights, the lot's own hours and rates."""
    rates, grid = picture.rates, picture.grid
    importance = np.array([rates.importance_at(grid.origin + slot * SLOT) / 100 for slot in range(grid.slots)])
    defaults = LotPolicy()
    rules = Rules(
        threshold=defaults.threshold,
        weights=(defaults.fragment_weight, 1 - defaults.fragment_weight),
        mode_hours=picture.policy_row.modal_stay_h,
    )
    return Valuation.of(importance, importance * rates.peak_rate_cents, rules=rules)


def _plate(lot_id: int, number: int) -> str:
    """A plate that no other replay uses: ten characters at most."""
    return f"R{_base36(lot_id)}X{_base36(number).rjust(3, '0')}"


def _base36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits
