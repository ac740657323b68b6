"""Any question by any other, or by where and how responses came."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count, F, QuerySet
from numpy.typing import NDArray

from parking_share.spaces.models import District
from surveys.definition import QuestionSpec
from surveys.engine.association import Association, association
from surveys.engine.suppression import FEWEST_SHOWN, suppressed
from surveys.models import Answer, Source
from surveys.storing import question_ids
from surveys.summaries import Subset, once_each

DISTRICT, SOURCE = "district", "source"  # columns that are no questions


@dataclass(frozen=True, kw_only=True)
class Column:
    """A group of people: those with one answer, of one district or source. `key` is its value in the database."""

    key: Any
    label: str
    base: int


@dataclass(frozen=True, kw_only=True)
class CrossTable:
    """Rows are the options of `question`; `shares` are of the column's people. Hidden cells are too small to show.

    `test` is None where there is nothing to test: where one may choose several, cells are not different people.
    """

    question: QuestionSpec
    columns: list[Column]
    counts: NDArray[np.int64]
    weighted: NDArray[np.float64]
    shares: NDArray[np.float64]
    hidden: NDArray[np.bool_]
    test: Association | None
    base: int

    @property
    def has_hidden_cells(self) -> bool:
        return bool(self.hidden.any())


def cross_table(subset: Subset, *, rows: str, columns: str) -> CrossTable:
    """Cross two questions by key, or a question with a group; one statement counts all cells.

    Where one may choose several, a second statement counts the people of each column.
    """
    definition = subset.wave.version.definition
    question, other = definition.by_key[rows], definition.by_key.get(columns)
    ids = question_ids(subset.wave.version)
    group = _group_field(columns)
    pairs = subset.answers().filter(question=ids[rows], option__gt=0)
    if other is not None:
        pairs = pairs.filter(response__answers__question=ids[columns], response__answers__option__gt=0)
    labels = _labels(pairs, other, columns)
    shape = len(question.options), len(labels)
    counts, weighted = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    places = {key: place for place, (key, _label) in enumerate(labels)}
    for option, key, count, weight in _cells(pairs, group, subset.weight()):
        counts[option - 1, places[key]], weighted[option - 1, places[key]] = count, weight
    people, weight_of = (
        _people(pairs, ids[rows], group, subset.weight(), places)
        if question.takes_many
        else (counts.sum(0), weighted.sum(0))
    )
    takes_many = question.takes_many or (other is not None and other.takes_many)
    return CrossTable(
        question=question,
        columns=[Column(key=key, label=label, base=int(people[place])) for place, (key, label) in enumerate(labels)],
        counts=counts,
        weighted=weighted,
        shares=np.divide(weighted, weight_of, out=np.zeros(shape), where=weight_of > 0),
        hidden=_hidden(counts, people, takes_many=takes_many),
        test=None if takes_many else _test(weighted, counts, subset.efficiency),
        base=int(people.sum()),
    )


def _group_field(columns: str) -> str:
    return {DISTRICT: "response__district", SOURCE: "response__source"}.get(columns, "response__answers__option")


def _cells(pairs: QuerySet[Answer], group: str, weight: Any) -> Any:
    counted = pairs.order_by().values("option", key=F(group)).annotate(n=Count("*"), weight=weight)
    return counted.values_list("option", "key", "n", "weight")


def _people(
    pairs: QuerySet[Answer], question: int, group: str, weight: Any, places: dict[Any, int]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """People and their weight in each column, each once however many rows they chose."""
    people, weights = np.zeros(len(places), dtype=np.int64), np.zeros(len(places))
    counted = once_each(pairs, [question]).order_by().values(key=F(group)).annotate(n=Count("*"), weight=weight)
    for key, count, value in counted.values_list("key", "n", "weight"):
        people[places[key]], weights[places[key]] = count, value
    return people, weights


def _labels(pairs: QuerySet[Answer], other: QuestionSpec | None, columns: str) -> list[tuple[Any, str]]:
    """The columns in order: their values in the database, and what they are called."""
    if other is not None:
        return [(option.number, str(option.text)) for option in other.options]
    if columns == SOURCE:
        return [(source.value, str(source.label)) for source in Source]
    found = pairs.order_by().values_list("response__district", flat=True).distinct()
    names = {district.pk: district.name for district in District.objects.filter(pk__in=found)}
    return [*sorted(names.items(), key=lambda pair: pair[1]), (None, "–")]


def _hidden(counts: NDArray[np.int64], people: Sequence[int] | NDArray[np.int64], *, takes_many: bool) -> Any:
    small = (counts > 0) & (counts < FEWEST_SHOWN) if takes_many else suppressed(counts)
    return small | ((np.asarray(people) > 0) & (np.asarray(people) < FEWEST_SHOWN))[None, :]


def _test(weighted: NDArray[np.float64], counts: NDArray[np.int64], efficiency: float) -> Association | None:
    """The test of the weighted table, scaled to the effective number of people."""
    total = weighted.sum()
    return association(weighted * (counts.sum() * efficiency / total)) if total else None
