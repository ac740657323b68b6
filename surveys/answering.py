"""Answering on the public page: begin, go on, submit. The way back is a secret that only its hash remembers."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from surveys.answers import AnswerRefused, Answers, AnswerValue, exclusive_clash, read_answer
from surveys.definition import Definition, QuestionSpec
from surveys.judgement import asked_questions, judge, without_unasked
from surveys.models import Response, Source, Standing, Wave
from surveys.services import SurveyRefused
from surveys.storing import answers_of, question_ids, write_answers

DRAFTS_KEPT = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A new response, and the secret that leads back to it."""

    response: Response
    token: str


class PageRefused(SurveyRefused):
    """Something on the page is missing or wrong; nothing was kept. `faults` has a sentence by question."""

    code = "page_refused"

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = dict(faults)


def open_wave_of(slug: str) -> Wave | None:
    """The wave that the public page collects for."""
    return (
        Wave.objects.filter(questionnaire__slug=slug, closed_at__isnull=True)
        .select_related("version", "questionnaire")
        .first()
    )


def start_response(*, wave: Wave, language: str, device: str, district_id: int | None = None, now: datetime) -> Begun:
    """Begin a draft. `device` is a random mark that the browser keeps; only a hash of it for this wave is stored."""
    if not wave.is_open:
        raise SurveyRefused(_("This survey is closed."))
    token = secrets.token_urlsafe(24)
    response = Response.objects.create(
        wave=wave,
        district_id=district_id,
        source=Source.PUBLIC,
        language=language,
        token_hash=_hash("way back", token),
        device_hash=_hash(f"device of wave {wave.pk}", device) if device else None,
        started_at=now,
    )
    return Begun(response=response, token=token)


def draft_of(*, wave: Wave, token: str) -> Response | None:
    """The draft that a secret leads to."""
    if not token or not wave.is_open:
        return None
    return wave.responses.filter(token_hash=_hash("way back", token), standing=Standing.DRAFT).first()


def answers_so_far(response: Response) -> Answers:
    return answers_of([response], ids=question_ids(response.wave.version))[response.pk]


def questions_of_page(definition: Definition, answers: Answers, page: int) -> list[QuestionSpec]:
    return [question for question in asked_questions(definition, answers) if question.page == page]


def next_page(definition: Definition, answers: Answers, page: int) -> int | None:
    """The next page that has a question for these answers; None after the last."""
    return next((question.page for question in asked_questions(definition, answers) if question.page > page), None)


def previous_page(definition: Definition, answers: Answers, page: int) -> int | None:
    earlier = [question.page for question in asked_questions(definition, answers) if question.page < page]
    return earlier[-1] if earlier else None


def first_open_page(definition: Definition, answers: Answers) -> int:
    """Where to go on: the first page with a required question that is not answered, else the last."""
    asked = asked_questions(definition, answers)
    still_open = [question.page for question in asked if question.is_required and question.key not in answers]
    return still_open[0] if still_open else asked[-1].page


@transaction.atomic
def save_page(*, response: Response, page: int, typed: Mapping[str, Sequence[str]]) -> Answers:
    """Keep the answers of one page, or refuse the page as a whole; return all answers so far."""
    locked = _locked_draft(response)
    ids, definition = question_ids(locked.wave.version), locked.wave.version.definition
    answers = answers_of([locked], ids=ids)[locked.pk]
    questions = questions_of_page(definition, answers, page)
    read = read_page(questions, typed)
    write_answers(locked, read, ids={question.key: ids[question.key] for question in questions})
    kept = {key: value for key, value in answers.items() if definition.by_key[key].page != page} | read
    return without_unasked(definition, kept)


def read_page(questions: Sequence[QuestionSpec], typed: Mapping[str, Sequence[str]]) -> Answers:
    """The answers to these questions; PageRefused names every one that is missing or wrong."""
    read: Answers = {}
    faults: dict[str, str] = {}
    for question in questions:
        try:
            value = read_answer(question, typed.get(question.key, ()))
            _refuse_on_a_page(question, value)
        except AnswerRefused as refusal:
            faults[question.key] = refusal.sentence
        else:
            if value is not None:
                read[question.key] = value
    if faults:
        raise PageRefused(faults)
    return read


@transaction.atomic
def submit_response(*, response: Response, now: datetime) -> Response:
    """Judge and finish: what could lead back to the person is erased in the same write."""
    locked = _locked_draft(response)
    ids, definition = question_ids(locked.wave.version), locked.wave.version.definition
    answers = answers_of([locked], ids=ids)[locked.pk]
    asked = without_unasked(definition, answers)
    stale = {key: ids[key] for key in answers.keys() - asked.keys()}
    write_answers(locked, {}, ids=stale)
    seconds = int((now - locked.started_at).total_seconds()) if locked.started_at else None
    reasons = judge(definition, asked, seconds=seconds, is_repeated_device=_is_repeated(locked))
    locked.reasons, locked.standing = reasons, Standing.INVALID if reasons else Standing.VALID
    locked.seconds_taken, locked.answered_date = seconds, timezone.localdate(now)
    locked.started_at = locked.token_hash = None
    locked.save(update_fields=["reasons", "standing", "seconds_taken", "answered_date", "started_at", "token_hash"])
    return locked


def forget_drafts(*, now: datetime) -> int:
    """Delete drafts that nobody came back to; the number of them."""
    old = Response.objects.filter(standing=Standing.DRAFT, started_at__lt=now - DRAFTS_KEPT)
    count = old.count()
    old.delete()
    return count


def _refuse_on_a_page(question: QuestionSpec, value: AnswerValue | None) -> None:
    if value is None and question.is_required:
        raise AnswerRefused(_("Please answer this question."))
    if value is not None and exclusive_clash(question, value):
        raise AnswerRefused(_("One of your answers excludes all others. Choose it alone or leave it out."))


def _locked_draft(response: Response) -> Response:
    locked = Response.objects.select_for_update(of=("self",)).select_related("wave__version").get(pk=response.pk)
    if locked.standing != Standing.DRAFT or not locked.wave.is_open:
        raise SurveyRefused(_("This response can't be changed any more."))
    return locked


def _is_repeated(response: Response) -> bool:
    """Whether a response from the same device was submitted to this wave before."""
    if response.device_hash is None:
        return False
    same = response.wave.responses.filter(device_hash=bytes(response.device_hash)).exclude(pk=response.pk)
    return same.exclude(standing=Standing.DRAFT).exists()


def _hash(purpose: str, secret: str) -> bytes:
    key = f"surveys: {purpose}: {settings.SECRET_KEY}".encode()
    return hmac.new(key, secret.encode(), hashlib.sha256).digest()
