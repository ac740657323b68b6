"""What stands against publishing a questionnaire."""

import re
from collections import Counter
from collections.abc import Iterator

from django.utils.translation import gettext as _

from surveys.definition import Condition, Definition, Kind, QuestionSpec

LONGEST_TEXT, MOST_OPTIONS, MOST_QUESTIONS = 2_000, 40, 100
KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")


def faults_of(definition: Definition) -> list[str]:
    """What stands against publishing, a sentence each; none means that it may be published."""
    return [*_faults_of_the_whole(definition), *_faults_of_questions(definition), *_faults_of_conditions(definition)]


def _faults_of_the_whole(definition: Definition) -> Iterator[str]:
    if not definition.title.is_complete:
        yield _("Write the title in both languages.")
    if not definition.consent.is_complete:
        yield _("Write in both languages what people agree to when they answer.")
    if not definition.questions:
        yield _("Add at least one question.")
    if len(definition.questions) > MOST_QUESTIONS:
        yield _("At most %(n)s questions are possible.") % {"n": MOST_QUESTIONS}
    for key, times in Counter(question.key for question in definition.questions).items():
        if times > 1:
            yield _("Two questions are called %(key)s; each needs a name of its own.") % {"key": key}
    for number, page in enumerate(definition.pages, 1):
        if not page:
            yield _("Page %(n)s has no question; remove it or add one.") % {"n": number}


def _faults_of_questions(definition: Definition) -> Iterator[str]:
    for question in definition.questions:
        name = {"key": question.key}
        if not KEY.fullmatch(question.key):
            yield _("The name %(key)s must be small letters, digits and _, beginning with a letter.") % name
        if not question.text.is_complete:
            yield _("Write the question %(key)s in both languages.") % name
        if question.is_choice:
            yield from _faults_of_options(question)
        if question.lowest is not None and question.highest is not None and question.lowest > question.highest:
            yield _("The smallest number of %(key)s is above its largest.") % name
        if not 1 <= question.longest <= LONGEST_TEXT:
            values = name | {"most": str(LONGEST_TEXT)}
            yield _("The longest answer to %(key)s must lie between 1 and %(most)s characters.") % values


def _faults_of_options(question: QuestionSpec) -> Iterator[str]:
    name = {"key": question.key, "most": MOST_OPTIONS}
    if not 2 <= len(question.options) <= MOST_OPTIONS:
        yield _("The question %(key)s needs between 2 and %(most)s possible answers.") % name
    if len(question.option_by_code) < len(question.options):
        yield _("Two answers to %(key)s have the same name.") % name
    if question.kind != Kind.SCALE and not all(KEY.fullmatch(option.code) for option in question.options):
        yield _("Names of answers to %(key)s must be small letters, digits and _, beginning with a letter.") % name
    if not all(option.text.is_complete for option in question.options):
        yield _("Write every answer to %(key)s in both languages.") % name
    if question.kind == Kind.BANDS and any(None in (option.starts_at, option.ends_at) for option in question.options):
        yield _("Every answer to %(key)s needs hours: from when until when.") % name


def _faults_of_conditions(definition: Definition) -> Iterator[str]:
    """A condition names answers that exist; one for showing a question looks at an earlier page."""
    for question in definition.questions:
        for condition in question.show_if:
            asked = definition.by_key.get(condition.question)
            if not _is_possible(asked, condition) or asked is None or asked.page >= question.page:
                yield _("The question %(key)s depends on an answer that no earlier page asks for.") % {
                    "key": question.key
                }
    for contradiction in definition.validity.contradictions:
        asked_for = [(definition.by_key.get(one.question), one) for one in contradiction.conditions]
        if not contradiction.text.is_complete or len(asked_for) < 2:
            yield _("A contradiction needs words in both languages and at least two answers.")
        elif not all(_is_possible(asked, condition) for asked, condition in asked_for):
            yield _("A contradiction names an answer that does not exist: %(text)s") % {"text": contradiction.text}


def _is_possible(asked: QuestionSpec | None, condition: Condition) -> bool:
    return asked is not None and bool(condition.any_of) and set(condition.any_of) <= asked.option_by_code.keys()
