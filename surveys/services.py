"""What staff do with a questionnaire: draft it, publish it, open and close its waves."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from parking_share.accounts.models import User
from parking_share.errors import DomainError
from surveys.definition import DefinitionRefused, Json, read_definition
from surveys.faults import faults_of
from surveys.models import Question, Questionnaire, QuestionnaireVersion, Response, Wave

CONSENT = {
    "zh-hans": "我已了解：回答不记录姓名、联系方式或账号，只用于汇总统计；可随时停止填写。我同意参加。",
    "en": (
        "I understand that no name, contact or account is kept with the answers, that they are used for summaries only,"
        " and that I may stop at any time. I agree to take part."
    ),
}


class SurveyRefused(DomainError):
    """What was asked for does not fit the state of the survey."""

    code = "survey_refused"


def create_questionnaire(*, city: str, slug: str, draft: Json, now: datetime) -> Questionnaire:
    read_definition(draft)
    try:
        with transaction.atomic():
            return Questionnaire.objects.create(city=city, slug=slug, draft=draft, created_at=now, changed_at=now)
    except IntegrityError as error:
        raise SurveyRefused(_("Another survey has this name in its address. Choose another one.")) from error


def empty_draft(*, title: Json) -> dict[str, Any]:
    """What a new questionnaire begins with."""
    return {
        "title": dict(title),
        "introduction": {},
        "consent": dict(CONSENT),
        "thanks": {},
        "validity": {"min_seconds": 0, "duplicate_device": False, "straight_lining": 0, "contradictions": []},
        "pages": [{"questions": []}],
    }


def save_draft(*, questionnaire: Questionnaire, draft: Json, seen_at: datetime, now: datetime) -> None:
    """Keep the draft, unless somebody else has changed it since it was seen."""
    read_definition(draft)
    changed = Questionnaire.objects.filter(pk=questionnaire.pk, changed_at=seen_at).update(draft=draft, changed_at=now)
    if not changed:
        raise SurveyRefused(_("Somebody else has changed the draft meanwhile. Load the page again."))


@transaction.atomic
def publish(*, questionnaire: Questionnaire, published_by: User | None, now: datetime) -> QuestionnaireVersion:
    """Make the draft a version that never changes."""
    locked = Questionnaire.objects.select_for_update(no_key=True).get(pk=questionnaire.pk)
    faults = faults_of(locked.draft_definition)
    if faults:
        raise DefinitionRefused(faults)
    latest = locked.versions.order_by("-number").first()
    if latest is not None and latest.data == locked.draft:
        raise SurveyRefused(_("The draft is published already; nothing has changed since."))
    version = QuestionnaireVersion.objects.create(
        questionnaire=locked,
        number=latest.number + 1 if latest else 1,
        data=locked.draft,
        published_at=now,
        published_by=published_by,
    )
    Question.objects.bulk_create(
        Question(version=version, number=one.number, key=one.key, kind=one.kind, meaning=one.meaning)
        for one in version.definition.questions
    )
    return version


@transaction.atomic
def open_wave(
    *,
    questionnaire: Questionnaire,
    name: str,
    opened_by: User | None,
    now: datetime,
    handed_out: int | None = None,
    needs_double_entry: bool = False,
    is_synthetic: bool = False,
) -> Wave:
    """Begin to collect with the latest version. One wave of a questionnaire is open at a time."""
    locked = Questionnaire.objects.select_for_update(no_key=True).get(pk=questionnaire.pk)
    version = locked.versions.order_by("-number").first()
    if version is None:
        raise SurveyRefused(_("Publish the questionnaire first."))
    if locked.waves.filter(closed_at__isnull=True).exists():
        raise SurveyRefused(_("A wave is open already. Close it first."))
    if locked.waves.filter(name=name).exists():
        raise SurveyRefused(_("Another wave has this name. Choose another one."))
    return Wave.objects.create(
        questionnaire=locked,
        version=version,
        name=name,
        handed_out=handed_out,
        needs_double_entry=needs_double_entry,
        is_synthetic=is_synthetic,
        opened_at=now,
        opened_by=opened_by,
    )


@transaction.atomic
def close_wave(*, wave: Wave, now: datetime, handed_out: int | None = None) -> None:
    """Stop the public page and forget devices and ways back. Paper forms and tables may still come in.

    How many forms were handed out is often known only at the end.
    """
    locked = Wave.objects.select_for_update(no_key=True).get(pk=wave.pk)
    if not locked.is_open:
        raise SurveyRefused(_("This wave is closed already."))
    locked.closed_at = now
    locked.handed_out = locked.handed_out if handed_out is None else handed_out
    locked.save(update_fields=["closed_at", "handed_out"])
    Response.objects.filter(wave=locked).exclude(token_hash=None, device_hash=None).update(
        token_hash=None, device_hash=None
    )
