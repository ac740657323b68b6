"""Surveys for tests: a small questionnaire with every kind of question, its waves and responses."""

from copy import deepcopy
from datetime import datetime
from itertools import count
from typing import Any

from surveys import services
from surveys.models import Questionnaire, Response, Source, Wave
from surveys.storing import Filled, question_ids, store_forms
from tests.factories import NOW

_numbers = count(1)


def text(words: str) -> dict[str, str]:
    """Words that are told apart by language."""
    return {"zh-hans": f"中{words}", "en": words}


def option(code: str, **fields: Any) -> dict[str, Any]:
    return {"code": code, "text": text(code), **fields}


def question(key: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "kind": kind, "text": text(f"{key}?"), **fields}


DRAFT: dict[str, Any] = {
    "title": text("Parking at home"),
    "introduction": text("A few questions."),
    "consent": text("I agree."),
    "thanks": text("Thanks."),
    "district_question": text("Where?"),
    "validity": {
        "min_seconds": 5,
        "duplicate_device": True,
        "straight_lining": 2,
        "contradictions": [
            {
                "code": "shares_nothing",
                "text": text("shares a bay that is not there"),
                "all": [{"question": "bay", "any_of": ["none"]}, {"question": "share", "any_of": ["yes"]}],
            }
        ],
    },
    "pages": [
        {
            "title": text("Bay"),
            "questions": [
                question("bay", "SINGLE", options=[option("owned"), option("rented"), option("none")]),
                question(
                    "share",
                    "SINGLE",
                    meaning="WILLING_TO_SHARE",
                    options=[option("yes", counts=True), option("no")],
                ),
            ],
        },
        {
            "questions": [
                question(
                    "hours",
                    "BANDS",
                    meaning="SHAREABLE_HOURS",
                    show_if=[{"question": "share", "any_of": ["yes"]}],
                    options=[
                        option("morning", **{"from": "08:30", "until": "12:30"}),
                        option("noon", **{"from": "12:30", "until": "16:30"}),
                        option("night", **{"from": "20:30", "until": "00:30"}),
                    ],
                ),
                question(
                    "worries",
                    "MULTIPLE",
                    required=False,
                    options=[option("safety"), option("payment"), option("nothing", exclusive=True)],
                ),
            ]
        },
        {
            "questions": [
                question("ease", "SCALE", points=5, low=text("hard"), high=text("easy")),
                question("trust", "SCALE", points=5, required=False),
                question("fee", "NUMBER", lowest=0, highest=200, required=False),
                question("remarks", "TEXT", longest=100, required=False),
            ]
        },
    ],
}
GOOD: dict[str, Any] = {
    "bay": (1,),
    "share": (1,),
    "hours": (1, 2),
    "worries": (1,),
    "ease": (4,),
    "trust": (3,),
    "fee": 8.0,
}


def make_draft(**fields: Any) -> dict[str, Any]:
    return {**deepcopy(DRAFT), **fields}


def make_questionnaire(*, city: str = "深圳", draft: dict[str, Any] | None = None, **fields: Any) -> Questionnaire:
    fields.setdefault("slug", f"survey-{next(_numbers)}")
    return services.create_questionnaire(city=city, draft=draft or make_draft(), now=NOW, **fields)


def make_wave(questionnaire: Questionnaire | None = None, *, now: datetime = NOW, **fields: Any) -> Wave:
    """An open wave of a published questionnaire."""
    questionnaire = questionnaire or make_questionnaire()
    if not questionnaire.versions.exists():
        services.publish(questionnaire=questionnaire, published_by=None, now=now)
    fields.setdefault("name", f"Wave {next(_numbers)}")
    return services.open_wave(questionnaire=questionnaire, opened_by=None, now=now, **fields)


def make_responses(wave: Wave, *answers: dict[str, Any], **fields: Any) -> list[Response]:
    """Submitted responses; answers are added to good ones, None takes one away."""
    before = set(wave.responses.values_list("pk", flat=True))
    forms = [
        Filled(
            answers={key: value for key, value in (GOOD | given).items() if value is not None},
            **{"source": Source.PUBLIC, "seconds": 60, "answered_date": NOW.date(), **fields},
        )
        for given in answers
    ]
    store_forms(wave, forms, ids=question_ids(wave.version))
    return list(wave.responses.exclude(pk__in=before).order_by("pk"))
