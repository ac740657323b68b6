"""Which questions a person is asked, and what makes a response invalid."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from surveys.answers import Answers, exclusive_clash
from surveys.definition import Condition, Definition, Kind, QuestionSpec

MISSING, NOT_ASKED, EXCLUSIVE, CONTRADICTION = "MISSING", "NOT_ASKED", "EXCLUSIVE", "CONTRADICTION"
TOO_FAST, STRAIGHT_LINING, REPEATED_DEVICE = "TOO_FAST", "STRAIGHT_LINING", "REPEATED_DEVICE"


def asked_questions(definition: Definition, answers: Answers) -> list[QuestionSpec]:
    """The questions that these answers lead to; what was answered to a question that is not asked does not count."""
    asked: list[QuestionSpec] = []
    given: Answers = {}
    for question in definition.questions:
        if all(_holds(definition, condition, given) for condition in question.show_if):
            asked.append(question)
            if question.key in answers:
                given[question.key] = answers[question.key]
    return asked


def without_unasked(definition: Definition, answers: Answers) -> Answers:
    """The answers without those to questions that are no longer asked."""
    keys = {question.key for question in asked_questions(definition, answers)}
    return {key: value for key, value in answers.items() if key in keys}


def judge(
    definition: Definition, answers: Answers, *, seconds: int | None, is_repeated_device: bool = False
) -> list[str]:
    """Why the response is invalid, in a stable order; nothing means that it is valid.

    A reason is a word, with the question or the contradiction it is about: MISSING:share, TOO_FAST.
    """
    return [*_reasons(definition, answers, seconds=seconds, is_repeated_device=is_repeated_device)]


def reason_sentence(definition: Definition, reason: str) -> str:
    """The reason as a person reads it."""
    word, _colon, about = reason.partition(":")
    question = definition.by_key.get(about)
    values = {"question": question.text if question else about}
    if word == CONTRADICTION:
        texts = {one.code: str(one.text) for one in definition.validity.contradictions}
        return _("Contradiction: %(text)s") % {"text": texts.get(about, about)}
    return {
        MISSING: _("No answer to a required question: %(question)s"),
        NOT_ASKED: _("Answered although it should have been skipped: %(question)s"),
        EXCLUSIVE: _("An answer that excludes the others stands beside another: %(question)s"),
        TOO_FAST: _("Answered faster than anybody can read."),
        STRAIGHT_LINING: _("The same point on every scale."),
        REPEATED_DEVICE: _("A second response from the same device."),
    }[word] % values


def _reasons(
    definition: Definition, answers: Answers, *, seconds: int | None, is_repeated_device: bool
) -> Iterator[str]:
    rules = definition.validity
    asked = asked_questions(definition, answers)
    asked_keys = {question.key for question in asked}
    yield from (f"{MISSING}:{one.key}" for one in asked if one.is_required and one.key not in answers)
    for question in definition.questions:
        if question.key in answers and question.key not in asked_keys:
            yield f"{NOT_ASKED}:{question.key}"
        if question.key in answers and exclusive_clash(question, answers[question.key]):
            yield f"{EXCLUSIVE}:{question.key}"
    for contradiction in rules.contradictions:
        if all(_holds(definition, condition, answers) for condition in contradiction.conditions):
            yield f"{CONTRADICTION}:{contradiction.code}"
    if seconds is not None and seconds < rules.min_seconds:
        yield TOO_FAST
    if _is_straight(definition, answers):
        yield STRAIGHT_LINING
    if is_repeated_device and rules.refuses_repeated_devices:
        yield REPEATED_DEVICE


def _holds(definition: Definition, condition: Condition, answers: Answers) -> bool:
    value = answers.get(condition.question)
    question = definition.by_key.get(condition.question)
    if question is None or not isinstance(value, tuple):
        return False
    return any(question.option(number).code in condition.any_of for number in value)


def _is_straight(definition: Definition, answers: Answers) -> bool:
    """As many scales as the rule asks for were answered, all with the same point."""
    scales = [
        answers[question.key]
        for question in definition.questions
        if question.kind == Kind.SCALE and question.key in answers
    ]
    least = definition.validity.straight_lining_from
    return bool(least) and len(scales) >= least and len(set(scales)) == 1
