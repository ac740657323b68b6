"""What the address of a results page asks for: which responses, weighted by what, which questions."""

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from parking_share.spaces.models import District
from surveys.crosstabs import DISTRICT, SOURCE
from surveys.definition import Definition
from surveys.models import Source, Wave, Weighting
from surveys.storing import question_ids
from surveys.summaries import Subset

EVERYBODY = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    """A choice of people, as a list offers it."""

    value: str
    label: str


def subset_asked_for(wave: Wave, asked: QueryDict, *, name: str = "group") -> Subset:
    """The responses that the address names; what makes no sense is everybody."""
    return Subset(wave=wave, weighting=weighting_asked_for(wave, asked), **_group(wave, asked.get(name, EVERYBODY)))


def weighting_asked_for(wave: Wave, asked: QueryDict) -> Weighting | None:
    chosen = asked.get("weighting", "")
    return next((one for one in wave.weightings.order_by("pk") if str(one.pk) == chosen), None)


def groups_of(wave: Wave) -> list[Group]:
    """Everybody, each district, each source, and everybody who gave one answer."""
    definition = wave.version.definition
    districts = District.objects.filter(city=wave.questionnaire.city).order_by("name")
    return [
        *(Group(value=f"{DISTRICT}:{one.pk}", label=one.name) for one in districts),
        *(Group(value=f"{SOURCE}:{source.value}", label=str(source.label)) for source in Source),
        *_answers(definition),
    ]


def question_asked_for(definition: Definition, key: str, *, extra: tuple[str, ...] = ()) -> str:
    """A question of choice by its name, or one of `extra`; nothing where it is neither."""
    question = definition.by_key.get(key)
    return key if key in extra or (question is not None and question.is_choice) else ""


def _answers(definition: Definition) -> list[Group]:
    return [
        Group(value=f"{question.key}:{option.code}", label=f"{question.number}. {question.text} – {option.text}")
        for question in definition.questions
        if question.is_choice and not question.takes_many
        for option in question.options
    ]


def _group(wave: Wave, value: str) -> dict[str, Any]:
    name, _colon, chosen = value.partition(":")
    if name == DISTRICT and chosen.isascii() and chosen.isdigit() and len(chosen) < 16:
        return {"district_id": int(chosen)}
    if name == SOURCE and chosen in Source.values:
        return {"source": chosen}
    question = wave.version.definition.by_key.get(name)
    option = question.option_by_code.get(chosen) if question is not None else None
    if question is None or option is None:
        return {}
    return {"answer": (question_ids(wave.version)[name], option.number)}
