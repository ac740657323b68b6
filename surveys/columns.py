"""Which column of a table is what: guessed from its name, chosen by a person, remembered for the next table."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from surveys.definition import Definition, plain
from surveys.models import ImportMapping, Questionnaire
from surveys.services import SurveyRefused

IGNORE, REFERENCE, DISTRICT, SECONDS, DATE = "", "reference", "district", "seconds", "date"
QUESTION, OPTION = "q:", "o:"
KNOWN_NAMES = {
    "reference": REFERENCE, "id": REFERENCE, "form": REFERENCE, "form number": REFERENCE, "编号": REFERENCE,
    "序号": REFERENCE, "问卷编号": REFERENCE, "district": DISTRICT, "区": DISTRICT, "所在区": DISTRICT,
    "seconds": SECONDS, "seconds_taken": SECONDS, "所用时间": SECONDS, "date": DATE,
    "answered_date": DATE, "日期": DATE,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a column may be, and what that is called."""

    value: str
    label: str


def targets_of(definition: Definition) -> list[Target]:
    """Everything that a column may be, in the order in which it is asked."""
    targets = [
        Target(value=IGNORE, label=_("leave out")),
        Target(value=REFERENCE, label=_("form number or key")),
        Target(value=DISTRICT, label=_("district")),
        Target(value=SECONDS, label=_("seconds taken")),
        Target(value=DATE, label=_("date of the answer")),
    ]
    for question in definition.questions:
        targets.append(Target(value=f"{QUESTION}{question.key}", label=f"{question.number}. {question.text}"))
        if question.takes_many:
            targets += [
                Target(value=f"{OPTION}{question.key}:{option.code}", label=f"{question.number}. … {option.text}")
                for option in question.options
            ]
    return targets


def guess(header: Sequence[str], *, questionnaire: Questionnaire, definition: Definition) -> dict[str, str]:
    """What each column probably is: as the last time, else by its name."""
    known = {target.value for target in targets_of(definition)}
    remembered = ImportMapping.objects.filter(questionnaire=questionnaire, header_hash=_hash(header)).first()
    if remembered is not None:
        return {name: value if value in known else IGNORE for name, value in remembered.mapping.items()}
    names = _names(definition)
    chosen: dict[str, str] = {}
    for name in header:
        value = names.get(plain(name), IGNORE)
        chosen[name] = IGNORE if value in chosen.values() else value
    return chosen


def check_mapping(mapping: Mapping[str, str], *, header: Sequence[str], definition: Definition) -> dict[str, str]:
    """The mapping, complete and without two columns for the same thing; or a refusal."""
    known = {target.value: target.label for target in targets_of(definition)}
    chosen = {name: mapping.get(name, IGNORE) for name in header}
    used = [value for value in chosen.values() if value != IGNORE]
    if not set(used) <= known.keys():
        raise SurveyRefused(_("A column was given a meaning that this questionnaire does not have."))
    doubled = next((value for value in used if used.count(value) > 1), None)
    if doubled is not None:
        raise SurveyRefused(_("Two columns can't both be “%(what)s”.") % {"what": known[doubled]})
    if not any(value.startswith((QUESTION, OPTION)) for value in used):
        raise SurveyRefused(_("Say of at least one column which question it answers."))
    return chosen


def remember(header: Sequence[str], mapping: Mapping[str, str], *, questionnaire: Questionnaire) -> None:
    ImportMapping.objects.update_or_create(
        questionnaire=questionnaire,
        header_hash=_hash(header),
        defaults={"header": list(header), "mapping": dict(mapping)},
    )


def _names(definition: Definition) -> dict[str, str]:
    """What columns are usually called: keys and words of questions, in either language."""
    names = {plain(name): value for name, value in KNOWN_NAMES.items()}
    for question in definition.questions:
        for name in (question.text.zh_hans, question.text.en, question.key):
            names[plain(name)] = f"{QUESTION}{question.key}"
        for option in question.options if question.takes_many else ():
            names[plain(f"{question.key}:{option.code}")] = f"{OPTION}{question.key}:{option.code}"
    return names


def _hash(header: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(header).encode("utf-8", "surrogatepass")).hexdigest()
