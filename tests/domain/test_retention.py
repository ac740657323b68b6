from datetime import timedelta

import pytest

from allocation import services as allocation
from parking_share.accounts.models import Vehicle
from parking_share.accounts.services import remove_vehicle
from parking_share.reservations import retention, services
from parking_share.reservations.models import ReservationVehicle
from parking_share.reservations.services import Wish
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle

pytestmark = pytest.mark.django_db

LONG_AFTER = NOW + retention.RESERVED_PLATES_ARE_KEPT + timedelta(days=2)


@pytest.fixture
def car() -> Vehicle:
    """A car whose only reservation is cancelled."""
    driver = make_user()
    car = make_vehicle(driver, "粤B12345")
    wish = Wish(lot=make_shared_lot(), vehicles=[car], starts_at=NOW + hours(1), ends_at=NOW + hours(2))
    reservation = allocation.request_reservation(driver=driver, wish=wish, now=NOW)
    services.cancel_reservation(reservation_id=reservation.pk, actor=driver, now=NOW)
    return car


def test_the_plate_of_a_reservation_long_past_is_forgotten(car):
    assert retention.forget_plates(now=NOW + timedelta(days=100)) == 0
    assert retention.forget_plates(now=LONG_AFTER) == 1

    assert bytes(ReservationVehicle.objects.get().plate_exact_hash) == b""
    assert Vehicle.objects.get().plate == "粤B12345"


def test_a_removed_car_is_forgotten_once_no_reservation_needs_it(car):
    remove_vehicle(vehicle_id=car.pk, now=NOW)

    assert retention.forget_plates(now=NOW + timedelta(days=100)) == 0
    assert retention.forget_plates(now=LONG_AFTER) == 2

    forgotten = Vehicle.objects.get()
    assert (forgotten.plate, forgotten.masked_plate) == ("", "")
    assert not Vehicle.objects.with_plate("粤B12345").exists()


def test_forgetting_twice_changes_nothing_more(car):
    remove_vehicle(vehicle_id=car.pk, now=NOW)
    retention.forget_plates(now=LONG_AFTER)

    assert retention.forget_plates(now=LONG_AFTER) == 0


def test_a_removed_car_may_be_registered_again(car):
    remove_vehicle(vehicle_id=car.pk, now=NOW)
    retention.forget_plates(now=LONG_AFTER)

    assert make_vehicle(car.driver, "粤B12345").plate == "粤B12345"
