"""What a gate is answered: a table of rules over facts that are there already. Reads and writes nothing.

Entering: the plate itself first; what cameras confuse only where the plate is nobody's and exactly one car that may
come in now is left. Leaving: whoever is known leaves, however late; `docs/decisions/0011` says why strangers do too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from parking_share.fulfilment.candidates import Candidate, Lane, Source
from parking_share.fulfilment.gates import GateAnswer
from parking_share.reservations.states import HOLDS_A_SPACE, MAY_LAPSE, Reason, Status
from parking_share.spaces.models import Gate
from sensors.models import Kind

EARLIEST = timedelta(hours=2)  # how long before the grace a bay that is free may be had
Verdict = GateAnswer.Verdict

SERVES = {
    Kind.ENTER: {Gate.Kind.ENTRY, Gate.Kind.BOTH},
    Kind.EXIT: {Gate.Kind.EXIT, Gate.Kind.BOTH},
}


class Step(StrEnum):
    """What must succeed before the barrier opens."""

    NONE = "NONE"
    EXPECT = "EXPECT"  # take the reservation out of lapsing
    ADMIT = "ADMIT"  # announce a bay that is free from now on
    BOOK_AGAIN = "BOOK_AGAIN"  # the hold has lapsed: ask for the rest of the period anew


@dataclass(frozen=True, kw_only=True)
class Judgement:
    verdict: GateAnswer.Verdict
    opens: bool
    step: Step = Step.NONE
    candidate: Candidate | None = None


def judge(*, kind: Kind, exact: bytes, lane: Lane, candidates: Sequence[Candidate], now: datetime) -> Judgement:
    """Answer a live reading of a plate."""
    if lane.kind not in SERVES.get(kind, set()):
        return _shut(Verdict.NOT_THIS_LANE)
    if kind == Kind.ENTER:
        return _entering(exact, lane, candidates, now=now)
    return _leaving(exact, lane, candidates, now=now)


def judge_claim(claim: Candidate, lane: Lane, *, now: datetime) -> Judgement:
    """Answer for one reservation, whichever way it was recognised: in where it may come in, out where it is inside."""
    if lane.kind == Gate.Kind.EXIT or (claim.status == Status.PARKED and lane.kind == Gate.Kind.BOTH):
        is_known = claim.status in WAS_PROMISED
        return _open(Verdict.LEAVING, candidate=_inside([claim], now=now)) if is_known else _shut(Verdict.TOO_LATE)
    return _welcome([claim], lane, now=now)


def _entering(exact: bytes, lane: Lane, candidates: Sequence[Candidate], *, now: datetime) -> Judgement:
    own = [one for one in candidates if one.plate_exact_hash == exact]
    if own:
        return _welcome(own, lane, now=now)
    only = _the_only([_welcome(group, lane, now=now) for group in by_plate(candidates)], otherwise=False)
    return _shut(Verdict.UNKNOWN_PLATE) if only.step == Step.BOOK_AGAIN else only  # nobody pays for what may be a slip


def _welcome(own: Sequence[Candidate], lane: Lane, *, now: datetime) -> Judgement:
    """Answer a car that wants in, by everything that is known of its plate; the first rule that fits counts."""
    claims = sorted((one for one in own if one.source == Source.RESERVATION), key=_start)
    return (
        _in_its_time(claims, lane, now=now)
        or _without_reservation({one.source for one in own})
        or _out_of_its_time(claims, lane, now=now)
        or _turned_away(claims)
    )


def _in_its_time(claims: Sequence[Candidate], lane: Lane, *, now: datetime) -> Judgement | None:
    steps = ((claim, _step_in_period(claim, lane, now=now)) for claim in claims)
    return next(
        (_open(Verdict.RESERVED, step=step, candidate=claim) for claim, step in steps if step is not None), None
    )


def _without_reservation(sources: Collection[Source]) -> Judgement | None:
    if Source.LISTED in sources:
        return _open(Verdict.LISTED)
    return _open(Verdict.RESIDENT) if Source.RESIDENT in sources else None


def _out_of_its_time(claims: Sequence[Candidate], lane: Lane, *, now: datetime) -> Judgement | None:
    """Soon enough to be let in early; else too late for the hold, not for the period; else too early."""
    coming = next((claim for claim in claims if _is_coming(claim, lane, now=now)), None)
    if coming is not None and _start(coming)[0] - now <= lane.early_grace + EARLIEST:
        return _open(Verdict.ADMITTED_EARLY, step=Step.ADMIT, candidate=coming)
    if lapsed := [claim for claim in claims if _may_book_again(claim, lane, now=now)]:
        return _open(Verdict.RESERVED, step=Step.BOOK_AGAIN, candidate=lapsed[-1])
    return _shut(Verdict.TOO_EARLY, candidate=coming) if coming is not None else None


def _turned_away(claims: Sequence[Candidate]) -> Judgement:
    over = [claim for claim in claims if claim.status in WAS_PROMISED]
    return _shut(Verdict.TOO_LATE, candidate=over[-1]) if over else _shut(Verdict.UNKNOWN_PLATE)


def _step_in_period(claim: Candidate, lane: Lane, *, now: datetime) -> Step | None:
    """What a claim needs in its own period, the early grace included; None where it is not its time or it lapsed."""
    assert claim.held_from is not None
    assert claim.held_until is not None
    if not claim.held_from - lane.early_grace <= now < claim.held_until:
        return None
    if claim.status == Status.PARKED:
        return Step.NONE
    if claim.status not in MAY_LAPSE or _has_lapsed(claim, now=now):
        return None
    return Step.EXPECT if claim.status == Status.ASSIGNED else Step.ADMIT


def _is_coming(claim: Candidate, lane: Lane, *, now: datetime) -> bool:
    return claim.status in MAY_LAPSE and not _has_lapsed(claim, now=now) and now < _start(claim)[0] - lane.early_grace


def _may_book_again(claim: Candidate, lane: Lane, *, now: datetime) -> bool:
    """Whether the driver came too late for the hold, or before any decision, but not too late for the period."""
    assert claim.starts_at is not None
    assert claim.ends_at is not None
    if not claim.starts_at - lane.early_grace <= now < claim.ends_at:
        return False
    if claim.status in MAY_LAPSE:
        return _has_lapsed(claim, now=now)
    never_announced = claim.status == Status.RELEASED and claim.reason == Reason.NEVER_ANNOUNCED
    return claim.status in {Status.EXPIRED, Status.REQUESTED} or never_announced


def _has_lapsed(claim: Candidate, *, now: datetime) -> bool:
    return claim.lapses_at is not None and claim.lapses_at <= now


def _leaving(exact: bytes, lane: Lane, candidates: Sequence[Candidate], *, now: datetime) -> Judgement:
    own = [one for one in candidates if one.plate_exact_hash == exact]
    if any(_explains_being_inside(one) for one in own):
        return _open(Verdict.LEAVING, candidate=_inside(own, now=now))
    if own:
        return Judgement(verdict=Verdict.UNKNOWN_PLATE, opens=lane.unknown_may_leave)
    judged = [
        _open(Verdict.LEAVING, candidate=claim)
        for group in by_plate(candidates)
        if (claim := _inside(group, now=now)) or {one.source for one in group} & {Source.RESIDENT, Source.LISTED}
    ]
    return _the_only(judged, otherwise=lane.unknown_may_leave)


def _explains_being_inside(one: Candidate) -> bool:
    return one.source != Source.VEHICLE and (one.source != Source.RESERVATION or one.status in WAS_PROMISED)


def _inside(own: Sequence[Candidate], *, now: datetime) -> Candidate | None:
    """The reservation by which a car is inside; one that has come unseen counts from its start on."""
    claims = sorted((one for one in own if one.source == Source.RESERVATION), key=_start)
    parked = [claim for claim in claims if claim.status == Status.PARKED]
    admitted = [
        claim
        for claim in claims
        if claim.status == Status.ASSIGNED and (claim.lapses_at is None or _start(claim)[0] <= now)
    ]
    return next(iter(parked + admitted), None)


def _the_only(judged: Sequence[Judgement], *, otherwise: bool) -> Judgement:
    """The one judgement that opens; with none or several, the plate stays unknown or ambiguous."""
    opening = [one for one in judged if one.opens]
    if len(opening) == 1:
        return opening[0]
    return Judgement(verdict=Verdict.AMBIGUOUS if opening else Verdict.UNKNOWN_PLATE, opens=otherwise)


def by_plate(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    ordered = sorted(candidates, key=lambda one: one.plate_exact_hash)
    return [list(group) for _plate, group in groupby(ordered, key=lambda one: one.plate_exact_hash)]


def _start(claim: Candidate) -> tuple[datetime, int]:
    assert claim.held_from is not None
    assert claim.reservation_id is not None
    return claim.held_from, claim.reservation_id


def _open(verdict: GateAnswer.Verdict, *, step: Step = Step.NONE, candidate: Candidate | None = None) -> Judgement:
    return Judgement(verdict=verdict, opens=True, step=step, candidate=candidate)


def _shut(verdict: GateAnswer.Verdict, *, candidate: Candidate | None = None) -> Judgement:
    return Judgement(verdict=verdict, opens=False, candidate=candidate)


# what explains a car inside, or one that comes too late: everything that once held a bay and was not taken back
WAS_PROMISED = HOLDS_A_SPACE | {Status.COMPLETED, Status.EXPIRED, Status.RELEASED}
