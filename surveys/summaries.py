"""What the valid responses of a wave say: counted by PostgreSQL, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Aggregate, Avg, Count, Exists, Func, Max, Min, OuterRef, Q, QuerySet, Sum

from surveys.definition import Kind, Option, QuestionSpec
from surveys.engine.proportions import HUNDREDTHS, Interval, largest_remainder, percent, wilson_interval
from surveys.engine.suppression import FEWEST_SHOWN, suppressed
from surveys.judgement import reason_sentence
from surveys.models import Answer, Response, Standing, Wave, Weighting
from surveys.storing import question_ids

Counts = dict[int, tuple[int, float]]  # people and their weight by option


class Quartiles(Aggregate):
    """The three quartiles, interpolated between neighbours."""

    template = "percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field: ClassVar["models.Field[Any, Any]"] = ArrayField(models.FloatField())


@dataclass(frozen=True, kw_only=True)
class Subset:
    """Which valid responses of a wave count: all, or those of a district, a source or one answer; weighted or not."""

    wave: Wave
    weighting: Weighting | None = None
    district_id: int | None = None
    source: str = ""
    answer: tuple[int, int] | None = None  # question's row, option

    def of_responses(self, prefix: str = "") -> Q:
        """The condition on responses; `prefix` leads to them."""
        wanted = Q(**{f"{prefix}wave": self.wave, f"{prefix}standing": Standing.VALID})
        if self.district_id is not None:
            wanted &= Q(**{f"{prefix}district": self.district_id})
        if self.source:
            wanted &= Q(**{f"{prefix}source": self.source})
        if self.weighting is not None:
            wanted &= Q(**{f"{prefix}weights__weighting": self.weighting})
        return wanted

    def answers(self) -> QuerySet[Answer]:
        rows = Answer.objects.filter(self.of_responses("response__"))
        if self.answer is not None:
            question, option = self.answer
            chosen = Answer.objects.filter(question=question, response=OuterRef("response"), option=option)
            rows = rows.filter(Exists(chosen))
        return rows

    def weight(self) -> Any:
        """What each row counts: its weight, or one."""
        return Sum("response__weights__weight") if self.weighting is not None else Count("*")

    @property
    def efficiency(self) -> float:
        """How much of an unweighted response a weighted one is worth."""
        return 1.0 if self.weighting is None else 1 / self.weighting.design_effect


@dataclass(frozen=True, kw_only=True)
class Funnel:
    """From forms handed out to valid responses. Shares are of the forms handed out, None where that is not known."""

    handed_out: int | None
    returned: int
    valid: int
    drafts: int

    @property
    def invalid(self) -> int:
        return self.returned - self.valid

    @property
    def return_percent(self) -> Any:
        return percent(self.returned, self.handed_out) if self.handed_out else None

    @property
    def valid_percent(self) -> Any:
        return percent(self.valid, self.handed_out) if self.handed_out else None

    @property
    def valid_of_returned_percent(self) -> Any:
        return percent(self.valid, self.returned) if self.returned else None


@dataclass(frozen=True, kw_only=True)
class Line:
    """One option: how many chose it, what share that is, and how sure that is. Hidden where the group is too small."""

    option: Option
    count: int
    weighted: float
    hundredths: int
    is_adjusted: bool
    interval: Interval
    is_hidden: bool

    @property
    def share(self) -> float:
        return self.hundredths / HUNDREDTHS


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Numbers that were typed: quartiles, mean and range."""

    mean: float
    lowest: float
    lower_quartile: float
    median: float
    upper_quartile: float
    highest: float


@dataclass(frozen=True, kw_only=True)
class QuestionSummary:
    """`base` is how many answered; shares of several answers are of these people and may add up to more than 1."""

    question: QuestionSpec
    base: int
    weighted_base: float
    lines: list[Line] = field(default_factory=list)
    numbers: Numbers | None = None

    @property
    def adds_up(self) -> bool:
        return not self.question.takes_many

    @property
    def is_hidden(self) -> bool:
        return 0 < self.base < FEWEST_SHOWN

    @property
    def has_hidden_lines(self) -> bool:
        return any(line.is_hidden for line in self.lines)

    @property
    def has_adjusted_lines(self) -> bool:
        return any(line.is_adjusted for line in self.lines)

    @property
    def mean_point(self) -> float | None:
        """The mean of a scale."""
        if self.question.kind != Kind.SCALE or not self.weighted_base or self.is_hidden:
            return None
        return sum(line.option.number * line.weighted for line in self.lines) / self.weighted_base


def funnels(waves: Collection[Wave]) -> dict[int, Funnel]:
    """Funnels by wave id; one query."""
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    rows = Response.objects.filter(wave__in=waves).order_by().values_list("wave", "standing").annotate(n=Count("*"))
    for wave_id, standing, count in rows:
        counts[wave_id][standing] = count
    return {wave.pk: _funnel(wave, counts[wave.pk]) for wave in waves}


def funnel_of_all(waves: Iterable[tuple[Wave, Funnel]]) -> Funnel:
    """Several waves as one; the forms handed out are known only if they are for every wave."""
    found = [funnel for _wave, funnel in waves]
    handed_out = [funnel.handed_out for funnel in found if funnel.handed_out is not None]
    return Funnel(
        handed_out=sum(handed_out) if found and len(handed_out) == len(found) else None,
        returned=sum(funnel.returned for funnel in found),
        valid=sum(funnel.valid for funnel in found),
        drafts=sum(funnel.drafts for funnel in found),
    )


def reasons_of_invalidity(wave: Wave) -> list[tuple[str, int]]:
    """Why responses are invalid, the most frequent first; one response may have several reasons."""
    rows = (
        Response.objects.filter(wave=wave, standing=Standing.INVALID)
        .annotate(reason=Func("reasons", function="unnest"))
        .order_by()
        .values_list("reason")
        .annotate(n=Count("*"))
        .order_by("-n", "reason")
    )
    return [(reason_sentence(wave.version.definition, reason), count) for reason, count in rows]


def summarise(subset: Subset) -> list[QuestionSummary]:
    """Every question of the wave's version; four queries however many responses there are."""
    definition = subset.wave.version.definition
    ids, counts = question_ids(subset.wave.version), _counts(subset)
    typed, numbers = _typed(subset)
    bases = _people(subset, definition.questions, ids, counts) | typed
    return [
        summary_of(
            question,
            counts.get(ids[question.key], {}),
            bases.get(ids[question.key], (0, 0.0)),
            efficiency=subset.efficiency,
            numbers=numbers.get(ids[question.key]),
        )
        for question in definition.questions
    ]


def summary_of(
    question: QuestionSpec,
    counts: Counts,
    base: tuple[int, float],
    *,
    efficiency: float = 1.0,
    numbers: Numbers | None = None,
) -> QuestionSummary:
    """Turn counts by option (people, their weight) into lines; single answers add up to 100 per cent exactly."""
    people, weight = base
    summary = QuestionSummary(question=question, base=people, weighted_base=weight, numbers=numbers)
    chosen = [counts.get(option.number, (0, 0.0)) for option in question.options]
    hidden = _hidden([count for count, _weight in chosen], people, adds_up=summary.adds_up)
    plain = [_plain_hundredths(weighted, weight) for _count, weighted in chosen]
    shown = largest_remainder([weighted for _count, weighted in chosen]) if summary.adds_up else plain
    lines = [
        Line(
            option=option,
            count=count,
            weighted=weighted,
            hundredths=shown[place],
            is_adjusted=shown[place] != plain[place],
            interval=_interval(weighted, weight, people * efficiency),
            is_hidden=hidden[place],
        )
        for place, (option, (count, weighted)) in enumerate(zip(question.options, chosen, strict=True))
    ]
    summary.lines.extend(lines)
    return summary


def once_each(rows: QuerySet[Answer], questions: Collection[int]) -> QuerySet[Answer]:
    """Of the options of these questions that a person chose only the first, so that counting rows counts people."""
    same = Answer.objects.filter(question__in=questions, question=OuterRef("question"), response=OuterRef("response"))
    return rows.filter(~Exists(same.filter(option__lt=OuterRef("option"))), question__in=questions)


def _funnel(wave: Wave, counts: Mapping[str, int]) -> Funnel:
    valid, invalid = counts.get(Standing.VALID, 0), counts.get(Standing.INVALID, 0)
    return Funnel(
        handed_out=wave.handed_out, returned=valid + invalid, valid=valid, drafts=counts.get(Standing.DRAFT, 0)
    )


def _counts(subset: Subset) -> dict[int, Counts]:
    """People and weight by question and option."""
    found: dict[int, Counts] = defaultdict(dict)
    rows = subset.answers().filter(option__gt=0).order_by().values("question_id", "option")
    counted = rows.annotate(n=Count("*"), weight=subset.weight())
    for question, option, count, weight in counted.values_list("question_id", "option", "n", "weight"):
        found[question][option] = count, float(weight)
    return found


def _people(
    subset: Subset, questions: Sequence[QuestionSpec], ids: Mapping[str, int], counts: Mapping[int, Counts]
) -> dict[int, tuple[int, float]]:
    """People and weight by question of choice; where one may choose several, each counts once."""
    many = [ids[question.key] for question in questions if question.takes_many]
    found = {
        question: (sum(n for n, _weight in rows.values()), sum(weight for _n, weight in rows.values()))
        for question, rows in counts.items()
        if question not in many
    }
    firsts = once_each(subset.answers(), many).order_by().values("question_id")
    for question, count, weight in firsts.annotate(n=Count("*"), weight=subset.weight()).values_list(
        "question_id", "n", "weight"
    ):
        found[question] = count, float(weight)
    return found


def _typed(subset: Subset) -> tuple[dict[int, tuple[int, float]], dict[int, Numbers]]:
    """People by question that was answered with a number or a text; and what the numbers are, unweighted."""
    rows = (
        subset.answers()
        .filter(option=0)
        .order_by()
        .values("question_id")
        .annotate(
            n=Count("*"),
            weight=subset.weight(),
            mean=Avg("number"),
            lowest=Min("number"),
            highest=Max("number"),
            quartiles=Quartiles("number"),
        )
    )
    people = {row["question_id"]: (row["n"], float(row["weight"])) for row in rows}
    numbers = {
        row["question_id"]: Numbers(
            mean=row["mean"],
            lowest=row["lowest"],
            highest=row["highest"],
            lower_quartile=row["quartiles"][0],
            median=row["quartiles"][1],
            upper_quartile=row["quartiles"][2],
        )
        for row in rows
        if row["mean"] is not None
    }
    return people, numbers


def _hidden(counts: Sequence[int], people: int, *, adds_up: bool) -> list[bool]:
    if 0 < people < FEWEST_SHOWN:
        return [True] * len(counts)
    if adds_up and counts:
        return [bool(cell) for cell in suppressed(np.array([counts]))[0]]
    return [0 < count < FEWEST_SHOWN for count in counts]


def _plain_hundredths(weighted: float, base: float) -> int:
    if base <= 0:
        return 0
    if float(weighted).is_integer() and float(base).is_integer():
        return int(percent(int(weighted), int(base)) * 100)
    return round(weighted / base * HUNDREDTHS)


def _interval(weighted: float, base: float, effective: float) -> Interval:
    if base <= 0:
        return Interval(low=0.0, high=1.0)
    return wilson_interval(min(weighted / base, 1.0) * effective, effective)
