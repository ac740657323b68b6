"""The public pages of a survey: no account, no script, a way back, and nothing that leads to a person."""

import logging
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from parking_share import clock
from parking_share.spaces.models import District
from parking_share.web import survey_limits
from surveys import services
from surveys.models import Response, Standing
from surveys.storing import answers_of, question_ids
from tests.factories import NOW, hours
from tests.interface.pages import text_of
from tests.survey_rows import GOOD, make_draft, make_questionnaire, make_wave

pytestmark = pytest.mark.django_db

PAGES: list[dict[str, Any]] = [
    {"bay": "owned", "share": "yes"},
    {"hours": ["morning", "noon"], "worries": "safety"},
    {"ease": "4", "trust": "3", "fee": "8", "remarks": ""},
]


@pytest.fixture(autouse=True)
def in_english(client) -> None:
    client.cookies["django_language"] = "en"


@pytest.fixture
def wave():
    return make_wave(make_questionnaire(slug="homes"))


def begin(client, **fields):
    return client.post("/s/homes", {"consent": "yes", **fields})


def answer_all(client, slug: str = "homes"):
    for number, typed in enumerate(PAGES, 1):
        answer = client.post(f"/s/{slug}/{number}", {**typed, "go": "on"})
        assert answer.status_code == 302, text_of(answer)
    return answer


def test_a_whole_questionnaire_is_answered_without_an_account(client, wave, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert begin(client)["Location"] == "/s/homes/1"
    monkeypatch.setattr(clock, "now", lambda: NOW + hours(0.1))

    last = answer_all(client)

    response = wave.responses.get()
    assert last["Location"] == "/s/homes/thanks"
    assert (response.standing, response.seconds_taken, response.language) == (Standing.VALID, 360, "en")
    assert answers_of([response], ids=question_ids(wave.version))[response.pk] == GOOD
    assert "Thanks." in text_of(client.get("/s/homes/thanks"))


def test_without_consent_nothing_begins(client, wave):
    refused = client.post("/s/homes", {})

    assert refused.status_code == 200
    assert "Please agree first" in text_of(refused)
    assert not Response.objects.exists()


def test_a_page_says_beside_each_question_what_is_missing(client, wave):
    begin(client)

    refused = client.post("/s/homes/1", {"bay": "owned", "go": "on"})

    assert refused.status_code == 200
    assert [(field.question.key, field.fault) for field in refused.context["faults"]] == [
        ("share", "Please answer this question.")
    ]
    assert 'value="owned" checked' in refused.content.decode()


def test_one_comes_back_to_where_one_was(client, wave):
    begin(client)
    client.post("/s/homes/1", {**PAGES[0], "go": "on"})

    first = client.get("/s/homes")

    assert "Go on where you stopped" in text_of(first)
    assert 'href="/s/homes/2"' in first.content.decode()
    assert 'value="yes" checked' in client.get("/s/homes/1").content.decode()


def test_another_phone_does_not_get_in(client, wave):
    begin(client)

    assert Client().get("/s/homes/1")["Location"] == "/s/homes"
    assert Client().post("/s/homes/1", PAGES[0])["Location"] == "/s/homes"


def test_going_back_keeps_what_is_whole(client, wave):
    begin(client)
    client.post("/s/homes/1", {**PAGES[0], "go": "on"})

    back = client.post("/s/homes/2", {"hours": "noon", "go": "back"})

    assert back["Location"] == "/s/homes/1"
    assert 'value="noon" checked' in client.get("/s/homes/2").content.decode()
    assert client.post("/s/homes/1", {"go": "back"})["Location"] == "/s/homes"


def test_pages_that_the_answers_skip_are_skipped(client):
    draft = make_draft()
    draft["pages"][1]["questions"].pop()
    make_wave(make_questionnaire(slug="homes", draft=draft))
    begin(client)

    following = client.post("/s/homes/1", {"bay": "owned", "share": "no", "go": "on"})

    assert following["Location"] == "/s/homes/3"
    assert client.get("/s/homes/2")["Location"] == "/s/homes/3"
    assert client.get("/s/homes/99")["Location"] == "/s/homes/3"


def test_what_was_sent_can_neither_be_changed_nor_found_again(client, wave):
    begin(client)
    kept = client.cookies["survey_homes"].value
    answer_all(client)

    assert client.cookies["survey_homes"].value == ""
    client.cookies["survey_homes"] = kept
    assert client.post("/s/homes/1", PAGES[0])["Location"] == "/s/homes"
    assert client.get("/s/homes/2")["Location"] == "/s/homes"


def test_a_second_response_from_the_same_browser_is_marked(client, wave):
    for _ in range(2):
        begin(client)
        answer_all(client)

    reasons = [row.reasons for row in wave.responses.order_by("pk")]
    assert "REPEATED_DEVICE" not in reasons[0]
    assert "REPEATED_DEVICE" in reasons[1]


def test_no_device_is_marked_where_the_rules_do_not_ask_for_it(client):
    make_wave(make_questionnaire(slug="homes", draft=make_draft(validity={})))

    begin(client)

    assert "survey_device" not in client.cookies
    assert Response.objects.get().device_hash is None


def test_cookies_are_for_this_survey_only_and_out_of_reach_of_scripts(client, wave):
    begin(client)

    for name in ("survey_homes", "survey_device"):
        assert client.cookies[name]["path"] == "/s/"
        assert client.cookies[name]["httponly"]
        assert client.cookies[name]["samesite"] == "Lax"


def test_no_log_line_holds_the_way_back(client, wave, caplog):
    caplog.set_level(logging.INFO)

    begin(client)
    answer_all(client)

    written = "".join(str(record.__dict__) for record in caplog.records if not record.name.startswith("django.db"))
    assert client.cookies["survey_device"].value not in written


def test_the_district_is_kept_where_the_questionnaire_asks_for_it(client, wave):
    here = District.objects.create(city=wave.questionnaire.city, name="罗湖")
    elsewhere = District.objects.create(city="贵阳", name="南明")
    assert "罗湖" in text_of(client.get("/s/homes"))

    begin(client, district=here.pk)
    begin(Client(), district=elsewhere.pk)
    begin(Client(), district="nonsense")

    assert list(wave.responses.order_by("pk").values_list("district", flat=True)) == [here.pk, None, None]


def test_a_closed_survey_says_so_and_an_unknown_one_is_not_there(client, wave):
    begin(client)
    services.close_wave(wave=wave, now=NOW)

    for call in (client.get("/s/homes"), client.post("/s/homes", {"consent": "yes"}), client.get("/s/homes/1")):
        assert call.status_code == 410
        assert "This survey is closed" in text_of(call)
    assert client.get("/s/nothing").status_code == client.get("/s/nothing/thanks").status_code == 404


def test_a_survey_that_was_never_published_is_not_there(client):
    make_questionnaire(slug="draft")

    assert client.get("/s/draft").status_code == 404
    assert client.get("/s/draft/thanks").status_code == 404


def test_an_address_that_begins_too_many_is_asked_to_wait(client, wave, monkeypatch):
    monkeypatch.setattr(survey_limits.Starts, "rate", "2/hour")
    survey_limits.Starts.cache.clear()

    answers = [begin(Client()).status_code for _ in range(3)]

    assert answers == [302, 302, 429]
    refused = begin(client)
    assert int(refused.headers["Retry-After"]) > 0
    assert "your answers so far are kept" in text_of(refused)
    survey_limits.Starts.cache.clear()


@pytest.mark.parametrize("typed", ["\x00", "\ud83d", "x" * 5_000, "=1+1", "<script>alert(1)</script>"])
def test_hostile_texts_are_kept_or_refused_but_never_run(client, wave, typed):
    begin(client)
    for number in (1, 2):
        client.post(f"/s/homes/{number}", {**PAGES[number - 1], "go": "on"})

    answer = client.post("/s/homes/3", {**PAGES[2], "remarks": typed.encode("utf-8", "replace").decode(), "go": "on"})

    assert answer.status_code in {200, 302}
    assert "<script>alert" not in answer.content.decode()


def test_the_page_is_a_plain_form(client, wave):
    """Everything that must work works without a script: labels, legends, buttons that send."""
    begin(client)

    page = client.get("/s/homes/1").content.decode()

    assert page.count("<fieldset") == page.count("<legend") == 2
    assert "Page 1 of 3" in text_of(client.get("/s/homes/1"))
    assert reverse("web:survey_page", args=["homes", 1]) == "/s/homes/1"
    assert "hx-" not in page.split("<main")[1]
