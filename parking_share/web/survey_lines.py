"""Answers, conditions and contradictions of a questionnaire as lines that a person types."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from parking_share.spaces.models import DayType

COUNTS, ALONE = "yes", "alone"
HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
Raw = dict[str, Any]


def options_from_lines(text: str) -> list[Raw]:
    """Answers, one a line: name | 中文 | English | yes alone 08:30-12:30 WORKDAY."""
    return [_option(line, number) for number, line in _filled_lines(text)]


def lines_of_options(options: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(" | ".join(_option_parts(option)) for option in options)


def conditions_from_lines(text: str) -> list[Raw]:
    """Conditions, one a line: question = answer, answer."""
    return [_condition(line, number) for number, line in _filled_lines(text)]


def lines_of_conditions(conditions: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(_condition_text(condition) for condition in conditions)


def contradictions_from_lines(text: str) -> list[Raw]:
    """Contradictions, one a line: question = answer & question = answer | 中文 | English."""
    found: list[Raw] = []
    for number, line in _filled_lines(text):
        conditions, chinese, english, *rest = [*_parts(line), "", ""][: max(3, len(_parts(line)))]
        if rest:
            raise ValidationError(_("Line %(n)s has too many parts between |.") % {"n": number})
        found.append(
            {
                "code": f"contradiction_{len(found) + 1}",
                "text": {"zh-hans": chinese, "en": english},
                "all": [_condition(part, number) for part in conditions.split("&")],
            }
        )
    return found


def lines_of_contradictions(contradictions: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(
        " | ".join(
            [" & ".join(_condition_text(one) for one in contradiction["all"]), *_texts(contradiction.get("text") or {})]
        )
        for contradiction in contradictions
    )


def _option(line: str, number: int) -> Raw:
    parts = _parts(line)
    if not 3 <= len(parts) <= 4:
        raise ValidationError(_("Line %(n)s must be: name | 中文 | English.") % {"n": number})
    code, chinese, english, *marks = parts
    option: Raw = {"code": code, "text": {"zh-hans": chinese, "en": english}}
    for mark in marks[0].split() if marks else ():
        option |= _marked(mark, number)
    return option


def _marked(mark: str, number: int) -> Raw:
    hours = HOURS.fullmatch(mark)
    if hours:
        return {"from": mark[:5], "until": mark[6:]}
    if mark in DayType.values:
        return {"days": mark}
    if mark in {COUNTS, ALONE}:
        return {"counts": True} if mark == COUNTS else {"exclusive": True}
    raise ValidationError(_("Line %(n)s: “%(word)s” is not known here.") % {"n": number, "word": mark[:40]})


def _option_parts(option: Mapping[str, Any]) -> list[str]:
    marks = [COUNTS] if option.get("counts") else []
    marks += [ALONE] if option.get("exclusive") else []
    marks += [f"{option['from']}-{option['until']}"] if option.get("from") and option.get("until") else []
    marks += [option["days"]] if option.get("days") else []
    parts = [option["code"], *_texts(option.get("text") or {})]
    return [*parts, " ".join(marks)] if marks else parts


def _condition(text: str, number: int) -> Raw:
    question, equals, codes = text.partition("=")
    any_of = [code.strip() for code in codes.split(",") if code.strip()]
    if not equals or not question.strip() or not any_of:
        raise ValidationError(_("Line %(n)s must be: question = answer, answer.") % {"n": number})
    return {"question": question.strip(), "any_of": any_of}


def _condition_text(condition: Mapping[str, Any]) -> str:
    return f"{condition['question']} = {', '.join(condition['any_of'])}"


def _texts(texts: Mapping[str, str]) -> list[str]:
    return [texts.get("zh-hans", ""), texts.get("en", "")]


def _parts(line: str) -> Sequence[str]:
    return [part.strip() for part in line.split("|")]


def _filled_lines(text: str) -> Iterable[tuple[int, str]]:
    return ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip())
