"""When slots are rolled up, and again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from parking_share.spaces.models import Gate
from sensors import rollups
from sensors.due import Stale, share_of
from sensors.models import BayState, Kind, OccupancySlot, StaleSlot, Stay
from sensors.rollups import roll_up
from sensors.slots import SLOT, slot_after, slot_start
from sensors.staying import close_stay, open_stay
from tests.factories import NOW, hours, make_device, make_lot, make_reading, make_slot, make_space

pytestmark = pytest.mark.django_db

Quality, Source = OccupancySlot.Quality, OccupancySlot.Source
A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def sensor():
    """One bay with a sensor that was free an hour ago and is never silent."""
    lot = make_lot()
    device = make_device(lot, space=make_space(lot), heartbeat_s=24 * 3600)
    make_reading(device, Kind.VACANT, NOW)
    return device


@pytest.fixture
def counter():
    return make_device(make_lot(capacity=100), heartbeat_s=24 * 3600)


@pytest.fixture
def gate():
    lot = make_lot(capacity=100)
    return make_device(lot, gate=Gate.objects.create(lot=lot, name="north", latitude=22.5, longitude=114.1))


def means(lot) -> dict[float, float | None]:
    """Occupied on average, by hours after NOW."""
    rows = OccupancySlot.objects.filter(lot=lot).order_by("starts_at")
    return {(row.starts_at - NOW) / hours(1): row.mean_occupied for row in rows}


def comes_late(device, kind, observed_at, **fields) -> None:
    make_reading(device, kind, observed_at, is_replayed=True, **fields)
    StaleSlot.objects.create(lot=device.lot, space=device.space, from_at=observed_at, until_at=observed_at)


def test_a_slot_is_rolled_up_a_minute_after_it_ends(sensor):
    assert roll_up(now=NOW + SLOT + A_MINUTE - timedelta(seconds=1)) == 0
    assert roll_up(now=NOW + SLOT + A_MINUTE) == 1

    slot = OccupancySlot.objects.get()
    assert (slot.starts_at, slot.bays, slot.mean_occupied, slot.unknown_share) == (NOW, 1, 0, 0)
    assert (slot.newest_reading_at, slot.rolled_at) == (NOW, NOW + SLOT + A_MINUTE)


def test_a_second_run_changes_nothing_and_reads_no_clock_into_the_rows(sensor):
    roll_up(now=NOW + hours(1.1))
    before = list(OccupancySlot.objects.order_by("pk").values())
    StaleSlot.objects.create(lot=sensor.lot, from_at=NOW)

    assert roll_up(now=NOW + hours(1.12)) == 0
    assert list(OccupancySlot.objects.order_by("pk").values()) == before
    assert len(before) == 4
    assert not StaleSlot.objects.exists()


def test_what_was_missed_is_caught_up_from_the_first_reading(sensor):
    assert roll_up(now=NOW + hours(3.1)) == 12
    assert roll_up(now=NOW + hours(5.1)) == 8


def test_only_lots_with_active_devices_are_rolled_up(sensor):
    sensor.is_active = False
    sensor.save(update_fields=["is_active"])

    assert roll_up(now=NOW + hours(1.1)) == 0


def test_a_silent_bay_is_unknown_and_not_free():
    lot = make_lot()
    device = make_device(lot, space=make_space(lot), heartbeat_s=450)
    make_reading(device, Kind.OCCUPIED, NOW)

    roll_up(now=NOW + hours(0.6))

    shares = list(OccupancySlot.objects.order_by("starts_at").values_list("unknown_share", "mean_occupied", "bays"))
    assert shares == [(0.0, 1.0, 1), (1.0, None, 1)]


def test_a_closed_bay_is_neither_free_nor_unknown(sensor):
    make_reading(sensor, Kind.CLOSED, NOW + SLOT / 3)

    roll_up(now=NOW + hours(0.3))

    slot = OccupancySlot.objects.get()
    assert (slot.closed_share, slot.unknown_share, slot.mean_occupied) == (pytest.approx(2 / 3), 0, 0)


def test_a_late_word_changes_what_it_touches_and_nothing_else(sensor):
    make_reading(sensor, Kind.VACANT, NOW + hours(1))
    roll_up(now=NOW + hours(2.1))
    before = dict(OccupancySlot.objects.values_list("starts_at", "rolled_at"))

    comes_late(sensor, Kind.OCCUPIED, NOW + hours(0.5))

    assert roll_up(now=NOW + hours(2.2)) == 2
    assert means(sensor.lot) == {0: 0, 0.25: 0, 0.5: 1, 0.75: 1, 1: 0, 1.25: 0, 1.5: 0, 1.75: 0}
    untouched = {at: rolled for at, rolled in before.items() if at not in {NOW + hours(0.5), NOW + hours(0.75)}}
    assert untouched.items() <= dict(OccupancySlot.objects.values_list("starts_at", "rolled_at")).items()


def test_the_last_word_reaches_until_now(sensor):
    roll_up(now=NOW + hours(1.1))

    comes_late(sensor, Kind.OCCUPIED, NOW + hours(0.5))

    assert roll_up(now=NOW + hours(1.12)) == 2


def test_a_late_day_ends_like_a_day_on_time(sensor):
    kinds = [Kind.OCCUPIED, Kind.VACANT, Kind.HEARTBEAT, Kind.CLOSED]
    told = [(kinds[number % 4], NOW + timedelta(minutes=7 * number + 3)) for number in range(200)]
    on_time = make_device(make_lot(), heartbeat_s=24 * 3600)
    on_time.space = make_space(on_time.lot)
    on_time.save()
    make_reading(on_time, Kind.VACANT, NOW)
    for kind, observed_at in told:
        make_reading(on_time, kind, observed_at)
    roll_up(now=NOW + hours(25))

    for kind, observed_at in told:
        comes_late(sensor, kind, observed_at)
    roll_up(now=NOW + hours(25))

    late, early = (
        list(OccupancySlot.objects.filter(lot=device.lot).order_by("starts_at").values("starts_at", *ROLLED))
        for device in (sensor, on_time)
    )
    assert late == early
    assert len(late) == 99


ROLLED = ["source", "quality", "bays", "mean_occupied", "most_occupied", "unknown_share", "closed_share"]


def test_numbers_and_words_of_a_counter_stay_apart(counter):
    for step, told in enumerate([{"occupied": 90}, {"state_text": "FULL"}, {"state_text": "FULL"}, {"occupied": 80}]):
        make_reading(counter, Kind.COUNT, NOW + step * SLOT + A_MINUTE, **told)
    roll_up(now=NOW + hours(1.1))

    rows = OccupancySlot.objects.order_by("starts_at").values_list("quality", "mean_occupied", "state_text", "bays")
    assert list(rows) == [
        (Quality.GOOD, 90, "", 100),
        (Quality.WORDS, None, "FULL", 100),
        (Quality.WORDS, None, "FULL", 100),
        (Quality.GOOD, 80, "", 100),
    ]


@pytest.mark.parametrize(("capacity", "stuck_after_h"), [(100, 12), (29, 48)])
def test_a_counter_that_stands_still_is_stuck(capacity, stuck_after_h):
    counter = make_device(make_lot(capacity=capacity), heartbeat_s=24 * 3600)
    make_reading(counter, Kind.COUNT, NOW, occupied=7)
    for step in range(1, 60):
        make_reading(counter, Kind.COUNT, NOW + hours(step), occupied=8)

    roll_up(now=NOW + hours(60))

    stuck = OccupancySlot.objects.filter(quality=Quality.STUCK).order_by("starts_at").first()
    assert stuck.starts_at + SLOT == NOW + hours(1 + stuck_after_h)
    assert not OccupancySlot.objects.filter(starts_at__gt=stuck.starts_at, quality=Quality.GOOD).exists()


def test_a_late_number_frees_a_counter_from_being_stuck(counter):
    for step in range(20):
        make_reading(counter, Kind.COUNT, NOW + hours(step), occupied=8)
    roll_up(now=NOW + hours(20.1))
    assert OccupancySlot.objects.filter(quality=Quality.STUCK).exists()

    comes_late(counter, Kind.COUNT, NOW + hours(9.1), occupied=9)
    roll_up(now=NOW + hours(20.2))

    assert not OccupancySlot.objects.filter(quality=Quality.STUCK).exists()


def test_gates_count_the_cars_that_stay(gate):
    roll_up(now=NOW + hours(1.1))
    open_stay(lot_id=gate.lot_id, source=Stay.Source.GATE, began_at=NOW + hours(0.5), plate_exact_hash=b"p" * 32)
    roll_up(now=NOW + hours(1.12))
    assert means(gate.lot) == {0.5: 1, 0.75: 1}

    close_stay(lot_id=gate.lot_id, ended_at=NOW + hours(0.875), plate_exact_hash=b"p" * 32)
    roll_up(now=NOW + hours(1.14))

    assert means(gate.lot) == {0.5: 1, 0.75: 0.5}


def test_an_exit_that_was_missed_does_not_count_for_ever(gate):
    Stay.objects.create(lot=gate.lot, source=Stay.Source.GATE, began_at=NOW - timedelta(days=31))
    Stay.objects.create(lot=gate.lot, source=Stay.Source.GATE, began_at=NOW - timedelta(days=29))

    roll_up(now=NOW + hours(0.3))

    assert means(gate.lot) == {0: 1}


def test_an_imported_slot_is_left_alone(sensor):
    imported = make_slot(sensor.lot, NOW, 40, source=Source.IMPORTED)

    roll_up(now=NOW + hours(0.6))

    imported.refresh_from_db()
    assert (imported.source, imported.mean_occupied) == (Source.IMPORTED, 40)
    assert OccupancySlot.objects.filter(source=Source.BAYS).count() == 1


def test_a_slot_whose_readings_are_gone_is_left_alone(sensor, settings):
    settings.READINGS_KEPT_MONTHS = 2
    long_ago = NOW - timedelta(days=90)
    make_reading(sensor, Kind.VACANT, long_ago + hours(1))
    make_slot(sensor.lot, long_ago, 3, source=Source.BAYS)
    StaleSlot.objects.create(lot=sensor.lot, space=sensor.space, from_at=long_ago, until_at=long_ago)

    roll_up(now=NOW + hours(0.3))

    assert OccupancySlot.objects.get(starts_at=long_ago).mean_occupied == 3


def test_a_long_stretch_is_done_in_rounds(gate, monkeypatch):
    monkeypatch.setattr(rollups, "AT_ONCE", 5)
    Stay.objects.create(lot=gate.lot, source="IMPORTED", began_at=NOW - hours(30), ended_at=NOW - hours(20))
    StaleSlot.objects.create(lot=gate.lot, from_at=NOW - hours(30), until_at=NOW - hours(20))

    roll_up(now=NOW - hours(10), rounds=3)
    left = StaleSlot.objects.get()
    assert left.from_at == NOW - hours(30) + 10 * SLOT

    roll_up(now=NOW - hours(10))
    assert not StaleSlot.objects.exists()
    assert OccupancySlot.objects.filter(mean_occupied=1).count() == 40


def test_shares_of_the_work_cover_it_once():
    stale = [
        Stale(1, 1, NOW + hours(0.1), NOW + hours(0.6)),
        Stale(2, 2, NOW + hours(0.3), NOW + hours(0.3)),
        Stale(3, 1, NOW + hours(2), NOW + hours(2.1)),
        Stale(4, 1, NOW + hours(9), NOW + hours(9)),
    ]

    first = share_of(stale, end=NOW + hours(4), most=3)
    second = share_of([Stale(3, 1, NOW + hours(2), NOW + hours(2.1))], end=NOW + hours(4), most=3)

    assert [((pair.starts_at - NOW) / hours(1), pair.lot_id) for pair in first.pairs] == [(0, 1), (0.25, 1), (0.25, 2)]
    assert (first.done, first.cut, first.cut_at) == ([2, 4], [1], NOW + hours(0.5))
    assert [(pair.starts_at - NOW) / hours(1) for pair in second.pairs] == [2]


@pytest.mark.parametrize(("minutes", "begins", "after"), [(0, 0, 0), (1, 0, 15), (14.99, 0, 15), (15, 15, 15)])
def test_slots_are_quarters_of_an_hour(minutes, begins, after):
    at = NOW + timedelta(minutes=minutes)

    assert (slot_start(at), slot_after(at)) == (NOW + timedelta(minutes=begins), NOW + timedelta(minutes=after))


@pytest.mark.django_db(transaction=True)
def test_two_workers_roll_everything_once():
    lots = [make_lot() for _ in range(6)]
    for lot in lots:
        device = make_device(lot, space=make_space(lot), heartbeat_s=24 * 3600)
        make_reading(device, Kind.OCCUPIED, NOW)
        comes_late(device, Kind.VACANT, NOW + hours(1.05))

    def work(_worker: int) -> int:
        try:
            return roll_up(now=NOW + hours(3.1))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        changed = sum(pool.map(work, range(4)))
    changed += roll_up(now=NOW + hours(3.1))

    assert changed == 6 * 12
    assert OccupancySlot.objects.filter(mean_occupied=1).count() == 6 * 4
    assert not StaleSlot.objects.exists()
    assert not BayState.objects.exists()
