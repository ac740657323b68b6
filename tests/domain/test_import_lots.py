import gzip
import io
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from parking_share.spaces import imports
from parking_share.spaces.datum import Datum
from parking_share.spaces.import_rows import Source
from parking_share.spaces.models import AccessClass, LandUse, Lot
from parking_share.spaces.tables import open_table

pytestmark = pytest.mark.django_db

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
HEADER = "key,title,lat,lon,bays"
GOOD = "k1,North Lot,22.55,114.11,120"
COLUMNS = "name=title,latitude=lat,longitude=lon,capacity=bays,source_key=key"


@pytest.fixture
def table(tmp_path):
    def write(*rows: str, header: str = HEADER, name: str = "lots.csv") -> Path:
        path: Path = tmp_path / name
        text = "\n".join([header, *rows]) + "\n"
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


def run(path: Path, *more: str, datum: str = "wgs84", columns: str = COLUMNS) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    options = ["--city=深圳", "--district=罗湖", "--land-use=RESIDENTIAL", f"--datum={datum}", f"--columns={columns}"]
    call_command("import_lots", str(path), *options, *more, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def counts(out: str) -> list[int]:
    """Created, changed, unchanged, refused."""
    return [int(number) for number in re.findall(r"\d+", out.splitlines()[0])]


def test_import_creates_lots_with_what_the_row_says(table):
    out, _err = run(table(GOOD, "k2,South Lot,22.54,114.10,"))

    first, second = Lot.objects.order_by("source_key")
    assert counts(out) == [2, 0, 0, 0]
    assert (first.name, first.latitude, first.longitude, first.capacity) == ("North Lot", 22.55, 114.11, 120)
    assert (first.source_key, first.time_zone, first.access_class_id) == ("lots:k1", "Asia/Shanghai", "RESIDENTIAL")
    assert (first.district.city, first.district.name, second.capacity) == ("深圳", "罗湖", None)


def test_second_run_changes_nothing(table):
    path = table(GOOD)
    run(path)
    before = Lot.objects.values().get()

    assert counts(run(path)[0]) == [0, 0, 1, 0]
    assert Lot.objects.values().get() == before


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_second_run_changes_nothing_though_positions_are_converted(table, datum):
    path = table(GOOD)
    run(path, datum=datum)

    assert counts(run(path, datum=datum)[0]) == [0, 0, 1, 0]


def test_changed_row_changes_its_lot_and_nothing_an_operator_set(table):
    run(table(GOOD))
    Lot.objects.update(access_class=AccessClass.objects.get(pk="PUBLIC"), address="by the bridge")

    out, _err = run(table("k1,North Lot,22.55,114.11,130"))

    lot = Lot.objects.get()
    assert counts(out) == [0, 1, 0, 0]
    assert (lot.capacity, lot.access_class_id, lot.address) == (130, "PUBLIC", "by the bridge")


def test_dry_run_counts_and_changes_nothing(table):
    out, err = run(table(GOOD, "k2,,22.5,114.1,3"), "--dry-run")

    assert counts(out) == [1, 0, 0, 1]
    assert "3" in err.split(",")[0]
    assert not Lot.objects.exists()


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("k2, ,22.5,114.1,3", "name_empty"),
        (f"k2,{'x' * 121},22.5,114.1,3", "name_too_long"),
        ("k2,Lot,,114.1,3", "latitude_empty"),
        ("k2,Lot,22.5,n/a,3", "longitude_not_a_number"),
        ('k2,Lot,"22,5",114.1,3', "latitude_not_a_number"),
        ("k2,Lot,nan,114.1,3", "latitude_not_a_number"),
        ("k2,Lot,inf,114.1,3", "latitude_not_a_number"),
        ("k2,Lot,114.1,22.5,3", "position_swapped"),
        ("k2,Lot,0,0,3", "position_zero"),
        ("k2,Lot,22.5,0.0,3", "position_zero"),
        ("k2,Lot,30314.79,31490.49,3", "position_off_earth"),
        ("k2,Lot,22.5,114.1,-3", "capacity_negative"),
        ("k2,Lot,22.5,114.1,3.5", "capacity_not_whole"),
        ("k2,Lot,22.5,114.1,many", "capacity_not_whole"),
        ("k2,Lot,22.5,114.1,50001", "capacity_absurd"),
        ("k2,Lot,22.5,114.1,99999999999999999999", "capacity_absurd"),
        (",Lot,22.5,114.1,3", "source_key_empty"),
        (f"{'k' * 120},Lot,22.5,114.1,3", "source_key_too_long"),
        ("k1,Lot,22.5,114.1,3", "key_repeated"),
        ("k2,Lot,22.5,114.1,3,surplus", "wrong_length"),
        ("k2,Lot,22.5", "wrong_length"),
    ],
)
def test_bad_row_is_told_and_the_others_are_kept(table, row, code):
    out, err = run(table(GOOD, row, "k3,East Lot,22.56,114.12,7"))

    assert counts(out) == [2, 0, 0, 1]
    assert out.splitlines()[1].split() == [f"{code}:", "1"]
    assert len(err.splitlines()) == 1
    assert "3" in err.split(",")[0]


def test_chinese_datum_outside_china_is_refused(table):
    out, _err = run(table("k1,Berlin,52.5,13.4,7"), datum="bd09")

    assert out.splitlines()[1].split() == ["datum_outside_china:", "1"]


def test_whole_number_may_be_written_with_a_point(table):
    run(table("k1,Lot,22.5,114.1,93.0"))

    assert Lot.objects.get().capacity == 93


def test_key_is_made_of_the_content_where_none_is_mapped(table):
    path = table(GOOD, "k1,North Lot,22.55,114.12,120")
    columns = "name=title,latitude=lat,longitude=lon"
    run(path, columns=columns)

    assert counts(run(path, columns=columns)[0]) == [0, 0, 2, 0]
    assert Lot.objects.count() == 2


def test_tables_of_different_sources_do_not_share_keys(table):
    path = table(GOOD)
    run(path)

    assert counts(run(path, "--source=elsewhere")[0]) == [1, 0, 0, 0]


def test_byte_order_mark_and_gzip_are_read(table):
    path = table(GOOD, header="\ufeff" + HEADER, name="lots.csv.gz")

    assert counts(run(path)[0]) == [1, 0, 0, 0]


def test_land_use_of_the_table_is_translated(table):
    header, columns = f"{HEADER},use", f"{COLUMNS},land_use=use"
    path = table(
        f"{GOOD},flats", "k2,B,22.5,114.1,3,office", "k3,C,22.5,114.1,3,", "k4,D,22.5,114.1,3,?", header=header
    )

    out, _err = run(path, "--land-use-values=flats=RESIDENTIAL", columns=columns)

    uses = list(Lot.objects.order_by("source_key").values_list("land_use", flat=True))
    assert uses == [LandUse.RESIDENTIAL, LandUse.OFFICE, LandUse.RESIDENTIAL]
    assert out.splitlines()[1].split() == ["land_use_unknown:", "1"]


def test_interrupted_import_is_resumed(table, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 2)
    path = table(*(f"k{number},Lot,22.5,114.1,3" for number in range(5)))

    def stop_after_the_first(_row_count):
        raise KeyboardInterrupt

    source = Source(
        name="lots",
        datum=Datum.WGS84,
        columns={"name": "title", "latitude": "lat", "longitude": "lon", "source_key": "key", "capacity": "bays"},
        city="深圳",
        district="罗湖",
        land_use=LandUse.RESIDENTIAL,
    )
    with open_table(path) as opened, pytest.raises(KeyboardInterrupt):
        imports.import_lots(
            opened.rows, source=source, dry_run=False, on_problem=lambda _: None, on_batch=stop_after_the_first
        )

    assert Lot.objects.count() == 2
    assert counts(run(path)[0]) == [3, 0, 2, 0]


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ("name=title,latitude=lat,longitude=nowhere", "key, title, lat, lon, bays"),
        ("name=title,latitude=lat,longitude=lon,colour=bays", "source_key"),
        ("name=title,latitude=lat", "longitude"),
    ],
)
def test_mapping_that_does_not_fit_is_refused_and_says_what_would(table, columns, named):
    with pytest.raises(CommandError) as refusal:
        run(table(GOOD), columns=columns)

    assert named in str(refusal.value)


@pytest.mark.parametrize(
    "content", [b"", b"\xd0\xa1\xff,\n", gzip.compress(b"a,b\n1,2", mtime=0)[:-6], b'a,b\n"1,2\n', b"a,a\n1,2\n"]
)
def test_file_that_is_no_table_is_refused_with_a_sentence(tmp_path, content):
    path = tmp_path / ("lots.csv.gz" if content[:2] == b"\x1f\x8b" else "lots.csv")
    path.write_bytes(content)

    with pytest.raises(CommandError, match=re.escape(path.name)):
        run(path, columns="name=a,latitude=b,longitude=b")


def test_datum_has_no_default(table):
    with pytest.raises(CommandError, match="datum"):
        call_command("import_lots", str(table(GOOD)), f"--columns={COLUMNS}")


def test_unknown_time_zone_is_refused(table):
    with pytest.raises(CommandError, match="Mars"):
        run(table(GOOD), "--time-zone=Mars/Olympus")


def test_real_singapore_comes_in_whole():
    path = DATA / "singapore_hdb" / "hdb_carparks.csv.gz"
    if not path.exists():
        pytest.skip("Real car parks are not at hand: ../shared/data/singapore_hdb is absent.")
    columns = "name=address,latitude=lat_wgs84,longitude=lon_wgs84,source_key=car_park_no,capacity=total_lots_car_2022"

    first, _err = run(path, "--time-zone=Asia/Singapore", columns=columns)
    second, _err = run(path, "--time-zone=Asia/Singapore", columns=columns)

    assert (counts(first), counts(second)) == ([2182, 0, 0, 0], [0, 0, 2182, 0])
    assert Lot.objects.filter(capacity__isnull=False).count() == 1901


def test_real_shenzhen_comes_in_whole():
    path = DATA / "shenzhen_carparks" / "shenzhen_carparks_except_nanshan.csv.gz"
    if not path.exists():
        pytest.skip("Real car parks are not at hand: ../shared/data/shenzhen_carparks is absent.")
    columns = "name=name,address=address,latitude=lat_bd09,longitude=lon_bd09,source_key=id,capacity=capacity"

    first, _err = run(path, datum="bd09", columns=f"{columns},district=district")
    second, _err = run(path, datum="bd09", columns=f"{columns},district=district")

    assert (counts(first), counts(second)) == ([6493, 0, 0, 0], [0, 0, 6493, 0])
    assert Lot.objects.filter(district__name="罗湖").count() == 1194
