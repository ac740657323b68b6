"""The staff's pages of surveys: scoped to the city, drafting without code, waves, paper forms, tables."""

from datetime import timedelta

import pytest
from django.urls import reverse

from parking_share.spaces.models import District, Role
from surveys import services
from surveys.weighting import make_weighting
from tests.factories import NOW, grant, hours, make_lot, make_space, make_user, make_window
from tests.interface.pages import client_of, make_reservation, queries_of, text_of
from tests.survey_rows import make_draft, make_questionnaire, make_responses, make_wave, option, question

pytestmark = pytest.mark.django_db
MOST_QUERIES = 12


def page(name: str, *args) -> str:
    return reverse(f"web:{name}", args=args)


def addresses(wave) -> list[str]:
    """Every page of a wave and of its survey."""
    survey = wave.questionnaire_id
    return [
        *(page(name, survey) for name in ("city_survey", "city_survey_edit", "city_survey_preview", "city_survey_qr")),
        page("city_survey_question", survey, "bay"),
        *(
            page(f"city_wave{name}", wave.pk)
            for name in (
                "",
                "_cross",
                "_compare",
                "_texts",
                "_weigh",
                "_platform",
                "_enter",
                "_import",
                "_csv",
                "_xlsx",
            )
        ),
        page("city_wave_table", wave.pk, "bay"),
        page("city_wave_chart", wave.pk, "bay"),
    ]


def status(client, address: str) -> int:
    """The answer's status; a download is read to its end."""
    answer = client.get(address)
    if answer.streaming:
        assert b"".join(answer.streaming_content)
    return int(answer.status_code)


def test_staff_see_the_surveys_of_their_city_and_no_other(client):
    mine, theirs = make_wave(), make_wave(make_questionnaire(city="贵阳"))

    assert [status(client, address) for address in addresses(mine)] == [200] * len(addresses(mine))
    assert [status(client, address) for address in addresses(theirs)] == [404] * len(addresses(theirs))
    assert [row["survey"] for row in client.get(page("city_surveys")).context["surveys"]] == [mine.questionnaire]


def test_a_stranger_and_a_driver_get_none_of_it():
    wave = make_wave()
    driver = client_of(make_user())

    for address in [*addresses(wave), page("city_surveys"), page("city_survey_new")]:
        assert driver.get(address).status_code == 404
        assert client_of(make_user(is_active=False)).get(address).status_code == 302


def test_an_operator_sees_every_city():
    operator = make_user()
    grant(operator, Role.OPERATOR)
    wave = make_wave(make_questionnaire(city="贵阳"))

    assert client_of(operator).get(page("city_wave", wave.pk)).status_code == 200


def test_the_city_page_leads_to_the_surveys(client):
    assert f'href="{page("city_surveys")}"' in client.get(page("city")).content.decode()


def test_a_wave_is_opened_and_closed(client):
    survey = make_questionnaire()
    client.post(page("city_survey_publish", survey.pk))

    client.post(page("city_wave_open", survey.pk), {"name": "Spring", "handed_out": "40", "needs_double_entry": "on"})
    again = client.post(page("city_wave_open", survey.pk), {"name": "Summer"})
    wave = survey.waves.get()
    closed = client.post(page("city_wave_close", wave.pk), {"handed_out": "50"}, follow=True)

    assert (wave.name, wave.handed_out, wave.needs_double_entry) == ("Spring", 40, True)
    assert again.status_code == 400
    assert "Close it first" in text_of(again)
    assert "Devices and ways back are forgotten" in text_of(closed)
    wave.refresh_from_db()
    assert wave.handed_out == 50
    assert "closed already" in text_of(client.post(page("city_wave_close", wave.pk), follow=True))


def test_the_link_is_shown_as_a_picture(client):
    wave = make_wave(make_questionnaire(slug="homes"))

    picture = client.get(page("city_survey_qr", wave.questionnaire_id))

    assert picture["Content-Type"] == "image/svg+xml"
    assert picture.content.startswith(b"<?xml")
    assert "http://testserver/s/homes" in text_of(client.get(page("city_survey", wave.questionnaire_id)))


def test_the_summary_shows_counts_shares_and_intervals(client):
    wave = make_wave(handed_out=30)
    make_responses(wave, *[{}] * 12, *[{"bay": (2,)}] * 8, {"share": None})

    shown = text_of(client.get(page("city_wave", wave.pk)))

    assert "30 handed out 21 returned 70.00 % of those handed out 1 invalid 20 valid 66.67 %" in shown
    assert "owned 12 60.00 38.66–78.12" in shown
    assert "No answer to a required question: share?" in shown
    assert "synthetic" not in shown


def test_a_synthetic_wave_says_so_on_every_page(client):
    survey = make_questionnaire()
    services.publish(questionnaire=survey, published_by=None, now=NOW)
    wave = services.open_wave(questionnaire=survey, name="Made up", opened_by=None, now=NOW, is_synthetic=True)
    make_responses(wave, *[{}] * 9)

    for name in ("", "_cross", "_compare", "_texts", "_weigh", "_platform", "_enter", "_import"):
        assert "Synthetic responses." in text_of(client.get(page(f"city_wave{name}", wave.pk)))
    assert "synthetic" in text_of(client.get(page("city_surveys")))
    assert "synthetic responses" in client.get(page("city_wave_chart", wave.pk, "bay")).content.decode()


def test_small_groups_are_shown_nowhere(client, district):
    wave = make_wave()
    make_responses(wave, *[{}] * 10, *[{"bay": (2,)}] * 8, *[{"bay": (3,), "share": (2,), "hours": None}] * 3)
    make_responses(wave, *[{}] * 3, district_id=district.pk)

    summary = client.get(page("city_wave", wave.pk))
    crossed = client.get(page("city_wave_cross", wave.pk), {"rows": "bay", "columns": "share"})
    table = b"".join(client.get(page("city_wave_table", wave.pk, "bay")).streaming_content).decode()
    beside = text_of(client.get(page("city_wave_platform", wave.pk)))

    assert "none hidden" in text_of(summary)
    assert "hidden" in text_of(crossed)
    assert [line.split(",")[1] for line in table.splitlines()[1:4]] == ["13", "<5", "<5"]
    assert "fewer than 5" in beside


def test_questions_are_crossed_and_downloaded(client):
    wave = make_wave()
    no = {"share": (2,), "hours": None}
    make_responses(wave, *[{}] * 30, *[{"bay": (2,)} | no] * 20, *[{"bay": (2,)}] * 10, *[no] * 10)
    asked = {"rows": "share", "columns": "bay"}

    shown = text_of(client.get(page("city_wave_cross", wave.pk), asked))
    table = b"".join(client.get(page("city_wave_cross_table", wave.pk), asked).streaming_content).decode()

    assert "yes 75.00 % 30 33.33 % 10" in shown
    assert "χ² = 12.153, 1 degrees of freedom, p &lt; 0.001".replace("&lt;", "<") in shown
    assert "yes,30,75.0,10,33.33,0,0.0" in table


@pytest.mark.parametrize(
    "asked",
    [{}, {"rows": "bay"}, {"rows": "bay", "columns": "bay"}, {"rows": "remarks", "columns": "bay"}, {"rows": "\x00"}],
)
def test_a_cross_table_of_nothing_is_none(client, asked):
    wave = make_wave()

    assert client.get(page("city_wave_cross", wave.pk), asked).context["table"] is None
    assert client.get(page("city_wave_cross_table", wave.pk), asked).status_code == 404


def test_waves_and_groups_are_compared(client, district):
    first = make_wave()
    make_responses(first, *[{}] * 10, *[{"bay": (2,)}] * 10)
    services.close_wave(wave=first, now=NOW)
    second = make_wave(first.questionnaire)
    make_responses(second, *[{}] * 15, *[{"bay": (2,)}] * 5, district_id=district.pk)

    waves = text_of(client.get(page("city_wave_compare", second.pk), {"other": first.pk}))
    groups = text_of(
        client.get(
            page("city_wave_compare", second.pk),
            {"other": second.pk, "group": "bay:owned", "other_group": f"district:{district.pk}"},
        )
    )
    same = text_of(client.get(page("city_wave_compare", second.pk), {"other": second.pk}))
    table = client.get(page("city_wave_compare_table", second.pk), {"other": first.pk})
    nothing = client.get(page("city_wave_compare_table", second.pk), {"other": second.pk})

    assert "owned 75.00 % 53.13–88.81 50.00 % 29.93–70.07 −25.00" in waves
    assert "owned 100.00 %" in groups
    assert "Choose two groups that differ." in same
    assert "owned,15,75.0,10,50.0,-25.0" in b"".join(table.streaming_content).decode()
    assert nothing.status_code == 404


def test_texts_are_searched_and_few_are_not_shown(client):
    wave = make_wave()
    make_responses(wave, *({"remarks": f"too dear {number}"} for number in range(4)))
    assert "Fewer than five people wrote something" in text_of(client.get(page("city_wave_texts", wave.pk)))

    make_responses(wave, {"remarks": "<b>门</b> 很窄"})
    every = client.get(page("city_wave_texts", wave.pk))
    found = client.get(page("city_wave_texts", wave.pk), {"q": "门", "question": "remarks"})

    assert len(every.context["written"]) == 5
    assert [text for _question, text in found.context["written"]] == ["<b>门</b> 很窄"]
    assert "&lt;b&gt;门" in found.content.decode()


def test_weights_are_made_and_shown(client, staff):
    wave = make_wave()
    make_responses(wave, *[{}] * 30, *[{"bay": (2,)}] * 10)
    shares = {"name": "census", "bay:owned": "50", "bay:rented": "50", "bay:none": ""}

    made = client.post(page("city_wave_weigh", wave.pk), shares, follow=True)
    wrong = client.post(page("city_wave_weigh", wave.pk), shares | {"name": "b", "bay:rented": "40"})

    assert "owned 30 50.00" in text_of(made)
    assert "as precise as 30 unweighted responses (design effect 1.33)" in text_of(made)
    assert wave.weightings.get().made_by == staff
    assert "must add up to 100" in text_of(wrong)


def test_people_are_shown_beside_what_the_platform_counts(client, district):
    draft = make_draft()
    times = [
        option("morning", days="WORKDAY", **{"from": "07:30", "until": "09:30"}),
        option("outing", days="DAY_OFF", **{"from": "09:00", "until": "20:00"}),
    ]
    draft["pages"][0]["questions"].append(question("when", "SINGLE", meaning="DEMAND_TIMES", options=times))
    wave = make_wave(make_questionnaire(draft=draft))
    make_responses(wave, *[{"when": (1,)}] * 6, *[{"hours": (2,), "when": (2,)}] * 6, district_id=district.pk)
    lot = make_lot(district=district)
    tomorrow = NOW.replace(hour=0, minute=30) + timedelta(days=1)  # half past eight in the morning of the lot
    weekly, *others = [make_space(lot) for _ in range(5)]
    for day in range(7):
        make_window(weekly, tomorrow + timedelta(days=day), tomorrow + timedelta(days=day, hours=4))
    for space in others:
        make_window(space, tomorrow, tomorrow + hours(4))
    for _ in range(5):
        make_reservation(make_user(), lot, starts_at=NOW + hours(24), is_decided=False)

    shown = client.get(page("city_wave_platform", wave.pk)).context

    city, shared, wanted = shown["shared"][0], shown["shared"][1], shown["wanted"][1]
    assert (shared.asked, shared.counted) == (12, 5)
    assert [round(row.said, 4) for row in shared.rows] == [0.5, 1.0, 0.0]
    assert [round(row.done, 4) for row in shared.rows] == [round(11 / 35, 4), 0.0, 0.0]
    assert [(row.said, row.done) for row in wanted.rows] == [(0.5, 1.0), (0.5, 0.0)]
    assert (city.asked, city.counted, city.rows) == (12, 5, shared.rows)
    table = b"".join(client.get(page("city_wave_platform_table", wave.pk)).streaming_content).decode()
    assert table.count("福田,12,") == 5
    assert table.splitlines()[1].split(",")[2:] == ["12", "morning", "50.0", "31.43"]


def test_pages_cost_the_same_however_much_there_is(client, district):
    wave = make_wave()
    make_responses(wave, *[{}] * 10, *[{"remarks": "text"}] * 5, district_id=district.pk)
    make_weighting(
        wave=wave, name="a", margins={"bay": {"owned": 100.0, "rented": 0.0, "none": 0.0}}, made_by=None, now=NOW
    )
    asked = {
        page("city_surveys"): {},
        page("city_survey", wave.questionnaire_id): {},
        page("city_wave", wave.pk): {},
        page("city_wave_cross", wave.pk): {"rows": "hours", "columns": "worries"},
        page("city_wave_texts", wave.pk): {},
        page("city_wave_weigh", wave.pk): {},
        page("city_wave_enter", wave.pk): {},
        page("city_wave_import", wave.pk): {},
        page("city_wave_platform", wave.pk): {},
    }
    before = {address: queries_of(client, address, query_params=params) for address, params in asked.items()}

    make_responses(wave, *[{"bay": (2,), "remarks": "more"}] * 30)
    District.objects.create(city="深圳", name="罗湖")
    other = make_wave()
    make_responses(other, *[{}] * 6)

    assert {address: queries_of(client, address, query_params=params) for address, params in asked.items()} == before
    assert before[page("city_wave", wave.pk)] <= MOST_QUERIES
