import io
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from sensors import import_runs
from sensors.models import ImportRun, OccupancySlot, StaleSlot, Stay
from sensors.slots import SLOT
from tests.factories import make_lot, make_slot

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
HEADER = "site,time,cars,bays"
COLUMNS = "lot=site,at=time,occupied=cars,total=bays"
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # in Shanghai
Quality, Source = OccupancySlot.Quality, OccupancySlot.Source


@pytest.fixture
def lot():
    return make_lot(source_key="sites:k1", capacity=100)


@pytest.fixture
def table(tmp_path):
    def write(*rows: str, header: str = HEADER, name: str = "counts.csv") -> Path:
        path: Path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n")
        return path

    return write


def run(path: Path, *more: str, command: str = "import_occupancy", columns: str = COLUMNS) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    source = [] if columns in {"klcc", "birmingham", "germany"} else ["--source=sites"]
    call_command(command, str(path), f"--columns={columns}", *source, *more, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def counts(out: str) -> list[int]:
    """Rows, taken, known, left out, refused."""
    return [int(number) for number in re.findall(r"\d+", out.splitlines()[0])]


def reasons(out: str) -> dict[str, int]:
    return {code.strip(): int(count) for code, count in (line.split(":") for line in out.splitlines()[1:])}


def test_a_row_becomes_a_slot(lot, table):
    out, _err = run(table("k1,2026-03-02 12:07:00,40,120"))

    slot = OccupancySlot.objects.get()
    assert counts(out) == [1, 1, 0, 0, 0]
    assert (slot.lot, slot.starts_at, slot.source, slot.quality) == (lot, NOON, Source.IMPORTED, Quality.GOOD)
    assert (slot.bays, slot.mean_occupied, slot.most_occupied, slot.state_text) == (120, 40, 40, "")
    assert slot.newest_reading_at == datetime(2026, 3, 2, 4, 7, tzinfo=UTC)


def test_a_second_run_adds_nothing(lot, table):
    path = table("k1,2026-03-02 12:07:00,40,120", "k1,2026-03-02 12:22:00,,120", "k1,2026-03-02 12:22:00,FULL,")
    run(path)
    before = list(OccupancySlot.objects.order_by("pk").values())

    out, _err = run(path)

    assert counts(out) == [3, 0, 2, 0, 1]
    assert list(OccupancySlot.objects.order_by("pk").values()) == before


def test_the_newest_row_of_a_slot_counts_wherever_it_stands(lot, table):
    run(table("k1,2026-03-02 12:10:00,3,9", "k1,2026-03-02 12:14:00,5,9", "k1,2026-03-02 12:01:00,1,9"))

    assert OccupancySlot.objects.get().mean_occupied == 5


def test_a_row_may_stand_for_several_slots(lot, table):
    run(table("k1,2026-03-02 12:07:00,3,9", "k1,2026-03-02 13:02:00,5,9"), "--minutes=60")

    slots = OccupancySlot.objects.order_by("starts_at").values_list("starts_at", "mean_occupied")
    assert list(slots) == [(NOON + step * SLOT, 3 if step < 4 else 5) for step in range(8)]


def test_free_bays_are_turned_into_occupied_ones(lot, table):
    run(table("k1,2026-03-02 12:07:00,30,"), columns="lot=site,at=time,vacancy=cars")
    run(table("k1,2026-03-02 12:22:00,30,"), columns="lot=site,at=time,available=cars")

    assert list(OccupancySlot.objects.values_list("mean_occupied", "bays")) == [(70, 100), (70, 100)]


@pytest.mark.parametrize("word", ["FULL", "open", "满位", "Rented Out"])
def test_words_are_kept_apart_from_numbers(lot, table, word):
    run(table(f"k1,2026-03-02 12:07:00,{word},"), "--words=rented out")

    slot = OccupancySlot.objects.get()
    assert (slot.quality, slot.mean_occupied, slot.state_text) == (Quality.WORDS, None, word.upper())


def test_words_may_have_a_column_of_their_own(lot, table):
    path = table("k1,2026-03-02 12:07:00,,FULL", "k1,2026-03-02 12:22:00,7,OPEN", header="site,time,cars,sign")
    run(path, columns="lot=site,at=time,occupied=cars,state=sign")

    slots = OccupancySlot.objects.order_by("starts_at").values_list("quality", "mean_occupied", "state_text")
    assert list(slots) == [(Quality.WORDS, None, "FULL"), (Quality.GOOD, 7, "")]


@pytest.mark.parametrize(
    ("time_zone", "text", "hour"),
    [
        ("", "2026-03-02 12:00", 4),
        ("UTC", "2026-03-02 12:00", 12),
        ("UTC", "2026-03-02T12:00+08:00", 4),
        ("", "2026-03-02T12:00Z", 12),
    ],
)
def test_a_time_is_local_unless_it_says_otherwise(lot, table, time_zone, text, hour):
    run(table(f"k1,{text},1,9"), *([f"--time-zone={time_zone}"] if time_zone else []))

    assert OccupancySlot.objects.get().starts_at.hour == hour


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("k2,2026-03-02 12:07:00,40,120", "lot_unknown"),
        (",2026-03-02 12:07:00,40,120", "lot_empty"),
        ("k1,,40,120", "at_empty"),
        ("k1,noon,40,120", "at_not_a_time"),
        ("k1,2999-03-02 12:07:00,40,120", "at_in_the_future"),
        ("k1,1970-01-01 00:00:00,40,120", "at_too_old"),
        ("k1,2026-03-02 12:07:00,,120", "occupied_empty"),
        ("k1,2026-03-02 12:07:00,n/a,120", "occupied_not_a_number"),
        ("k1,2026-03-02 12:07:00,4.5,120", "occupied_not_a_number"),
        ("k1,2026-03-02 12:07:00,-1,120", "occupied_negative"),
        ("k1,2026-03-02 12:07:00,121,120", "occupied_over_capacity"),
        ("k1,2026-03-02 12:07:00,0,0", "total_absurd"),
        ("k1,2026-03-02 12:07:00,0,many", "total_not_a_number"),
        ("k1,2026-03-02 12:07:00,101,", "occupied_over_capacity"),
        ("k1,2026-03-02 12:07:00", "wrong_length"),
    ],
)
def test_an_impossible_row_is_told_and_the_others_are_kept(lot, table, row, code):
    good = "k1,2026-03-02 13:07:00,40,120"
    out, err = run(table(good, row, good.replace("13", "14")))

    assert (counts(out), reasons(out)) == ([3, 2, 0, 0, 1], {code: 1})
    assert len(err.splitlines()) == 1
    assert "3" in err.split(",")[0]


def test_a_time_that_the_clock_left_out_is_refused(table):
    make_lot(source_key="sites:k1", time_zone="Europe/Berlin")

    out, _err = run(table("k1,2026-03-29 02:30:00,1,9", "k1,2025-10-26 02:30:00,1,9"))

    assert reasons(out) == {"at_does_not_exist": 1}
    assert OccupancySlot.objects.get().starts_at == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)


def test_free_bays_of_a_lot_of_unknown_size_are_refused(table):
    make_lot(source_key="sites:k1")

    out, _err = run(table("k1,2026-03-02 12:07:00,4,"), columns="lot=site,at=time,vacancy=cars")

    assert reasons(out) == {"total_unknown": 1}


def test_rows_of_another_kind_are_left_out(lot, table):
    path = table("k1,2026-03-02 12:07:00,4,Y", "k1,2026-03-02 12:22:00,4,C", header="site,time,cars,kind")

    out, _err = run(path, "--only=kind=C", columns="lot=site,at=time,occupied=cars")

    assert counts(out) == [2, 1, 0, 1, 0]


def test_one_lot_may_be_named_for_all_rows(lot, table):
    run(table("whatever,2026-03-02 12:07:00,4,9"), f"--lot={lot.pk}")

    assert OccupancySlot.objects.get().lot == lot


def test_what_our_own_sensors_saw_is_left_alone(lot, table):
    make_slot(lot, NOON, 7)

    out, _err = run(table("k1,2026-03-02 12:07:00,40,120"))

    assert counts(out) == [1, 0, 1, 0, 0]
    assert OccupancySlot.objects.get().mean_occupied == 7


def test_a_counter_that_stands_still_is_marked_in_whatever_portions_it_comes(lot, table, monkeypatch):
    monkeypatch.setattr(import_runs, "BATCH", 7)
    told = [9, *[8] * 60, 9]
    hours_of = [f"k1,2026-03-{2 + step // 24:02} {step % 24:02}:00:00,{cars},120" for step, cars in enumerate(told)]
    run(table(*hours_of), "--minutes=60")

    stuck = OccupancySlot.objects.filter(quality=Quality.STUCK).order_by("starts_at")
    first_of_all = OccupancySlot.objects.order_by("starts_at").first()
    assert stuck.first().starts_at == first_of_all.starts_at + 4 * SLOT + 47 * SLOT  # 12 hours of 8 are over
    assert (stuck.count(), OccupancySlot.objects.count()) == (60 * 4 - 47, 62 * 4)


def test_only_the_first_rows_of_a_kind_are_told(lot, table):
    path = table(*["k1,2026-03-02 12:07:00,-1,120"] * 5)

    _out, err = run(path, "--tell=2")

    assert [re.findall(r"\d+", line)[:1] for line in err.splitlines()] == [["2"], ["3"], ["2"]]


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ("lot=site,at=time,occupied=nowhere", "site, time, cars, bays"),
        ("lot=site,at=time,colour=bays", "occupied"),
        ("lot=site,occupied=cars", "at"),
        ("at=time,occupied=cars", "lot"),
        ("lot=site,at=time", "occupied, vacancy, available"),
        ("lot=site,at=time,occupied=cars,vacancy=bays", "occupied, vacancy, available"),
        ("klcc", "timestamp"),
    ],
)
def test_a_layout_that_does_not_fit_is_refused_and_says_what_would(table, columns, named):
    with pytest.raises(CommandError) as refusal:
        run(table("k1,2026-03-02 12:07:00,4,9"), columns=columns)

    assert named in str(refusal.value)


def test_a_lot_that_does_not_exist_is_refused(table):
    with pytest.raises(CommandError, match="4711"):
        run(table("k1,2026-03-02 12:07:00,4,9"), "--lot=4711")


def test_an_interrupted_import_goes_on_where_it_stopped(lot, table, monkeypatch):
    monkeypatch.setattr(import_runs, "BATCH", 2)
    path = table(*[f"k1,2026-03-02 {hour:02}:07:00,4,9" for hour in range(5)], "k1,noon,4,9")
    take, batches = import_runs.go_through, []

    def stop_in_the_second(rows, **arguments):
        def count_and_stop(number):
            batches.append(number)
            if len(batches) == 2:
                raise KeyboardInterrupt

        return take(rows, **arguments | {"on_batch": count_and_stop})

    monkeypatch.setattr("sensors.management.commands._importing.go_through", stop_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        run(path)
    monkeypatch.setattr("sensors.management.commands._importing.go_through", take)
    assert (ImportRun.objects.get().rows_done, OccupancySlot.objects.count()) == (4, 4)

    out, err = run(path)

    assert counts(out) == [2, 1, 0, 0, 1]
    assert "5" in err.splitlines()[0]
    done = ImportRun.objects.get()
    assert (done.rows_done, done.rows_refused, done.ended_at is None) == (6, 1, False)


def wait_until_the_server_has_noticed() -> None:
    """PostgreSQL gives the dead process's lock free a moment after its connection broke."""
    with connection.cursor() as cursor:
        for _ in range(1_000):
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            if cursor.fetchone() == (0,):
                return
            time.sleep(0.01)
    raise AssertionError("Somebody still holds the lock of the import.")


@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_killed_goes_on_where_it_stopped(table):
    lot = make_lot(source_key="sites:k1", capacity=100)
    start = datetime(2020, 1, 1, tzinfo=UTC)
    rows = [f"k1,{(start + step * SLOT).isoformat()},{step % 90},100" for step in range(20_000)]
    path = table(*rows)
    database = os.environ["DATABASE_URL"].rpartition("/")[0] + "/" + connection.settings_dict["NAME"]
    child = subprocess.Popen(
        [sys.executable, "manage.py", "import_occupancy", str(path), f"--columns={COLUMNS}", "--source=sites"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database},
        stdout=subprocess.DEVNULL,
        stderr=sys.stderr,
    )
    try:
        while not ImportRun.objects.filter(rows_done__gt=0).exists() and child.poll() is None:
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    wait_until_the_server_has_noticed()
    done = ImportRun.objects.get().rows_done
    assert 0 < done < 20_000
    assert OccupancySlot.objects.count() == done

    out, _err = run(path)

    assert counts(out) == [20_000 - done, 20_000 - done, 0, 0, 0]
    assert OccupancySlot.objects.filter(lot=lot).count() == 20_000


def test_stays_come_in_once_and_their_slots_are_marked(lot, table):
    path = table(
        "7,2026-03-02 12:00:00,2026-03-02 13:00:00",
        "8,2026-03-02 12:30:00,2026-03-02 12:30:00",
        "9,2026-03-02 12:30:00,",
        "10,2026-03-02 11:00:00,2026-03-02 12:40:00",
        header="id,in,out",
    )
    options = {"command": "import_stays", "columns": "key=id,arrival=in,departure=out"}

    out, err = run(path, f"--lot={lot.pk}", **options)
    again, _err = run(path, f"--lot={lot.pk}", **options)

    assert (counts(out), counts(again)) == ([4, 2, 0, 0, 2], [4, 0, 2, 0, 2])
    assert reasons(out) == {"departure_not_after_arrival": 1, "departure_empty": 1}
    assert [re.findall(r"\d+", line)[0] for line in err.splitlines()] == ["3", "4"]
    stay = Stay.objects.get(source_key="sites:7")
    assert (stay.source, stay.began_at, stay.ended_at) == (Stay.Source.IMPORTED, NOON, NOON + 4 * SLOT)
    marked = StaleSlot.objects.get()
    assert (marked.from_at, marked.until_at) == (NOON - 4 * SLOT, NOON + 4 * SLOT)


def test_stays_without_keys_are_known_by_their_times(lot, table):
    path = table("2026-03-02 12:00:00,2026-03-02 13:00:00", header="arrival,departure")
    options = {"command": "import_stays", "columns": "arrival=arrival,departure=departure"}
    run(path, f"--lot={lot.pk}", **options)

    assert counts(run(path, f"--lot={lot.pk}", **options)[0]) == [1, 0, 1, 0, 0]
