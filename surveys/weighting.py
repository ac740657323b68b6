"""Weights that make a wave agree with what is known of its population."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import numpy as np
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from parking_share.accounts.models import User
from surveys.definition import Kind, QuestionSpec
from surveys.engine.raking import NotConvergedError, Raking, rake
from surveys.models import Answer, ResponseWeight, Standing, Wave, Weighting
from surveys.services import SurveyRefused
from surveys.storing import question_ids

MOST_QUESTIONS = 3
Margins = Mapping[str, Mapping[str, float]]  # per cent, by question and option


def make_weighting(*, wave: Wave, name: str, margins: Margins, made_by: User | None, now: datetime) -> Weighting:
    """Rake the valid responses that answered all of these questions; others get no weight and do not count."""
    questions = _checked(wave, margins)
    places = _places(wave, questions)
    raked = _raked(questions, places, margins)
    try:
        with transaction.atomic():
            weighting = Weighting.objects.create(
                wave=wave,
                name=name,
                margins={key: dict(shares) for key, shares in margins.items()},
                effective_number=raked.effective_number,
                design_effect=raked.design_effect,
                made_at=now,
                made_by=made_by,
            )
            ResponseWeight.objects.bulk_create(
                (
                    ResponseWeight(weighting=weighting, response_id=response, weight=float(raked.weights[place]))
                    for response, place in places.items()
                ),
                batch_size=5_000,
            )
    except IntegrityError as error:
        raise SurveyRefused(_("Another weighting of this wave has this name. Choose another one.")) from error
    return weighting


def questions_to_weigh_by(wave: Wave) -> list[QuestionSpec]:
    """Questions with one answer."""
    return [question for question in wave.version.definition.questions if question.kind == Kind.SINGLE]


def _checked(wave: Wave, margins: Margins) -> list[QuestionSpec]:
    usable = {question.key: question for question in questions_to_weigh_by(wave)}
    if not 1 <= len(margins) <= MOST_QUESTIONS or not margins.keys() <= usable.keys():
        raise SurveyRefused(
            _("Choose between one and %(most)s questions with a single answer.") % {"most": MOST_QUESTIONS}
        )
    for key, shares in margins.items():
        if shares.keys() != usable[key].option_by_code.keys() or abs(sum(shares.values()) - 100) > 0.05:
            values = {"question": usable[key].text}
            raise SurveyRefused(_("The known shares of “%(question)s” must add up to 100 per cent.") % values)
    return [usable[key] for key in margins]


def _places(wave: Wave, questions: list[QuestionSpec]) -> dict[int, tuple[int, ...]]:
    """The cell of the joint table that each response lies in; one pass over the answers."""
    ids = question_ids(wave.version)
    axis_of = {ids[question.key]: axis for axis, question in enumerate(questions)}
    found: dict[int, dict[int, int]] = defaultdict(dict)
    rows = Answer.objects.filter(
        question__in=axis_of, response__wave=wave, response__standing=Standing.VALID, option__gt=0
    )
    for response, question, option in rows.values_list("response_id", "question_id", "option").iterator():
        found[response][axis_of[question]] = option - 1
    return {
        response: tuple(cells[axis] for axis in range(len(questions)))
        for response, cells in found.items()
        if len(cells) == len(questions)
    }


def _raked(questions: list[QuestionSpec], places: dict[int, tuple[int, ...]], margins: Margins) -> Raking:
    counts = np.zeros(tuple(len(question.options) for question in questions))
    for place in places.values():
        counts[place] += 1
    shares = [np.array([margins[one.key][option.code] for option in one.options]) for one in questions]
    try:
        return rake(counts, [share / share.sum() for share in shares])
    except NotConvergedError as error:
        raise SurveyRefused(_("These shares contradict each other for the people who answered.")) from error
    except ValueError as error:
        raise SurveyRefused(_("Nobody gave an answer that has a known share above zero.")) from error
