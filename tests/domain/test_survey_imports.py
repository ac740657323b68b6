"""Tables of responses on their way in and out: nothing lost, nothing twice, nothing run as a formula."""

import csv
import gc
import io
import tracemalloc
from datetime import timedelta

import pytest
from celery import current_app
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from parking_share.spaces.models import District
from surveys import imports
from surveys.columns import guess
from surveys.exports import as_csv, response_rows, write_xlsx
from surveys.formulas import STARTS, guarded, unguarded
from surveys.models import ImportProblem, ResponseImport, Standing
from surveys.services import SurveyRefused
from surveys.storing import answers_of, question_ids
from surveys.tabular import TableRefused, read_header
from tests.factories import NOW
from tests.survey_rows import make_responses, make_wave
from tests.survey_tables import rows_of, workbook

HEADER = "reference,bay,share,hours,worries,ease,trust,fee,remarks\n"
GOOD_ROW = "{},owned,yes,morning;noon,safety,4,3,8,\n"


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def good_rows(numbers) -> str:
    return HEADER + "".join(GOOD_ROW.format(number) for number in numbers)


def upload(wave, text, name="forms.csv") -> ResponseImport:
    content = text if isinstance(text, bytes) else text.encode()
    return imports.upload(wave=wave, file_name=name, content=content, uploaded_by=None, now=NOW)


def check(job: ResponseImport, **mapping: str) -> ResponseImport:
    imports.start_check(response_import=job, mapping=job.mapping | mapping)
    assert imports.work_on(import_id=job.pk, now=NOW)
    job.refresh_from_db()
    return job


def take_in(wave, text, **mapping: str) -> ResponseImport:
    job = check(upload(wave, text), **mapping)
    imports.start_import(response_import=job)
    assert imports.work_on(import_id=job.pk, now=NOW)
    job.refresh_from_db()
    return job


def counts(job) -> tuple[int, int, int, int]:
    return job.created, job.invalid, job.already_there, job.refused


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The table is empty"),
        (b"\n\n ,,\n", "The table is empty"),
        (b"a,,b\n1,2,3\n", "must name every column"),
        (b"a,a\n1,2\n", "Several columns are called a"),
        (b"a\x00,b\n1,2\n", "characters that no text can have"),
        (b"\xff\xff\xff\x00", "neither a CSV table"),
        (b"PK\x03\x04 not a workbook", "damaged"),
        (",".join(f"c{number}" for number in range(301)).encode(), "more than 300 columns"),
        (workbook([["a"], [1]], [["b"], [2]]), "Several sheets hold something: Sheet 0, Sheet 1"),
    ],
)
@pytest.mark.django_db
def test_what_is_no_table_is_refused_with_a_sentence(content, sentence):
    with pytest.raises(TableRefused, match=sentence):
        upload(make_wave(), content)


@pytest.mark.django_db
def test_a_file_that_is_too_large_is_refused():
    with pytest.raises(TableRefused, match="larger than 20 MB"):
        upload(make_wave(), b"a\n" * (10 * 1024**2 + 1))


@pytest.mark.django_db
def test_a_table_with_too_many_rows_ends_refused_and_takes_in_nothing_more(monkeypatch):
    monkeypatch.setattr("surveys.tabular.MOST_ROWS", 3)
    wave = make_wave()

    job = check(upload(wave, good_rows(range(4))))

    assert (job.state, job.sentence) == ("REFUSED", "The table has more than 3 rows. Split it.")


@pytest.mark.django_db
def test_columns_are_guessed_by_key_by_words_and_by_habit():
    wave = make_wave()
    header = ["编号", "bay?", "中share?", "HOURS", "worries:safety", "worries:payment", "所在区", "whatever"]

    guessed = guess(header, questionnaire=wave.questionnaire, definition=wave.version.definition)

    assert list(guessed.values()) == [
        "reference", "q:bay", "q:share", "q:hours", "o:worries:safety", "o:worries:payment", "district", ""
    ]  # fmt: skip


@pytest.mark.django_db
def test_the_choice_of_columns_is_remembered():
    wave = make_wave()
    text = "form,where do you park\n1,owned\n"
    check(upload(wave, text), **{"where do you park": "q:bay", "form": "reference"})

    again = upload(wave, text)

    assert again.mapping == {"form": "reference", "where do you park": "q:bay"}


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ({"bay": "q:castle"}, "does not have"),
        ({"bay": "q:share"}, "Two columns can't both be"),
        (dict.fromkeys(HEADER.strip().split(","), ""), "at least one column"),
    ],
)
@pytest.mark.django_db
def test_a_mapping_that_makes_no_sense_is_refused(mapping, sentence):
    job = upload(make_wave(), good_rows([1]))

    with pytest.raises(SurveyRefused, match=sentence):
        imports.start_check(response_import=job, mapping=job.mapping | mapping)


@pytest.mark.django_db
def test_a_check_changes_nothing_and_says_what_would_happen():
    wave = make_wave()
    make_responses(wave, {}, reference="1")
    text = good_rows([1, 2, 3, 3]) + "4,castle,yes,,,,,,\n5,owned,yes,,safety,4,3,8,\n,owned,,,,,,,\n"

    job = check(upload(wave, text))

    assert (job.state, *counts(job)) == ("CHECKED", 3, 1, 2, 2)
    assert wave.responses.count() == 1
    assert [(one.row_number, one.column, one.sentence) for one in job.problems.order_by("row_number")] == [
        (6, "bay", "“castle” is none of the possible answers."),
        (8, "reference", "The key is missing."),
    ]


@pytest.mark.django_db
def test_what_was_checked_is_taken_in_judged_and_counted():
    wave = make_wave()

    job = take_in(wave, good_rows([1, 2]) + "3,owned,,,,4,3,,\n")

    assert (job.state, *counts(job)) == ("DONE", 3, 1, 0, 0)
    assert (job.content, job.rows) == (None, 3)
    assert sorted(wave.responses.values_list("standing", flat=True)) == ["INVALID", "VALID", "VALID"]
    assert wave.responses.get(standing=Standing.INVALID).reasons == ["MISSING:share"]
    one = wave.responses.get(reference="1")
    assert answers_of([one], ids=question_ids(wave.version))[one.pk] == {
        "bay": (1,), "share": (1,), "hours": (1, 2), "worries": (1,), "ease": (4,), "trust": (3,), "fee": 8.0
    }  # fmt: skip


@pytest.mark.django_db
def test_the_same_table_a_second_time_adds_nothing():
    wave = make_wave()
    take_in(wave, good_rows([1, 2]))

    assert counts(take_in(wave, good_rows([1, 2, 3]))) == (1, 0, 2, 0)


@pytest.mark.django_db
def test_rows_without_a_key_are_told_apart_by_how_often_they_came():
    wave = make_wave()
    text = good_rows([1, 1, 1]).replace("reference", "left out")

    first = take_in(wave, text, **{"left out": ""})
    second = take_in(wave, text, **{"left out": ""})

    assert (counts(first), counts(second)) == ((3, 0, 0, 0), (0, 0, 3, 0))


@pytest.mark.django_db
def test_a_worker_that_stops_in_the_middle_loses_nothing_and_takes_nothing_twice(monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 2)
    wave = make_wave()
    job = check(upload(wave, good_rows([*range(5), 3])))
    imports.start_import(response_import=job)

    assert not imports.work_on(import_id=job.pk, now=NOW, may_go_on=lambda: False)
    job.refresh_from_db()
    assert (job.rows_done, wave.responses.count(), imports.imports_to_work_on(now=NOW)) == (2, 2, [job.pk])
    imports.work_on(import_id=job.pk, now=NOW)

    job.refresh_from_db()
    assert (job.state, *counts(job)) == ("DONE", 5, 0, 1, 0)


@pytest.mark.django_db
def test_an_import_that_a_dead_worker_holds_is_taken_up_after_a_while():
    job = upload(make_wave(), good_rows([1]))
    imports.start_check(response_import=job, mapping=job.mapping)
    ResponseImport.objects.update(claimed_until=NOW + timedelta(minutes=1))

    assert imports.imports_to_work_on(now=NOW) == []
    assert imports.imports_to_work_on(now=NOW + timedelta(minutes=2)) == [job.pk]


@pytest.mark.django_db
def test_tasks_do_what_their_bells_ask_for():
    """Named as the bells and the schedule name them, and open to messages of a newer version."""
    job = upload(make_wave(), good_rows([1, 2]))
    imports.start_check(response_import=job, mapping=job.mapping)

    current_app.loader.import_default_modules()
    current_app.tasks["surveys.continue_imports"]()
    job.refresh_from_db()
    assert job.state == "CHECKED"
    imports.start_import(response_import=job)
    current_app.tasks[imports.TASK](import_id=job.pk, of_a_newer_version=1)

    job.refresh_from_db()
    assert (job.state, job.created) == ("DONE", 2)


@pytest.mark.django_db
def test_an_import_can_be_started_only_after_its_check_and_once():
    job = upload(make_wave(), good_rows([1]))
    with pytest.raises(SurveyRefused):
        imports.start_import(response_import=job)
    check(job)
    imports.start_import(response_import=job)

    with pytest.raises(SurveyRefused):
        imports.start_import(response_import=job)
    with pytest.raises(SurveyRefused):
        imports.start_check(response_import=job, mapping=job.mapping)


@pytest.mark.django_db
def test_districts_ticks_seconds_and_dates_are_read():
    wave = make_wave()
    home = District.objects.create(city=wave.questionnaire.city, name="罗湖")
    text = (
        "reference,bay,share,hours,ease,worries:safety,worries:payment,所在区,seconds,date\n"
        "1,1,2,,4,1,是,罗湖,60,2026-11-20\n"
        "2,1,2,,4,maybe,,,,\n3,1,2,,4,,,天河,,\n4,1,2,,4,,,,ten,\n5,1,2,,4,,,,,yesterday\n6,,,,,,,,,\n"
    )

    job = take_in(wave, text)

    done = wave.responses.get()
    assert (done.district, done.seconds_taken, str(done.answered_date)) == (home, 60, "2026-11-20")
    assert answers_of([done], ids=question_ids(wave.version))[done.pk]["worries"] == (1, 2)
    assert [one.sentence for one in job.problems.order_by("row_number")] == [
        "“maybe” is neither yes nor no. Write 1 or 0.",
        "There is no district 天河 in this city.",
        "“ten” is no number of seconds.",
        "“yesterday” is no date. Write it as 2026-11-23.",
        "This row answers no question.",
    ]


def exported(wave) -> tuple[str, bytes]:
    file = io.BytesIO()
    write_xlsx(response_rows(wave), file, sheet="responses")
    return "".join(as_csv(response_rows(wave))), file.getvalue()


@pytest.mark.django_db
def test_what_is_exported_can_be_read_in_again():
    wave, other = make_wave(), make_wave()
    make_responses(
        wave, {}, {"remarks": "=1+1"}, {"remarks": "'=1"}, {"share": None, "fee": 7.25}, {"remarks": "-5, 车"}
    )
    ids = {wave.pk: question_ids(wave.version), other.pk: question_ids(other.version)}

    def answers(of) -> list[object]:
        rows = list(of.responses.order_by("pk"))
        return [answers_of(rows, ids=ids[of.pk])[row.pk] for row in rows]

    table, book = exported(wave)
    assert counts(take_in(other, table)) == (5, 1, 0, 0)
    assert answers(other) == answers(wave)
    assert counts(take_in(other, book)) == (0, 0, 5, 0)


@pytest.mark.django_db
def test_no_exported_cell_is_a_formula():
    wave = make_wave()
    make_responses(wave, *({"remarks": f"{start}1+1"} for start in STARTS if start.strip()))

    table, book = exported(wave)

    cells = [cell for row in csv.reader(io.StringIO(table)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(STARTS)]
    sheet = load_workbook(io.BytesIO(book)).active
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}


@pytest.mark.django_db
def test_a_district_of_few_is_left_out_of_the_export():
    wave = make_wave()
    many, few = (District.objects.create(city="深圳", name=name) for name in ("Many", "Few"))
    make_responses(wave, *[{}] * 5, district_id=many.pk)
    make_responses(wave, *[{}] * 4, district_id=few.pk)

    rows = list(response_rows(wave))[1:]

    assert [row[5] for row in rows] == ["Many"] * 5 + [""] * 4


@given(text=st.text(max_size=30))
def test_a_guarded_text_is_harmless_and_itself_again(text):
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(STARTS)


@pytest.mark.parametrize("text", ["=cmd", "'=cmd", "''=cmd", "plain", "it's", "'quoted'", " =cmd"])
def test_apostrophes_are_added_and_taken_off_alike(text):
    assert unguarded(guarded(text)) == text


@settings(max_examples=60)
@given(texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=1, max_size=5))
@pytest.mark.django_db
def test_every_text_comes_back_as_it_was_or_is_told(texts):
    """Through CSV in, CSV and XLSX out, and in again."""
    wave = make_wave()
    table = io.StringIO()
    csv.writer(table).writerows([["reference", "remarks"], *([str(place), text] for place, text in enumerate(texts))])

    job = take_in(wave, table.getvalue())

    told = {problem.row_number - 2 for problem in ImportProblem.objects.filter(response_import=job)}
    kept = dict(wave.responses.values_list("reference", "answers__text"))
    wanted = {str(place): text for place, text in enumerate(texts) if place not in told}
    assert {key: kept[key] for key in wanted} == {
        key: unguarded(text.strip().replace("\r\n", "\n").replace("\r", "\n").strip()) for key, text in wanted.items()
    }
    table_out, book = exported(wave)
    for out in (table_out, book):
        assert counts(take_in(make_wave(), out))[0] == len(wanted)
        assert [row[-1] for row in rows_of(out)] == [
            guarded(kept[key]) if out is table_out else kept[key] for key in sorted(wanted, key=int)
        ]


@pytest.mark.django_db
def test_memory_does_not_grow_with_the_rows():
    def peak(rows: int) -> int:
        wave = make_wave()
        file = io.BytesIO(good_rows(range(rows)).encode())
        mapping = guess(read_header(file), questionnaire=wave.questionnaire, definition=wave.version.definition)
        job = ResponseImport.objects.create(
            wave=wave, file_name="t", header=list(mapping), mapping=mapping, state="IMPORTING", uploaded_at=NOW
        )
        gc.collect()
        tracemalloc.start()
        imports.take_file(job, file, on_batch=lambda _rows: None)
        _now, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert job.created == rows
        return highest

    peak(500)
    assert peak(4_000) < 1.3 * peak(1_500)
