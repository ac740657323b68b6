"""Taking responses out: one row each, as they can be read in again."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import BinaryIO

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _
from xlsxwriter import Workbook

from surveys.answers import as_codes
from surveys.comparisons import Comparison
from surveys.crosstabs import CrossTable
from surveys.definition import QuestionSpec
from surveys.engine.proportions import HUNDREDTHS
from surveys.engine.suppression import FEWEST_SHOWN
from surveys.formulas import guarded
from surveys.models import Response, Standing, Wave
from surveys.storing import answers_of, question_ids
from surveys.summaries import Line, QuestionSummary

BATCH = 2_000
Cell = str | int | float
BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take Chinese for something else
HIDDEN = f"<{FEWEST_SHOWN}"


def response_rows(wave: Wave) -> Iterator[list[Cell]]:
    """A header, then every submitted response, valid or not, in batches of a fixed size.

    The names of the columns are those that an import knows. A district with fewer than five responses is left out.
    """
    ids = question_ids(wave.version)
    questions = wave.version.definition.questions
    yield [
        "reference", "standing", "reasons", "source", "language", "district", "date", "seconds",
        *(question.key for question in questions),
    ]  # fmt: skip
    shown = _districts_of_five(wave)
    rows = wave.responses.exclude(standing=Standing.DRAFT).select_related("district").order_by("pk")
    for batch in _batches(rows):
        answers = answers_of(batch, ids=ids)
        for response in batch:
            yield [
                response.reference or f"response {response.pk}",
                response.standing,
                ";".join(response.reasons),
                response.source,
                response.language,
                response.district.name if response.district and response.district_id in shown else "",
                response.answered_date.isoformat() if response.answered_date else "",
                "" if response.seconds_taken is None else response.seconds_taken,
                *(_answer_cell(question, answers[response.pk].get(question.key)) for question in questions),
            ]


def summary_rows(summary: QuestionSummary) -> Iterator[list[Cell]]:
    """A question's table as it is shown: hidden where it is hidden there."""
    question = summary.question
    yield [str(question.text), _("People"), _("Per cent"), _("from"), _("until")]
    for line in summary.lines:
        if line.is_hidden:
            yield [str(line.option.text), HIDDEN, "", "", ""]
        else:
            interval = [round(100 * end, 2) for end in (line.interval.low, line.interval.high)]
            yield [str(line.option.text), line.count, line.hundredths * 100 / HUNDREDTHS, *interval]
    yield [_("Answered"), HIDDEN if summary.is_hidden else summary.base, "", "", ""]
    if summary.numbers is not None and not summary.is_hidden:
        yield [_("Mean"), round(summary.numbers.mean, 2), "", "", ""]
        yield [_("Median"), summary.numbers.median, "", "", ""]


def cross_rows(table: CrossTable) -> Iterator[list[Cell]]:
    """A cross-table: people and per cent of each column."""
    yield [str(table.question.text), *(name for one in table.columns for name in (one.label, f"{one.label} %"))]
    for place, option in enumerate(table.question.options):
        cells: list[Cell] = []
        for column in range(len(table.columns)):
            hidden = table.hidden[place, column]
            cells.append(HIDDEN if hidden else int(table.counts[place, column]))
            cells.append("" if hidden else round(100 * float(table.shares[place, column]), 2))
        yield [str(option.text), *cells]
    bases = [HIDDEN if 0 < one.base < FEWEST_SHOWN else one.base for one in table.columns]
    yield [_("Answered"), *(cell for base in bases for cell in (base, ""))]


def comparison_rows(compared: Iterable[Comparison]) -> Iterator[list[Cell]]:
    """Two groups beside each other: people and per cent of both, and the difference in percentage points."""
    yield [_("Question"), _("Answer"), _("First"), _("First, %"), _("Second"), _("Second, %"), _("Difference")]
    for one in compared:
        is_hidden = one.first.is_hidden or one.second.is_hidden
        for pair in one.pairs:
            sides = [cell for line in (pair.first, pair.second) for cell in _side(line, is_hidden=is_hidden)]
            apart = "" if is_hidden or pair.difference is None else round(100 * pair.difference, 2)
            yield [str(one.question.text), str(pair.option.text), *sides, apart]


def _side(line: Line | None, *, is_hidden: bool) -> tuple[Cell, Cell]:
    if line is None:
        return "", ""
    return (HIDDEN, "") if is_hidden or line.is_hidden else (line.count, round(100 * line.share, 2))


def as_csv(rows: Iterable[list[Cell]]) -> Iterator[str]:
    """CSV text in pieces, with a byte order mark; no cell is a formula."""
    yield BYTE_ORDER_MARK
    for row in rows:
        line = StringIO()
        csv.writer(line).writerow([guarded(cell) if isinstance(cell, str) else cell for cell in row])
        yield line.getvalue()


def write_xlsx(rows: Iterable[list[Cell]], file: BinaryIO, *, sheet: str) -> None:
    """A workbook, row by row in constant memory. Texts are written as texts, so none is a formula or a link."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(file, options) as book:
        page = book.add_worksheet(sheet)
        page.freeze_panes(1, 0)
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if isinstance(cell, str):
                    page.write_string(number, place, cell)
                else:
                    page.write_number(number, place, cell)


def _answer_cell(question: QuestionSpec, value: object) -> Cell:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return as_codes(question, value) if isinstance(value, tuple | str) else ""


def _districts_of_five(wave: Wave) -> set[int | None]:
    rows = wave.responses.exclude(standing=Standing.DRAFT).order_by().values("district").annotate(n=Count("*"))
    return set(rows.filter(n__gte=FEWEST_SHOWN).values_list("district", flat=True))


def _batches(rows: QuerySet[Response]) -> Iterator[list[Response]]:
    """Slices by key: a later slice costs no more than the first."""
    last = 0
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        yield batch
        last = batch[-1].pk
