"""A car at a gate, as the outbox tells it: who it was, and what follows."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from parking_share.fulfilment import arrivals
from parking_share.fulfilment.candidates import Candidate, Lane, Source, candidates_at
from parking_share.fulfilment.gates import GateAnswer
from parking_share.fulfilment.missed_exits import end_unseen
from parking_share.fulfilment.verdicts import SERVES, WAS_PROMISED, Verdict, by_plate
from parking_share.reservations.states import HOLDS_A_SPACE, Status
from sensors.models import Kind, OutboxRow, PlateRead, Reading, Stay
from sensors.retention import keep_plate
from sensors.staying import close_stay, open_stay

_OF_NOBODY = {Verdict.UNKNOWN_PLATE, Verdict.AMBIGUOUS}


class Match(NamedTuple):
    """Whose car it was: by a reservation, or by a list alone."""

    reservation_id: int | None


def handle(row: OutboxRow, answer: GateAnswer | None, *, now: datetime) -> None:
    """Follow what the gate was answered; where it was not asked live, what it would have let pass at that time."""
    read = row.plate_read
    if read is None or row.gate_id is None:  # the plate was forgotten meanwhile
        return
    was_asked = answer is not None and answer.verdict != Verdict.NOT_LIVE
    match = _answered(answer) if answer is not None and was_asked else _match_then(row, read)
    if match is None:
        return
    if row.kind == Kind.ENTER:
        _entered(row, read, match, now=now)
    else:
        _left(row, read, match)
    keep_plate(read.pk)


def _answered(answer: GateAnswer) -> Match | None:
    """The car drove on where the barrier opened; a stranger that was let out is nobody's."""
    if not answer.opens or answer.verdict in _OF_NOBODY:
        return None
    return Match(answer.reservation_id)


def _match_then(row: OutboxRow, read: PlateRead) -> Match | None:
    """Whose car it was by what is known now: its plate, or exactly one that cameras confuse with it."""
    assert row.gate_id is not None
    exact, folded = bytes(read.plate_exact_hash), bytes(read.plate_folded_hash)
    lane, candidates = candidates_at(row.gate_id, exact=exact, folded=folded, now=row.observed_at)
    if lane is None or lane.kind not in SERVES[Kind(row.kind)]:
        return None
    own = [one for one in candidates if one.plate_exact_hash == exact]
    groups = [own] if own else by_plate(candidates)
    matches = [match for group in groups if (match := _match(group, lane, at=row.observed_at)) is not None]
    return matches[0] if len(matches) == 1 else None


def _match(own: Sequence[Candidate], lane: Lane, *, at: datetime) -> Match | None:
    """The reservation in whose time a car came or went, one that still holds before one that is over."""
    claims = [
        one
        for one in own
        if one.source == Source.RESERVATION
        and one.status in WAS_PROMISED
        and one.held_from is not None
        and one.ends_at is not None
        and one.held_until is not None
        and one.held_from - lane.early_grace <= at < max(one.held_until, one.ends_at)
    ]
    parked_late = [one for one in own if one.status == Status.PARKED]
    ranked = sorted(claims + parked_late, key=lambda one: (one.status not in HOLDS_A_SPACE, one.held_from))
    if ranked:
        return Match(ranked[0].reservation_id)
    is_known = {one.source for one in own} & {Source.RESIDENT, Source.LISTED, Source.STAY}
    return Match(None) if is_known else None


def _entered(row: OutboxRow, read: PlateRead, match: Match, *, now: datetime) -> None:
    plate = bytes(read.plate_exact_hash)
    if end_unseen(lot_id=row.lot_id, plate=plate, at=row.observed_at, known_as=match.reservation_id):
        match = _match_then(row, read) or Match(None)
    if match.reservation_id is not None and arrivals.see_arrival(
        reservation_id=match.reservation_id, at=row.observed_at, source=Stay.Source.GATE, plate=plate, now=now
    ):
        return
    open_stay(lot_id=row.lot_id, source=Stay.Source.GATE, began_at=row.observed_at, plate_exact_hash=plate)
    if (left_at := _next_exit(row, plate)) is not None:  # told before the entry was
        close_stay(lot_id=row.lot_id, ended_at=left_at, plate_exact_hash=plate)


def _left(row: OutboxRow, read: PlateRead, match: Match) -> None:
    plate = bytes(read.plate_exact_hash)
    if match.reservation_id is not None:
        arrivals.see_departure(reservation_id=match.reservation_id, at=row.observed_at, plate=plate)
    else:
        close_stay(lot_id=row.lot_id, ended_at=row.observed_at, plate_exact_hash=plate)


def _next_exit(row: OutboxRow, plate: bytes) -> datetime | None:
    """When the car was first seen leaving the lot after this."""
    later = PlateRead.objects.filter(lot=row.lot_id, plate_exact_hash=plate, observed_at__gt=row.observed_at)
    seen = dict(later.values_list("reading_id", "observed_at"))
    exits = Reading.objects.filter(pk__in=seen.keys(), observed_at__in=seen.values(), kind=Kind.EXIT)
    return exits.order_by("observed_at").values_list("observed_at", flat=True).first() if seen else None
