"""Writing responses and their answers, and reading answers back."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection, transaction

from surveys.answers import Answers
from surveys.judgement import judge
from surveys.models import Answer, Question, QuestionnaireVersion, Response, Source, Standing, Wave

AnswerRow = tuple[int, int, int, float | None, str]  # question, response, option, number, text
_COPY = (
    "COPY surveys_answer (question_id, response_id, option, number, text)"
    " FROM STDIN WITH (FORMAT csv, FORCE_NOT_NULL (text))"
)


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A form that came in as a whole. A reference makes sure that it comes in once."""

    answers: Answers
    source: Source
    reference: str = ""
    district_id: int | None = None
    language: str = ""
    seconds: int | None = None
    answered_date: date | None = None


@dataclass(frozen=True, kw_only=True)
class Stored:
    created: int
    invalid: int
    already_there: int


def question_ids(version: QuestionnaireVersion) -> dict[str, int]:
    """Rows of a version's questions by their names."""
    return dict(version.questions.values_list("key", "pk"))


@transaction.atomic
def store_forms(wave: Wave, forms: Sequence[Filled], *, ids: Mapping[str, int]) -> Stored:
    """Judge and keep forms; those whose reference the wave has already are left alone.

    The wave's row is locked, so that the same table can't come in twice at once.
    """
    lock_wave(wave)
    known = known_references(wave, forms)
    definition = wave.version.definition
    fresh = [form for form in _once_each(forms) if not form.reference or form.reference not in known]
    rows = []
    for form in fresh:
        reasons = judge(definition, form.answers, seconds=form.seconds)
        rows.append(_response(wave, form, reasons))
    Response.objects.bulk_create(rows, batch_size=1_000)
    copy_answers(
        row for response, form in zip(rows, fresh, strict=True) for row in answer_rows(response.pk, form.answers, ids)
    )
    invalid = sum(1 for response in rows if response.reasons)
    return Stored(created=len(fresh), invalid=invalid, already_there=len(forms) - len(fresh))


def lock_wave(wave: Wave) -> None:
    Wave.objects.select_for_update(no_key=True, of=("self",)).get(pk=wave.pk)


def known_references(wave: Wave, forms: Iterable[Filled]) -> set[str]:
    wanted = [form.reference for form in forms if form.reference]
    return set(wave.responses.filter(reference__in=wanted).values_list("reference", flat=True))


def answer_rows(response_id: int, answers: Answers, ids: Mapping[str, int]) -> Iterable[AnswerRow]:
    """One row per chosen option, number or text."""
    for key, value in answers.items():
        if isinstance(value, tuple):
            yield from ((ids[key], response_id, number, None, "") for number in value)
        elif isinstance(value, float):
            yield ids[key], response_id, 0, value, ""
        else:
            yield ids[key], response_id, 0, None, value


def copy_answers(rows: Iterable[AnswerRow]) -> None:
    """COPY takes five times as many rows a second as INSERT."""
    table = io.StringIO()
    csv.writer(table).writerows(rows)
    table.seek(0)
    with connection.cursor() as cursor:
        cursor.cursor.copy_expert(_COPY, table)


def write_answers(response: Response, answers: Answers, *, ids: Mapping[str, int]) -> None:
    """Replace what the draft says about the questions of `ids`."""
    response.answers.filter(question_id__in=list(ids.values())).delete()
    Answer.objects.bulk_create(
        Answer(question_id=question, response_id=row_of, option=option, number=number, text=text)
        for question, row_of, option, number, text in answer_rows(response.pk, answers, ids)
    )


def answers_of(responses: Sequence[Response], *, ids: Mapping[str, int]) -> dict[int, Answers]:
    """What each of these responses says, by the response's id; one query."""
    keys = {pk: key for key, pk in ids.items()}
    chosen: dict[int, dict[str, list[int]]] = {response.pk: {} for response in responses}
    found: dict[int, Answers] = {response.pk: {} for response in responses}
    rows = Answer.objects.filter(response__in=[response.pk for response in responses])
    for question, response, option, number, text in rows.order_by("response", "question", "option").values_list(
        "question_id", "response_id", "option", "number", "text"
    ):
        if option:
            chosen[response].setdefault(keys[question], []).append(option)
        else:
            found[response][keys[question]] = text if number is None else number
    for response, options in chosen.items():
        found[response] |= {key: tuple(numbers) for key, numbers in options.items()}
    return found


def _once_each(forms: Iterable[Filled]) -> Iterable[Filled]:
    seen: set[str] = set()
    for form in forms:
        if not form.reference or form.reference not in seen:
            seen.add(form.reference)
            yield form


def _response(wave: Wave, form: Filled, reasons: list[str]) -> Response:
    return Response(
        wave=wave,
        district_id=form.district_id,
        source=form.source,
        language=form.language,
        standing=Standing.INVALID if reasons else Standing.VALID,
        reasons=reasons,
        reference=form.reference,
        seconds_taken=form.seconds,
        answered_date=form.answered_date,
    )


def questions_by_id(version: QuestionnaireVersion) -> dict[int, Question]:
    return {question.pk: question for question in version.questions.order_by("number")}
