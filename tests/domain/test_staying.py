from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from sensors.models import OccupancySlot, StaleSlot, Stay
from sensors.staying import close_stay, open_stay
from tests.factories import NOW, hours, make_lot, make_slot, make_space

GATE, BAY_SENSOR = Stay.Source.GATE, Stay.Source.BAY_SENSOR
PLATE, OTHER_PLATE = b"p" * 32, b"q" * 32

pytestmark = pytest.mark.django_db


@pytest.fixture
def lot():
    return make_lot()


def test_a_stay_opens_and_closes(lot):
    space = make_space(lot)

    opened = open_stay(lot_id=lot.pk, source=GATE, began_at=NOW, space_id=space.pk, plate_exact_hash=PLATE)
    closed = close_stay(lot_id=lot.pk, ended_at=NOW + hours(1), plate_exact_hash=PLATE)

    assert (opened.space_id, opened.source, opened.began_at, opened.ended_at) == (space.pk, GATE, NOW, None)
    assert (closed.pk, closed.ended_at) == (opened.pk, NOW + hours(1))


def test_saying_it_twice_changes_nothing(lot):
    arguments = {"lot_id": lot.pk, "plate_exact_hash": PLATE}
    assert open_stay(source=GATE, began_at=NOW, **arguments)

    assert open_stay(source=GATE, began_at=NOW, **arguments) is None
    assert open_stay(source=GATE, began_at=NOW + hours(1), **arguments) is None
    assert close_stay(ended_at=NOW + hours(2), **arguments)
    assert close_stay(ended_at=NOW + hours(3), **arguments) is None
    assert open_stay(source=GATE, began_at=NOW, **arguments) is None

    assert Stay.objects.get().ended_at == NOW + hours(2)


def test_a_car_may_come_again(lot):
    for began_at in (NOW, NOW + hours(2)):
        assert open_stay(lot_id=lot.pk, source=GATE, began_at=began_at, plate_exact_hash=PLATE)
        assert close_stay(lot_id=lot.pk, ended_at=began_at + hours(1), plate_exact_hash=PLATE)

    assert Stay.objects.count() == 2


def test_an_exit_that_comes_late_does_not_close_a_younger_stay(lot):
    open_stay(lot_id=lot.pk, source=GATE, began_at=NOW + hours(2), plate_exact_hash=PLATE)

    assert close_stay(lot_id=lot.pk, ended_at=NOW + hours(1), plate_exact_hash=PLATE) is None


def test_a_taken_bay_does_not_hide_who_entered(lot):
    space = make_space(lot)
    open_stay(lot_id=lot.pk, source=GATE, began_at=NOW, space_id=space.pk, plate_exact_hash=PLATE)

    second = open_stay(lot_id=lot.pk, source=GATE, began_at=NOW, space_id=space.pk, plate_exact_hash=OTHER_PLATE)

    assert second.space_id is None


def test_a_bay_that_a_sensor_sees_taken_is_taken_once(lot):
    space = make_space(lot)

    assert open_stay(lot_id=lot.pk, source=BAY_SENSOR, began_at=NOW, space_id=space.pk)
    assert open_stay(lot_id=lot.pk, source=BAY_SENSOR, began_at=NOW + hours(1), space_id=space.pk) is None
    assert close_stay(lot_id=lot.pk, ended_at=NOW + hours(2), space_id=space.pk)


def test_a_quarter_that_was_rolled_up_already_is_marked(lot):
    make_slot(lot, NOW, 0, source=OccupancySlot.Source.GATES)

    open_stay(lot_id=lot.pk, source=GATE, began_at=NOW + hours(0.1), plate_exact_hash=PLATE)
    open_stay(lot_id=lot.pk, source=GATE, began_at=NOW + hours(0.25), plate_exact_hash=OTHER_PLATE)
    close_stay(lot_id=lot.pk, ended_at=NOW + hours(0.2), plate_exact_hash=PLATE)

    marked = list(StaleSlot.objects.order_by("pk").values_list("from_at", "until_at"))
    assert marked == [(NOW + hours(0.1), None), (NOW + hours(0.2), None)]


@pytest.mark.django_db(transaction=True)
def test_workers_that_say_the_same_at_once_leave_one_stay():
    lot = make_lot()

    def enter_and_leave(_worker: int) -> tuple[bool, bool]:
        try:
            opened = open_stay(lot_id=lot.pk, source=GATE, began_at=NOW, plate_exact_hash=PLATE)
            closed = close_stay(lot_id=lot.pk, ended_at=NOW + hours(1), plate_exact_hash=PLATE)
            return opened is not None, closed is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(enter_and_leave, range(8)))

    assert (sum(opened for opened, _ in answers), sum(closed for _, closed in answers)) == (1, 1)
    assert Stay.objects.get().ended_at == NOW + hours(1)
