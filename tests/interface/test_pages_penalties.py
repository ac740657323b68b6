"""What an overstay cost: shown to the manager, who may waive it, and to the driver."""

import pytest
from django.urls import reverse

from parking_share.fulfilment.models import Overstay
from parking_share.reservations.services import record_arrival, record_departure
from parking_share.spaces.models import Role
from tests.factories import NOW, grant, hours, make_lot, make_shared_lot, make_user
from tests.gates import book
from tests.interface.pages import client_of, text_of
from tests.interface.sensor_rows import make_overstay

pytestmark = pytest.mark.django_db


@pytest.fixture
def lot():
    return make_shared_lot(name="Bamboo Court")


@pytest.fixture
def over(lot):
    """A car that stayed too long."""
    return make_overstay(book(lot), began_at=NOW, penalty_cents=1250)


@pytest.fixture
def manager(lot):
    user = make_user(display_name="Wang")
    grant(user, Role.MANAGER, lot=lot)
    return user


def test_penalty_is_waived_once_the_car_has_gone_and_the_reason_is_kept_without_plates(lot, over, manager):
    desk, troubles = client_of(manager), reverse("web:manager_incidents", args=[lot.pk])
    address = reverse("web:manager_penalty_waive", args=[lot.pk, over.pk])

    def give(reason: str):
        return desk.post(address, {f"row{over.pk}-note": reason}, follow=True)

    still_there = give("The gate was broken.")
    Overstay.objects.update(ended_at=NOW + hours(1))
    owed, short = text_of(desk.get(troubles)), give("x")
    waived, again = give("粤B 12345 stood before a broken gate."), give("Once more.")

    over.refresh_from_db()
    assert (still_there.status_code, short.status_code, again.status_code) == (404, 400, 400)
    assert "12.50" in owed
    assert (over.waived_by, over.waiver_note, over.owed_cents) == (manager, "粤B••345 stood before a broken gate.", 0)
    assert "Wang: 粤B••345 stood before a broken gate." in text_of(waived)


def test_penalty_of_another_lot_is_not_there(over):
    stranger = make_user()
    grant(stranger, Role.MANAGER, lot=make_lot())
    Overstay.objects.update(ended_at=NOW + hours(1))

    address = reverse("web:manager_penalty_waive", args=[over.space.lot_id, over.pk])

    assert client_of(stranger).post(address, {f"row{over.pk}-note": "For a friend."}).status_code == 404
    assert Overstay.objects.get().waived_at is None


def test_driver_sees_what_is_owed_and_what_was_waived(lot, over, manager):
    mine = over.reservation
    record_arrival(reservation_id=mine.pk, actor=None, now=NOW)
    record_departure(reservation_id=mine.pk, actor=None, now=NOW + hours(1))
    Overstay.objects.update(ended_at=NOW + hours(1))
    driver, address = client_of(mine.driver), reverse("web:reservation", args=[mine.pk])
    owed = text_of(driver.get(address))
    Overstay.objects.update(waived_at=NOW + hours(2), waived_by=manager, waiver_note="The gate was broken.")

    waived = text_of(driver.get(address))

    assert "12.50 are owed for that" in owed
    assert "was waived. You owe nothing for it." in waived
    assert "The gate was broken" not in waived
