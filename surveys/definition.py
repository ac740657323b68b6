"""What a questionnaire asks: the JSON of a definition as objects, and what stands against publishing it."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from functools import cached_property
from typing import Any

from django.db import models
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from parking_share.errors import DomainError

LANGUAGES = ("zh-hans", "en")
Json = Mapping[str, Any]


class DefinitionRefused(DomainError):
    """The definition can't be read, or not be published; `faults` has a sentence for each reason."""

    code = "definition_refused"

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = list(faults)


class Kind(models.TextChoices):
    SINGLE = "SINGLE", gettext_lazy("one of several")
    MULTIPLE = "MULTIPLE", gettext_lazy("any of several")
    SCALE = "SCALE", gettext_lazy("scale")
    NUMBER = "NUMBER", gettext_lazy("number")
    BANDS = "BANDS", gettext_lazy("hours of the day")
    TEXT = "TEXT", pgettext_lazy("kind of question", "text")


CHOICES = frozenset({Kind.SINGLE, Kind.MULTIPLE, Kind.SCALE, Kind.BANDS})
MANY = frozenset({Kind.MULTIPLE, Kind.BANDS})


class Meaning(models.TextChoices):
    """What a question measures, for those who use answers without knowing the words of the question."""

    WILLING_TO_SHARE = "WILLING_TO_SHARE", gettext_lazy("willing to share a bay")
    SHAREABLE_HOURS = "SHAREABLE_HOURS", gettext_lazy("hours in which a bay could be shared")
    WILLING_TO_USE = "WILLING_TO_USE", gettext_lazy("willing to use a shared bay")
    DEMAND_TIMES = "DEMAND_TIMES", gettext_lazy("times at which a shared bay is needed")
    SYSTEM_USE = "SYSTEM_USE", gettext_lazy("use of parking systems")


@dataclass(frozen=True, kw_only=True)
class Bilingual:
    """One text in both languages; as a string it is that of the reader."""

    zh_hans: str = ""
    en: str = ""

    def __str__(self) -> str:
        chinese = (get_language() or "").startswith("zh")
        return (self.zh_hans or self.en) if chinese else (self.en or self.zh_hans)

    def __bool__(self) -> bool:
        return bool(self.zh_hans or self.en)

    @property
    def is_complete(self) -> bool:
        return bool(self.zh_hans and self.en)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One possible answer. Its number is its place in the version, and what answers store."""

    code: str
    number: int
    text: Bilingual
    counts: bool = False
    is_exclusive: bool = False
    is_reconstructed: bool = False
    starts_at: time | None = None
    ends_at: time | None = None
    days: str = ""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Holds when one of these options of a question was chosen."""

    question: str
    any_of: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class QuestionSpec:
    key: str
    number: int
    page: int
    kind: Kind
    text: Bilingual
    help_text: Bilingual
    is_required: bool
    is_reconstructed: bool
    meaning: str
    options: tuple[Option, ...]
    show_if: tuple[Condition, ...]
    lowest: float | None
    highest: float | None
    unit: Bilingual
    longest: int

    @property
    def is_choice(self) -> bool:
        return self.kind in CHOICES

    @property
    def takes_many(self) -> bool:
        return self.kind in MANY

    @cached_property
    def option_by_code(self) -> dict[str, Option]:
        return {option.code: option for option in self.options}

    @cached_property
    def option_by_name(self) -> dict[str, Option]:
        """Everything that an option may be called; codes win over numbers, numbers over words."""
        words = {plain(text): one for one in self.options for text in (one.text.zh_hans, one.text.en)}
        numbers = {str(one.number): one for one in self.options}
        return words | numbers | {plain(one.code): one for one in self.options}

    def option(self, number: int) -> Option:
        return self.options[number - 1]


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """Answers that can't all be true of one person."""

    code: str
    text: Bilingual
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, kw_only=True)
class Validity:
    """What makes a response invalid, beside required questions that are left open."""

    min_seconds: int
    refuses_repeated_devices: bool
    straight_lining_from: int
    contradictions: tuple[Contradiction, ...]


@dataclass(frozen=True, kw_only=True)
class Definition:
    title: Bilingual
    introduction: Bilingual
    consent: Bilingual
    thanks: Bilingual
    note: Bilingual
    district_question: Bilingual
    page_titles: tuple[Bilingual, ...]
    questions: tuple[QuestionSpec, ...]
    validity: Validity

    @cached_property
    def by_key(self) -> dict[str, QuestionSpec]:
        return {question.key: question for question in self.questions}

    @property
    def pages(self) -> list[list[QuestionSpec]]:
        return [
            [question for question in self.questions if question.page == page]
            for page in range(1, len(self.page_titles) + 1)
        ]

    def meaning(self, meaning: Meaning) -> QuestionSpec | None:
        """The first question that measures this."""
        return next((question for question in self.questions if question.meaning == meaning), None)


def plain(text: str) -> str:
    """A name as it is compared: width, case and surrounding space do not matter."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def read_definition(data: Json) -> Definition:
    """Read the JSON of a definition; drafts may lack texts. What is no definition at all is refused."""
    try:
        pages = data["pages"]
        numbered = enumerate(((page, raw) for page, one in enumerate(pages, 1) for raw in one["questions"]), 1)
        return Definition(
            **{name: _texts(data.get(name)) for name in ("title", "introduction", "consent", "thanks", "note")},
            district_question=_texts(data.get("district_question")),
            page_titles=tuple(_texts(page.get("title")) for page in pages),
            questions=tuple(_question(raw, number=number, page=page) for number, (page, raw) in numbered),
            validity=_validity(data.get("validity") or {}),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        sentence = _("This is not the definition of a questionnaire (%(problem)s).") % {"problem": error}
        raise DefinitionRefused([sentence]) from error


def _question(raw: Json, *, number: int, page: int) -> QuestionSpec:
    kind = Kind(raw["kind"])
    return QuestionSpec(
        key=str(raw["key"]),
        number=number,
        page=page,
        kind=kind,
        text=_texts(raw.get("text")),
        help_text=_texts(raw.get("help")),
        is_required=bool(raw.get("required", True)),
        is_reconstructed=bool(raw.get("reconstructed", False)),
        meaning=Meaning(raw["meaning"]) if raw.get("meaning") else "",
        options=_points(raw) if kind == Kind.SCALE else _options(raw) if kind in CHOICES else (),
        show_if=tuple(_condition(one) for one in raw.get("show_if", ())),
        lowest=_number_or_none(raw.get("lowest")),
        highest=_number_or_none(raw.get("highest")),
        unit=_texts(raw.get("unit")),
        longest=int(raw.get("longest", 500)),
    )


def _options(raw: Json) -> tuple[Option, ...]:
    return tuple(
        Option(
            code=str(one["code"]),
            number=number,
            text=_texts(one.get("text")),
            counts=bool(one.get("counts", False)),
            is_exclusive=bool(one.get("exclusive", False)),
            is_reconstructed=bool(one.get("reconstructed", False)),
            starts_at=_time_or_none(one.get("from")),
            ends_at=_time_or_none(one.get("until")),
            days=str(one.get("days", "")),
        )
        for number, one in enumerate(raw.get("options", ()), 1)
    )


def _points(raw: Json) -> tuple[Option, ...]:
    """The points of a scale, from 1; the first and the last have words."""
    points = int(raw.get("points", 5))
    words = {1: _texts(raw.get("low")), points: _texts(raw.get("high"))}
    numbers = range(1, points + 1)
    return tuple(Option(code=str(point), number=point, text=_point(point, words.get(point))) for point in numbers)


def _point(point: int, words: Bilingual | None) -> Bilingual:
    if not words:
        return Bilingual(zh_hans=str(point), en=str(point))
    return Bilingual(zh_hans=f"{point} {words.zh_hans}", en=f"{point} {words.en}")


def _validity(raw: Json) -> Validity:
    return Validity(
        min_seconds=int(raw.get("min_seconds", 0)),
        refuses_repeated_devices=bool(raw.get("duplicate_device", False)),
        straight_lining_from=int(raw.get("straight_lining", 0)),
        contradictions=tuple(
            Contradiction(
                code=str(one["code"]),
                text=_texts(one.get("text")),
                conditions=tuple(_condition(condition) for condition in one["all"]),
            )
            for one in raw.get("contradictions", ())
        ),
    )


def _condition(raw: Json) -> Condition:
    return Condition(question=str(raw["question"]), any_of=tuple(str(code) for code in raw["any_of"]))


def _texts(raw: Json | None) -> Bilingual:
    raw = raw or {}
    return Bilingual(zh_hans=str(raw.get("zh-hans", "")).strip(), en=str(raw.get("en", "")).strip())


def _time_or_none(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def _number_or_none(value: float | None) -> float | None:
    return None if value is None else float(value)
