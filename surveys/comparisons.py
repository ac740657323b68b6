"""Two waves, or two groups of people, beside each other."""

from dataclasses import dataclass

import numpy as np

from surveys.definition import Option, QuestionSpec
from surveys.engine.association import Association, association
from surveys.summaries import Line, QuestionSummary, Subset, summarise


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One option in both groups; None where a version does not have it."""

    option: Option
    first: Line | None
    second: Line | None

    @property
    def difference(self) -> float | None:
        """In shares, the second minus the first; None where one of them is not shown."""
        if self.first is None or self.second is None or self.first.is_hidden or self.second.is_hidden:
            return None
        return self.second.share - self.first.share


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A question that both groups were asked. `test` is None where one may choose several, or nothing is to test."""

    question: QuestionSpec
    first: QuestionSummary
    second: QuestionSummary
    pairs: list[Pair]
    test: Association | None


def compare(first: Subset, second: Subset) -> list[Comparison]:
    """Every question of choice that both versions ask under the same name; options are matched by theirs."""
    theirs = {summary.question.key: summary for summary in summarise(second)}
    return [
        _compared(one, theirs[one.question.key], first.efficiency, second.efficiency)
        for one in summarise(first)
        if one.question.is_choice and one.question.key in theirs
    ]


def _compared(first: QuestionSummary, second: QuestionSummary, *efficiencies: float) -> Comparison:
    lines = [{line.option.code: line for line in summary.lines} for summary in (first, second)]
    options = {line.option.code: line.option for line in [*second.lines, *first.lines]}
    ordered = [one.option.code for one in first.lines] + [code for code in lines[1] if code not in lines[0]]
    pairs = [Pair(option=options[code], first=lines[0].get(code), second=lines[1].get(code)) for code in ordered]
    table = np.array([[line.weighted if line else 0.0 for line in (pair.first, pair.second)] for pair in pairs])
    scale = [
        summary.base * efficiency / summary.weighted_base if summary.weighted_base else 0.0
        for summary, efficiency in zip((first, second), efficiencies, strict=True)
    ]
    takes_many = first.question.takes_many or second.question.takes_many
    return Comparison(
        question=first.question,
        first=first,
        second=second,
        pairs=pairs,
        test=None if takes_many or not pairs else association(table * np.array(scale)),
    )
