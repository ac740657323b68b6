"""Empty the outbox: what gates and bay sensors told becomes arrivals, departures and stays.

Lot by lot, each under the lot's lock, in the order in which things happened. The rows of a lot are handled in one
transaction; where that fails each gets one of its own, so that a row that can't be handled harms only itself.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet

from parking_share.fulfilment import bays, lanes
from parking_share.fulfilment.bays import SETTLES_IN
from parking_share.fulfilment.gates import GateAnswer
from parking_share.spaces.models import Lot
from sensors.models import Kind, OutboxRow

MOST_TRIES = 5
MOST_AT_ONCE = 500
ROWS_A_ROUND = 25  # a lot is locked for one round: nobody is decided meanwhile
ANSWER_TAKES = timedelta(seconds=10)  # by the wall clock: how long the answer to a live reading may be on its way

log = structlog.get_logger(__name__)


def handle_outbox(*, now: datetime, most: int = MOST_AT_ONCE) -> int:
    """Handle what waits, at most so many rows; return how many.

    Safe to run twice and at once: a row is deleted in the transaction that handled it, and a lot that another worker
    has locked is left to it, and looked at again at the end.
    """
    handled, busy = 0, []
    for lot_id in _lots_with_rows(now=now):
        done = _handle_lot(lot_id, now=now, most=most - handled, waits=False)
        if done is None:
            busy.append(lot_id)
        handled += done or 0
        if handled >= most:
            return handled
    for lot_id in busy:
        done = _handle_lot(lot_id, now=now, most=most - handled, waits=True)
        if done is None and not Lot.objects.filter(pk=lot_id).exists():
            _forget_lot(lot_id)
        handled += done or 0
    return handled


def _forget_lot(lot_id: int) -> None:
    """What came in for a lot while it was being deleted concerns nobody any more."""
    rows, _by_model = OutboxRow.objects.filter(lot=lot_id).delete()
    log.warning("outbox_of_a_deleted_lot", lot=lot_id, rows=rows)


def _lots_with_rows(*, now: datetime) -> list[int]:
    """Lots with something to handle, whoever has waited longest first."""
    waiting = _due(now=now).values("lot").annotate(first_at=Min("observed_at")).order_by("first_at", "lot")
    return list(waiting.values_list("lot", flat=True))


def _due(*, now: datetime) -> QuerySet[OutboxRow]:
    """Rows whose time has come: the gate has been answered, a bay that was left is still empty."""
    answered = Exists(GateAnswer.objects.filter(reading_id=OuterRef("reading_id")))
    is_gate = Q(kind__in=[Kind.ENTER, Kind.EXIT])
    return OutboxRow.objects.filter(
        (is_gate & (Q(is_replayed=True) | Q(received_at__lte=now - ANSWER_TAKES * settings.CLOCK_SPEED) | answered))
        | Q(kind=Kind.VACANT, observed_at__lte=now - SETTLES_IN)
        | (~is_gate & ~Q(kind=Kind.VACANT)),
        tries__lt=MOST_TRIES,
    )


def _handle_lot(lot_id: int, *, now: datetime, most: int, waits: bool) -> int | None:
    """Handle a lot's rows in rounds; None where another worker has the lot."""
    handled = 0
    while handled < most:
        limit = min(ROWS_A_ROUND, most - handled)
        try:
            done = _round(lot_id, now=now, limit=limit, waits=waits)
        except OperationalError as error:  # somebody else was in the way; the rows stay
            log.warning("outbox_lot_busy", lot=lot_id, error=str(error).partition("\n")[0])
            return handled
        except Exception:
            log.exception("outbox_round_failed", lot=lot_id)
            return handled + _handle_each(lot_id, now=now, limit=limit)
        if done is None:
            return handled or None
        handled += done
        if done < limit:
            break
    return handled


@transaction.atomic
def _round(lot_id: int, *, now: datetime, limit: int, waits: bool) -> int | None:
    if not _lock_lot(lot_id, waits=waits):
        return None
    rows = list(_locked(_due(now=now).filter(lot=lot_id))[:limit])
    _handle(rows, now=now)
    return len(rows)


def _handle_each(lot_id: int, *, now: datetime, limit: int) -> int:
    """Handle each row by itself; one that fails is tried again with the next sweep, five times in all."""
    handled = 0
    for pk in list(_due(now=now).filter(lot=lot_id).order_by(*_ORDER).values_list("pk", flat=True)[:limit]):
        try:
            with transaction.atomic():
                _lock_lot(lot_id, waits=True)
                _handle(list(_locked(OutboxRow.objects.filter(pk=pk))), now=now)
            handled += 1
        except OperationalError as error:
            log.warning("outbox_row_busy", row=pk, error=str(error).partition("\n")[0])
        except Exception:
            OutboxRow.objects.filter(pk=pk).update(tries=F("tries") + 1)
            tries = OutboxRow.objects.filter(pk=pk).values_list("tries", flat=True).first()
            log.exception("outbox_row_failed", row=pk, tries=tries, quarantined=tries == MOST_TRIES)
    return handled


def _handle(rows: Iterable[OutboxRow], *, now: datetime) -> None:
    """Act on rows that are locked, in their order, and delete them."""
    rows = list(rows)
    answers = GateAnswer.objects.filter(reading_id__in=[row.reading_id for row in rows if row.gate_id])
    by_reading = {answer.reading_id: answer for answer in answers.order_by("-pk")}
    site = bays.site_of(rows[0].lot_id) if any(row.space_id for row in rows) else None
    for row in rows:
        if row.kind in {Kind.ENTER, Kind.EXIT}:
            lanes.handle(row, by_reading.get(row.reading_id), now=now)
        elif site is not None:
            bays.handle(row, site, now=now)
    OutboxRow.objects.filter(pk__in=[row.pk for row in rows]).delete()


_ORDER = ("observed_at", "pk")


def _locked(rows: QuerySet[OutboxRow]) -> QuerySet[OutboxRow]:
    mine = rows.order_by(*_ORDER).select_for_update(no_key=True, skip_locked=True, of=("self",))
    return mine.select_related("plate_read")


def _lock_lot(lot_id: int, *, waits: bool) -> bool:
    """The lot comes first in the order of locks; nothing is decided about it meanwhile."""
    lot = Lot.objects.select_for_update(no_key=True, skip_locked=not waits).filter(pk=lot_id)
    return lot.values_list("pk").first() is not None
