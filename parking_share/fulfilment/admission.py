"""The answer to a gate, from rows alone: no Celery, no Redis. An ordinary admission is three queries.

Of what the camera would also believe (`event.alternatives`) only readings that fold to the same plate could count, and
those change nothing; so they are not looked at.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from allocation.keeping import NoBayYet, admit_now
from allocation.services import assign_arrivals
from parking_share.accounts import plates
from parking_share.errors import DomainError
from parking_share.fulfilment import failsafe
from parking_share.fulfilment.candidates import Candidate, Lane, Source, candidates_at
from parking_share.fulfilment.gates import GateAnswer
from parking_share.fulfilment.readmission import book_again
from parking_share.fulfilment.sentences import sentence_for, sentence_of
from parking_share.fulfilment.telling import tell_to_come_later
from parking_share.fulfilment.verdicts import SERVES, Judgement, Step, Verdict, judge
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import expect_arrival
from sensors.models import Kind
from sensors.storing import Stored

MOST_LOOKS = 3  # rows that changed under our hands are looked at again


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the gate is told, and the row that records it; no row where the reading belongs to no gate."""

    gate_answer: GateAnswer | None
    opens: bool
    verdict: GateAnswer.Verdict
    sentence: str
    space_label: str = ""
    until: datetime | None = None


class Question(NamedTuple):
    """Who asks: a reading of a plate, a code, a guard."""

    asked_by: GateAnswer.Asked
    reading_id: int | None = None


def answer_gate(*, seen: Stored, now: datetime) -> Answer:
    """Say whether the barrier opens for this reading, and record it."""
    failsafe.write_down()
    if seen.gate_id is None:
        return _without_gate()
    question = Question(GateAnswer.Asked.PLATE, seen.reading_id)
    refusal = _refused_at_sight(seen)
    if refusal is not None:
        return record(Judgement(verdict=refusal, opens=False), question, gate_id=seen.gate_id, now=now)
    exact, folded = plates.exact_hash(seen.event.plate), plates.folded_hash(seen.event.plate)
    for _look in range(MOST_LOOKS):
        lane, candidates = candidates_at(seen.gate_id, exact=exact, folded=folded, now=now)
        if lane is None:
            return _without_gate()
        failsafe.remember(lane)
        judged = judge(kind=Kind(seen.event.kind), exact=exact, lane=lane, candidates=candidates, now=now)
        if (answer := carry_out(judged, question, lane, now=now)) is not None:
            return answer
    return record(Judgement(verdict=Verdict.TOO_LATE, opens=False), question, gate_id=seen.gate_id, now=now)


def carry_out(judged: Judgement, question: Question, lane: Lane, *, now: datetime) -> Answer | None:
    """Do what the judgement needs and record the answer; None where the reservation changed meanwhile."""
    claim = judged.candidate
    match judged.step:
        case Step.NONE:
            return record(judged, question, gate_id=lane.gate_id, lane=lane, now=now)
        case Step.EXPECT if claim is not None and claim.reservation_id is not None:
            with transaction.atomic(savepoint=False):
                if expect_arrival(reservation_id=claim.reservation_id, now=now):
                    return record(judged, question, gate_id=lane.gate_id, lane=lane, now=now)
            return None
        case _:
            return _after_allocation(judged, question, lane, now=now)


def _after_allocation(judged: Judgement, question: Question, lane: Lane, *, now: datetime) -> Answer:
    """Have a bay announced that is free from now on, or say when to come, or that nothing is free."""
    try:
        admitted = _admitted(judged, lane, now=now)
    except DomainError as refusal:
        if isinstance(refusal, NoBayYet):
            _tell_to_come_later(judged, refusal, now=now)
        verdict = Verdict.TOO_LATE if judged.step == Step.BOOK_AGAIN else Verdict.TOO_EARLY
        refused = Judgement(verdict=verdict, opens=False, candidate=judged.candidate)
        return record(refused, question, gate_id=lane.gate_id, lane=lane, sentence=refusal.sentence, now=now)
    claim = replace(
        judged.candidate or Candidate(source=Source.RESERVATION, plate_exact_hash=b""),
        reservation_id=admitted.pk,
        held_until=admitted.held_until,
        space_label=str(admitted.space or ""),
    )
    return record(replace(judged, candidate=claim), question, gate_id=lane.gate_id, lane=lane, now=now)


def _tell_to_come_later(judged: Judgement, refusal: NoBayYet, *, now: datetime) -> None:
    """A barrier says little: the driver reads on the phone when to come back."""
    claim_id = judged.candidate.reservation_id if judged.candidate else None
    if claim_id is not None:
        reservation = Reservation.objects.get(pk=claim_id)
        tell_to_come_later(reservation, earliest_at=refusal.earliest_at, now=now)


def _admitted(judged: Judgement, lane: Lane, *, now: datetime) -> Reservation:
    """Who comes before the bay is announced gets it now; within the grace at the latest the one kept from the start."""
    assert judged.candidate is not None
    assert judged.candidate.reservation_id is not None
    reservation_id = judged.candidate.reservation_id
    if judged.step == Step.BOOK_AGAIN:
        reservation_id = book_again(reservation_id=reservation_id, now=now).pk
    try:
        admit_now(reservation_id=reservation_id, now=now)
    except DomainError:
        if judged.verdict != Verdict.RESERVED:
            raise
        assign_arrivals(lot_id=lane.lot_id, now=now)
        if not expect_arrival(reservation_id=reservation_id, now=now):
            raise
    else:
        expect_arrival(reservation_id=reservation_id, now=now)
    return Reservation.objects.select_related("space").get(pk=reservation_id)


def record(
    judged: Judgement,
    question: Question,
    *,
    gate_id: int,
    lane: Lane | None = None,
    sentence: str = "",
    now: datetime,
) -> Answer:
    """Write the answer down."""
    claim = judged.candidate
    row = GateAnswer.objects.create(
        gate_id=gate_id,
        asked_by=question.asked_by,
        reading_id=question.reading_id,
        opens=judged.opens,
        verdict=judged.verdict,
        reservation_id=claim.reservation_id if claim else None,
        answered_at=now,
    )
    return Answer(
        gate_answer=row,
        opens=judged.opens,
        verdict=judged.verdict,
        sentence=sentence or sentence_for(judged, lane, now=now),
        space_label=claim.space_label if claim and judged.opens else "",
        until=claim.held_until if claim and judged.opens else None,
    )


def _refused_at_sight(seen: Stored) -> GateAnswer.Verdict | None:
    """What never opens, whatever the plate."""
    if seen.problem is not None or not seen.is_new or not seen.is_live:
        return Verdict.NOT_LIVE
    if seen.event.kind not in SERVES:
        return Verdict.NOT_THIS_LANE
    return None if seen.event.plate else Verdict.NO_PLATE


def _without_gate() -> Answer:
    verdict = Verdict.NOT_THIS_LANE
    return Answer(gate_answer=None, opens=False, verdict=verdict, sentence=sentence_of(verdict))
