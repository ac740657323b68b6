"""A driver comes by the gate, finds the bay taken, gets another; the manager sees what happened and closes it."""

import time

import pytest
from playwright.sync_api import expect

from allocation import services
from parking_share import bells, clock
from parking_share.accounts.models import User
from parking_share.fulfilment.models import GateAnswer, Incident
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish
from parking_share.reservations.states import Status
from parking_share.spaces.models import Lot, Role
from sensors.credentials import issue_key
from sensors.models import Gateway
from tests.devices import vzenith
from tests.factories import grant, hours, make_device, make_gateway, make_user, make_vehicle
from tests.journeys.conftest import Visit
from tests.journeys.steps import expect_status, log_in, make_lot_for_today, tab_to
from tests.live import LiveSite

BOTH = pytest.mark.parametrize("language", ["en", "zh-hans"])
NARROW_AND_WIDE = pytest.mark.parametrize("width", [360, 1280])


def put_a_camera(lot: Lot) -> str:
    """A camera at the lot's gate; return the secret of the address to which it pushes."""
    gateway = make_gateway(lot, format=Gateway.Format.VZENITH, trust=Gateway.Trust.DEVICE)
    make_device(lot, gateway=gateway, gate=lot.gates.get(), identifier="8fcd1c4e-20ca9ecb")
    return issue_key(gateway_id=gateway.pk, now=clock.now())


def announced(driver: User, lot: Lot, plate: str) -> Reservation:
    """A reservation that began this minute, its bay announced."""
    now = clock.now()
    begins = now.replace(second=0, microsecond=0)
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver, plate)], starts_at=begins, ends_at=begins + hours(2))
    reservation = services.request_reservation(driver=driver, wish=wish, now=now)
    services.decide(lot_id=lot.pk, now=now)
    services.assign_arrivals(lot_id=lot.pk, now=now)
    reservation.refresh_from_db()
    assert reservation.status == Status.ASSIGNED
    return reservation


def wait_until_parked(reservation: Reservation) -> None:
    """The worker is woken as beat does it every five seconds."""
    bells.ring("fulfilment.outbox")
    for _ in range(100):
        reservation.refresh_from_db()
        if reservation.status == Status.PARKED:
            return
        time.sleep(0.1)
    raise AssertionError(f"still {reservation.status}")


def drive_to_the_gate(site: LiveSite, secret: str, plate: str) -> None:
    """The camera tells of the car in its own format; the barrier opens."""
    body = vzenith("8fcd1c4e-20ca9ecb", plate, clock.now(), direction=4, triggerType=2)
    answer = site.call("POST", f"/api/v1/sensors/push/{secret}", headers={"Content-Type": "application/json"}, raw=body)
    assert answer.status == 200
    assert GateAnswer.objects.get().opens


def report_the_bay(driver: Visit, reservation: Reservation, plate: str) -> None:
    driver.page.click(f"a[href='/reservations/{reservation.pk}/taken']")
    driver.page.fill("[name=plate]", plate)
    driver.page.click("main form button[type=submit]")
    driver.page.wait_for_url("**/taken/result")
    reservation.refresh_from_db()


def close_the_incident(manager: Visit, incident: Incident, *, note: str) -> None:
    """From the first page of the lot, where the trouble is told, to the evidence and the note."""
    lot_id = incident.lot_id
    manager.go(f"/manager/{lot_id}")
    manager.page.click(f"main .alert a[href='/manager/{lot_id}/incidents']")
    manager.page.click(f"a[href='/manager/{lot_id}/incidents/{incident.pk}']")
    expect(manager.page.locator(".timeline li")).not_to_have_count(0)
    expect(manager.page.locator("main")).to_contain_text("粤B••666")
    manager.page.fill("[name=note]", note)
    manager.page.click("main form button[type=submit]")
    manager.page.wait_for_url(f"**/manager/{lot_id}/incidents")
    incident.refresh_from_db()


@BOTH
@NARROW_AND_WIDE
def test_driver_comes_by_the_gate_reports_a_taken_bay_and_the_manager_closes_the_incident(visit, site, language, width):
    person, keeper = make_user(language=language), make_user(language=language)
    lot = make_lot_for_today(spaces=3)
    grant(keeper, Role.MANAGER, lot=lot)
    secret = put_a_camera(lot)
    reservation = announced(person, lot, "粤B12345")
    lost = reservation.space
    driver, manager = visit(language=language, width=width), visit(language=language, width=width)
    log_in(driver, person.email)
    log_in(manager, keeper.email)

    driver.go(f"/reservations/{reservation.pk}")
    expect_status(driver.page, "ASSIGNED")
    expect(driver.page.locator("#extend select")).to_be_visible()
    drive_to_the_gate(site, secret, "粤B12345")
    wait_until_parked(reservation)
    expect(driver.page.locator("#status[data-status=PARKED]")).to_be_visible(
        timeout=20_000
    )  # it asks every ten seconds
    report_the_bay(driver, reservation, "粤B66666")

    assert reservation.space != lost
    expect(driver.page.locator(".bay-name")).to_have_text(reservation.space.label)
    driver.page.click(f"a[href='/reservations/{reservation.pk}']")
    expect(driver.page.locator("#status h2").first).to_contain_text(reservation.space.label)
    incident = Incident.objects.get()
    close_the_incident(manager, incident, note="已联系车主移车")
    assert (incident.closed_by, incident.note) == (keeper, "已联系车主移车")


def test_a_taken_bay_needs_no_script_and_no_plate(visit):
    person, lot = make_user(), make_lot_for_today(spaces=2)
    reservation = announced(person, lot, "粤B12345")
    lost = reservation.space
    driver = visit(java_script_enabled=False, width=360)
    log_in(driver, person.email)

    driver.go(f"/reservations/{reservation.pk}")
    driver.page.click(f"a[href='/reservations/{reservation.pk}/taken']")
    driver.page.click("main form button[type=submit]")

    driver.page.wait_for_url("**/taken/result")
    reservation.refresh_from_db()
    assert reservation.space != lost
    expect(driver.page.locator(".bay-name")).to_have_text(reservation.space.label)


def test_a_longer_stay_needs_no_script(visit):
    person, lot = make_user(), make_lot_for_today()
    reservation = announced(person, lot, "粤B12345")
    before = reservation.ends_at
    driver = visit(java_script_enabled=False)
    log_in(driver, person.email)

    driver.go(f"/reservations/{reservation.pk}")
    driver.page.click(f"a[href='/reservations/{reservation.pk}/extend']")
    driver.page.select_option("[name=until]", index=1)
    driver.page.click("main form button[type=submit]")

    driver.page.wait_for_url(f"**/reservations/{reservation.pk}")
    reservation.refresh_from_db()
    assert reservation.ends_at == before + hours(0.5)


def test_a_code_is_made_and_a_bay_reported_by_keyboard_alone(visit):
    person, lot = make_user(), make_lot_for_today(spaces=2)
    reservation = announced(person, lot, "粤B12345")
    driver = visit()
    log_in(driver, person.email)
    driver.go(f"/reservations/{reservation.pk}")

    tab_to(driver.page, f"a[href='/reservations/{reservation.pk}/code']")
    driver.page.keyboard.press("Enter")
    driver.page.wait_for_url("**/code")
    tab_to(driver.page, "main form button[type=submit]")
    driver.page.keyboard.press("Enter")
    expect(driver.page.locator(".qr svg")).to_be_visible()
    driver.go(f"/reservations/{reservation.pk}/taken")
    tab_to(driver.page, "[name=plate]")
    driver.page.keyboard.type("粤B66666")
    driver.page.keyboard.press("Enter")

    driver.page.wait_for_url("**/taken/result")
    assert Incident.objects.get().reservation == reservation
