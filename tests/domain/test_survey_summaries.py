"""Summaries, cross-tables, comparisons and weights, against the same counted by hand in Python."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from parking_share.spaces.models import DayType, District
from surveys import services
from surveys.comparisons import compare
from surveys.crosstabs import cross_table
from surveys.definition import Meaning
from surveys.models import ResponseWeight
from surveys.selectors import hour_shares, prior_demand_profile, willingness_by_district
from surveys.services import SurveyRefused
from surveys.storing import question_ids
from surveys.summaries import Subset, funnel_of_all, funnels, reasons_of_invalidity, summarise
from surveys.weighting import make_weighting
from tests.factories import NOW
from tests.survey_rows import GOOD, make_draft, make_questionnaire, make_responses, make_wave, option, question

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def random_answers(number: int, seed: int = 1) -> list[dict[str, Any]]:
    generator = np.random.default_rng(seed)

    def one() -> dict[str, Any]:
        shares = int(generator.integers(1, 3))
        worries = tuple(int(place) for place in np.flatnonzero(generator.random(2) < 0.6) + 1)
        return {
            "bay": (int(generator.integers(1, 3)),),
            "share": (shares,),
            "hours": tuple(sorted({int(n) for n in generator.integers(1, 4, 2)})) if shares == 1 else None,
            "worries": worries or None,
            "ease": (int(generator.integers(1, 6)),),
            "trust": None,
            "fee": float(generator.integers(0, 30)) if generator.random() < 0.7 else None,
        }

    return [one() for _ in range(number)]


def by_key(summaries) -> dict[str, Any]:
    return {summary.question.key: summary for summary in summaries}


def test_the_funnel_counts_every_step():
    wave = make_wave(handed_out=20)
    make_responses(wave, *[{}] * 9, {"share": None})
    wave.responses.create(source="PUBLIC", started_at=NOW)

    funnel = funnels([wave])[wave.pk]

    assert (funnel.handed_out, funnel.returned, funnel.valid, funnel.invalid, funnel.drafts) == (20, 10, 9, 1, 1)
    shares = (funnel.return_percent, funnel.valid_percent, funnel.valid_of_returned_percent)
    assert [str(share) for share in shares] == ["50.00", "45.00", "90.00"]


def test_several_waves_are_one_funnel_where_all_forms_are_known():
    first, second = make_wave(handed_out=10), make_wave(handed_out=30)
    make_responses(first, {}, {})
    counted = funnels([first, second])
    pairs = [(wave, counted[wave.pk]) for wave in (first, second)]

    assert (funnel_of_all(pairs).handed_out, funnel_of_all(pairs).valid) == (40, 2)
    assert funnel_of_all([*pairs, (first, funnels([make_wave()]).popitem()[1])]).handed_out is None


def test_reasons_are_counted_and_written_out():
    wave = make_wave()
    make_responses(wave, {"share": None}, {"share": None}, {"bay": (3,)}, {})

    assert reasons_of_invalidity(wave) == [
        ("No answer to a required question: share?", 2),
        ("Answered although it should have been skipped: hours?", 2),
        ("Contradiction: shares a bay that is not there", 1),
    ]


def test_frequencies_are_those_counted_by_hand():
    wave, given = make_wave(), random_answers(120)
    make_responses(wave, *given, {"bay": None})

    found = by_key(summarise(Subset(wave=wave)))

    for key in ("bay", "share", "hours", "worries", "ease"):
        told = Counter(number for answers in given for number in (answers[key] or ()))
        assert {line.option.number: line.count for line in found[key].lines} == {
            line.option.number: told[line.option.number] for line in found[key].lines
        }
        assert found[key].base == sum(1 for answers in given if answers[key])
    fees = [answers["fee"] for answers in given if answers["fee"] is not None]
    numbers = found["fee"].numbers
    assert numbers.mean == pytest.approx(np.mean(fees))
    assert [numbers.lower_quartile, numbers.median, numbers.upper_quartile] == np.quantile(
        fees, [0.25, 0.5, 0.75]
    ).tolist()
    assert (found["trust"].base, found["remarks"].base) == (0, 0)


def test_single_answers_add_up_and_several_are_of_people():
    wave = make_wave()
    make_responses(wave, *[{"bay": (1,)}] * 7, *[{"bay": (2,)}] * 7, *[{"share": (2,), "bay": (3,), "hours": None}] * 7)

    found = by_key(summarise(Subset(wave=wave)))

    assert [line.hundredths for line in found["bay"].lines] == [3334, 3333, 3333]
    assert [line.is_adjusted for line in found["bay"].lines] == [True, False, False]
    assert [line.hundredths for line in found["hours"].lines] == [10_000, 10_000, 0]
    assert found["bay"].adds_up
    assert not found["hours"].adds_up


def test_groups_below_five_are_hidden_with_a_second_cell():
    wave = make_wave()
    make_responses(
        wave, *[{"bay": (1,)}] * 10, *[{"bay": (2,)}] * 8, *[{"bay": (3,), "share": (2,), "hours": None}] * 3
    )

    found = by_key(summarise(Subset(wave=wave)))

    assert [line.is_hidden for line in found["bay"].lines] == [False, True, True]
    few = make_wave()
    make_responses(few, {}, {})
    assert by_key(summarise(Subset(wave=few)))["bay"].is_hidden


def test_a_summary_costs_the_same_for_three_responses_and_for_sixty():
    few, many = make_wave(), make_wave()
    make_responses(few, *random_answers(3))
    make_responses(many, *random_answers(60))

    def queries(wave) -> int:
        with CaptureQueriesContext(connection) as captured:
            summarise(Subset(wave=wave))
        return len(captured)

    assert queries(few) == queries(many) <= 6


@pytest.mark.parametrize(
    ("rows", "columns"), [("share", "bay"), ("ease", "share"), ("hours", "bay"), ("bay", "worries")]
)
def test_a_cross_table_is_the_one_counted_by_hand(rows, columns):
    wave, given = make_wave(), random_answers(200, seed=5)
    make_responses(wave, *given)

    table = cross_table(Subset(wave=wave), rows=rows, columns=columns)

    told = np.zeros(table.counts.shape, dtype=int)
    people = np.zeros(told.shape[1], dtype=int)
    for answers in given:
        for column in (answers[columns] or ()) if answers[rows] else ():
            people[column - 1] += 1
            for row in answers[rows]:
                told[row - 1, column - 1] += 1
    assert table.counts.tolist() == told.tolist()
    assert [column.base for column in table.columns] == people.tolist()
    assert table.shares == pytest.approx(np.divide(told, people, out=np.zeros(told.shape), where=people > 0))
    assert (table.test is None) == (rows == "hours" or columns == "worries")


def test_a_cross_table_tests_what_it_shows():
    wave = make_wave()
    no = {"share": (2,), "hours": None}
    make_responses(wave, *[{"bay": (1,)}] * 30, *[{"bay": (2,)} | no] * 20, *[{"bay": (2,)}] * 10, *[no] * 10)

    test = cross_table(Subset(wave=wave), rows="share", columns="bay").test

    assert test.chi_square == pytest.approx(70 * (30 * 20 - 10 * 10) ** 2 / (40 * 30 * 40 * 30))
    assert test.degrees_of_freedom == 1


def test_responses_are_crossed_with_their_district_and_source():
    wave = make_wave()
    home, away = (District.objects.create(city="深圳", name=name) for name in ("A", "B"))
    make_responses(wave, *[{}] * 6, district_id=home.pk)
    make_responses(wave, *[{}] * 7, district_id=away.pk, source="IMPORT")
    make_responses(wave, *[{}] * 5)

    by_district = cross_table(Subset(wave=wave), rows="share", columns="district")
    by_source = cross_table(Subset(wave=wave), rows="share", columns="source")

    assert [(column.label, column.base) for column in by_district.columns] == [("A", 6), ("B", 7), ("–", 5)]
    assert [column.base for column in by_source.columns] == [11, 0, 7]


def test_a_subset_counts_only_its_own():
    wave = make_wave()
    home = District.objects.create(city="深圳", name="A")
    make_responses(wave, *[{"bay": (1,)}] * 6, district_id=home.pk)
    make_responses(wave, *[{"bay": (2,), "ease": (1,)}] * 7, source="IMPORT")
    renters = question_ids(wave.version)["bay"], 2

    def base(**fields) -> int:
        return int(by_key(summarise(Subset(wave=wave, **fields)))["ease"].base)

    assert (base(), base(district_id=home.pk), base(source="IMPORT"), base(answer=renters)) == (13, 6, 7, 7)
    assert by_key(summarise(Subset(wave=wave, answer=renters)))["ease"].lines[0].count == 7


def test_two_waves_are_compared_by_the_names_of_answers():
    survey = make_questionnaire()
    first = make_wave(survey)
    make_responses(first, *[{"bay": (1,)}] * 30, *[{"bay": (2,)}] * 10)
    services.close_wave(wave=first, now=NOW)
    draft = make_draft()
    draft["pages"][0]["questions"][0]["options"] = [option("lent"), option("rented"), option("owned"), option("none")]
    services.save_draft(questionnaire=survey, draft=draft, seen_at=survey.changed_at, now=NOW)
    services.publish(questionnaire=survey, published_by=None, now=NOW)
    second = make_wave(survey)
    make_responses(second, *[{"bay": (3,)}] * 10, *[{"bay": (2,)}] * 30)

    compared = {one.question.key: one for one in compare(Subset(wave=first), Subset(wave=second))}

    bay = compared["bay"]
    assert [(pair.option.code, pair.difference) for pair in bay.pairs] == [
        ("owned", -0.5), ("rented", 0.5), ("none", 0.0), ("lent", None)
    ]  # fmt: skip
    assert bay.test.chi_square == pytest.approx(80 * (30 * 30 - 10 * 10) ** 2 / 40**4)
    assert compared["hours"].test is None


MARGINS = {"bay": {"owned": 50.0, "rented": 50.0, "none": 0.0}}


def test_weights_meet_the_known_shares():
    wave = make_wave()
    make_responses(wave, *[{"bay": (1,)}] * 30, *[{"bay": (2,), "share": (2,), "hours": None}] * 10, {"bay": None})

    weighting = make_weighting(wave=wave, name="census", margins=MARGINS, made_by=None, now=NOW)

    found = by_key(summarise(Subset(wave=wave, weighting=weighting)))
    assert [line.hundredths for line in found["bay"].lines] == [5000, 5000, 0]
    assert [line.hundredths for line in found["share"].lines] == [5000, 5000]
    assert [line.count for line in found["share"].lines] == [30, 10]
    assert weighting.effective_number == pytest.approx(40**2 / (30 * (2 / 3) ** 2 + 10 * 4))
    assert ResponseWeight.objects.filter(weighting=weighting).count() == 40
    table = cross_table(Subset(wave=wave, weighting=weighting), rows="hours", columns="bay")
    assert table.weighted[0].tolist() == pytest.approx([20.0, 0.0, 0.0])
    assert table.shares[0].tolist() == pytest.approx([1.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("margins", "sentence"),
    [
        ({}, "Choose between one and 3"),
        ({"hours": {}}, "Choose between one and 3"),
        ({"bay": {"owned": 50.0, "rented": 40.0, "none": 0.0}}, "must add up to 100"),
        ({"bay": {"owned": 100.0}}, "must add up to 100"),
        ({"bay": {"owned": 50.0, "rented": 20.0, "none": 30.0}}, "Nobody gave an answer"),
    ],
)
def test_shares_that_make_no_sense_are_refused(margins, sentence):
    wave = make_wave()
    make_responses(wave, *[{"bay": (1,)}] * 6, *[{"bay": (2,)}] * 6)

    with pytest.raises(SurveyRefused, match=sentence):
        make_weighting(wave=wave, name="census", margins=margins, made_by=None, now=NOW)


def test_a_name_of_a_weighting_is_taken_once():
    wave = make_wave()
    make_responses(wave, *[{"bay": (1,)}] * 6, *[{"bay": (2,)}] * 6)
    make_weighting(wave=wave, name="census", margins=MARGINS, made_by=None, now=NOW)

    with pytest.raises(SurveyRefused, match="Choose another"):
        make_weighting(wave=wave, name="census", margins=MARGINS, made_by=None, now=NOW)


def test_willingness_is_told_only_where_five_were_asked():
    wave = make_wave()
    many, few = (District.objects.create(city="深圳", name=name) for name in ("A", "B"))
    make_responses(wave, *[{}] * 4, *[{"share": (2,), "hours": None}] * 2, {"share": None}, district_id=many.pk)
    make_responses(wave, *[{}] * 4, district_id=few.pk)
    districts = [many.pk, few.pk]

    found = willingness_by_district(Meaning.WILLING_TO_SHARE, district_ids=districts)

    assert {district: (one.willing, one.asked) for district, one in found.items()} == {many.pk: (4, 6)}
    assert found[many.pk].interval.low < found[many.pk].share < found[many.pk].interval.high
    wave.is_synthetic = True
    wave.save(update_fields=["is_synthetic"])
    assert willingness_by_district(Meaning.WILLING_TO_SHARE, district_ids=districts) == {}
    assert willingness_by_district(Meaning.WILLING_TO_SHARE, district_ids=districts, include_synthetic=True) == found


def make_demand_wave():
    draft = make_draft()
    times = [
        option("morning", days="WORKDAY", **{"from": "07:30", "until": "09:30"}),
        option("outing", days="DAY_OFF", **{"from": "10:00", "until": "12:00"}),
        option("night", **{"from": "23:00", "until": "01:00"}),
    ]
    draft["pages"][0]["questions"].append(question("when", "SINGLE", meaning="DEMAND_TIMES", options=times))
    return make_wave(make_questionnaire(draft=draft))


def test_demand_of_an_hour_is_what_people_say():
    wave = make_demand_wave()
    make_responses(wave, *[{"when": (1,)}] * 6, *[{"when": (2,)}] * 3, *[{"when": (3,)}] * 2)

    workday = prior_demand_profile(DayType.WORKDAY, city="深圳")
    day_off = prior_demand_profile(DayType.DAY_OFF, city="深圳")

    assert (workday.asked, day_off.asked) == (8, 5)
    assert {hour: share for hour, share in enumerate(workday.shares) if share} == pytest.approx(
        {7: 6 / 8 / 4, 8: 6 / 8 / 2, 9: 6 / 8 / 4, 23: 1 / 8, 0: 1 / 8}
    )
    assert sum(day_off.shares) == pytest.approx(1)
    assert prior_demand_profile(DayType.WORKDAY, city="贵阳") is None


def test_four_people_are_no_profile():
    wave = make_demand_wave()
    make_responses(wave, *[{"when": (1,)}] * 4)

    assert prior_demand_profile(DayType.WORKDAY, city="深圳") is None


def test_hours_that_cross_midnight_lie_on_both_sides():
    when = make_demand_wave().version.definition.by_key["when"]

    assert [hour for hour, share in enumerate(hour_shares(when.option(3))) if share] == [0, 23]
    assert GOOD["hours"] == (1, 2)
