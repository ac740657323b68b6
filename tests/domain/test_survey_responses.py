"""Drafting, publishing, answering, entering paper forms; and what the database refuses."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import translation

from surveys import answering, form_entry, services
from surveys.answering import PageRefused
from surveys.definition import DefinitionRefused
from surveys.models import Answer, Questionnaire, QuestionnaireVersion, Response, Standing
from surveys.services import SurveyRefused
from surveys.storing import answers_of, question_ids
from tests.factories import NOW
from tests.survey_rows import GOOD, make_draft, make_questionnaire, make_responses, make_wave, question, text

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=2)
FIRST = {"bay": ["owned"], "share": ["yes"]}
SECOND = {"hours": ["morning", "noon"], "worries": ["safety"]}
THIRD = {"ease": ["4"], "trust": ["3"], "fee": ["8"], "remarks": [""]}


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def begin(wave, **fields):
    return answering.start_response(wave=wave, **{"language": "en", "device": "phone", "now": NOW} | fields)


def answer_all(wave, **fields) -> Response:
    draft = begin(wave, **fields).response
    for page, typed in enumerate((FIRST, SECOND, THIRD), 1):
        answering.save_page(response=draft, page=page, typed=typed)
    return answering.submit_response(response=draft, now=LATER)


def said(response):
    return answers_of([response], ids=question_ids(response.wave.version))[response.pk]


def test_a_name_in_the_address_is_taken_once():
    make_questionnaire(slug="guiyang")

    with pytest.raises(SurveyRefused, match="Choose another"):
        make_questionnaire(slug="guiyang")


def test_a_draft_that_somebody_else_has_changed_is_not_overwritten():
    survey = make_questionnaire()
    services.save_draft(questionnaire=survey, draft=make_draft(title=text("First")), seen_at=NOW, now=LATER)

    with pytest.raises(SurveyRefused, match="Somebody else"):
        services.save_draft(questionnaire=survey, draft=make_draft(title=text("Second")), seen_at=NOW, now=LATER)

    survey.refresh_from_db()
    assert str(survey) == "First"


def test_a_draft_with_faults_is_not_published():
    survey = make_questionnaire(draft=services.empty_draft(title=text("Empty")))

    with pytest.raises(DefinitionRefused) as refusal:
        services.publish(questionnaire=survey, published_by=None, now=NOW)

    assert refusal.value.faults == ["Add at least one question.", "Page 1 has no question; remove it or add one."]


def test_versions_are_numbered_and_keep_their_questions():
    survey = make_questionnaire()
    first = services.publish(questionnaire=survey, published_by=None, now=NOW)
    draft = make_draft()
    draft["pages"][0]["questions"].append(question("more", "TEXT"))
    services.save_draft(questionnaire=survey, draft=draft, seen_at=NOW, now=LATER)

    second = services.publish(questionnaire=survey, published_by=None, now=LATER)

    assert (first.number, second.number) == (1, 2)
    assert second.questions.count() == first.questions.count() + 1
    assert "more" not in first.definition.by_key


def test_publishing_the_same_again_is_refused():
    survey = make_questionnaire()
    services.publish(questionnaire=survey, published_by=None, now=NOW)

    with pytest.raises(SurveyRefused, match="nothing has changed"):
        services.publish(questionnaire=survey, published_by=None, now=LATER)


def test_one_wave_is_open_at_a_time():
    wave = make_wave()

    with pytest.raises(SurveyRefused, match="Close it first"):
        services.open_wave(questionnaire=wave.questionnaire, name="Another", opened_by=None, now=LATER)
    services.close_wave(wave=wave, now=LATER)
    with pytest.raises(SurveyRefused, match="this name"):
        services.open_wave(questionnaire=wave.questionnaire, name=wave.name, opened_by=None, now=LATER)

    assert services.open_wave(questionnaire=wave.questionnaire, name="Next", opened_by=None, now=LATER).is_open
    with pytest.raises(SurveyRefused, match="closed already"):
        services.close_wave(wave=wave, now=LATER)


def test_a_wave_needs_a_published_version():
    with pytest.raises(SurveyRefused, match="Publish"):
        services.open_wave(questionnaire=make_questionnaire(), name="Early", opened_by=None, now=NOW)


def test_a_whole_response_is_valid_and_leads_to_nobody():
    response = answer_all(make_wave())

    assert (response.standing, response.reasons, response.seconds_taken) == (Standing.VALID, [], 120)
    assert (response.token_hash, response.started_at, response.answered_date) == (None, None, NOW.date())
    assert said(response) == GOOD


def test_a_draft_is_found_by_its_secret_only_while_it_is_one():
    wave = make_wave()
    begun = begin(wave)

    assert answering.draft_of(wave=wave, token=begun.token) == begun.response
    assert answering.draft_of(wave=wave, token="guess") is None
    assert answering.draft_of(wave=make_wave(), token=begun.token) is None
    assert bytes(begun.response.token_hash) != begun.token.encode()
    answering.submit_response(response=begun.response, now=LATER)
    assert answering.draft_of(wave=wave, token=begun.token) is None


def test_a_page_is_kept_as_a_whole_or_not_at_all():
    draft = begin(make_wave()).response

    with pytest.raises(PageRefused) as refusal:
        answering.save_page(response=draft, page=1, typed={"bay": ["owned"]})

    assert refusal.value.faults == {"share": "Please answer this question."}
    assert not draft.answers.exists()


def test_going_back_and_answering_otherwise_drops_what_is_no_longer_asked():
    draft = begin(make_wave()).response
    answering.save_page(response=draft, page=1, typed=FIRST)
    answering.save_page(response=draft, page=2, typed=SECOND)
    answering.save_page(response=draft, page=1, typed=FIRST | {"share": ["no"]})
    answering.save_page(response=draft, page=3, typed=THIRD)

    done = answering.submit_response(response=draft, now=LATER)

    assert done.standing == Standing.VALID
    assert "hours" not in said(done)
    assert said(done)["worries"] == (1,)


def test_pages_follow_the_answers():
    definition = make_wave().version.definition

    assert answering.next_page(definition, {"share": (2,)}, 1) == 2
    assert answering.next_page(definition, {}, 3) is None
    assert answering.previous_page(definition, {}, 1) is None
    assert answering.previous_page(definition, {}, 3) == 2
    assert answering.first_open_page(definition, {"bay": (1,), "share": (2,)}) == 3
    assert answering.first_open_page(definition, GOOD) == 3


def test_an_excluding_answer_beside_another_is_asked_again():
    draft = begin(make_wave()).response

    with pytest.raises(PageRefused, match="excludes all others"):
        answering.save_page(response=draft, page=2, typed={"worries": ["safety", "nothing"]})


def test_too_fast_and_twice_from_one_device_are_kept_as_invalid_with_the_reason():
    wave = make_wave()
    answer_all(wave)
    hasty = begin(wave).response
    for page, typed in enumerate((FIRST, SECOND, THIRD), 1):
        answering.save_page(response=hasty, page=page, typed=typed)

    done = answering.submit_response(response=hasty, now=NOW + timedelta(seconds=2))

    assert (done.standing, done.reasons) == (Standing.INVALID, ["TOO_FAST", "REPEATED_DEVICE"])
    assert wave.responses.count() == 2


def test_the_same_device_is_another_in_another_wave():
    first, second = begin(make_wave()).response, begin(make_wave()).response

    assert bytes(first.device_hash) != bytes(second.device_hash)


def test_closing_a_wave_forgets_devices_and_ways_back():
    wave = make_wave()
    done, draft = answer_all(wave), begin(wave)

    services.close_wave(wave=wave, now=LATER)

    done.refresh_from_db()
    draft.response.refresh_from_db()
    assert (done.device_hash, draft.response.device_hash, draft.response.token_hash) == (None, None, None)
    with pytest.raises(SurveyRefused, match="can't be changed"):
        answering.save_page(response=draft.response, page=1, typed=FIRST)
    wave.refresh_from_db()
    with pytest.raises(SurveyRefused, match="closed"):
        begin(wave)


def test_drafts_that_nobody_came_back_to_are_deleted_and_nothing_else():
    wave = make_wave()
    old, fresh, done = begin(wave).response, begin(wave, now=NOW + timedelta(days=20)).response, answer_all(wave)
    answering.save_page(response=old, page=1, typed=FIRST)

    assert answering.forget_drafts(now=NOW + timedelta(days=31)) == 1
    assert set(wave.responses.all()) == {fresh, done}


@pytest.mark.parametrize(
    "change",
    [
        lambda response: response.answers.all().delete(),
        lambda response: response.answers.filter(option__gt=0).update(option=2),
        lambda response: Response.objects.filter(pk=response.pk).update(standing="INVALID", reasons=["TOO_FAST"]),
        lambda response: Response.objects.filter(pk=response.pk).update(answered_date=None),
        lambda response: response.delete(),
        lambda _response: QuestionnaireVersion.objects.update(data={}),
        lambda response: response.wave.version.questions.all().delete(),
    ],
)
def test_what_was_submitted_or_published_is_final(change):
    response = make_responses(make_wave(), {})[0]

    with pytest.raises(IntegrityError), transaction.atomic():
        change(response)


@pytest.mark.parametrize(
    "fields",
    [
        {"standing": "INVALID"},
        {"standing": "VALID", "reasons": ["TOO_FAST"]},
        {"standing": "VALID", "token_hash": b"1"},
        {"standing": "PERHAPS"},
    ],
)
def test_the_database_refuses_responses_that_make_no_sense(fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        Response.objects.create(wave=make_wave(), source="PUBLIC", **fields)


def test_an_answer_says_exactly_one_thing():
    wave = make_wave()
    response, asked = make_responses(wave, {})[0], wave.version.questions.get(key="fee")
    draft = begin(wave).response

    for wrong in ({}, {"option": 1, "text": "x"}, {"number": 1.0, "text": "x"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Answer.objects.create(question=asked, response=draft, **wrong)
    assert response.answers.count() == 8


TYPED = {"bay": ["1"], "share": ["1"], "hours": ["1 2"], "worries": ["1"], "ease": ["4"], "trust": ["3"], "fee": ["8"]}


def enter(wave, number="17", typed=TYPED, **fields):
    return form_entry.enter_form(
        wave=wave,
        form_number=number,
        typed=typed,
        **{"district_id": None, "entered_by": None, "now": NOW} | fields,
    )


def test_a_paper_form_is_entered_once_where_once_is_enough():
    wave = make_wave()

    entered = enter(wave)

    assert (entered.turn, entered.is_stored) == (1, True)
    assert said(wave.responses.get()) == GOOD
    assert wave.responses.get().reference == "17"
    with pytest.raises(SurveyRefused, match="17 was entered already"):
        enter(wave)


def test_a_second_entry_that_agrees_is_kept():
    wave = make_wave(needs_double_entry=True)

    first = enter(wave)
    assert form_entry.forms_entered_once(wave) == ["17"]
    second = enter(wave, typed=TYPED | {"bay": ["owned"]})

    assert (first.is_stored, second.is_stored) == (False, True)
    assert wave.responses.count() == 1
    with pytest.raises(SurveyRefused, match="entered already"):
        enter(wave)


def test_entries_that_differ_show_where_and_wait_for_a_choice():
    wave = make_wave(needs_double_entry=True)
    enter(wave)

    entered = enter(wave, typed=TYPED | {"fee": ["80"], "worries": [""]})

    assert [(one.question.key, one.first, one.second) for one in entered.differences] == [
        ("worries", (1,), None),
        ("fee", 8.0, 80.0),
    ]
    assert form_entry.forms_to_settle(wave) == ["17"]
    assert not wave.responses.exists()
    form_entry.settle_form(
        wave=wave,
        form_number="17",
        typed={"fee": ["80"], "worries": ["2"], "bay": ["none"]},
        district_id=None,
        entered_by=None,
        now=LATER,
    )
    assert said(wave.responses.get()) == GOOD | {"fee": 80.0, "worries": (2,)}
    assert form_entry.forms_to_settle(wave) == []
    with pytest.raises(SurveyRefused, match="settled already"):
        form_entry.settle_form(wave=wave, form_number="17", typed={}, district_id=None, entered_by=None, now=LATER)


def test_an_incomplete_paper_form_is_kept_as_invalid():
    wave = make_wave()

    enter(wave, typed=TYPED | {"share": [""]})

    assert wave.responses.get().reasons == ["MISSING:share", "NOT_ASKED:hours"]


def test_a_slip_of_the_keyboard_is_told_beside_its_question():
    with pytest.raises(PageRefused) as refusal:
        enter(make_wave(), typed=TYPED | {"bay": ["9"], "fee": ["x"]})

    assert set(refusal.value.faults) == {"bay", "fee"}


@pytest.mark.django_db(transaction=True)
def test_two_people_who_enter_the_same_form_at_once_make_one_response():
    wave, outcomes = make_wave(), []
    barrier = threading.Barrier(2)

    def work() -> None:
        try:
            barrier.wait()
            outcomes.append(enter(wave).is_stored)
        except SurveyRefused:
            outcomes.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [False, True]
    assert wave.responses.count() == 1
    assert Questionnaire.objects.count() == 1
