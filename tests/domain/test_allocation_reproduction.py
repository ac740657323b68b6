import gzip
import os
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from allocation.engine.generator import CONVENTION_CENTRE
from allocation.reproduction import published
from allocation.reproduction.records import Source, source_in
from allocation.reproduction.report import tables_of
from allocation.reproduction.study import run_study

RECORDS = Path(__file__).resolve().parents[3] / "shared" / "data"
DAYS = int(os.environ.get("REPRODUCED_DAYS", "2"))
DRAWN = Source(shape=CONVENTION_CENTRE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(folder):
    return run_study(DRAWN, days=DAYS, kept_in=folder / "days.jsonl")


def write_records(folder: Path) -> None:
    (folder / "klcc").mkdir()
    (folder / "luohu_baihui").mkdir()
    counts = ["KLCC,100,2016-06-03 03:00:00", "KLCC,FULL,2016-06-04 12:00:00", "KLCC,OPEN,2016-06-03 08:00:00"]
    for quarter in range(48):
        at = f"2016-06-03 {8 + quarter // 4:02}:{quarter % 4 * 15:02}:07"
        counts.append(f"KLCC,{'FULL' if quarter == 20 else 60},{at}")
    visits = [
        "1,2016-07-01 09:00:00,2016-07-01 09:20:00",
        "2,2016-07-01 09:00:00,2016-07-01 08:20:00",
        "3,2016-07-01 22:00:00,2016-07-01 23:00:00",
        "4,2016-07-01 09:00:00,2016-07-02 09:00:00",
        "5,2016-07-01 10:00:00,2016-07-01 11:00:00",
    ]
    for name, header, rows in (
        ("klcc/klcc_vacancy_x.csv.gz", "lot,vacancy,timestamp", counts),
        ("luohu_baihui/baihui_events_x.csv.gz", "event_id,arrival,departure", visits),
    ):
        (folder / name).write_bytes(gzip.compress("\n".join([header, *rows, ""]).encode()))


def test_records_give_importance_and_stays(tmp_path):
    write_records(tmp_path)

    source = source_in(tmp_path)

    assert source.shape.importance is not None
    expected = np.full(48, 0.4)
    expected[20] = 1.0
    np.testing.assert_allclose(source.shape.importance, expected)
    assert source.shape.stays == (2, 4)
    assert source.sentence == (
        "importance from 48 readings of the convention centre, stays from 2 visits of an office building"
    )


def test_without_records_the_generator_stands_in(tmp_path):
    assert source_in(tmp_path) == source_in(None)
    assert source_in(None).sentence == "importance from the generator, stays from the generator"


@pytest.mark.skipif(not (RECORDS / "klcc").is_dir(), reason="the real records are not here")
def test_the_real_records_have_the_published_shape():
    shape = source_in(RECORDS).shape

    assert shape.importance is not None
    assert 10 <= shape.importance.argmax() <= 30
    assert shape.importance[0] < 0.6 < shape.importance[12]
    assert len(shape.stays) == 7_190


def test_the_tables_have_the_papers_shape(study):
    accepted, _ = study.means("thresholds", "accepted")
    at = dict(zip(published.THRESHOLDS, accepted, strict=True))
    fragmentation, _ = study.means("weights", "fragmentation")

    assert at[12.0] > at[1.5] > at[1.0] > at[2 / 3]
    assert fragmentation[0] > fragmentation[published.WEIGHTS.index(0.7)]
    assert study.changes("two_stage", "fcfs", "accepted")[0] < 0
    assert study.changes("two_stage", "fcfs", "fragmentation")[0] < -0.2
    assert study.changes("two_stage", "decision_only", "fragmentation")[0] < 0
    assert study.changes("two_stage", "decision_only", "revenue")[0] == pytest.approx(0, abs=1e-12)


def test_the_tables_stand_beside_the_printed_ones(study):
    table1, table2, table3 = tables_of(study)

    assert [len(table.rows) for table in (table1, table2, table3)] == [18, 11, 3]
    assert table1.rows[7][:2] == ["1.5000", "165.0"]
    assert table3.rows[0][0] == "two_stage"
    assert all(len(row) == len(table.header) for table in (table1, table2, table3) for row in table.rows)


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path, folder, study):
    first, second = (folder / "days.jsonl").read_text().splitlines()[:2]
    kept = tmp_path / "days.jsonl"
    kept.write_text(f"{first}\n{second[:40]}")

    again = run_study(DRAWN, days=2, kept_in=kept)

    assert kept.read_text().splitlines() == [first, second[:40], second]
    for sweep, rows in again.found.items():
        np.testing.assert_array_equal(rows, study.found[sweep][:2])


@pytest.mark.usefixtures("study")
def test_the_command_writes_tables_and_pictures(folder):
    told = StringIO()

    call_command(
        "reproduce_allocation_paper", f"--instances={DAYS}", "--drawn", f"--output={folder}", stdout=told, stderr=told
    )

    assert "Table 3: three policies" in told.getvalue()
    assert "fragmentation less fcfs's: -" in told.getvalue()
    names = {path.name for path in folder.iterdir()}
    assert names == {"days.jsonl", "figure2.svg", "table1.csv", "table2.csv", "table2.svg", "table3.csv"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["--instances=1"], "at least 2"), (["--records=/nowhere"], "there is no such folder")],
)
def test_the_command_refuses(arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("reproduce_allocation_paper", *arguments)
