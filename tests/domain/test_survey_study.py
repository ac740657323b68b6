"""The study comes out of the platform as it was printed, and where it does not, we say why."""

import csv
import io
from collections import Counter
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from surveys.engine.proportions import percent
from surveys.models import Response, ResponseImport, Wave
from surveys.study import published, reproduction
from surveys.study.published import DRIVERS, FIGURES, OWNERS, VALID
from surveys.study.synthetic import INVALID, forms_of
from tests.factories import NOW


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.mark.django_db
def test_every_published_figure_comes_out_or_is_named():
    found = reproduction.reproduce(now=NOW)

    assert found.is_complete
    assert (found.funnel.handed_out, found.funnel.returned, found.funnel.valid) == (1800, 1800, 1508)
    assert str(found.funnel.valid_percent) == "83.78"
    assert [
        (str(one.figure.printed), str(one.computed), one.arithmetic) for one in found.figures if not one.is_exact
    ] == [
        ("8.91", "8.92", "65 / 729 = 8.9163 %"),
        ("73.79", "73.80", "538 / 729 = 73.7997 %"),
    ]
    assert {one.count for one in found.figures if one.figure.printed == Decimal("52.32")} == {340 + 449}


@pytest.mark.django_db
def test_a_second_run_adds_nothing():
    reproduction.reproduce(now=NOW)
    before = Response.objects.count(), Wave.objects.count()

    assert reproduction.reproduce(now=NOW).is_complete
    assert (Response.objects.count(), Wave.objects.count()) == before
    assert ResponseImport.objects.latest("pk").created == 0


@pytest.mark.django_db
def test_the_waves_say_that_they_are_synthetic_and_the_rules_found_the_invalid_ones():
    found = reproduction.reproduce(now=NOW)

    assert all(wave.is_synthetic and not wave.is_open for wave in found.waves.values())
    invalid = Response.objects.filter(standing="INVALID")
    assert invalid.count() == sum(INVALID.values()) == 1800 - 1508
    told = Counter(reason.split(":")[0] for row in invalid for reason in row.reasons)
    assert set(told) == {"MISSING", "STRAIGHT_LINING", "CONTRADICTION"}


@pytest.mark.django_db
def test_the_command_lists_every_figure_and_every_oddity(capsys):
    call_command("reproduce_survey_paper")

    told = capsys.readouterr().out
    assert "28 of 30 published shares come out exactly" in told
    assert all(str(figure.printed) in told for figure in FIGURES)
    assert all(oddity.arithmetic in told for oddity in published.ODDITIES)
    assert "synthetic" in told


@pytest.mark.django_db
def test_a_figure_that_does_not_come_out_fails_the_command(monkeypatch, capsys):
    wrong = published.Figure(section="3.4.1", what="wrong", parts=FIGURES[0].parts, printed=Decimal("68.46"))
    monkeypatch.setattr(reproduction, "FIGURES", (*FIGURES, wrong))

    with pytest.raises(CommandError, match="Not every published figure"):
        call_command("reproduce_survey_paper")


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: f"{figure.section} {figure.printed}")
def test_a_share_that_was_printed_alone_leads_to_one_count(figure):
    """So the counts that the synthetic forms have are not our choice."""
    base = sum(VALID[part.questionnaire] for part in figure.parts)

    counts = [count for count in range(base + 1) if percent(count, base) == figure.printed]

    assert counts == ([] if figure.named else counts[:1])
    assert figure.named or counts


@pytest.mark.parametrize("name", [OWNERS, DRIVERS])
def test_the_forms_are_the_same_every_time(name):
    table = reproduction.table_of(name)

    rows = list(csv.reader(io.StringIO(table.decode())))
    assert table == reproduction.table_of(name)
    assert len(rows) == 1 + VALID[name] + INVALID[name]
    assert len(forms_of(name)[1]) == len({row[0] for row in rows[1:]})
