"""Paper forms typed by interviewers: once, or twice with the differences shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from parking_share.accounts.models import User
from surveys.answering import PageRefused
from surveys.answers import AnswerRefused, Answers, AnswerValue, as_json, from_json, read_answer
from surveys.definition import Definition, QuestionSpec
from surveys.models import FormEntry, Source, Wave
from surveys.services import SurveyRefused
from surveys.storing import Filled, lock_wave, question_ids, store_forms

Typed = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A question that was typed differently the two times."""

    question: QuestionSpec
    first: AnswerValue | None
    second: AnswerValue | None


@dataclass(frozen=True, kw_only=True)
class Entered:
    """What became of an entry: kept as a response, or waiting for the second entry or for a choice."""

    turn: int
    is_stored: bool
    differences: list[Difference]


@transaction.atomic
def enter_form(
    *, wave: Wave, form_number: str, typed: Typed, district_id: int | None, entered_by: User | None, now: datetime
) -> Entered:
    """Take what was typed from one form. Nothing is refused for being incomplete: the rules judge it."""
    lock_wave(wave)
    answers = read_form(wave.version.definition, typed)
    earlier = wave.form_entries.filter(form_number=form_number).order_by("turn")
    _refuse_known(wave, form_number, turns=len(earlier))
    turn = len(earlier) + 1
    entry = FormEntry.objects.create(
        wave=wave,
        form_number=form_number,
        turn=turn,
        answers=as_json(answers),
        district_id=district_id,
        entered_at=now,
        entered_by=entered_by,
    )
    if wave.needs_double_entry and turn == 1:
        return Entered(turn=turn, is_stored=False, differences=[])
    differences = differences_of(wave, form_number) if wave.needs_double_entry else []
    if differences or _districts_differ(wave, form_number):
        return Entered(turn=turn, is_stored=False, differences=differences)
    _store(wave, entry, answers, now=now)
    return Entered(turn=turn, is_stored=True, differences=[])


@transaction.atomic
def settle_form(
    *, wave: Wave, form_number: str, typed: Typed, district_id: int | None, entered_by: User | None, now: datetime
) -> None:
    """Decide what the form says where the two entries differ, and keep it. `typed` has the questions that differ."""
    lock_wave(wave)
    first, second = _both(wave, form_number)
    if wave.responses.filter(reference=form_number).exists():
        raise SurveyRefused(_("This form is settled already."))
    settled = read_form(wave.version.definition, typed)
    differing = {one.question.key for one in differences_of(wave, form_number)}
    agreed = {key: value for key, value in from_json(first.answers).items() if key not in differing}
    second.district_id, second.entered_by = district_id, entered_by
    _store(wave, second, agreed | {key: value for key, value in settled.items() if key in differing}, now=now)


def read_form(definition: Definition, typed: Typed) -> Answers:
    """Answers to all questions in any order; what can't be an answer is refused by question."""
    read: Answers = {}
    faults: dict[str, str] = {}
    for question in definition.questions:
        try:
            value = read_answer(question, typed.get(question.key, ()))
        except AnswerRefused as refusal:
            faults[question.key] = refusal.sentence
        else:
            if value is not None:
                read[question.key] = value
    if faults:
        raise PageRefused(faults)
    return read


def differences_of(wave: Wave, form_number: str) -> list[Difference]:
    first, second = (from_json(entry.answers) for entry in _both(wave, form_number))
    return [
        Difference(question=question, first=first.get(question.key), second=second.get(question.key))
        for question in wave.version.definition.questions
        if first.get(question.key) != second.get(question.key)
    ]


def forms_to_settle(wave: Wave) -> list[str]:
    """Forms that were entered twice and are not kept yet."""
    twice = wave.form_entries.filter(turn=2)
    kept = wave.responses.filter(source=Source.INTERVIEWER).values("reference")
    return list(twice.exclude(form_number__in=kept).order_by("pk").values_list("form_number", flat=True))


def forms_entered_once(wave: Wave) -> list[str]:
    """Forms of a wave with double entry that wait for their second."""
    twice = wave.form_entries.filter(turn=2).values("form_number")
    once = wave.form_entries.filter(turn=1).exclude(form_number__in=twice)
    return list(once.order_by("pk").values_list("form_number", flat=True)) if wave.needs_double_entry else []


def _both(wave: Wave, form_number: str) -> tuple[FormEntry, FormEntry]:
    entries = list(wave.form_entries.filter(form_number=form_number).order_by("turn"))
    if len(entries) != 2:
        raise SurveyRefused(_("This form was not entered twice."))
    return entries[0], entries[1]


def _districts_differ(wave: Wave, form_number: str) -> bool:
    districts = wave.form_entries.filter(form_number=form_number).values_list("district_id", flat=True)
    return len(set(districts)) > 1


def _refuse_known(wave: Wave, form_number: str, *, turns: int) -> None:
    most = 2 if wave.needs_double_entry else 1
    if turns >= most or wave.responses.filter(reference=form_number).exists():
        raise SurveyRefused(_("The form %(number)s was entered already.") % {"number": form_number})


def _store(wave: Wave, entry: FormEntry, answers: Answers, *, now: datetime) -> None:
    form = Filled(
        answers=answers,
        source=Source.INTERVIEWER,
        reference=entry.form_number,
        district_id=entry.district_id,
        answered_date=timezone.localdate(now),
    )
    store_forms(wave, [form], ids=question_ids(wave.version))
