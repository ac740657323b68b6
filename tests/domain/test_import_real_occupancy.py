"""The real tables that a city might bring, with all that is wrong in them."""

import csv
import gzip
from collections import Counter
from pathlib import Path

import pytest

from sensors.models import OccupancySlot, Stay
from tests.domain.test_import_occupancy import counts, reasons, run
from tests.factories import make_lot

pytestmark = pytest.mark.django_db

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
Quality = OccupancySlot.Quality


def real(*parts: str) -> Path:
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"Real data are not at hand: ../shared/data/{'/'.join(parts)} is absent.")
    return path


def test_real_klcc_keeps_its_words_apart():
    path = real("klcc", "klcc_vacancy_2016-06_2017-02.csv.gz")
    lot = make_lot(capacity=5500)

    first, _err = run(path, f"--lot={lot.pk}", columns="klcc")
    second, _err = run(path, f"--lot={lot.pk}", columns="klcc")

    assert (counts(first), counts(second)) == ([23501, 23500, 1, 0, 0], [23501, 0, 23501, 0, 0])
    words = OccupancySlot.objects.filter(quality=Quality.WORDS).values_list("state_text", flat=True)
    assert Counter(words) == {"FULL": 390, "OPEN": 1388}
    assert OccupancySlot.objects.filter(quality=Quality.STUCK).count() == 66


def test_real_birmingham_is_told_of_its_impossible_rows():
    path = real("birmingham", "birmingham_occupancy_2016-10-04_11-20.csv.gz")
    with gzip.open(path, "rt") as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]
    for key in {row[0] for row in rows}:
        make_lot(source_key=f"birmingham:{key}", time_zone="Europe/London")

    out, _err = run(path, columns="birmingham")

    assert reasons(out) == {"occupied_over_capacity": 86, "occupied_negative": 10}
    assert counts(out)[0] == len(rows) == 22482
    doubled = len(rows) - len(set(rows))
    assert doubled == 152
    assert counts(out)[2] == doubled + 15  # fifteen more are not the newest of any slot


def test_real_baihui_is_told_of_who_left_before_coming():
    path = real("luohu_baihui", "baihui_events_2016_jun-jul_sep-oct.csv.gz")
    lot = make_lot(capacity=120)

    out, _err = run(path, f"--lot={lot.pk}", "--tell=0", command="import_stays", columns="baihui")

    assert (counts(out), reasons(out)) == ([19579, 17377, 0, 0, 2202], {"departure_not_after_arrival": 2202})
    assert Stay.objects.count() == 17377


def test_real_germany_has_stale_totals_and_counters_that_stood_still(tmp_path):
    """Two of its 108 lots: 91 is larger than its total says, the counter of 10 did not move for a night."""
    path = real("germany_occupancy", "germany_free_30min_2021-09_2021-10.csv.gz")
    with real("germany_occupancy", "germany_lots_2021-09_2021-10.csv").open() as file:
        sizes = {row["lot_no"]: int(float(row["num_all"])) for row in csv.DictReader(file)}
    lots = {
        key: make_lot(source_key=f"germany_lots_2021-09_2021-10:{key}", capacity=sizes[key]) for key in ("10", "91")
    }
    with gzip.open(path, "rt") as file:
        header, *rows = file.read().splitlines()
    part = tmp_path / "part.csv"
    part.write_text("\n".join([header, *(row for row in rows if row.split(",")[0] in lots)]) + "\n")

    out, _err = run(part, "--tell=0", columns="germany")

    assert reasons(out) == {"vacancy_over_capacity": 2685}
    assert OccupancySlot.objects.filter(lot=lots["91"]).count() == 2 * (2897 - 2685)
    stuck = OccupancySlot.objects.filter(quality=Quality.STUCK)
    assert set(stuck.values_list("lot", "mean_occupied")) == {(lots["10"].pk, 1), (lots["10"].pk, 3)}
