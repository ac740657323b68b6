"""The only functions that change a reservation's status, space or hold; each writes its event in the transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from parking_share.accounts.models import User
from parking_share.errors import DomainError
from parking_share.reservations.models import Reservation, ReservationEvent, ReservationVehicle
from parking_share.reservations.states import ALLOWED, HOLDS_A_SPACE, Reason, Status


class TransitionRefused(DomainError):
    code = "not_possible_now"

    def __init__(self, current: Status, wanted: Status) -> None:
        super().__init__(
            _("This reservation is “%(current)s” and can't become “%(wanted)s” any more.")
            % {"current": current.label, "wanted": wanted.label}
        )
        self.current, self.wanted = current, wanted


@dataclass(frozen=True, kw_only=True)
class Change:
    """One reservation's next status. `space_id` is for a status that begins to hold a space or may change it;
    a status that holds keeps the present space where none is named, one that does not hold has none.
    """

    reservation_id: int
    to: Status
    reason: Reason
    space_id: int | None = None
    lapses_at: datetime | None = None


@transaction.atomic(savepoint=False)
def make_transitions(
    changes: Sequence[Change],
    *,
    at: datetime,
    actor: User | None = None,
    locked: Collection[Reservation] | None = None,
) -> list[Reservation]:
    """Move all these reservations and write their events, or do none of it.

    Rows are locked in order of id; a caller that has locked them in this transaction may hand them over.
    """
    rows = {row.pk: row for row in locked} if locked else _locked(change.reservation_id for change in changes)
    events = [_moved(rows[change.reservation_id], change, at=at, actor=actor) for change in changes]
    moved = [rows[change.reservation_id] for change in changes]
    left = any(row.status == Status.COMPLETED for row in moved)
    _save(moved, ["status", "reason", "space", "lapses_at", "decided_at", *(["held_until"] if left else [])])
    ReservationEvent.objects.bulk_create(events)
    if left:
        _hold_vehicles_alike([row for row in moved if row.status == Status.COMPLETED])
    _hold_vehicles([row for row in moved if row.status == Status.ACCEPTED], held=True)
    _hold_vehicles([row for row in moved if not row.holds_a_space and row.status != Status.DECLINED], held=False)
    return moved


def make_transition(change: Change, *, at: datetime, actor: User | None = None) -> Reservation:
    return make_transitions([change], at=at, actor=actor)[0]


@transaction.atomic(savepoint=False)
def change_spaces(
    moves: Mapping[int, int], *, at: datetime, reason: Reason = Reason.MOVED, actor: User | None = None
) -> list[Reservation]:
    """Give reservations that hold a space another one; one UPDATE, so that two may swap."""
    rows = _locked(moves)
    moved = [row for row in rows.values() if row.holds_a_space and row.space_id != moves[row.pk]]
    events = []
    for row in moved:
        left_id, row.space_id = row.space_id, moves[row.pk]
        events.append(
            _event(row, from_status=Status(row.status), from_space_id=left_id, reason=reason, at=at, actor=actor)
        )
    _save(moved, ["space"])
    ReservationEvent.objects.bulk_create(events)
    return moved


@dataclass(frozen=True, kw_only=True)
class HoldChange:
    """For how long one reservation's bay is blocked from now on; what is None stays as it is.

    What was booked changes only where the driver extends it: `ends_at`, and the price that goes with it.
    """

    reservation_id: int
    reason: Reason
    held_from: datetime | None = None
    held_until: datetime | None = None
    ends_at: datetime | None = None
    price_cents: int | None = None


@transaction.atomic(savepoint=False)
def change_holds(changes: Sequence[HoldChange], *, at: datetime, actor: User | None = None) -> list[Reservation]:
    """Change the held periods of reservations and of their cars; return those that changed.

    One UPDATE, so that one may begin where another ends. Who holds no space any more is left alone. A caller that
    lengthens a period has locked the cars before.
    """
    rows = _locked(change.reservation_id for change in changes)
    events = []
    for change in changes:
        row = rows[change.reservation_id]
        if row.holds_a_space and _hold(row, change):
            status, space_id = Status(row.status), row.space_id
            events.append(
                _event(row, from_status=status, from_space_id=space_id, reason=change.reason, at=at, actor=actor)
            )
    changed = [rows[event.reservation_id] for event in events]
    _save(changed, ["held_from", "held_until", "ends_at", "price_cents"])
    ReservationEvent.objects.bulk_create(events)
    _hold_vehicles_alike(changed)
    return changed


def _hold(row: Reservation, change: HoldChange) -> bool:
    """Change the row in memory; say whether anything is different."""
    wanted = {
        "held_from": change.held_from,
        "held_until": change.held_until,
        "ends_at": change.ends_at,
        "price_cents": change.price_cents,
    }
    different = {name: value for name, value in wanted.items() if value is not None and value != getattr(row, name)}
    for name, value in different.items():
        setattr(row, name, value)
    return bool(different)


def _locked(reservation_ids: Iterable[int]) -> dict[int, Reservation]:
    rows = Reservation.objects.select_for_update(no_key=True).filter(pk__in=set(reservation_ids)).order_by("pk")
    return {row.pk: row for row in rows}


def _save(rows: Sequence[Reservation], fields: list[str]) -> None:
    """Write all rows in one UPDATE, so that constraints see the end and not the way there."""
    if len(rows) == 1:
        rows[0].save(update_fields=fields)
    elif rows:
        Reservation.objects.bulk_update(rows, fields)


def _moved(row: Reservation, change: Change, *, at: datetime, actor: User | None) -> ReservationEvent:
    """Change the row in memory, checked against the table, and return the event that records it."""
    current = Status(row.status)
    if change.to not in ALLOWED[current]:
        raise TransitionRefused(current, change.to)
    left_id = row.space_id
    row.status, row.reason = change.to, change.reason
    row.space_id = (change.space_id or left_id) if change.to in HOLDS_A_SPACE else None
    row.lapses_at = change.lapses_at or (row.lapses_at if change.to in HOLDS_A_SPACE else None)
    if change.to == Status.COMPLETED and row.held_from < at < row.held_until:
        row.held_until = at
    row.decided_at = row.decided_at or (at if change.to in {Status.ACCEPTED, Status.DECLINED} else None)
    return _event(row, from_status=current, from_space_id=left_id, reason=change.reason, at=at, actor=actor)


def _event(
    row: Reservation,
    *,
    from_status: Status,
    from_space_id: int | None,
    reason: Reason,
    at: datetime,
    actor: User | None,
) -> ReservationEvent:
    return ReservationEvent(
        reservation=row,
        from_status=from_status,
        to_status=row.status,
        from_space_id=from_space_id,
        to_space_id=row.space_id,
        reason=reason,
        held_from=row.held_from,
        held_until=row.held_until,
        ends_at=row.ends_at,
        happened_at=at,
        actor=actor,
    )


def _hold_vehicles(rows: list[Reservation], *, held: bool) -> None:
    """Keep the vehicles' periods in step with the reservation's: held as long as it holds a space."""
    if rows:
        named = ReservationVehicle.objects.filter(reservation__in=rows)
        named.exclude(is_held=held).update(is_held=held)


def _hold_vehicles_alike(rows: list[Reservation]) -> None:
    """Give the vehicles the periods that the reservations have now."""
    if rows:
        own = Reservation.objects.filter(pk=OuterRef("reservation"))
        ReservationVehicle.objects.filter(reservation__in=rows).update(
            held_from=Subquery(own.values("held_from")), held_until=Subquery(own.values("held_until"))
        )
