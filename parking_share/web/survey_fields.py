"""Questions as fields of a page: what was typed stays, what is wrong is told beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.http import QueryDict

from surveys.answers import Answers, AnswerValue, as_codes
from surveys.definition import Option, QuestionSpec


@dataclass(frozen=True, kw_only=True)
class Choice:
    option: Option
    is_chosen: bool


@dataclass(frozen=True, kw_only=True)
class Field:
    """A question on a page, with the answer so far."""

    question: QuestionSpec
    values: Sequence[str] = ()
    fault: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"q-{self.question.key}"

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def choices(self) -> list[Choice]:
        chosen = set(self.values)
        return [Choice(option=option, is_chosen=option.code in chosen) for option in self.question.options]

    @property
    def described_by(self) -> str:
        """The ids of what belongs to the field, for those who do not see the page."""
        parts = [f"{self.id}-help"] if self.question.help_text else []
        return " ".join([*parts, f"{self.id}-fault"] if self.fault else parts)


def fields_of(questions: Iterable[QuestionSpec], answers: Answers) -> list[Field]:
    return [Field(question=one, values=_values(one, answers.get(one.key))) for one in questions]


def typed_fields(questions: Iterable[QuestionSpec], sent: QueryDict, faults: Mapping[str, str]) -> list[Field]:
    """What was sent, with what is wrong about it."""
    return [Field(question=one, values=sent.getlist(one.key), fault=faults.get(one.key, "")) for one in questions]


def typed_answers(questions: Iterable[QuestionSpec], sent: QueryDict) -> dict[str, list[str]]:
    return {one.key: sent.getlist(one.key) for one in questions}


def _values(question: QuestionSpec, value: AnswerValue | None) -> list[str]:
    if isinstance(value, tuple):
        return [question.option(number).code for number in value]
    return [] if value is None else [as_codes(question, value)]
