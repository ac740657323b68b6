"""The main job on real input: a day of real stays, booked over HTTP, decided and assigned by a Celery worker."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from allocation.models import Assignment, Decision
from parking_share.demo.copies import REPLAY_PHONE
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import Lot
from tests.factories import make_lot
from tests.live import LiveSite, live_site

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "luohu_baihui"
STAYS = DATA / "baihui_events_2016_jun-jul_sep-oct.csv.gz"
SITE_COLUMNS = "name=name,address=lot_address,latitude=lat_bd09,longitude=lon_bd09,capacity=capacity"
A_QUIET_DAY = "2016-10-26"  # 64 rows, 23 of which end before they begin


@pytest.fixture(scope="module")
def site(django_db_setup) -> Iterator[LiveSite]:
    with live_site() as site:
        yield site


def import_site() -> Lot:
    if not STAYS.exists():
        pytest.skip("Real stays are not at hand: ../shared/data/luohu_baihui is absent.")
    options = ["--datum=bd09", "--city=深圳", "--district=罗湖", "--land-use=RESIDENTIAL", f"--columns={SITE_COLUMNS}"]
    call_command("import_lots", str(DATA / "baihui_site.csv"), *options, stdout=io.StringIO())
    return Lot.objects.get()


def rows_of(table: str) -> dict[str, list[str]]:
    """Cells by title; a cell is a number, with its share behind it."""
    lines = [re.split(r"  +", line.strip()) for line in table.splitlines()]
    return {line[0]: line[1:] for line in lines if len(line) > 1}


@pytest.mark.django_db(transaction=True)
def test_a_real_day_is_booked_decided_and_assigned_under_each_policy(site):
    lot = import_site()
    out = io.StringIO()

    call_command(
        "replay_stays", str(STAYS), f"--lot={lot.pk}", f"--day={A_QUIET_DAY}", "--policy=fcfs,two_stage", "--bays=12",
        f"--site={site.address}", stdout=out,
    )  # fmt: skip

    rows = rows_of(out.getvalue())
    asked, accepted, assigned = (
        [int(cell.split()[0]) for cell in rows[title]]
        for title in ("stays asked for", "accepted", "bay assigned by the worker")
    )
    assert "departure_not_after_arrival: 23" in out.getvalue()
    assert asked == [41, 41]
    assert accepted == assigned
    assert 0 < accepted[1] <= accepted[0] < 41
    assert Reservation.objects.filter(driver__phone=REPLAY_PHONE).count() == Decision.objects.count() == 82
    assert set(Reservation.objects.values_list("status", flat=True)) == {Status.ASSIGNED, Status.DECLINED}
    assert Assignment.objects.count() == sum(assigned)
    assert set(Decision.objects.values_list("policy_name", flat=True)) == {"fcfs", "two_stage"}
    assert Lot.objects.filter(is_open=True).get() == lot


@pytest.mark.django_db
def test_site_that_does_not_answer_is_named(tmp_path):
    stays = tmp_path / "stays.csv"
    stays.write_text("arrival,departure\n2016-07-05 09:00:00,2016-07-05 10:00:00\n")

    with pytest.raises(CommandError, match=r"127\.0\.0\.1:9"):
        call_command(
            "replay_stays", str(stays), f"--lot={make_lot(capacity=3).pk}", "--day=2016-07-05",
            "--site=http://127.0.0.1:9", stdout=io.StringIO(),
        )  # fmt: skip

    assert Lot.objects.count() == 2
    assert Lot.objects.filter(is_open=True).count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("--policy=fortune", "two_stage"),
        ("--columns=arrival=came,departure=departure", "arrival"),
        ("--day=2016-07-06", "2016-07-06"),
        ("--lot=999999", "999999"),
        ("--shared-hours=0", "--shared-hours"),
    ],
)
def test_replay_that_makes_no_sense_is_refused(tmp_path, option, named):
    stays = tmp_path / "stays.csv"
    stays.write_text("arrival,departure\n2016-07-05 09:00:00,2016-07-05 10:00:00\n")
    options = [f"--lot={make_lot(capacity=3).pk}", "--day=2016-07-05", option]

    with pytest.raises(CommandError, match=named):
        call_command("replay_stays", str(stays), *options, stdout=io.StringIO())
