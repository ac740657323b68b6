"""Summary and cross-tables of 100,000 responses to 30 questions, beside counting the answers; 50,000 rows imported."""

import io
import statistics
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
from django.db import connection, reset_queries
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.client import timed
from surveys import imports
from surveys.columns import guess
from surveys.crosstabs import cross_table
from surveys.models import Answer, Questionnaire, ResponseImport, Wave
from surveys.services import create_questionnaire, open_wave, publish
from surveys.summaries import Subset, funnels, reasons_of_invalidity, summarise
from surveys.tabular import read_header

RESPONSES, QUESTIONS, OPTIONS, ROWS = 100_000, 30, 5, 50_000
SINGLES, SEVERALS = 24, 5  # and one number
PAIRS = (("q01", "q02"), ("q03", "q24"), ("q25", "q01"), ("q26", "q27"))


def text(words: str) -> dict[str, str]:
    return {"zh-hans": words, "en": words}


def make_wave(slug: str, *, questions: int = QUESTIONS) -> Wave:
    """An open wave of a questionnaire with as many questions."""
    options = [{"code": f"o{number}", "text": text(f"o{number}")} for number in range(1, OPTIONS + 1)]

    def question(number: int) -> dict[str, object]:
        kind = "NUMBER" if number == questions else "SINGLE" if number <= SINGLES else "MULTIPLE"
        more = {} if kind == "NUMBER" else {"options": options}
        return {"key": f"q{number:02d}", "kind": kind, "text": text(f"q{number}?"), **more}

    draft = {
        "title": text(slug),
        "consent": text("yes"),
        "pages": [{"questions": [question(number) for number in range(1, questions + 1)]}],
    }
    survey: Questionnaire = create_questionnaire(city="Bench", slug=slug, draft=draft, now=timezone.now())
    publish(questionnaire=survey, published_by=None, now=timezone.now())
    return open_wave(questionnaire=survey, name="1", opened_by=None, now=timezone.now())


def fill(wave: Wave, responses: int) -> None:
    """Responses that answer everything at random; two options of each question where several are possible."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(
            "INSERT INTO surveys_response (wave_id, source, language, standing, reasons, reference, answered_date)"
            " SELECT %s, 'IMPORT', '', 'VALID', '{}', 'r' || n, DATE '2026-11-20' FROM generate_series(1, %s) AS n",
            [wave.pk, responses],
        )
        for question in wave.version.questions.order_by("number"):
            is_number = question.kind == "NUMBER"
            cursor.execute(
                "INSERT INTO surveys_answer (question_id, response_id, option, number, text)"
                " SELECT %s, id, CASE WHEN %s THEN 0 ELSE 1 + floor(%s * random())::int END,"
                " CASE WHEN %s THEN 20 * random() END, '' FROM surveys_response WHERE wave_id = %s",
                [question.pk, is_number, OPTIONS - 1, is_number, wave.pk],
            )
            if question.kind == "MULTIPLE":
                cursor.execute(
                    "INSERT INTO surveys_answer (question_id, response_id, option, text)"
                    " SELECT %s, id, %s, '' FROM surveys_response WHERE wave_id = %s",
                    [question.pk, OPTIONS, wave.pk],
                )
        cursor.execute("VACUUM ANALYZE surveys_answer")
        cursor.execute("VACUUM ANALYZE surveys_response")


def median_s(call: Callable[[], object], *, repeats: int = 5) -> float:
    return statistics.median(timed(call) for _ in range(repeats))


def queries_of(call: Callable[[], object]) -> int:
    reset_queries()
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


def report_questions(wave: Wave) -> None:
    subset, answers = Subset(wave=wave), Answer.objects.count()
    anchor = median_s(Answer.objects.count)
    print(f"\nSurveys: {RESPONSES:,} responses, {QUESTIONS} questions, {answers:,} answers")
    print(f"  SELECT count(*) over the answers {anchor * 1000:8.0f} ms")
    for rows, columns in PAIRS:
        took = median_s(partial(cross_table, subset, rows=rows, columns=columns), repeats=3)
        print(
            f"  cross-table of {rows} by {columns}        {took * 1000:8.0f} ms   {took / anchor:5.1f} of it (bar 10)"
        )
    took, queries = median_s(partial(summary, subset), repeats=3), queries_of(partial(summary, subset))
    print(f"  summary of all questions         {took * 1000:8.0f} ms   {took / anchor:5.1f} of it, {queries} queries")


def summary(subset: Subset) -> None:
    funnels([subset.wave])
    reasons_of_invalidity(subset.wave)
    summarise(subset)


def table(rows: int) -> io.BytesIO:
    generator = np.random.default_rng(rows)
    chosen = generator.integers(1, OPTIONS + 1, size=(rows, QUESTIONS - 1))
    lines = [",".join(["reference", *(f"q{number:02d}" for number in range(1, QUESTIONS + 1))])]
    lines += [f"{place}," + ",".join(f"o{number}" for number in row) + ",7" for place, row in enumerate(chosen)]
    return io.BytesIO("\n".join(lines).encode())


def take_in(wave: Wave, file: io.BytesIO) -> ResponseImport:
    header = read_header(file)
    mapping = guess(header, questionnaire=wave.questionnaire, definition=wave.version.definition)
    job = ResponseImport.objects.create(
        wave=wave, file_name="t", header=header, mapping=mapping, state="IMPORTING", uploaded_at=timezone.now()
    )
    imports.take_file(job, file, on_batch=lambda _rows: None)
    return job


def peak_bytes(wave: Wave, file: io.BytesIO) -> int:
    tracemalloc.start()
    take_in(wave, file)
    _now, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest


def report_import() -> None:
    wave, file = make_wave("bench-import"), table(ROWS)
    took = timed(lambda: take_in(wave, file))
    again = take_in(wave, file)
    print(
        f"  import of {ROWS:,} rows             {took:8.1f} s, {ROWS / took:,.0f} rows/s; again {again.created} added"
    )
    small, large = (peak_bytes(make_wave(f"bench-{rows}"), table(rows)) for rows in (ROWS // 25, ROWS // 5))
    print(f"  peak memory, five times the rows {large / 1e6:8.1f} MB   {large / small:5.2f} times as much (bar 1.3)")


def report() -> None:
    wave = make_wave("bench")
    fill(wave, RESPONSES)
    report_questions(wave)
    report_import()
