"""Reading what somebody typed, ticked or sent in a table as the answer to a question."""

import re
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from parking_share.errors import DomainError
from surveys.definition import Kind, QuestionSpec, plain

# Numbers of chosen options in order, a number, or a text.
AnswerValue = tuple[int, ...] | float | str
Answers = dict[str, AnswerValue]

SEPARATORS = re.compile(r"[;；|,，、\n]")
NUMBER = re.compile(r"[-+]?\d{1,12}(\.\d{1,6})?")
ONLY_NUMBERS, SPACES = re.compile(r"\d+(\s+\d+)+"), re.compile(r"\s+")
UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class AnswerRefused(DomainError):
    """What stands there is no answer to the question."""

    code = "answer_refused"


def read_answer(question: QuestionSpec, typed: Sequence[str]) -> AnswerValue | None:
    """The answer, or None where nothing was typed; AnswerRefused where it can't be one.

    An option may be written as its code, as its number, or with its words in either language; several in one text are
    separated by ; , 、 or |, numbers by spaces as well. White space around an answer is not part of it.
    """
    words = [text.replace("\r\n", "\n").replace("\r", "\n").strip() for text in typed if text.strip()]
    if not words:
        return None
    if any(UNSTORABLE.search(text) for text in typed):
        raise AnswerRefused(_("The answer holds characters that no text can have."))
    if question.is_choice:
        return _read_choice(question, words)
    if len(words) > 1:
        raise AnswerRefused(_("Only one answer is possible here."))
    return _read_number(question, words[0]) if question.kind == Kind.NUMBER else _read_text(question, words[0])


def exclusive_clash(question: QuestionSpec, value: AnswerValue) -> bool:
    """Whether an option that excludes all others was chosen together with another."""
    if not isinstance(value, tuple) or len(value) < 2:
        return False
    return any(question.option(number).is_exclusive for number in value)


def as_json(answers: Answers) -> dict[str, object]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in answers.items()}


def from_json(stored: dict[str, object]) -> Answers:
    """The inverse of `as_json`."""
    found: Answers = {}
    for key, value in stored.items():
        if isinstance(value, list):
            found[key] = tuple(int(number) for number in value)
        elif isinstance(value, int | float):
            found[key] = float(value)
        else:
            found[key] = str(value)
    return found


def as_words(question: QuestionSpec, value: AnswerValue | None) -> str:
    """The answer as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return "; ".join(str(question.option(number).text) for number in value)
    return f"{value:g}" if isinstance(value, float) else value


def as_codes(question: QuestionSpec, value: AnswerValue | None) -> str:
    """The answer as a table keeps it; `read_answer` reads it back to the same."""
    if isinstance(value, tuple):
        return ";".join(question.option(number).code for number in value)
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() else repr(value)
    return value or ""


def _read_choice(question: QuestionSpec, words: list[str]) -> tuple[int, ...]:
    numbers = sorted(set(_numbers(question, words)))
    if not question.takes_many and len(numbers) > 1:
        raise AnswerRefused(_("Only one answer is possible here."))
    return tuple(numbers)


def _numbers(question: QuestionSpec, words: Iterable[str]) -> Iterable[int]:
    names = question.option_by_name
    for text in words:
        whole = names.get(plain(text))
        separators = SPACES if ONLY_NUMBERS.fullmatch(text) else SEPARATORS
        parts = [text] if whole else [part for part in separators.split(text) if part.strip()]
        for part in parts:
            option = names.get(plain(part))
            if option is None:
                raise AnswerRefused(_("“%(word)s” is none of the possible answers.") % {"word": part.strip()[:60]})
            yield option.number


def _read_number(question: QuestionSpec, text: str) -> float:
    digits = plain(text)
    if not NUMBER.fullmatch(digits):
        raise AnswerRefused(
            _("“%(word)s” is not a number. Write digits, and a point before decimals.") % {"word": text[:60]}
        )
    value = float(digits)
    if question.lowest is not None and value < question.lowest:
        raise AnswerRefused(_("The number must be at least %(n)s.") % {"n": f"{question.lowest:g}"})
    if question.highest is not None and value > question.highest:
        raise AnswerRefused(_("The number must be at most %(n)s.") % {"n": f"{question.highest:g}"})
    return value


def _read_text(question: QuestionSpec, text: str) -> str:
    if len(text) > question.longest:
        values = {"most": question.longest, "n": len(text)}
        raise AnswerRefused(_("The text is too long: at most %(most)s characters, it has %(n)s.") % values)
    return text
