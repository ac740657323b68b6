"""A promise that could not be kept: why, what is owed, and another bay nearby, made at once.

Two steps, so that no transaction ever holds the locks of two lots: the lost reservation is released and the broken
promise recorded in one, each lot nearby is asked in one of its own. A sweep repeats the second where somebody died in
between.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from allocation.replacing import replace_reservation
from parking_share.fulfilment.isolation import by_itself
from parking_share.fulfilment.models import BrokenPromise, Incident
from parking_share.fulfilment.rules import rules_of
from parking_share.fulfilment.telling import tell_promise_broken
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import WITH_VEHICLES, Question, bays_free
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import Change, make_transition
from parking_share.spaces.selectors import lots_near

WALK_M = 1000
MOST_LOTS_ASKED = 5
WORTH_REPLACING = timedelta(minutes=15)
REMEMBERED = timedelta(days=7)
CAUSES = {
    Reason.NEVER_ANNOUNCED: BrokenPromise.Cause.NEVER_ANNOUNCED,
    Reason.SPACE_LOST: BrokenPromise.Cause.TAKEN_BACK,
}

log = structlog.get_logger(__name__)


@transaction.atomic
def break_promise(*, reservation_id: int, cause: BrokenPromise.Cause, now: datetime) -> BrokenPromise:
    """Release a reservation that holds a bay, and record what is owed for it. `make_good` comes after the commit."""
    lost = Change(reservation_id=reservation_id, to=Status.RELEASED, reason=Reason.SPACE_LOST)
    return record_broken(make_transition(lost, at=now), cause=cause, now=now)


def record_broken(lost: Reservation, *, cause: BrokenPromise.Cause, now: datetime) -> BrokenPromise:
    """Write down the broken promise, once however often this is called."""
    row, is_new = BrokenPromise.objects.get_or_create(
        reservation=lost,
        defaults={
            "cause": cause,
            "compensation_cents": compensation_cents(lost),
            "currency": lost.currency,
            "happened_at": now,
        },
    )
    if is_new:
        log.warning("promise_broken", reservation=lost.pk, cause=cause.value)
    return row


def compensation_cents(lost: Reservation) -> int:
    """The share of the price that the lot's rules say, rounded half up, and never less than their least."""
    rules = rules_of(lost.lot_id)
    share = (2 * lost.price_cents * rules.compensation_percent + 100) // 200
    return max(share, rules.least_compensation_cents)


def make_good(*, broken_id: int, now: datetime) -> BrokenPromise:
    """Reserve a bay in the nearest lot that has one, and tell the driver; done once, whoever is first."""
    broken = BrokenPromise.objects.select_related("reservation__lot").get(pk=broken_id)
    lost = (
        Reservation.objects.select_related("lot", "driver")
        .prefetch_related(WITH_VEHICLES)
        .get(pk=broken.reservation_id)
    )
    for lot_id in [] if broken.attended_at else lots_with_room(lost, cause=broken.cause, now=now):
        if _replace(broken_id, lost, lot_id, now=now):
            break
    else:
        _attend(broken_id, now=now)
    return BrokenPromise.objects.select_related("reservation__lot", "replacement__lot").get(pk=broken_id)


def attend_promises(*, now: datetime) -> int:
    """Record what was lost without a word of it, and look for replacements that nobody has looked for; count them."""
    lost = Reservation.objects.filter(
        status=Status.RELEASED, ends_at__gt=now - REMEMBERED, broken_promise__isnull=True, reason__in=CAUSES
    )
    for reservation in lost.order_by("pk"):
        with by_itself("promise_not_recorded", reservation=reservation.pk):
            record_broken(reservation, cause=CAUSES[Reason(reservation.reason)], now=now)
    waiting = list(BrokenPromise.objects.filter(attended_at__isnull=True).order_by("pk").values_list("pk", flat=True))
    attend_each(waiting, now=now)
    return len(waiting)


def attend_each(broken_ids: Iterable[int], *, now: datetime) -> None:
    """Make good what can be; one that fails is logged, and tried again by the sweep."""
    for pk in broken_ids:
        try:
            make_good(broken_id=pk, now=now)
        except Exception:
            log.exception("promise_not_made_good", broken_promise=pk)


def lots_with_room(lost: Reservation, *, cause: str, now: datetime) -> list[int]:
    """Lots within a walk that have a bay for what is left of the time, the nearest first.

    The lot itself counts only where the bay was lost by our own delay: otherwise it has been asked before.
    """
    starts_at = max(lost.starts_at, now)
    if lost.ends_at - starts_at < WORTH_REPLACING:
        return []
    latitude, longitude = lost.lot.entrance
    near = [lot.pk for lot, _metres in lots_near(latitude=latitude, longitude=longitude, radius_m=WALK_M)]
    if cause != BrokenPromise.Cause.NEVER_ANNOUNCED:
        near = [pk for pk in near if pk != lost.lot_id]
    question = Question(
        starts_at=starts_at,
        ends_at=lost.ends_at,
        driver=lost.driver,
        vehicles=tuple(row.vehicle for row in lost.vehicle_rows.all()),
        needs_charger=lost.needs_charger,
        needs_accessible=lost.needs_accessible,
    )
    free = bays_free(near, question, now=now)
    return [pk for pk in near if free[pk] > 0][:MOST_LOTS_ASKED]


@transaction.atomic
def _replace(broken_id: int, lost: Reservation, lot_id: int, *, now: datetime) -> bool:
    """Reserve in this lot unless somebody has attended to it meanwhile; say whether nothing is left to do."""
    replacement = replace_reservation(lost=lost, lot_id=lot_id, now=now)
    if replacement is None:
        return BrokenPromise.objects.filter(pk=broken_id, attended_at__isnull=False).exists()
    if not _attend(broken_id, replacement=replacement, now=now):
        transaction.set_rollback(True)
    return True


@transaction.atomic
def _attend(broken_id: int, *, replacement: Reservation | None = None, now: datetime) -> bool:
    """Write down what was found and tell the driver; False where that was done before."""
    waiting = BrokenPromise.objects.filter(pk=broken_id, attended_at__isnull=True)
    offered_id = replacement.lot_id if replacement else None
    if not waiting.update(replacement=replacement, offered_lot=offered_id, attended_at=now):
        return False
    broken = BrokenPromise.objects.select_related("reservation__lot", "replacement__lot").get(pk=broken_id)
    if replacement is not None:
        Incident.objects.filter(reservation=broken.reservation_id, outcome=Incident.Outcome.FREE_CANCELLATION).update(
            outcome=Incident.Outcome.ANOTHER_LOT, replacement=replacement
        )
    tell_promise_broken(broken, now=now)
    return True
