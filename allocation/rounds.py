"""One round of answers: rows and pictures in, decisions or final spaces out. Nothing is written here."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from allocation.engine.fairness import Fairness, decide_fairly, fairer_space
from allocation.engine.placement import cheapest_free_space
from allocation.engine.policies.reassign import Reassign
from allocation.engine.policy import Policy
from allocation.engine.request import Decision as Answer
from allocation.engine.request import Move, Request
from allocation.filling import plain
from allocation.learning import policy_looking_ahead
from allocation.models import Decision, DecisionSnapshot
from allocation.pictures import LotPicture, eligible_spaces
from allocation.snapshots import RoundLog
from parking_share.reservations import selectors as reservations
from parking_share.reservations.models import Reservation, ReservationVehicle
from parking_share.reservations.states import Reason

WHATEVER_IT_COSTS = "reassign"  # how a request that staff took up again is answered
_REASONS = {
    "no_free_space": Reason.NO_FREE_SPACE,
    "fragments_outweigh_revenue": Reason.FRAGMENTS_OUTWEIGH_REVENUE,
    "expected_demand_outweighs_revenue": Reason.EXPECTED_DEMAND_OUTWEIGHS_REVENUE,
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of one request; `space` is the row of its tentative space, `place` that in its lot's log."""

    reservation: Reservation
    reason: Reason
    space: int | None = None
    spaces_considered: int = 0
    spaces_free: int | None = None
    others_moved: int = 0
    place: int | None = None


@dataclass(kw_only=True)
class Table:
    """One lot in one round: its picture as it changes, and the policy that looks ahead from here."""

    picture: LotPicture
    policy: Policy
    fairness: Fairness | None
    log: RoundLog
    before: dict[int, int]

    @classmethod
    def of(
        cls, picture: LotPicture, periods: Sequence[tuple[int, int]], *, fairness: Fairness | None, now: datetime
    ) -> "Table":
        policy = picture.policy
        if periods:
            around = min(start for start, _ in periods), max(end for _, end in periods)
            policy = policy_looking_ahead(picture, now=now, around=around)
        log = RoundLog.of(picture, policy, fairness)
        before = {pk: one.space for pk, one in picture.holds.held.items()}
        return cls(picture=picture, policy=policy, fairness=fairness, log=log, before=before)

    def answer(self, key: int, request: Request, *, overruled: bool) -> tuple[Answer, int]:
        """Ask the policy, or where staff overruled it whoever makes room at any cost; note it, and take the space."""
        picture = self.picture
        policy = Reassign(picture.valuation) if overruled else self.policy
        fairness = None if overruled else self.fairness
        answer = decide_fairly(policy, picture.holds, request, picture.valuation, fairness)
        place = self.log.note(key, request, WHATEVER_IT_COSTS if overruled else picture.policy_row.name, answer)
        if answer.space is not None:
            picture.holds.move(answer.moves)
            picture.holds.add(key, request, answer.space)
        return answer, place

    def moves(self) -> dict[int, int]:
        """The new space ids of those who had been accepted before the round and were moved in it."""
        held, spaces = self.picture.holds.held, self.picture.spaces
        return {pk: spaces[held[pk].space].pk for pk, space in self.before.items() if held[pk].space != space}


@dataclass(kw_only=True)
class Round:
    """All lots of a round. `overruled` names requests that staff took up again, with the bay they want or None."""

    tables: Mapping[int, Table]
    cars: "CarsInUse"
    eligible: Mapping[int, NDArray[np.bool_]]
    overruled: Mapping[int, int | None]
    now: datetime
    verdicts: list[Verdict] = field(default_factory=list)

    def decide_each(self, waiting: Sequence[Reservation], *, budget_s: float) -> None:
        """Answer in turn; what is accepted is taken for the next. After the budget the rest is left waiting."""
        until = perf_counter() + budget_s
        for reservation in waiting:
            if self.verdicts and perf_counter() > until:
                return
            self.verdicts.append(self._verdict(reservation))

    def moves(self) -> dict[int, int]:
        return {pk: space for table in self.tables.values() for pk, space in table.moves().items()}

    def space_of(self, reservation: Reservation) -> int:
        """The id of the space that an accepted request has at the end of the round."""
        picture = self.tables[reservation.lot_id].picture
        return picture.spaces[picture.holds.held[reservation.pk].space].pk

    def snapshots(self) -> dict[int, DecisionSnapshot]:
        """By lot id, not saved; none for lots in which no policy was asked."""
        asked = {one.reservation.lot_id for one in self.verdicts if one.place is not None}
        return {lot_id: self.tables[lot_id].log.row(lot_id=lot_id, now=self.now) for lot_id in sorted(asked)}

    def decisions(self, snapshots: Mapping[int, DecisionSnapshot]) -> Iterator[Decision]:
        """Not saved; what staff overruled has its decision already."""
        for one in self.verdicts:
            if one.reservation.pk not in self.overruled:
                table = self.tables[one.reservation.lot_id]
                snapshot = None if one.place is None else snapshots[one.reservation.lot_id]
                yield _decision(one, table.picture, snapshot, now=self.now)

    def _verdict(self, reservation: Reservation) -> Verdict:
        table, pk = self.tables[reservation.lot_id], reservation.pk
        picture, eligible = table.picture, self._eligible(reservation, table.picture)
        request = picture.request_for(reservation, plain(eligible))
        considered = int(eligible.sum())
        if request is None or reservation.ends_at <= self.now:
            return Verdict(reservation=reservation, reason=Reason.TOO_LATE, spaces_considered=considered)
        if not picture.lot.is_open:
            return Verdict(reservation=reservation, reason=Reason.LOT_CLOSED, spaces_considered=considered)
        if self.cars.clash_with(reservation):
            return Verdict(reservation=reservation, reason=Reason.VEHICLE_IS_BOOKED, spaces_considered=considered)
        free = int(picture.state.free_for(request.start, request.end, request.eligible).sum())
        answer, place = table.answer(pk, request, overruled=pk in self.overruled)
        if answer.space is not None:
            self.cars.take(reservation)
        accepted = Reason.OVERRULED if pk in self.overruled else Reason.ROOM_FOUND
        return Verdict(
            reservation=reservation,
            reason=accepted if answer.space is not None else _REASONS[str(answer.reason)],
            space=answer.space,
            spaces_considered=considered,
            spaces_free=free,
            others_moved=len(answer.moves),
            place=place,
        )

    def _eligible(self, reservation: Reservation, picture: LotPicture) -> NDArray[np.bool_]:
        """The bays that suit; of these the one that staff wants, where it wants one."""
        mask, wanted = self.eligible[reservation.pk], self.overruled.get(reservation.pk)
        if wanted is None:
            return mask
        return mask & ~picture.mask_without([wanted])


def open_round(
    waiting: Sequence[Reservation],
    pictures: Mapping[int, LotPicture],
    *,
    incomes: Mapping[int, Fairness],
    overruled: Mapping[int, int | None],
    now: datetime,
) -> Round:
    """Lay out the lots for these requests. `incomes` has the lots that spread income over owners."""
    eligible = eligible_spaces(pictures, waiting)
    tables = {
        lot_id: Table.of(
            picture,
            [picture.grid.outward(row.starts_at, row.ends_at) for row in waiting if row.lot_id == lot_id],
            fairness=incomes.get(lot_id),
            now=now,
        )
        for lot_id, picture in pictures.items()
    }
    cars = CarsInUse([row for request in waiting for row in request.vehicle_rows.all()], now=now)
    return Round(tables=tables, cars=cars, eligible=eligible, overruled=overruled, now=now)


def _decision(one: Verdict, picture: LotPicture, snapshot: DecisionSnapshot | None, *, now: datetime) -> Decision:
    return Decision(
        reservation=one.reservation,
        is_accepted=one.space is not None,
        reason=one.reason,
        space=None if one.space is None else picture.spaces[one.space],
        policy_name=picture.policy_row.name,
        policy_version=picture.policy_row.version,
        decided_at=now,
        spaces_considered=one.spaces_considered,
        spaces_free=one.spaces_free,
        others_moved=one.others_moved,
        snapshot=snapshot,
        place=one.place,
    )


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """Final space ids of those who start soon, and new tentative ones of others, both by reservation."""

    final: dict[int, int]
    moved: dict[int, int]


def allocate_slots(
    due: Sequence[Reservation], picture: LotPicture, *, avoid: Collection[int] = (), fairness: Fairness | None = None
) -> Allocation:
    """Run the second stage for each start slot in turn; the policy may rearrange what starts later.

    Bays to `avoid` are given to nobody while another one is free. Who is left without, who is pinned, and whose slots
    are not theirs alone keep what was held.
    """
    usable, holds = picture.mask_without(avoid), picture.holds
    before = {pk: one.space for pk, one in holds.held.items()}
    masks = eligible_spaces({picture.lot.pk: picture}, due)
    starting = [row.pk for row in due if row.pk in before]
    for pk in starting:
        one = holds.remove(pk)
        mask = plain(masks[pk] & usable)
        holds.add(pk, Request(start=one.request.start, end=one.request.end, eligible=mask), one.space)
    for pk in starting:
        _go_around(pk, picture, usable)
    by_slot = sorted(starting, key=lambda pk: (holds.held[pk].request.start, pk))
    settled: dict[int, int] = {}
    for slot, keys in groupby(by_slot, key=lambda pk: holds.held[pk].request.start):
        settled |= _settle(list(keys), picture, slot=slot, fairness=fairness)
    final = {row.pk: row.space_id for row in due if row.space_id is not None}
    final |= {pk: picture.spaces[space].pk for pk, space in settled.items()}
    moved = {pk: picture.spaces[one.space].pk for pk, one in holds.held.items() if one.space != before[pk]}
    return Allocation(final=final, moved=moved)


def _settle(keys: list[int], picture: LotPicture, *, slot: int, fairness: Fairness | None) -> dict[int, int]:
    """Give those who start in a slot their final spaces; they never move again."""
    holds, policy = picture.holds, picture.policy
    holds.move(policy.rearrange(holds, slot=slot))
    held = [holds.held[pk] for pk in keys]
    chosen = policy.allocate(holds.state, held, slot=slot)
    holds.move(Move(pk, one.space, space) for pk, one, space in zip(keys, held, chosen, strict=True))
    for pk in keys if fairness is not None else ():
        one = holds.remove(pk)
        space = (
            fairer_space(holds.state, one.request, picture.valuation, one.space, fairness) if fairness else one.space
        )
        holds.add(pk, one.request, space)
    return {pk: holds.settle(pk).space for pk in keys}


def _go_around(pk: int, picture: LotPicture, usable: NDArray[np.bool_]) -> None:
    """Move somebody whose space is not usable to the cheapest one that is, if there is any."""
    one = picture.holds.held[pk]
    if usable[one.space]:
        return
    other = cheapest_free_space(picture.state, one.request, picture.valuation)
    if other is not None:
        picture.holds.move([Move(pk, one.space, other)])


class CarsInUse:
    """Held periods by plate, so that no car is promised two bays at once."""

    def __init__(self, rows: Iterable[ReservationVehicle], *, now: datetime) -> None:
        self._held = [
            (bytes(row.plate_exact_hash), row.held_from, row.held_until)
            for row in reservations.clashing_plates(rows, now=now)
        ]

    def clash_with(self, reservation: Reservation, *, later_by: timedelta = timedelta(0)) -> bool:
        """Whether one of its cars is promised elsewhere in its period, or in one moved by so much."""
        plates = {bytes(row.plate_exact_hash) for row in reservation.vehicle_rows.all()}
        starts_at, ends_at = reservation.held_from + later_by, reservation.held_until + later_by
        return any(
            plate in plates and held_from < ends_at and held_until > starts_at
            for plate, held_from, held_until in self._held
        )

    def busy_until(self, reservation: Reservation, *, since: datetime) -> datetime | None:
        """Until when one of its cars is promised elsewhere between then and its own time; None where none is."""
        plates = {bytes(row.plate_exact_hash) for row in reservation.vehicle_rows.all()}
        ends = [
            held_until
            for plate, held_from, held_until in self._held
            if plate in plates and held_from < reservation.held_from and held_until > since
        ]
        return max(ends, default=None)

    def busy_from(self, reservation: Reservation) -> datetime | None:
        """When one of its cars is first promised elsewhere after its own time; None where none is."""
        plates = {bytes(row.plate_exact_hash) for row in reservation.vehicle_rows.all()}
        starts = [
            held_from
            for plate, held_from, _held_until in self._held
            if plate in plates and held_from >= reservation.held_until
        ]
        return min(starts, default=None)

    def take(self, reservation: Reservation) -> None:
        self._held += [
            (bytes(row.plate_exact_hash), reservation.held_from, reservation.held_until)
            for row in reservation.vehicle_rows.all()
        ]
