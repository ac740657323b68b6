"""Where bay sensors and reservations disagree: compared again and again, opened and closed by the difference.

A sensor cancels nothing. It may be wrong, so nothing is said before a disagreement has lasted a while, and silence
neither opens nor closes anything.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import OperationalError
from django.db.models import F, Q, QuerySet

from allocation.keeping import rehome
from parking_share.accounts.models import User
from parking_share.fulfilment.differences import Bay, Difference, differences
from parking_share.fulfilment.gates import LotRules
from parking_share.fulfilment.isolation import by_itself
from parking_share.fulfilment.troubles import Discrepancy
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import HOLDS_A_SPACE, MAY_LAPSE, Reason, Status
from parking_share.spaces.models import Lot, ShareWindow
from parking_share.spaces.selectors import districts_overseen_by, lots_managed_by
from sensors.models import BayState, Occupancy, Stay
from sensors.selectors import bay_states

MOVED_BEFORE = timedelta(minutes=15)  # whoever is due in a taken bay gets another one
LOTS_AT_ONCE = 50
Kind, Outcome = Discrepancy.Kind, Discrepancy.Outcome

log = structlog.get_logger(__name__)


def attend_discrepancies(*, now: datetime) -> int:
    """Compare all lots with bay sensors; return how many discrepancies were opened or closed. Safe to run twice."""
    lots = list(
        Lot.objects.filter(spaces__bay_state__isnull=False).order_by("pk").distinct().values_list("pk", flat=True)
    )
    changed = 0
    for first in range(0, len(lots), LOTS_AT_ONCE):
        changed += compare(lots[first : first + LOTS_AT_ONCE], now=now)
    return changed


def compare(lot_ids: Collection[int], *, now: datetime) -> int:
    """Open and close what differs in these lots, and move whoever is due in a bay that is taken or closed."""
    bays = {bay.space_id: bay for bay in _bays(lot_ids, now=now)}
    found = differences(bays.values(), now=now)
    open_rows = Discrepancy.objects.filter(lot__in=lot_ids, closed_at__isnull=True).select_related("reservation")
    is_open = {(row.space_id, row.kind): row for row in open_rows}
    wanted = {(one.space_id, one.kind): one for one in found}
    closed = _close([row for key, row in is_open.items() if key not in wanted and row.space_id in bays], now=now)
    opened = _open([one for key, one in sorted(wanted.items()) if key not in is_open], bays, now=now)
    for bay in sorted((bays[one.space_id] for one in found), key=lambda bay: bay.space_id):
        if bay.is_lost and bay.due_id is not None:
            with by_itself("rehoming_failed", space=bay.space_id, reservation=bay.due_id):
                _move_whoever_is_due(bay, now=now)
    return opened + closed


def discrepancies_seen_by(user: User) -> QuerySet[Discrepancy]:
    """Of the lots that a person manages or whose district she oversees, those that are open first."""
    mine = Q(lot__in=lots_managed_by(user).order_by()) | Q(lot__district__in=districts_overseen_by(user).order_by())
    rows = Discrepancy.objects.filter(mine).select_related("lot", "space", "reservation", "closed_by")
    return rows.order_by(F("closed_at").desc(nulls_first=True), "-opened_at", "-pk")


def _open(found: Sequence[Difference], bays: Mapping[int, Bay], *, now: datetime) -> int:
    """Open what is new. What staff settled stays settled until the sensor says something else, or of another car."""
    settled = Discrepancy.objects.filter(space__in=[one.space_id for one in found], outcome=Outcome.STAFF)
    settled_at = {_about(row): row.closed_at for row in settled.order_by("closed_at")}
    new = [
        Discrepancy(
            lot_id=bays[one.space_id].lot_id,
            space_id=one.space_id,
            kind=one.kind,
            reservation_id=one.reservation_id,
            opened_at=now,
        )
        for one in found
        if (at := settled_at.get(_about(one))) is None or at < bays[one.space_id].since
    ]
    Discrepancy.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _about(one: Difference | Discrepancy) -> tuple[int, str, int | None]:
    """Which bay, what, and of whom; a car that nobody knows stays the same whoever is due there by now."""
    return one.space_id, one.kind, None if one.kind == Kind.NOBODY_DUE else one.reservation_id


def _close(rows: Sequence[Discrepancy], *, now: datetime) -> int:
    """The sensor agrees again, or the stay is over; whoever closed it meanwhile was first."""
    closed = 0
    for row in rows:
        is_over = row.reservation is not None and row.reservation.status not in HOLDS_A_SPACE
        outcome = Outcome.COMPLETED if is_over else Outcome.CLEARED
        still_open = Discrepancy.objects.filter(pk=row.pk, closed_at__isnull=True)
        closed += still_open.update(closed_at=now, outcome=outcome)
    return closed


def _move_whoever_is_due(bay: Bay, *, now: datetime) -> None:
    assert bay.due_id is not None
    reason = Reason.MOVED if bay.is_closed else Reason.BAY_TAKEN
    try:
        moved_to = rehome(reservation_ids=[bay.due_id], reason=reason, now=now)[bay.due_id]
    except OperationalError as error:  # somebody else has the lot; the next comparison tries again
        log.warning("rehoming_waits", space=bay.space_id, error=str(error).partition("\n")[0])
        return
    if moved_to is None:
        log.warning("bay_lost_and_no_other", space=bay.space_id, reservation=bay.due_id)
        return
    kind = Kind.CLOSED_WHILE_DUE if bay.is_closed else Kind.NOBODY_DUE
    rows = Discrepancy.objects.filter(space=bay.space_id, kind=kind, closed_at__isnull=True)
    rows.update(reservation=bay.due_id, outcome=Outcome.REHOMED, closed_at=now)


def _bays(lot_ids: Collection[int], *, now: datetime) -> list[Bay]:
    """The bays of these lots that are free, taken or closed, says a sensor; six queries, however many bays."""
    lots = dict(BayState.objects.filter(space__lot__in=lot_ids).values_list("space_id", "space__lot_id"))
    views = {
        space_id: view
        for space_id, view in bay_states(lots, now=now).items()
        if view.state != Occupancy.UNKNOWN and view.since is not None
    }
    holds, shared, graces = _holds(views, now=now), _shared(views, now=now), _late_graces(lot_ids)
    entered = _entered([row.pk for rows in holds.values() for row in rows])
    bays = []
    for space_id, view in views.items():
        parked = next((row for row in holds[space_id] if row.status == Status.PARKED), None)
        due = next((row for row in holds[space_id] if row.status != Status.PARKED), None)
        bays.append(
            Bay(
                space_id=space_id,
                lot_id=lots[space_id],
                is_taken=view.state == Occupancy.OCCUPIED,
                is_closed=view.state == Occupancy.CLOSED,
                since=view.since or now,
                is_shared=space_id in shared,
                parked_id=parked.pk if parked else None,
                parked_since=entered.get(parked.pk, parked.held_from) if parked else None,
                is_over=parked is not None and parked.ends_at + graces[lots[space_id]] <= now,
                due_id=due.pk if due else None,
                was_admitted=due is not None and due.status == Status.ASSIGNED and due.lapses_at is None,
            )
        )
    return bays


def _shared(space_ids: Iterable[int], *, now: datetime) -> set[int]:
    windows = ShareWindow.objects.filter(superseded_at__isnull=True, starts_at__lte=now, ends_at__gt=now)
    return set(windows.filter(space__in=list(space_ids)).values_list("space_id", flat=True))


def _entered(reservation_ids: Collection[int]) -> dict[int | None, datetime]:
    stays = Stay.objects.filter(reservation__in=reservation_ids, ended_at__isnull=True)
    return dict(stays.values_list("reservation_id", "began_at"))


def _late_graces(lot_ids: Collection[int]) -> dict[int, timedelta]:
    rows = LotRules.objects.filter(Q(lot__in=lot_ids) | Q(lot__isnull=True))
    minutes: dict[int | None, int] = dict(rows.values_list("lot_id", "late_exit_grace_min"))
    usual = minutes.get(None, LotRules().late_exit_grace_min)
    return {lot_id: timedelta(minutes=minutes.get(lot_id, usual)) for lot_id in lot_ids}


def _holds(space_ids: Iterable[int], *, now: datetime) -> Mapping[int, list[Reservation]]:
    """Who is parked in each bay, and who is due in it soon, the earliest first."""
    rows = Reservation.objects.filter(
        Q(status=Status.PARKED) | Q(status__in=MAY_LAPSE, held_from__lte=now + MOVED_BEFORE, held_until__gt=now),
        space__in=list(space_ids),
    ).exclude(status__in=MAY_LAPSE, lapses_at__lte=now)
    by_space: dict[int, list[Reservation]] = defaultdict(list)
    for row in rows.order_by("held_from", "pk"):
        if row.space_id is not None:
            by_space[row.space_id].append(row)
    return by_space
