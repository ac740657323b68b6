"""Definitions of questionnaires: what may be published, which questions are asked, what makes a response invalid."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
from django.utils import translation

from surveys.answers import AnswerRefused, as_codes, as_json, as_words, from_json, read_answer
from surveys.definition import Definition, DefinitionRefused, Kind, Meaning, read_definition
from surveys.faults import faults_of
from surveys.judgement import asked_questions, judge, reason_sentence, without_unasked
from tests.survey_rows import GOOD, make_draft, option, question, text

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "surveys" / "definitions").glob("*.json"))
WITHOUT_HOURS = {key: value for key, value in GOOD.items() if key != "hours"}


@pytest.fixture
def definition() -> Definition:
    return read_definition(make_draft())


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_definitions_may_be_published(path):
    assert faults_of(read_definition(json.loads(path.read_text()))) == []


def test_both_questionnaires_of_the_study_are_shipped():
    shipped = {path.stem: read_definition(json.loads(path.read_text())) for path in SHIPPED}

    assert set(shipped) == {"drivers", "owners"}
    assert [one.code for one in shipped["owners"].by_key["system"].options] == [
        "haotingche", "taochewei", "mifeng", "other", "never", "never_would"
    ]  # fmt: skip
    bands = shipped["owners"].meaning(Meaning.SHAREABLE_HOURS).options
    assert [f"{one.starts_at:%H:%M}-{one.ends_at:%H:%M}" for one in bands] == [
        "08:30-12:30", "12:30-16:30", "16:30-20:30", "20:30-00:30", "00:30-08:30"
    ]  # fmt: skip
    assert shipped["drivers"].meaning(Meaning.DEMAND_TIMES).key == "need_time"
    assert all(definition.note for definition in shipped.values())


def test_a_text_speaks_the_readers_language(definition):
    with translation.override("zh-hans"):
        chinese = str(definition.title)

    assert (str(definition.title), chinese) == ("Parking at home", "中Parking at home")


def test_a_good_definition_has_no_faults(definition):
    assert faults_of(definition) == []


def changed(change) -> list[str]:
    draft = make_draft()
    change(draft)
    return faults_of(read_definition(draft))


def hour_question(draft):
    return draft["pages"][1]["questions"][0]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda d: d.update(title={"en": "Only English"}), "Write the title in both languages."),
        (lambda d: d.update(consent={}), "Write in both languages what people agree to when they answer."),
        (lambda d: d.update(pages=[]), "Add at least one question."),
        (lambda d: d["pages"].append({"questions": []}), "Page 4 has no question; remove it or add one."),
        (
            lambda d: d["pages"][0]["questions"].append(question("bay", "TEXT")),
            "Two questions are called bay; each needs a name of its own.",
        ),
        (
            lambda d: d["pages"][0]["questions"].append(question("My key", "TEXT")),
            "The name My key must be small letters, digits and _, beginning with a letter.",
        ),
        (
            lambda d: d["pages"][0]["questions"].append(question("alone", "SINGLE", options=[option("yes")])),
            "The question alone needs between 2 and 40 possible answers.",
        ),
        (
            lambda d: hour_question(d)["options"][0].pop("from"),
            "Every answer to hours needs hours: from when until when.",
        ),
        (
            lambda d: hour_question(d).update(show_if=[{"question": "worries", "any_of": ["safety"]}]),
            "The question hours depends on an answer that no earlier page asks for.",
        ),
        (
            lambda d: hour_question(d).update(show_if=[{"question": "share", "any_of": ["perhaps"]}]),
            "The question hours depends on an answer that no earlier page asks for.",
        ),
        (
            lambda d: d["pages"][2]["questions"][2].update(lowest=300),
            "The smallest number of fee is above its largest.",
        ),
        (
            lambda d: d["validity"]["contradictions"][0]["all"][0].update(any_of=["castle"]),
            "A contradiction names an answer that does not exist: shares a bay that is not there",
        ),
        (
            lambda d: d["validity"]["contradictions"][0].update(text={}),
            "A contradiction needs words in both languages and at least two answers.",
        ),
    ],
)
def test_what_must_not_be_published_is_told(change, fault):
    assert fault in changed(change)


@pytest.mark.parametrize(
    "data", [{}, {"pages": 3}, {"pages": [{"questions": [{"key": "a"}]}]}, {"pages": [{"questions": [{"kind": "X"}]}]}]
)
def test_what_is_no_definition_is_refused_with_a_sentence(data):
    with pytest.raises(DefinitionRefused, match="not the definition"):
        read_definition(data)


def test_a_question_that_depends_on_an_answer_is_skipped(definition):
    asked = [one.key for one in asked_questions(definition, {"share": (2,)})]

    assert "hours" not in asked
    assert without_unasked(definition, {"share": (2,), "hours": (1,)}) == {"share": (2,)}


def test_an_answer_to_a_skipped_question_leads_nowhere():
    draft = make_draft()
    draft["pages"].append(
        {"questions": [question("why", "TEXT", show_if=[{"question": "hours", "any_of": ["morning"]}])]}
    )

    asked = asked_questions(read_definition(draft), {"share": (2,), "hours": (1,)})

    assert "why" not in [one.key for one in asked]


@pytest.mark.parametrize(
    ("answers", "seconds", "is_repeated", "reasons"),
    [
        (GOOD, 60, False, []),
        (GOOD, None, False, []),
        (WITHOUT_HOURS, 60, False, ["MISSING:hours"]),
        (GOOD | {"share": (2,)}, 60, False, ["NOT_ASKED:hours"]),
        (GOOD | {"worries": (1, 3)}, 60, False, ["EXCLUSIVE:worries"]),
        (GOOD | {"bay": (3,)}, 60, False, ["CONTRADICTION:shares_nothing"]),
        (GOOD, 4, False, ["TOO_FAST"]),
        (GOOD | {"trust": (4,)}, 60, False, ["STRAIGHT_LINING"]),
        (GOOD, 60, True, ["REPEATED_DEVICE"]),
        ({}, 1, True, ["MISSING:bay", "MISSING:share", "MISSING:ease", "TOO_FAST", "REPEATED_DEVICE"]),
    ],
)
def test_responses_are_judged_with_reasons(definition, answers, seconds, is_repeated, reasons):
    assert judge(definition, answers, seconds=seconds, is_repeated_device=is_repeated) == reasons


def test_rules_that_a_version_does_not_have_do_not_count():
    definition = read_definition(make_draft(validity={}))

    assert judge(definition, GOOD | {"trust": (4,), "bay": (3,)}, seconds=0, is_repeated_device=True) == []


def test_every_reason_is_a_sentence(definition):
    reasons = ["MISSING:hours", "NOT_ASKED:hours", "EXCLUSIVE:worries", "CONTRADICTION:shares_nothing", "TOO_FAST"]

    sentences = [reason_sentence(definition, one) for one in [*reasons, "STRAIGHT_LINING", "REPEATED_DEVICE"]]

    assert sentences[0] == "No answer to a required question: hours?"
    assert sentences[3] == "Contradiction: shares a bay that is not there"
    assert len(set(sentences)) == 7


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("bay", ["owned"], (1,)),
        ("bay", ["2"], (2,)),
        ("bay", [" RENTED "], (2,)),
        ("bay", ["中rented"], (2,)),
        ("bay", ["", "  "], None),
        ("worries", ["safety", "payment"], (1, 2)),
        ("worries", ["payment; safety;payment"], (1, 2)),
        ("worries", ["1 2"], (1, 2)),
        ("worries", ["１、２"], (1, 2)),
        ("ease", ["5"], (5,)),
        ("ease", ["5 easy"], (5,)),
        ("fee", ["8.5"], 8.5),
        ("fee", ["８"], 8.0),
        ("remarks", ["  two\nlines "], "two\nlines"),
    ],
)
def test_answers_are_read_however_they_are_written(definition, key, typed, value):
    assert read_answer(definition.by_key[key], typed) == value


@pytest.mark.parametrize(
    ("key", "typed", "sentence"),
    [
        ("bay", ["castle"], "“castle” is none of the possible answers."),
        ("bay", ["1", "2"], "Only one answer is possible here."),
        ("bay", ["12"], "“12” is none"),
        ("fee", ["1e9"], "is not a number"),
        ("fee", ["nan"], "is not a number"),
        ("fee", ["1,5"], "is not a number"),
        ("fee", ["-1"], "The number must be at least 0."),
        ("fee", ["201"], "The number must be at most 200."),
        ("fee", ["1", "2"], "Only one answer"),
        ("remarks", ["x" * 101], "at most 100 characters, it has 101"),
        ("remarks", ["a\x00b"], "characters that no text can have"),
        ("remarks", ["a\ud800b"], "characters that no text can have"),
    ],
)
def test_what_is_no_answer_is_refused(definition, key, typed, sentence):
    with pytest.raises(AnswerRefused, match=sentence):
        read_answer(definition.by_key[key], typed)


def test_answers_survive_json_and_codes(definition):
    answers = GOOD | {"remarks": "=1+1;x", "fee": 7.25}

    assert from_json(json.loads(json.dumps(as_json(answers)))) == answers
    assert {
        key: read_answer(definition.by_key[key], [as_codes(definition.by_key[key], value)])
        for key, value in answers.items()
    } == answers


def test_answers_in_words(definition):
    assert as_words(definition.by_key["worries"], (1, 2)) == "safety; payment"
    assert as_words(definition.by_key["fee"], 8.0) == "8"
    assert as_words(definition.by_key["fee"], None) == ""


def test_reconstructed_parts_are_marked():
    owners = json.loads(next(path for path in SHIPPED if path.stem == "owners").read_text())

    published = read_definition(owners).by_key

    assert not published["system"].is_reconstructed
    assert published["bay"].is_reconstructed
    assert [one.is_reconstructed for one in published["share_concern"].options] == [False, False, False, True]


def test_a_scale_has_numbers_and_words_at_its_ends(definition):
    assert [str(one.text) for one in definition.by_key["ease"].options] == ["1 hard", "2", "3", "4", "5 easy"]
    assert definition.by_key["ease"].kind == Kind.SCALE


def test_the_sample_is_not_changed_by_its_users():
    before = deepcopy(make_draft())
    changed(lambda draft: draft["pages"].clear())

    assert make_draft() == before
    assert text("a") == {"zh-hans": "中a", "en": "a"}
