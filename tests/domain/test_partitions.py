from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from django.db import IntegrityError, connection, transaction

from sensors import partitions
from sensors.models import Deletion, Kind, Reading
from tests.factories import make_device, make_lot, make_reading

NOW = datetime(2031, 5, 20, 12, tzinfo=UTC)  # no month is made yet
KEPT_SINCE = datetime(2030, 4, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def device():
    return make_device(make_lot())


def months() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'sensors_reading'::regclass")
        return sorted(name.removeprefix("sensors_reading_") for (name,) in cursor.fetchall())


def tables_of_readings() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM sensors_reading ORDER BY observed_at")
        return [name.removeprefix("sensors_reading_") for (name,) in cursor.fetchall()]


def test_readings_are_kept_for_whole_months():
    assert partitions.kept_since(NOW) == KEPT_SINCE
    assert partitions.kept_since(datetime(2031, 1, 31, tzinfo=UTC)) == datetime(2029, 12, 1, tzinfo=UTC)


def test_months_are_made_ahead_and_old_ones_dropped(settings):
    partitions.tend(now=NOW)

    assert months() == ["2031_05", "2031_06", "2031_07", "2031_08", "elsewhen"]
    settings.READINGS_KEPT_MONTHS = 2
    partitions.tend(now=NOW + timedelta(days=100))
    assert months() == ["2031_06", "2031_07", "2031_08", "2031_09", "2031_10", "2031_11", "elsewhen"]


def test_what_is_dropped_is_counted_and_written_down(device):
    partitions.tend(now=NOW)
    for days in (0, 1):
        make_reading(device, Kind.COUNT, NOW + timedelta(days=days), occupied=1)

    partitions.tend(now=NOW + timedelta(days=500))

    record = Deletion.objects.get(rows=2)
    assert (record.what, record.rule) == ("readings", "READINGS_KEPT_MONTHS=13")
    assert record.older_than == datetime(2031, 6, 1, tzinfo=UTC)
    assert not Reading.objects.exists()


def test_readings_that_waited_elsewhen_move_into_their_month(device):
    make_reading(device, Kind.COUNT, NOW, occupied=1)
    make_reading(device, Kind.COUNT, KEPT_SINCE, occupied=2)
    assert tables_of_readings() == ["elsewhen", "elsewhen"]

    partitions.tend(now=NOW)

    assert tables_of_readings() == ["2030_04", "2031_05"]
    assert list(Reading.objects.order_by("observed_at").values_list("occupied", flat=True)) == [2, 1]


def test_what_came_after_its_month_was_dropped_goes_too(device):
    make_reading(device, Kind.COUNT, KEPT_SINCE - timedelta(seconds=1), occupied=1)

    partitions.tend(now=NOW)

    assert not Reading.objects.exists()
    assert Deletion.objects.get(rows=1).older_than == KEPT_SINCE


def test_a_month_that_was_attached_is_append_only_too(device):
    make_reading(device, Kind.COUNT, NOW, occupied=1)
    make_reading(device, Kind.COUNT, KEPT_SINCE - timedelta(days=500), occupied=1)
    partitions.tend(now=NOW)
    make_reading(device, Kind.COUNT, NOW + timedelta(days=1000), occupied=1)

    for observed_at in (NOW, NOW + timedelta(days=1000)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Reading.objects.filter(observed_at=observed_at).update(occupied=3)


def test_tending_twice_changes_nothing():
    partitions.tend(now=NOW)
    before = months()

    partitions.tend(now=NOW)

    assert months() == before
    assert Deletion.objects.filter(rows__gt=0).count() == 0


@contextmanager
def somebody_reads():
    """A transaction of another session that has read from the table and is not over."""
    values = connection.get_connection_params()
    known = {name: values[name] for name in ("host", "port", "user", "password", "dbname") if name in values}
    rival = psycopg2.connect(**known)
    try:
        rival.cursor().execute("SELECT count(*) FROM sensors_reading")
        yield
    finally:
        rival.close()


@pytest.fixture
def the_months_of_before():
    """What a test with real commits made and dropped is put right again."""
    before = months()
    yield
    with connection.cursor() as cursor:
        for name in set(months()) - set(before):
            cursor.execute(f"DROP TABLE sensors_reading_{name}")
        for name in set(before) - set(months()):
            cursor.execute("SELECT sensors_ensure_month(%s)", [datetime.strptime(name + "+0000", "%Y_%m%z")])


@pytest.mark.django_db(transaction=True)
def test_whoever_reads_is_not_pushed_aside(transactional_db, the_months_of_before):
    """What does not get its lock at once waits for the next run; nobody waits for it meanwhile."""
    partitions.tend(now=NOW)
    before = months()
    later = NOW + timedelta(days=500)

    with somebody_reads():
        assert not partitions.tend(now=later)
        assert months() == before
    assert partitions.tend(now=later)

    assert months() == ["2032_10", "2032_11", "2032_12", "2033_01", "elsewhen"]
