"""What gates and bays told becomes arrivals, departures and stays: in any order, however often, by several workers."""

import random

import pytest
from django.db import connection

from parking_share.fulfilment import arrivals, lists
from parking_share.fulfilment.models import BrokenPromise, Overstay
from parking_share.fulfilment.outbox import MOST_TRIES, handle_outbox
from parking_share.fulfilment.promises import break_promise
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import Gate, Resident
from sensors.models import Kind, OutboxRow, PlateRead, Stay
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle
from tests.gates import ask, book, make_camera, make_gate, make_sensor, minutes, plate_of_car, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def lot():
    return make_shared_lot(spaces=3, starts_at=NOW - hours(4), ends_at=NOW + hours(20))


@pytest.fixture
def gated(lot):
    """The camera of a gate through which cars come and go."""
    return make_camera(make_gate(lot))


def stays():
    return list(Stay.objects.order_by("began_at", "pk").values_list("reservation", "began_at", "ended_at"))


def status_of(reservation):
    reservation.refresh_from_db()
    return reservation.status


def test_admitted_car_is_parked_and_its_stay_is_open(gated, lot):
    mine = book(lot)
    ask(gated, plate_of_car(mine))

    assert handle_outbox(now=NOW) == 1

    assert status_of(mine) == Status.PARKED
    assert stays() == [(mine.pk, NOW, None)]
    stay = Stay.objects.get()
    assert (stay.source, stay.space, bytes(stay.plate_exact_hash)) == (
        Stay.Source.GATE,
        mine.space,
        bytes(mine.vehicle_rows.get().plate_exact_hash),
    )
    assert (mine.events.last().actor, OutboxRow.objects.count()) == (None, 0)


def test_car_that_leaves_completes_its_reservation_and_frees_the_rest(gated, lot):
    mine = book(lot, ends_in=5)
    ask(gated, plate_of_car(mine))
    ask(gated, plate_of_car(mine), NOW + hours(1), kind=Kind.EXIT)

    assert handle_outbox(now=NOW + hours(1)) == 2

    assert status_of(mine) == Status.COMPLETED
    assert (mine.space, mine.held_until, mine.ends_at) == (None, NOW + hours(1), NOW + hours(5))
    assert stays() == [(mine.pk, NOW, NOW + hours(1))]


def test_car_that_was_turned_away_is_no_arrival(gated, lot):
    mine = book(lot, starts_in=6, ends_in=8)
    ask(gated, plate_of_car(mine))
    ask(gated, "粤B98765")

    assert handle_outbox(now=NOW) == 2

    assert status_of(mine) == Status.ASSIGNED
    assert stays() == []


def test_live_reading_waits_for_its_answer(gated, lot):
    mine = book(lot)
    store(gated, Kind.ENTER, NOW, plate=plate_of_car(mine))

    assert handle_outbox(now=NOW) == 0
    assert handle_outbox(now=NOW + minutes(1)) == 1

    assert status_of(mine) == Status.PARKED


def test_reading_that_came_late_parks_the_car_that_came_in_time(gated, lot):
    mine = book(lot)
    late = mine.lapses_at + minutes(5)
    store(gated, Kind.ENTER, NOW + minutes(3), now=late, plate=plate_of_car(mine), is_live=False)

    handle_outbox(now=late)

    assert status_of(mine) == Status.PARKED
    assert stays() == [(mine.pk, NOW + minutes(3), None)]


def test_reading_that_came_late_opens_nothing_that_is_over(gated, lot):
    mine = book(lot)
    ask(gated, plate_of_car(mine), NOW + minutes(4))
    ask(gated, plate_of_car(mine), NOW + hours(1), kind=Kind.EXIT)
    handle_outbox(now=NOW + hours(1))
    store(gated, Kind.ENTER, NOW + minutes(1), now=NOW + hours(2), plate=plate_of_car(mine))

    handle_outbox(now=NOW + hours(2))

    assert status_of(mine) == Status.COMPLETED
    assert stays() == [(mine.pk, NOW + minutes(1), NOW + hours(1))]


def test_car_whose_bay_was_lost_at_the_gate_stays_as_a_stranger(gated, lot):
    mine = book(lot)
    ask(gated, plate_of_car(mine))
    break_promise(reservation_id=mine.pk, cause=BrokenPromise.Cause.INTRUDER, now=NOW)

    handle_outbox(now=NOW)

    assert status_of(mine) == Status.RELEASED
    assert stays() == [(None, NOW, None)]
    ask(gated, plate_of_car(mine), NOW + hours(1), kind=Kind.EXIT)
    handle_outbox(now=NOW + hours(1))
    assert stays() == [(None, NOW, NOW + hours(1))]


def test_car_that_nobody_saw_coming_was_here_when_it_leaves(gated, lot):
    mine = book(lot)
    ask(gated, plate_of_car(mine), NOW + minutes(30), kind=Kind.EXIT)

    handle_outbox(now=NOW + minutes(30))

    assert status_of(mine) == Status.COMPLETED
    assert stays() == [(mine.pk, NOW + minutes(30), NOW + minutes(30))]


def test_leaving_before_the_time_of_a_reservation_ends_nothing(gated, lot):
    mine = book(lot, starts_in=1)
    ask(gated, plate_of_car(mine), kind=Kind.EXIT)

    handle_outbox(now=NOW)

    assert (status_of(mine), stays()) == (Status.ASSIGNED, [])


def test_old_exit_does_not_end_the_stay_that_began_after_it(gated, lot):
    mine = book(lot)
    ask(gated, plate_of_car(mine), NOW + minutes(20))
    handle_outbox(now=NOW + minutes(20))
    store(gated, Kind.EXIT, NOW + minutes(2), now=NOW + minutes(30), plate=plate_of_car(mine))

    handle_outbox(now=NOW + minutes(30))

    assert (status_of(mine), stays()) == (Status.PARKED, [(mine.pk, NOW + minutes(20), None)])


def test_residents_and_listed_cars_have_stays_of_their_own(gated, lot):
    neighbour = make_user()
    Resident.objects.create(lot=lot, user=neighbour)
    plates = [make_vehicle(neighbour).plate, "粤B1X345"]
    lists.add_plate(lot=lot, actor=make_user(), plate=plates[1], valid_from=NOW, now=NOW)
    for plate in plates:
        ask(gated, plate)
        ask(gated, plate, NOW + hours(1), kind=Kind.EXIT)

    handle_outbox(now=NOW + hours(1))

    assert stays() == [(None, NOW, NOW + hours(1))] * 2


def test_matched_plates_are_kept_for_thirty_days_and_others_are_not(gated, lot):
    mine = book(lot)
    ask(gated, plate_of_car(mine))
    ask(gated, "粤B98765")

    handle_outbox(now=NOW)

    kept = list(PlateRead.objects.order_by("pk").values_list("forget_at", flat=True))
    assert kept == [NOW + hours(30 * 24), NOW + hours(24)]


def test_leaving_closes_the_overstay(gated, lot):
    mine = book(lot)
    ask(gated, plate_of_car(mine))
    handle_outbox(now=NOW)
    Overstay.objects.create(
        reservation=mine,
        space=mine.space,
        began_at=mine.ends_at,
        charged_from=mine.ends_at + minutes(10),
        cents_an_hour=1800,
        currency="CNY",
    )
    late = mine.ends_at + minutes(30)
    ask(gated, plate_of_car(mine), late, kind=Kind.EXIT)

    handle_outbox(now=late)

    overstay = Overstay.objects.get()
    assert (status_of(mine), overstay.ended_at, overstay.penalty_cents) == (Status.COMPLETED, late, 600)


def test_driver_says_so_where_nothing_sees_cars(lot):
    mine = book(lot)

    arrivals.record_arrival(reservation_id=mine.pk, actor=mine.driver, now=NOW)
    arrivals.record_departure(reservation_id=mine.pk, actor=mine.driver, now=NOW + hours(1))

    assert status_of(mine) == Status.COMPLETED
    assert stays() == [(mine.pk, NOW, NOW + hours(1))]
    assert Stay.objects.get().source == Stay.Source.DRIVER


def test_bay_sensor_says_so_where_no_gate_sees_cars(lot):
    mine = book(lot)
    sensor = make_sensor(mine.space)
    store(sensor, Kind.OCCUPIED, NOW + minutes(1))
    handle_outbox(now=NOW + minutes(1))
    assert status_of(mine) == Status.PARKED
    left = NOW + hours(1)
    store(sensor, Kind.VACANT, left)

    assert handle_outbox(now=left) == 0, "a car may move in its bay"
    assert handle_outbox(now=left + minutes(2)) == 1

    assert (status_of(mine), mine.held_until) == (Status.COMPLETED, left)
    stay = Stay.objects.get()
    assert (stay.source, stay.space, stay.began_at, stay.ended_at) == (
        Stay.Source.BAY_SENSOR,
        sensor.space,
        NOW + minutes(1),
        left,
    )


def test_car_that_moves_in_its_bay_has_not_left(lot):
    mine = book(lot)
    sensor = make_sensor(mine.space)
    for at, kind in ((1, Kind.OCCUPIED), (10, Kind.VACANT), (11, Kind.OCCUPIED)):
        store(sensor, kind, NOW + minutes(at))

    handle_outbox(now=NOW + minutes(30))

    assert (status_of(mine), stays()) == (Status.PARKED, [(mine.pk, NOW + minutes(1), None)])


def test_next_party_of_a_bay_is_somebody_else(lot):
    first = book(lot, ends_in=1)
    sensor = make_sensor(first.space)
    second = book(lot, starts_in=1, ends_in=2)
    Reservation.objects.filter(pk=second.pk).update(space=first.space)
    for at, kind in ((1, Kind.OCCUPIED), (59.5, Kind.VACANT), (60.5, Kind.OCCUPIED)):
        store(sensor, kind, NOW + minutes(at))

    handle_outbox(now=NOW + minutes(70))

    assert (status_of(first), status_of(second)) == (Status.COMPLETED, Status.PARKED)
    assert stays() == [(first.pk, NOW + minutes(1), NOW + minutes(59.5)), (second.pk, NOW + minutes(60.5), None)]


def test_bay_sensor_ends_nothing_where_the_gate_sees_cars(gated, lot):
    mine = book(lot)
    sensor = make_sensor(mine.space)
    store(sensor, Kind.OCCUPIED, NOW)
    handle_outbox(now=NOW)
    assert status_of(mine) == Status.ASSIGNED
    ask(gated, plate_of_car(mine), NOW + minutes(1))
    store(sensor, Kind.VACANT, NOW + minutes(2))
    store(sensor, Kind.OCCUPIED, NOW + minutes(5))

    handle_outbox(now=NOW + minutes(30))

    assert (status_of(mine), Stay.objects.get().space) == (Status.PARKED, sensor.space)
    store(sensor, Kind.VACANT, NOW + minutes(40))
    handle_outbox(now=NOW + minutes(60))
    assert status_of(mine) == Status.PARKED


def test_entry_camera_and_bay_sensor_share_the_work_where_nothing_sees_cars_leave(lot):
    camera = make_camera(make_gate(lot, Gate.Kind.ENTRY))
    mine = book(lot)
    sensor = make_sensor(mine.space)
    ask(camera, plate_of_car(mine))
    store(sensor, Kind.OCCUPIED, NOW + minutes(3))
    store(sensor, Kind.VACANT, NOW + hours(1))

    handle_outbox(now=NOW + hours(2))

    assert (status_of(mine), stays()) == (Status.COMPLETED, [(mine.pk, NOW, NOW + hours(1))])


def refuse_stays_of(reservation):
    """Let the database refuse what nobody foresaw."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TRIGGER refused BEFORE INSERT ON sensors_stay FOR EACH ROW"
            f" WHEN (NEW.reservation_id = {reservation.pk}) EXECUTE FUNCTION refuse_change()"
        )


def test_row_that_fails_harms_only_itself_and_is_left_after_five_tries(gated, lot):
    theirs, mine, elsewhere = book(lot), book(lot), book(make_shared_lot(starts_at=NOW - hours(1)))
    refuse_stays_of(theirs)
    for camera, one in ((gated, theirs), (gated, mine), (make_camera(make_gate(elsewhere.lot)), elsewhere)):
        ask(camera, plate_of_car(one))

    handled = [handle_outbox(now=NOW) for _ in range(MOST_TRIES + 1)]

    assert handled == [2, 0, 0, 0, 0, 0]
    assert [status_of(one) for one in (theirs, mine, elsewhere)] == ["ASSIGNED", "PARKED", "PARKED"]
    assert OutboxRow.objects.get().tries == MOST_TRIES


def shuffled_day(lot, camera, chance):
    """Half a day of cars that come and go, told in any order, and what must come of it."""
    expected = []
    for _car in range(3):
        for starts_in in (0, 3, 6):
            mine = book(lot, starts_in=starts_in, ends_in=starts_in + 2)
            came = mine.starts_at + minutes(chance.uniform(-10, 20))
            left = came + minutes(chance.uniform(5, 90))
            expected.append((mine, came, left))
    moments = [
        (at, kind, mine) for mine, came, left in expected for at, kind in ((came, Kind.ENTER), (left, Kind.EXIT))
    ]
    for at, kind, mine in sorted(moments, key=lambda moment: moment[0]):
        ask(camera, plate_of_car(mine), at, kind=kind)
    return expected


def rows_three_times(chance):
    """Every row of the outbox, three times, in any order."""
    rows = list(OutboxRow.objects.all()) * 3
    OutboxRow.objects.all().delete()
    chance.shuffle(rows)
    return rows


def insert(rows):
    fields = ("reading_id", "kind", "lot_id", "gate_id", "space_id", "plate_read_id", "observed_at", "received_at")
    OutboxRow.objects.bulk_create(OutboxRow(**{name: getattr(row, name) for name in fields}) for row in rows)


@pytest.mark.parametrize("seed", range(5))
def test_rows_told_three_times_in_any_order_end_in_the_same_state(gated, lot, seed):
    chance = random.Random(seed)
    expected = shuffled_day(lot, gated, chance)
    rows = rows_three_times(chance)

    while rows:
        part, rows = rows[: (size := chance.randint(1, 8))], rows[size:]
        insert(part)
        handle_outbox(now=NOW + hours(12))

    assert [status_of(mine) for mine, _came, _left in expected] == [Status.COMPLETED] * 9
    assert stays() == sorted(((mine.pk, came, left) for mine, came, left in expected), key=lambda stay: stay[1])
    assert OutboxRow.objects.count() == 0
