"""One-time codes: how a driver gets through a gate whose camera can't read the plate. Only hashes are kept."""

import secrets
from datetime import datetime, timedelta

import segno
import structlog
from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from parking_share.accounts.models import User
from parking_share.errors import DomainError
from parking_share.fulfilment import arrivals
from parking_share.fulfilment.admission import MOST_LOOKS, Answer, Question, carry_out, record
from parking_share.fulfilment.candidates import Candidate, Source, candidates_at
from parking_share.fulfilment.gates import EntryCode, GateAnswer
from parking_share.fulfilment.verdicts import Judgement, Verdict, judge_claim
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import HOLDS_A_SPACE, Status
from parking_share.spaces.models import Gate
from sensors.models import Stay

DIGITS = 8
MOST_WRONG_CODES, WRONG_CODES_COUNT_FOR = 5, timedelta(minutes=5)
MOST_DRAWS = 5
KEPT_AFTERWARDS = timedelta(days=1)
WAY_OUT = timedelta(hours=1)  # whoever is inside gets out, also late
QUESTION = Question(GateAnswer.Asked.CODE)

log = structlog.get_logger(__name__)


class CodeRefused(DomainError):
    code = "code_refused"


class TooManyWrongCodes(DomainError):
    code = "too_many_wrong_codes"


def issue_code(*, reservation_id: int, actor: User, now: datetime) -> tuple[str, datetime]:
    """Make a code for the driver's reservation, in place of an earlier one that is unused; return it, and its end."""
    reservation = Reservation.objects.filter(pk=reservation_id, driver=actor, status__in=HOLDS_A_SPACE).first()
    if reservation is None or (reservation.held_until <= now and reservation.status != Status.PARKED):
        raise CodeRefused(_("There is a code only for a reservation that is accepted and not over."))
    expires_at = (
        max(reservation.held_until, now + WAY_OUT) if reservation.status == Status.PARKED else reservation.held_until
    )
    for _draw in range(MOST_DRAWS):
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        try:
            with transaction.atomic():
                EntryCode.objects.filter(reservation=reservation, used_at__isnull=True).delete()
                EntryCode.objects.create(
                    reservation=reservation,
                    code_hash=hash_of(code),
                    created_at=now,
                    expires_at=expires_at,
                )
        except IntegrityError:  # somebody else's code, or the same driver's second click
            continue
        return code, expires_at
    raise CodeRefused(_("No code could be made. Try again in a moment."))


@transaction.atomic
def use_code(*, gate: Gate, code: str, now: datetime) -> Answer:
    """Answer whoever shows a code at a gate: it opens once, in the period in which the plate would.

    The gate's row is locked, so that tries are counted one after the other: five wrong ones, and the gate takes no
    codes for five minutes.
    """
    Gate.objects.select_for_update(no_key=True).values_list("pk").get(pk=gate.pk)
    _refuse_when_too_many(gate, now=now)
    valid = EntryCode.objects.filter(
        code_hash=hash_of(code), reservation__lot=gate.lot_id, used_at__isnull=True, expires_at__gt=now
    )
    row = valid.select_for_update(no_key=True, of=("self",)).first()
    if row is None:
        return record(Judgement(verdict=Verdict.WRONG_CODE, opens=False), QUESTION, gate_id=gate.pk, now=now)
    answer = _answer(gate, row.reservation_id, now=now)
    if answer.opens:
        EntryCode.objects.filter(pk=row.pk).update(used_at=now)
        _see(answer, row.reservation_id, now=now)
    return answer


def _refuse_when_too_many(gate: Gate, *, now: datetime) -> None:
    wrong = GateAnswer.objects.filter(
        gate=gate, verdict=Verdict.WRONG_CODE, answered_at__gt=now - WRONG_CODES_COUNT_FOR
    )
    if wrong.count() >= MOST_WRONG_CODES:
        log.warning("too_many_wrong_codes", gate=gate.pk)
        raise TooManyWrongCodes(_("Too many wrong codes. Wait five minutes, or ask the guard."))


def _answer(gate: Gate, reservation_id: int, *, now: datetime) -> Answer:
    lane, _known = candidates_at(gate.pk, exact=b"", folded=b"", now=now)
    assert lane is not None
    for _look in range(MOST_LOOKS):
        claim = _claim(reservation_id)
        if (answer := carry_out(judge_claim(claim, lane, now=now), QUESTION, lane, now=now)) is not None:
            return answer
    return record(Judgement(verdict=Verdict.TOO_LATE, opens=False), QUESTION, gate_id=gate.pk, now=now)


def _see(answer: Answer, reservation_id: int, *, now: datetime) -> None:
    """No camera will tell that this car came or went: the code does."""
    admitted = answer.gate_answer.reservation_id if answer.gate_answer else None
    if answer.verdict == Verdict.LEAVING:
        arrivals.see_departure(reservation_id=reservation_id, at=now)
    else:
        arrivals.see_arrival(reservation_id=admitted or reservation_id, at=now, source=Stay.Source.GATE, now=now)


def _claim(reservation_id: int) -> Candidate:
    row = Reservation.objects.select_related("space").get(pk=reservation_id)
    return Candidate(
        source=Source.RESERVATION,
        plate_exact_hash=b"",
        reservation_id=row.pk,
        status=row.status,
        reason=row.reason,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        held_from=row.held_from,
        held_until=row.held_until,
        lapses_at=row.lapses_at,
        space_label=str(row.space or ""),
    )


def forget_codes(*, now: datetime) -> int:
    """Delete codes that ended a day ago, used or not; return how many. Their digits may be drawn again."""
    return EntryCode.objects.filter(expires_at__lt=now - KEPT_AFTERWARDS).delete()[0]


def code_as_svg(code: str) -> str:
    """The code as a QR image, to be put into a page as it is."""
    return segno.make_qr(code, error="m").svg_inline(border=2, omitsize=True)


def hash_of(code: str) -> str:
    """Keyed, because eight digits are soon tried out."""
    return salted_hmac("parking_share.fulfilment.codes", code, algorithm="sha256").hexdigest()
