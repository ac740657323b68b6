"""Turning a row of a table into a filled form, or saying what is wrong with it."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.utils.translation import gettext as _

from parking_share.spaces.models import District
from surveys.answers import AnswerRefused, Answers, read_answer
from surveys.columns import DATE, DISTRICT, OPTION, QUESTION, REFERENCE, SECONDS
from surveys.definition import Definition
from surveys.formulas import unguarded
from surveys.models import LONGEST_REFERENCE, Source
from surveys.storing import Filled
from surveys.tabular import Row

YES, NO = (
    frozenset({"1", "x", "y", "yes", "true", "是", "有", "√", "✓"}),
    frozenset({"", "0", "n", "no", "false", "否", "无"}),
)
LONGEST_STAY_S = 30 * 24 * 3600


class RowRefused(Exception):
    """What is wrong with a row, and in which column."""

    def __init__(self, column: str, sentence: str) -> None:
        super().__init__(sentence)
        self.column, self.sentence = column, sentence


@dataclass(kw_only=True)
class Reader:
    """Reads the rows of one table in order: rows without a key are told apart by how often they came before."""

    definition: Definition
    header: Sequence[str]
    mapping: Mapping[str, str]
    districts: Mapping[str, int]
    seen: Counter[bytes] = field(default_factory=Counter)

    def form_of(self, row: Row) -> Filled:
        """The form that a row holds; RowRefused says why there is none. Rows must come in order, each once."""
        reference = self.reference_of(row)
        if row.fault:
            raise RowRefused("", row.fault)
        cells = dict(zip(self.header, (unguarded(cell.strip()) for cell in row.cells), strict=True))
        answers = self._answers(cells)
        if not answers:
            raise RowRefused("", _("This row answers no question."))
        columns = {target: name for name, target in self.mapping.items()}
        return Filled(
            answers=answers,
            source=Source.IMPORT,
            reference=reference,
            district_id=self._district(columns.get(DISTRICT), cells),
            seconds=self._seconds(columns.get(SECONDS), cells),
            answered_date=self._date(columns.get(DATE), cells),
        )

    def reference_of(self, row: Row) -> str:
        """The key of the row: its own, or a hash of its cells with how often the same cells came before."""
        column = next((name for name, target in self.mapping.items() if target == REFERENCE), None)
        if column is not None:
            key = row.cells[list(self.header).index(column)].strip()
            if not key:
                raise RowRefused(column, _("The key is missing."))
            if len(key) > LONGEST_REFERENCE or "\x00" in key:
                raise RowRefused(column, _("The key must have at most %(n)s characters.") % {"n": LONGEST_REFERENCE})
            return key
        digest = hashlib.blake2b("\x1f".join(row.cells).encode("utf-8", "surrogatepass"), digest_size=12)
        self.seen[digest.digest()] += 1
        return f"row {digest.hexdigest()} {self.seen[digest.digest()]}"

    def _answers(self, cells: Mapping[str, str]) -> Answers:
        answers: Answers = {}
        ticked: dict[str, list[str]] = {}
        for name, target in self.mapping.items():
            if target.startswith(QUESTION):
                question = self.definition.by_key[target.removeprefix(QUESTION)]
                try:
                    value = read_answer(question, [cells[name]])
                except AnswerRefused as refusal:
                    raise RowRefused(name, refusal.sentence) from refusal
                if value is not None:
                    answers[question.key] = value
            elif target.startswith(OPTION) and self._is_ticked(name, cells[name]):
                key, _colon, code = target.removeprefix(OPTION).partition(":")
                ticked.setdefault(key, []).append(code)
        for key, codes in ticked.items():
            value = read_answer(self.definition.by_key[key], codes)
            if value is not None:
                answers[key] = value
        return answers

    def _is_ticked(self, name: str, cell: str) -> bool:
        word = cell.casefold()
        if word not in YES | NO:
            raise RowRefused(name, _("“%(word)s” is neither yes nor no. Write 1 or 0.") % {"word": cell[:60]})
        return word in YES

    def _district(self, name: str | None, cells: Mapping[str, str]) -> int | None:
        if name is None or not cells[name]:
            return None
        if cells[name] not in self.districts:
            raise RowRefused(name, _("There is no district %(name)s in this city.") % {"name": cells[name][:60]})
        return self.districts[cells[name]]

    def _seconds(self, name: str | None, cells: Mapping[str, str]) -> int | None:
        if name is None or not cells[name]:
            return None
        text = cells[name]
        if not (text.isascii() and text.isdigit() and int(text[:12]) <= LONGEST_STAY_S and len(text) <= 12):
            raise RowRefused(name, _("“%(word)s” is no number of seconds.") % {"word": text[:60]})
        return int(text)

    def _date(self, name: str | None, cells: Mapping[str, str]) -> date | None:
        if name is None or not cells[name]:
            return None
        try:
            return date.fromisoformat(cells[name])
        except ValueError as error:
            sentence = _("“%(word)s” is no date. Write it as 2026-11-23.") % {"word": cells[name][:60]}
            raise RowRefused(name, sentence) from error


def districts_by_name(city: str) -> dict[str, int]:
    return dict(District.objects.filter(city=city).values_list("name", "pk"))
