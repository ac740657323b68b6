"""A person at the gate opens by hand: always possible, never without a reason, never without a record."""

from datetime import datetime

from django.utils.translation import gettext as _

from parking_share.accounts.free_text import without_plates
from parking_share.accounts.models import User
from parking_share.errors import DomainError
from parking_share.fulfilment.admission import Answer
from parking_share.fulfilment.gates import GateAnswer
from parking_share.fulfilment.sentences import sentence_of
from parking_share.spaces.models import Gate

SHORTEST_REASON, LONGEST_REASON = 3, 200


class ReasonMissing(DomainError):
    code = "reason_missing"


def open_by_guard(*, gate: Gate, actor: User, note: str, now: datetime) -> Answer:
    """Open a gate; the row can't be changed afterwards."""
    reason = without_plates(" ".join(note.split()))
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise ReasonMissing(_("Say in a few words why the gate is opened, in at most 200 characters."))
    verdict = GateAnswer.Verdict.OPENED_BY_GUARD
    row = GateAnswer.objects.create(
        gate=gate,
        asked_by=GateAnswer.Asked.GUARD,
        opens=True,
        verdict=verdict,
        actor=actor,
        note=reason,
        answered_at=now,
    )
    return Answer(gate_answer=row, opens=True, verdict=verdict, sentence=sentence_of(verdict))
