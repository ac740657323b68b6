"""Windows and holds as the engine's arrays: what cannot move is built in, what may is laid on top."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.db.models import Exists, OuterRef, Value
from numpy.typing import NDArray

from allocation.engine.holds import Holds
from allocation.engine.request import Request
from allocation.engine.state import LotState
from allocation.overruling_models import Pin
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import holding
from parking_share.reservations.states import Status
from parking_share.spaces.models import ShareWindow, Space

if TYPE_CHECKING:
    from allocation.pictures import SlotGrid

MOVING_POLICIES = frozenset({"reassign", "foresight"})
_A_MOMENT = timedelta(microseconds=1)
Mask = NDArray[np.bool_]


class Movable(Enum):
    NOTHING = auto()
    BY_POLICY = auto()
    ALL = auto()


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Whose holds are loaded, and which may move.

    Parameters
    ----------
    now
        Lapsed holds are gone by then.
    without
        Reservations that are left out, as if they held nothing.
    movable
        What may move before it is announced: nothing, what the lot's policy moves, or all, to be assigned.
    starting
        Reservations that may still move although their time has begun: nobody was told a bay.
    """

    now: datetime
    without: Collection[int] = ()
    movable: Movable = Movable.NOTHING
    starting: Collection[int] = ()

    def moves(self, policy_name: str) -> bool:
        """Whether anything may move in a lot with this policy."""
        return self.movable is Movable.ALL or (self.movable is Movable.BY_POLICY and policy_name in MOVING_POLICIES)


class _Hold(NamedTuple):
    reservation: int
    lot: int
    row: int
    start: int
    end: int
    may_move: bool


class Filled(NamedTuple):
    """What is promised in a lot, and by slot how many of its bays are shared at all, promised or not."""

    holds: Holds
    shared: NDArray[np.int64]


def filled_lots(
    spaces: Mapping[int, Sequence[Space]], grids: Mapping[int, "SlotGrid"], reach: Reach, *, moving: Collection[int]
) -> dict[int, Filled]:
    """By lot id, what is shared and promised, in two queries; nothing can move but in the lots that are `moving`.

    What may move is an accepted reservation without a pin that lies wholly ahead, within the horizon, in slots that it
    shares with nobody: periods that end at odd minutes may meet in one slot, and then both stay where they are.
    """
    place = {space.pk: (lot_id, row) for lot_id in grids for row, space in enumerate(spaces[lot_id])}
    free = _shared(place, spaces, grids, now=reach.now)
    shared = {lot_id: free[lot_id].sum(axis=0) for lot_id in grids}
    taken = {lot_id: np.zeros(free[lot_id].shape, dtype=np.int16) for lot_id in grids}
    holds = sorted(_holds(place, grids, reach, moving))
    for one in holds:
        taken[one.lot][one.row, one.start : one.end] += 1
    movable = [one for one in holds if one.may_move and _lies_alone(one, free[one.lot], taken[one.lot])]
    lifted = set(movable)
    for one in holds:
        if one not in lifted:
            free[one.lot][one.row, one.start : one.end] = False
    filled = {lot_id: Filled(Holds.over(LotState.from_free(free[lot_id])), shared[lot_id]) for lot_id in grids}
    suits = {lot_id: Suits(spaces[lot_id]) for lot_id in {one.lot for one in movable}}
    for one in movable:
        request = Request(start=one.start, end=one.end, eligible=suits[one.lot].like(one.row))
        filled[one.lot].holds.add(one.reservation, request, one.row)
    return filled


class Suits:
    """Which bays of a lot whoever may use one of them may surely use too, whoever it is.

    So a move needs nothing to be known of the driver or the cars: the other bay is as large at least, has the same
    equipment, and is open to everybody or to the same residents. Lists of guests are not compared.
    """

    def __init__(self, spaces: Sequence[Space]) -> None:
        self._spaces = spaces
        self._size = np.array([space.size for space in spaces])
        self._height = np.array([_height(space) for space in spaces])
        self._equipment = np.array([2 * space.has_charger + space.is_accessible for space in spaces])
        self._admits = np.array([space.admits for space in spaces])
        self._found: dict[tuple[object, ...], Mask | None] = {}

    def like(self, row: int) -> Mask | None:
        """The mask of the bays that will do instead of one, and that one; None for all."""
        space = self._spaces[row]
        own = row if space.admits == Space.Admits.LISTED else None
        kind = (space.size, _height(space), self._equipment[row], space.admits, own)
        if kind not in self._found:
            same = self._admits == space.admits if own is None else np.arange(len(self._spaces)) == own
            admitted = same | (self._admits == Space.Admits.EVERYONE)
            roomy = (self._size >= space.size) & (self._height >= _height(space))
            self._found[kind] = plain(admitted & roomy & (self._equipment == self._equipment[row]))
        return self._found[kind]


def _height(space: Space) -> float:
    return np.inf if space.height_limit_cm is None else float(space.height_limit_cm)


def plain(mask: Mask) -> Mask | None:
    """The mask, or None where it lets everything through."""
    return None if mask.all() else mask


def _shared(
    place: Mapping[int, tuple[int, int]],
    spaces: Mapping[int, Sequence[Space]],
    grids: Mapping[int, "SlotGrid"],
    *,
    now: datetime,
) -> dict[int, Mask]:
    """By lot id, shape (spaces, slots): inside a share window."""
    shared = {lot_id: np.zeros((len(spaces[lot_id]), grid.slots), dtype=bool) for lot_id, grid in grids.items()}
    windows = ShareWindow.objects.filter(
        space__in=place, superseded_at__isnull=True, ends_at__gt=now, starts_at__lt=_last(grids, now)
    )
    for space_id, starts_at, ends_at in windows.values_list("space_id", "starts_at", "ends_at"):
        lot_id, row = place[space_id]
        start, end = grids[lot_id].inward(starts_at, ends_at)
        shared[lot_id][row, start:end] = True
    return shared


def _holds(
    place: Mapping[int, tuple[int, int]], grids: Mapping[int, "SlotGrid"], reach: Reach, moving: Collection[int]
) -> Iterator[_Hold]:
    """Every hold in these bays; a car past its end is in its bay until it is seen off."""
    now = reach.now
    still_there = Reservation.objects.filter(status=Status.PARKED, held_until__lte=now)
    rows = (holding(now=now) | still_there).filter(lot__in=grids, held_from__lt=_last(grids, now))
    if reach.without:
        rows = rows.exclude(pk__in=reach.without)
    pinned = Exists(Pin.objects.filter(reservation=OuterRef("pk"), lifted_at__isnull=True))
    rows = rows.annotate(is_pinned=pinned if moving else Value(value=False))
    for pk, space_id, status, held_from, held_until, is_pinned in rows.values_list(
        "pk", "space_id", "status", "held_from", "held_until", "is_pinned"
    ):
        if space_id is not None and space_id in place:
            lot_id, row = place[space_id]
            start, end = grids[lot_id].outward(held_from, max(held_until, now + _A_MOMENT))
            lies_ahead = held_from > now or pk in reach.starting
            may_move = status == Status.ACCEPTED and lot_id in moving and lies_ahead and not is_pinned
            yield _Hold(pk, lot_id, row, start, end, may_move and held_until <= grids[lot_id].ends_at)


def _lies_alone(one: _Hold, free: Mask, taken: NDArray[np.int16]) -> bool:
    period = (one.row, slice(one.start, one.end))
    return one.start < one.end and bool(free[period].all()) and int(taken[period].max()) == 1


def _last(grids: Mapping[int, "SlotGrid"], now: datetime) -> datetime:
    return max((grid.ends_at for grid in grids.values()), default=now)
