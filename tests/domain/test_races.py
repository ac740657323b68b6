"""Claims about concurrency, each with real threads on connections of their own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, connections

from allocation import services
from parking_share.accounts.services import VehicleRefused, register_vehicle
from parking_share.reservations.invariants import check_invariants
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import KeyReused, OnceOnly, RequestRefused, Wish, cancel_reservation
from parking_share.reservations.states import Status
from parking_share.reservations.transitions import TransitionRefused
from parking_share.spaces.models import BookingLimits
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make all calls at the same moment; return their results or errors in order."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            gate.wait(timeout=20)
            return call()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1.1), deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[1])


def wish(lot, car, starts_in=1, ends_in=3) -> Wish:
    return Wish(lot=lot, vehicles=[car], starts_at=NOW + hours(starts_in), ends_at=NOW + hours(ends_in))


def asked(lot, driver=None, car=None, **period) -> Reservation:
    driver = driver or make_user()
    return services.request_reservation(driver=driver, wish=wish(lot, car or make_vehicle(driver), **period), now=NOW)


def statuses() -> list[str]:
    return sorted(Reservation.objects.values_list("status", flat=True))


def assert_promises_hold() -> None:
    broken = {one.name: one.rows for one in check_invariants(now=NOW, since=NOW - hours(24)) if one.rows}
    assert broken == {}


def test_twenty_threads_deciding_one_lot_give_the_last_bay_once():
    lot = make_shared_lot()
    for _ in range(20):
        asked(lot)

    answers = at_once([lambda: services.decide(lot_id=lot.pk, now=NOW)] * 20)

    assert sorted(answers) == [0] * 19 + [20]
    assert statuses() == ["ACCEPTED"] + ["DECLINED"] * 19
    assert_promises_hold()


def test_requests_and_decisions_at_once_lose_and_double_nothing():
    lot = make_shared_lot(spaces=3)
    drivers = [(driver, make_vehicle(driver)) for driver in (make_user() for _ in range(16))]

    answers = at_once(
        [lambda pair=pair: asked(lot, *pair) for pair in drivers]
        + [lambda: services.decide(lot_id=lot.pk, now=NOW)] * 4
    )
    services.decide(lot_id=lot.pk, now=NOW)

    assert [error for error in answers if isinstance(error, Exception)] == []
    assert statuses() == ["ACCEPTED"] * 3 + ["DECLINED"] * 13
    assert_promises_hold()


def test_limit_of_open_requests_holds_under_twenty_threads():
    lot = make_shared_lot(spaces=20)
    BookingLimits.objects.create(lot=lot, open_requests_per_driver=3)
    driver = make_user()
    car = make_vehicle(driver)

    answers = at_once([lambda: asked(lot, driver, car)] * 20)

    assert len([one for one in answers if isinstance(one, Reservation)]) == 3
    assert {one.code for one in answers if isinstance(one, RequestRefused)} == {"too_many_open"}
    assert Reservation.objects.count() == 3


def test_one_car_in_many_requests_is_promised_one_bay():
    lots = [make_shared_lot(spaces=5) for _ in range(4)]
    driver, partner = make_user(), make_user()
    cars = [(driver, make_vehicle(driver, plate="粤B1X345")), (partner, make_vehicle(partner, plate="粤B1X345"))]
    for number in range(16):
        asked(lots[number % 4], *cars[number % 2])

    answers = at_once([lambda lot=lot: services.decide(lot_id=lot.pk, now=NOW) for lot in lots] * 3)

    assert [error for error in answers if isinstance(error, Exception)] == []
    assert statuses() == ["ACCEPTED"] + ["DECLINED"] * 15
    assert_promises_hold()


@pytest.mark.parametrize("_round", range(5))
def test_two_lots_and_two_cars_booked_crosswise_do_not_deadlock(_round):
    here, there = make_shared_lot(), make_shared_lot()
    first, second = make_user(), make_user()
    mine, yours = make_vehicle(first), make_vehicle(second)
    for lot, driver, car in ((here, first, mine), (here, second, yours), (there, second, yours), (there, first, mine)):
        asked(lot, driver, car)
    before = deadlocks()

    answers = at_once([lambda lot=lot: services.decide(lot_id=lot.pk, now=NOW) for lot in (here, there)] * 2)

    assert [error for error in answers if isinstance(error, Exception)] == []
    assert deadlocks() == before
    assert statuses() == ["ACCEPTED"] * 2 + ["DECLINED"] * 2
    assert_promises_hold()


def test_cancelling_while_deciding_ends_in_one_of_the_two_orders():
    lot = make_shared_lot(spaces=10)
    rows = [asked(lot) for _ in range(10)]

    answers = at_once(
        [lambda row=row: cancel_reservation(reservation_id=row.pk, actor=row.driver, now=NOW) for row in rows]
        + [lambda: services.decide(lot_id=lot.pk, now=NOW)] * 3
    )

    assert [error for error in answers if isinstance(error, Exception)] == []
    assert statuses() == ["CANCELLED"] * 10
    assert_promises_hold()


def test_cancelling_while_the_hold_lapses_fails_nobody():
    lot = make_shared_lot(spaces=5)
    rows = [asked(lot, ends_in=6) for _ in range(5)]
    services.decide(lot_id=lot.pk, now=NOW)
    late = NOW + hours(2.5)
    asked(lot, starts_in=3, ends_in=4)

    answers = at_once(
        [lambda row=row: cancel_reservation(reservation_id=row.pk, actor=row.driver, now=late) for row in rows]
        + [lambda: services.decide(lot_id=lot.pk, now=late), lambda: services.assign_arrivals(lot_id=lot.pk, now=late)]
    )

    assert {type(error) for error in answers if isinstance(error, Exception)} <= {TransitionRefused}
    assert set(statuses()) <= {Status.CANCELLED, Status.RELEASED, Status.ACCEPTED}
    assert statuses().count("ACCEPTED") == 1
    assert_promises_hold()


def test_one_key_used_twenty_times_at_once_makes_one_reservation():
    lot = make_shared_lot(spaces=20)
    driver = make_user()
    car = make_vehicle(driver)
    once = OnceOnly(key="a", fingerprint="b")

    answers = at_once(
        [lambda: services.request_reservation(driver=driver, wish=wish(lot, car), now=NOW, once=once)] * 20
    )

    assert [type(one) for one in answers if isinstance(one, Exception)] == [KeyReused] * 19
    assert Reservation.objects.count() == 1


def test_one_car_registered_twenty_times_at_once_is_one_car():
    driver = make_user()

    answers = at_once([lambda: register_vehicle(driver=driver, plate="粤B1X345", now=NOW)] * 20)

    assert len([one for one in answers if isinstance(one, VehicleRefused)]) == 19
    assert driver.vehicles.count() == 1


def test_bare_constraint_is_the_net_when_nobody_locks():
    """Negative control: without the lock the database still refuses, but as an error that no driver should see."""
    lot = make_shared_lot()
    rows = [asked(lot) for _ in range(10)]
    space = lot.spaces.get()

    def grab(row: Reservation) -> int:
        return Reservation.objects.filter(pk=row.pk).update(status=Status.ACCEPTED, space=space, decided_at=NOW)

    answers = at_once([lambda row=row: grab(row) for row in rows])

    assert answers.count(1) == 1
    assert {type(one) for one in answers if one != 1} <= {IntegrityError, OperationalError}  # refused, or deadlocked
    assert statuses().count("ACCEPTED") == 1
