"""What disagrees between bay sensors and reservations, from facts alone. Reads and writes nothing."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from parking_share.fulfilment.troubles import Discrepancy

SETTLES_IN = timedelta(minutes=5)
FINDS_A_BAY_IN = timedelta(minutes=15)  # from the gate to whichever bay the driver takes
Kind = Discrepancy.Kind


@dataclass(frozen=True, kw_only=True)
class Bay:
    """A bay that is heard of: what its sensor says, who is parked in it, and who is due."""

    space_id: int
    lot_id: int
    is_taken: bool
    since: datetime
    is_shared: bool
    parked_id: int | None = None
    parked_since: datetime | None = None
    is_over: bool = False
    is_closed: bool = False
    due_id: int | None = None
    was_admitted: bool = False

    @property
    def is_lost(self) -> bool:
        """Whoever is due can't have it: it is closed, or taken by somebody who is not parked there by right."""
        return self.is_closed or (self.is_taken and self.parked_id is None)


@dataclass(frozen=True, kw_only=True, order=True)
class Difference:
    space_id: int
    kind: str
    reservation_id: int | None = None


def differences(bays: Iterable[Bay], *, now: datetime) -> set[Difference]:
    """What disagrees, and has for a while. A car that parks beside its own empty bay is one thing, not two."""
    empty = {bay for bay in bays if _is_empty_while_parked(bay, now=now)}
    taken = {bay for bay in bays if _is_taken_by_nobody_due(bay, now=now)}
    found = {
        Difference(space_id=bay.space_id, kind=Kind.CLOSED_WHILE_DUE, reservation_id=bay.due_id)
        for bay in bays
        if bay.is_closed and bay.due_id is not None and bay.since + SETTLES_IN <= now
    }
    found |= {
        Difference(space_id=bay.space_id, kind=Kind.NOT_BACK_IN_TIME, reservation_id=bay.parked_id)
        for bay in bays
        if bay.is_taken and bay.parked_id is not None and bay.is_over and not bay.is_shared
    }
    for own, other in _mistaken(empty, taken):
        found.add(Difference(space_id=other.space_id, kind=Kind.WRONG_BAY, reservation_id=own.parked_id))
        empty, taken = empty - {own}, taken - {other}
    found |= {
        Difference(space_id=bay.space_id, kind=Kind.EMPTY_WHILE_PARKED, reservation_id=bay.parked_id) for bay in empty
    }
    return found | {Difference(space_id=bay.space_id, kind=Kind.NOBODY_DUE, reservation_id=bay.due_id) for bay in taken}


def _is_empty_while_parked(bay: Bay, *, now: datetime) -> bool:
    if bay.is_taken or bay.is_closed or bay.parked_since is None:
        return False
    return max(bay.since, bay.parked_since) + SETTLES_IN <= now


def _is_taken_by_nobody_due(bay: Bay, *, now: datetime) -> bool:
    """Taken in shared hours; the owner's own time is the owner's business, and who is due may just be arriving."""
    is_expected = bay.parked_id is not None or (bay.due_id is not None and bay.was_admitted)
    return bay.is_taken and bay.is_shared and not is_expected and bay.since + SETTLES_IN <= now


def _mistaken(empty: Collection[Bay], taken: Collection[Bay]) -> list[tuple[Bay, Bay]]:
    """Pairs of an announced bay that stayed empty and the only other one that was taken soon after the car came."""
    near = {own: [other for other in taken if _may_be_the_car_of(own, other)] for own in empty}
    return [
        (own, others[0])
        for own, others in near.items()
        if len(others) == 1 and sum(others[0] in rivals for rivals in near.values()) == 1
    ]


def _may_be_the_car_of(own: Bay, other: Bay) -> bool:
    came_at = own.parked_since
    return came_at is not None and own.lot_id == other.lot_id and came_at <= other.since <= came_at + FINDS_A_BAY_IN
