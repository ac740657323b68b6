"""The pages of gates, sensors and kept or broken promises under axe-core, narrow and wide, in both languages."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from allocation import services
from parking_share import clock
from parking_share.fulfilment.incidents import report_taken_bay
from parking_share.fulfilment.models import BrokenPromise
from parking_share.fulfilment.promises import break_promise, make_good
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish, record_arrival
from parking_share.spaces.models import DayType, Lot, Role
from sensors.models import Occupancy
from sensors.services import issue_key
from tests.factories import grant, hours, make_device, make_gateway, make_space, make_user, make_vehicle, make_window
from tests.interface import sensor_rows
from tests.journeys.steps import log_in, make_lot_for_today
from tests.journeys.test_accessibility import faults_of

BOTH = pytest.mark.parametrize("language", ["en", "zh-hans"])
OF_LOT = [
    "manager_lot",
    "manager_board",
    "lot_gates",
    "manager_plates",
    "manager_incidents",
    "manager_discrepancies",
    "manager_rules",
    "manager_devices",
    "city_day",
]


@BOTH
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_pages_of_managers_guards_and_the_city_are_accessible(visit, language, width, scheme):
    operator = make_user(language=language)
    grant(operator, Role.OPERATOR)
    lot = a_lot_with_everything(operator)
    pages = [
        *(reverse(f"web:{name}", args=[lot.pk]) for name in OF_LOT),
        reverse("web:manager_incident", args=[lot.pk, lot.incidents.latest("pk").pk]),
        reverse("web:city_sensors"),
        reverse("web:owner_space", args=[lot.spaces.filter(owner=operator).get().pk]),
    ]
    visitor = visit(language=language, width=width, color_scheme=scheme, bypass_csp=True)
    log_in(visitor, operator.email)

    assert {path: faults_of(visitor, path) for path in pages} == {path: [] for path in pages}


@BOTH
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_pages_of_drivers_in_trouble_are_accessible(visit, language, width, scheme):
    driver = make_user(language=language)
    lot, now = make_lot_for_today(spaces=8), clock.now()
    taken, late, lost, calm = (announced(driver, lot, starts_at=now) for _ in range(4))
    report_taken_bay(reservation_id=taken.pk, actor=driver, plate_text="粤B66666", now=now)
    be_late(late)
    broken = break_promise(reservation_id=lost.pk, cause=BrokenPromise.Cause.OVERSTAY, now=now)
    make_good(broken_id=broken.pk, now=now)
    pages = [
        *(reverse("web:reservation", args=[row.pk]) for row in (taken, late, lost, calm)),
        *(reverse(f"web:{name}", args=[calm.pk]) for name in ("extend", "taken", "entry_code")),
        reverse("web:extend", args=[late.pk]),
        reverse("web:taken_result", args=[taken.pk]),
    ]
    visitor = visit(language=language, width=width, color_scheme=scheme, bypass_csp=True)
    log_in(visitor, driver.email)

    assert {path: faults_of(visitor, path) for path in pages} == {path: [] for path in pages}


def a_lot_with_everything(operator) -> Lot:
    """Bays in all four states, a day with gaps, gates that answered, open and closed troubles, keys, cars let in."""
    lot, now = make_lot_for_today(spaces=3), clock.now()
    gateway = make_gateway(lot, name="东门摄像头")
    issue_key(gateway_id=gateway.pk, now=now)
    make_device(lot, gateway=gateway, gate=lot.gates.get(), heard_at=now, clock_off_s=-5400)
    make_window(make_space(lot, owner=operator, label="A-001"), now, now + hours(5))
    for state in (Occupancy.FREE, Occupancy.OCCUPIED, Occupancy.CLOSED):
        space = make_space(lot)
        device = make_device(lot, gateway=gateway, space=space, heard_at=now - hours(1))
        sensor_rows.make_bay_state(space, state, at=now, device=device)
    for day_type in DayType:
        sensor_rows.make_profile(lot, day_type=day_type)
    odd: list[dict[str, Any]] = [{}, {"unknown_share": 0.4}, {"quality": "WORDS", "state_text": "FULL"}]
    for number, fields in enumerate(odd):
        sensor_rows.make_slot(lot, now - hours(0.25 * number), **fields)
    for verdict, opens in (("RESERVED", True), ("UNKNOWN_PLATE", False)):
        sensor_rows.make_answer(lot.gates.get(), verdict=verdict, opens=opens, answered_at=now)
    sensor_rows.make_listed(lot, added_by=operator, valid_from=now)
    parked, taken = (announced(make_user(), lot, starts_at=now) for _ in range(2))
    be_late(parked)
    report_taken_bay(reservation_id=taken.pk, actor=taken.driver, plate_text="粤B66666", now=now)
    sensor_rows.make_discrepancy(space, opened_at=now)
    sensor_rows.make_discrepancy(space, opened_at=now, closed_at=now, outcome="CLEARED")
    return lot


def announced(driver, lot: Lot, *, starts_at: datetime) -> Reservation:
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=starts_at, ends_at=starts_at + hours(2))
    reservation = services.request_reservation(driver=driver, wish=wish, now=starts_at)
    services.decide(lot_id=lot.pk, now=starts_at)
    services.assign_arrivals(lot_id=lot.pk, now=starts_at)
    reservation.refresh_from_db()
    return reservation


def be_late(reservation: Reservation) -> None:
    """Park, and let the booked time have been over for half an hour."""
    record_arrival(reservation_id=reservation.pk, actor=reservation.driver, now=reservation.starts_at)
    ended = reservation.starts_at - timedelta(minutes=30)
    Reservation.objects.filter(pk=reservation.pk).update(starts_at=ended - hours(1), ends_at=ended)
    reservation.refresh_from_db()
    sensor_rows.make_overstay(reservation, began_at=ended)
