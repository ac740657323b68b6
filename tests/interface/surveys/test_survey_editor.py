"""Making a questionnaire on pages, without code."""

from datetime import timedelta

import pytest
from django.urls import reverse

from surveys import services
from surveys.definition import DefinitionRefused
from surveys.faults import faults_of
from surveys.models import Questionnaire
from tests.factories import NOW
from tests.interface.pages import text_of
from tests.survey_rows import make_draft, make_questionnaire

pytestmark = pytest.mark.django_db


def page(name: str, *args) -> str:
    return reverse(f"web:{name}", args=args)


NEW = {"city": "深圳", "title_zh": "停车", "title_en": "Parking", "slug": "parking"}


def test_a_survey_is_made_drafted_and_published_without_code(client, staff):
    client.post(page("city_survey_new"), NEW)
    survey = Questionnaire.objects.get(slug="parking")
    fields = {
        "key": "share", "kind": "SINGLE", "text_zh": "愿意吗？", "text_en": "Would you?", "required": "on",
        "options": "yes | 愿意 | yes | yes\nno | 不愿意 | no", "meaning": "WILLING_TO_SHARE", "page": "1",
    }  # fmt: skip

    added = client.post(
        page("city_survey_question", survey.pk, "new"), fields | {"seen_at": survey.changed_at.isoformat()}
    )
    client.post(page("city_survey_publish", survey.pk))

    version = survey.versions.get()
    asked = version.definition.by_key["share"]
    assert added.status_code == 302
    assert version.published_by == staff
    assert [(one.code, str(one.text.en), one.counts) for one in asked.options] == [
        ("yes", "yes", True),
        ("no", "no", False),
    ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"slug": "Big Name"}, "slug"),
        ({"city": "贵阳"}, "city"),
        ({"title_en": ""}, "title_en"),
        ({"slug": "taken"}, "slug"),
    ],
)
def test_a_survey_that_makes_no_sense_is_refused_beside_its_field(client, wrong, field):
    make_questionnaire(slug="taken")

    answer = client.post(page("city_survey_new"), NEW | wrong)

    assert field in answer.context["form"].errors
    assert Questionnaire.objects.count() == 1


def edit(client, survey, **fields):
    survey.refresh_from_db()
    return client.post(page("city_survey_arrange", survey.pk), {"seen_at": survey.changed_at.isoformat(), **fields})


def keys(survey) -> list[list[str]]:
    survey.refresh_from_db()
    return [[one.key for one in questions] for questions in survey.draft_definition.pages]


def test_questions_are_moved_removed_and_pages_added(client):
    survey = make_questionnaire()

    edit(client, survey, do="down", key="bay")
    assert keys(survey)[:2] == [["share", "bay"], ["hours", "worries"]]
    edit(client, survey, do="down", key="bay")
    assert keys(survey)[:2] == [["share"], ["bay", "hours", "worries"]]
    edit(client, survey, do="up", key="share")
    assert keys(survey)[0] == ["share"]
    edit(client, survey, do="up", key="ease")
    assert keys(survey)[1][-1] == "ease"
    edit(client, survey, do="remove", key="worries")
    edit(client, survey, do="add_page")
    assert keys(survey)[1:] == [["bay", "hours", "ease"], ["trust", "fee", "remarks"], []]
    edit(client, survey, do="remove_page", page="4")
    edit(client, survey, do="remove_page", page="1")
    assert len(keys(survey)) == 3
    edit(client, survey, do="name_page", page="1", title_zh="车位", title_en="Bay\x00s")
    survey.refresh_from_db()
    assert survey.draft["pages"][0]["title"] == {"zh-hans": "车位", "en": "Bays"}


@pytest.mark.parametrize(
    "fields",
    [{"do": "up", "key": "nothing"}, {"do": "remove_page", "page": "99"}, {"do": "name_page", "page": "x"}, {}],
)
def test_what_is_not_there_any_more_is_told(client, fields):
    survey = make_questionnaire()

    answer = client.post(
        page("city_survey_arrange", survey.pk), {"seen_at": survey.changed_at.isoformat(), **fields}, follow=True
    )

    assert "not there any more" in text_of(answer)
    survey.refresh_from_db()
    assert survey.draft == make_draft()


def test_a_draft_that_somebody_else_changed_is_not_overwritten(client):
    survey = make_questionnaire()

    edited = client.post(
        page("city_survey_arrange", survey.pk),
        {"seen_at": (survey.changed_at - timedelta(1)).isoformat(), "do": "add_page"},
        follow=True,
    )
    lost = client.post(page("city_survey_arrange", survey.pk), {"seen_at": "nonsense", "do": "add_page"}, follow=True)

    assert "Somebody else has changed the draft" in text_of(edited)
    assert "Load the page again" in text_of(lost)
    assert len(keys(survey)) == 3


def test_the_editor_shows_a_draft_as_it_was_written(client):
    """What the forms show, sent back unchanged, changes nothing but what forms always say."""
    survey = make_questionnaire()
    before = survey.draft_definition

    shown = client.get(page("city_survey_edit", survey.pk)).context["form"]
    client.post(page("city_survey_edit", survey.pk), {**shown.initial, "seen_at": survey.changed_at.isoformat()})
    survey.refresh_from_db()
    for one in before.questions:
        form = client.get(page("city_survey_question", survey.pk, one.key)).context["form"]
        sent = {name: value for name, value in form.initial.items() if value is not None}
        answer = client.post(
            page("city_survey_question", survey.pk, one.key), {**sent, "seen_at": survey.changed_at.isoformat()}
        )
        assert answer.status_code == 302, text_of(answer)
        survey.refresh_from_db()

    after = survey.draft_definition
    assert after.questions == before.questions
    assert (after.title, after.consent, after.district_question) == (
        before.title,
        before.consent,
        before.district_question,
    )
    assert [one.conditions for one in after.validity.contradictions] == [
        one.conditions for one in before.validity.contradictions
    ]
    assert faults_of(after) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"options": "yes | 愿意"}, "options"),
        ({"options": "yes | 愿意 | yes | maybe"}, "options"),
        ({"options": "yes | 愿意 | yes | 25:00-26:00"}, "options"),
        ({"show_if": "share"}, "show_if"),
        ({"key": "Big Key"}, "key"),
        ({"kind": "RIDDLE"}, "kind"),
        ({"key": "share"}, None),
    ],
)
def test_a_line_that_makes_no_sense_is_told_beside_the_field(client, fields, field):
    survey = make_questionnaire()
    good = {"key": "more", "kind": "SINGLE", "text_zh": "问", "text_en": "ask", "options": "a | 甲 | A\nb | 乙 | B"}

    answer = client.post(
        page("city_survey_question", survey.pk, "new"), good | fields | {"seen_at": survey.changed_at.isoformat()}
    )

    assert (field or "__all__") in answer.context["form"].errors
    survey.refresh_from_db()
    assert survey.draft == make_draft()


def test_what_stands_against_publishing_is_told(client):
    survey = make_questionnaire(draft=make_draft(title={"en": "Only English"}))

    assert "Write the title in both languages." in text_of(client.get(page("city_survey", survey.pk)))
    assert "Write the title in both languages." in text_of(
        client.post(page("city_survey_publish", survey.pk), follow=True)
    )
    with pytest.raises(DefinitionRefused):
        services.publish(questionnaire=survey, published_by=None, now=NOW)
