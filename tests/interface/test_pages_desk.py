"""The manager's desk: cars let in, troubles and how they are closed, rules, devices and keys."""

from datetime import timedelta

import pytest
from django.urls import reverse

from allocation import services as allocation
from parking_share import clock
from parking_share.fulfilment.incidents import report_taken_bay
from parking_share.fulfilment.models import Discrepancy, Incident, ListedPlate, LotRules
from parking_share.fulfilment.rules import rules_of
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish, record_arrival
from parking_share.spaces.models import Lot, Role
from sensors.credentials import hash_of
from sensors.models import GatewayKey, Kind, Occupancy, Stay
from sensors.services import issue_key
from tests.devices import make_gate
from tests.domain.lives import announced, sense
from tests.factories import (
    NOW,
    grant,
    hours,
    make_device,
    make_gateway,
    make_lot,
    make_reading,
    make_space,
    make_user,
    make_vehicle,
    make_window,
)
from tests.interface.pages import MOST_QUERIES, client_of, queries_of, text_of
from tests.interface.sensor_rows import make_answer, make_discrepancy, make_incident, make_listed, make_overstay

pytestmark = pytest.mark.django_db

PAGES = ["manager_plates", "manager_incidents", "manager_discrepancies", "manager_rules", "manager_devices"]


@pytest.fixture
def lot() -> Lot:
    return make_lot(name="Bamboo Court")


@pytest.fixture
def manager(lot):
    user = make_user(display_name="Wang")
    grant(user, Role.MANAGER, lot=lot)
    return user


@pytest.fixture
def desk(manager):
    return client_of(manager)


def page(name: str, *args) -> str:
    return reverse(f"web:{name}", args=args)


def a_car(lot: Lot, *, plate: str | None = None, is_parked: bool = False, starts_in_min: int = 5) -> Reservation:
    now, driver = clock.now(), make_user()
    make_window(make_space(lot), now - hours(1), now + hours(8))
    starts_at = now + timedelta(minutes=starts_in_min)
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver, plate)], starts_at=starts_at, ends_at=starts_at + hours(2))
    reservation = allocation.request_reservation(driver=driver, wish=wish, now=now)
    allocation.decide(lot_id=lot.pk, now=now)
    allocation.assign_arrivals(lot_id=lot.pk, now=now)
    if is_parked:
        record_arrival(reservation_id=reservation.pk, actor=driver, now=now)
    reservation.refresh_from_db()
    return reservation


def test_cars_let_in_are_told_with_their_bay_and_until_when(desk, lot):
    parked = a_car(lot, plate="粤B12345", is_parked=True)
    a_car(lot, plate="粤B22222", starts_in_min=60)
    resident = make_user()
    lot.residents.create(user=resident)
    make_vehicle(resident, "粤B33333")
    until = parked.held_until.astimezone(lot.zone)

    shown = text_of(desk.get(page("manager_plates", lot.pk)))

    assert f"粤B••345 in the lot Bay {parked.space.label} · until" in shown
    assert f"{until:%H:%M}" in shown
    assert "粤B••222" not in shown
    assert "粤B••333" in shown
    assert not any(plate in shown for plate in ("12345", "33333"))


def test_a_car_is_listed_and_taken_off_the_list(desk, lot, manager):
    wrong = desk.post(page("manager_plates", lot.pk), {"plate": "?!"})
    added = desk.post(page("manager_plates", lot.pk), {"plate": "粤b 77777", "label": "water"}, follow=True)
    twice = desk.post(page("manager_plates", lot.pk), {"plate": "粤B77777"})

    listed = ListedPlate.objects.get()
    assert "does not look like a number plate" in text_of(wrong)
    assert "粤B••777 water until you remove it" in text_of(added)
    assert "on the list already" in text_of(twice)
    assert listed.added_by == manager

    desk.post(page("manager_plate_remove", lot.pk, listed.pk))
    listed.refresh_from_db()
    assert listed.removed_at is not None
    assert "No car is on your list." in text_of(desk.get(page("manager_plates", lot.pk)))


def test_a_listed_car_has_times_on_the_lots_clock(desk, lot):
    given = {"plate": "粤B77777", "valid_from": "2036-01-02T08:00", "valid_until": "2036-01-03T20:00"}

    shown = text_of(desk.post(page("manager_plates", lot.pk), given, follow=True))

    assert "from Wed 2 Jan 08:00" in shown
    assert "until Thu 3 Jan 20:00" in shown
    assert f"{ListedPlate.objects.get().valid_from:%H:%M}" == "00:00"


def test_open_incidents_come_first_and_overstays_stand_beside_them(desk, lot):
    old, fresh = a_car(lot), a_car(lot)
    make_incident(old, opened_at=clock.now(), closed_at=clock.now(), note="done")
    make_incident(fresh, opened_at=clock.now() - hours(1), outcome="ANOTHER_BAY", moved_to=make_space(lot, label="Z9"))
    late = a_car(lot, is_parked=True)
    make_overstay(late, began_at=clock.now() - timedelta(minutes=17))

    response = desk.get(page("manager_incidents", lot.pk))

    assert [row.reservation_id for row in response.context["page_obj"]] == [fresh.pk, old.pk]
    assert "another bay in the same lot: Z9" in text_of(response)
    assert "17 minutes over" in text_of(response)


def test_the_first_page_of_a_lot_says_what_is_open(desk, lot):
    calm = text_of(desk.get(page("manager_lot", lot.pk)))
    car = a_car(lot, is_parked=True)
    make_incident(car, opened_at=clock.now())
    make_overstay(car)
    for _ in range(2):
        make_discrepancy(make_space(lot))
    make_discrepancy(make_space(lot), closed_at=clock.now(), outcome="CLEARED")
    make_discrepancy(make_space(make_lot()))

    shown = text_of(desk.get(page("manager_lot", lot.pk)))

    assert "1 bay found taken 1 car past its end 2 bays where sensors disagree" in shown
    assert "found taken" not in calm


def test_an_incident_is_closed_once_with_a_note(desk, lot, manager):
    incident = make_incident(a_car(lot), opened_at=clock.now())
    url = page("manager_incident", lot.pk, incident.pk)

    before = text_of(desk.get(url))
    silent = desk.post(url, {"note": ""})
    done = desk.post(url, {"note": "the other driver moved"}, follow=True)
    again = desk.post(url, {"note": "once more"}, follow=True)

    incident.refresh_from_db()
    assert "粤B••666" in before
    assert silent.context["form"].errors.keys() == {"note"}
    assert "The incident is closed." in text_of(done)
    assert (incident.closed_by, incident.note) == (manager, "the other driver moved")
    assert "This is closed already." in text_of(again)
    assert "by Wang: the other driver moved" in text_of(desk.get(url))


def test_a_discrepancy_is_settled_by_hand_with_a_note(desk, lot, manager):
    row = make_discrepancy(make_space(lot, label="A7"), opened_at=clock.now() - hours(1))
    url = page("manager_discrepancy_close", lot.pk, row.pk)

    shown = text_of(desk.get(page("manager_discrepancies", lot.pk)))
    refused = desk.post(url, {f"row{row.pk}-note": "x"})
    done = text_of(desk.post(url, {f"row{row.pk}-note": "a delivery van"}, follow=True))
    again = desk.post(url, {f"row{row.pk}-note": "a delivery van"})

    row.refresh_from_db()
    assert "Bay A7: occupied with nobody due for 60 minutes" in shown
    assert refused.status_code == 400
    assert (row.outcome, row.closed_by, row.note) == (Discrepancy.Outcome.STAFF, manager, "a delivery van")
    assert "settled by staff" in done
    assert "This is closed already." in text_of(again)


RULES = {
    "early_grace_min": "20",
    "late_exit_grace_min": "5",
    "penalty_percent": "300",
    "compensation_percent": "150",
    "least_compensation": "7.50",
    "fail_safe": "STAY_SHUT",
}


def test_a_lot_gets_rules_of_its_own_and_gives_them_up(desk, lot):
    LotRules.objects.update_or_create(lot=None, defaults={"early_grace_min": 33})

    before = text_of(desk.get(page("manager_rules", lot.pk)))
    saved = text_of(desk.post(page("manager_rules", lot.pk), RULES, follow=True))

    rules = rules_of(lot.pk)
    assert "Everywhere else: 33" in before
    assert "Least compensation, in CNY" in before
    assert "This lot has rules of its own." in saved
    assert (rules.early_grace_min, rules.least_compensation_cents, rules.fail_safe) == (20, 750, "STAY_SHUT")
    assert not rules.unknown_may_leave

    desk.post(page("manager_rules", lot.pk), {"drop": "1"})
    assert rules_of(lot.pk).early_grace_min == 33


@pytest.mark.parametrize(
    "wrong",
    [{"penalty_percent": "50"}, {"early_grace_min": "241"}, {"fail_safe": "PANIC"}, {"least_compensation": "-1"}],
)
def test_rules_that_make_no_sense_are_refused(desk, lot, wrong):
    answer = desk.post(page("manager_rules", lot.pk), RULES | wrong)

    assert answer.context["form"].errors
    assert not LotRules.objects.filter(lot=lot).exists()


def test_devices_tell_what_is_wrong_with_them(desk, lot):
    gateway = make_gateway(lot, name="Camera box")
    make_device(lot, gateway=gateway, identifier="never")
    make_device(lot, gateway=gateway, identifier="skewed", heard_at=clock.now(), clock_off_s=5400)
    make_device(lot, gateway=gateway, identifier="well", heard_at=clock.now())

    shown = text_of(desk.get(page("manager_devices", lot.pk)))

    assert "Camera box" in shown
    assert "silent never heard never" in shown
    assert "its clock is off by 90 minutes" in shown
    assert "1 device is fine" in shown
    assert "It has no key: nothing that it sends is accepted." in shown


def test_a_key_is_shown_once_two_may_live_and_one_is_revoked(desk, lot):
    gateway = make_gateway(lot, trust="DEVICE")
    make = page("manager_key_issue", lot.pk, gateway.pk)

    first = desk.post(make)
    desk.post(make)
    third = desk.post(make, follow=True)

    secret = first.context["secret"]
    assert secret in first.content.decode()
    assert "no-store" in first["Cache-Control"]
    assert gateway.keys.filter(secret_hash=hash_of(secret)).exists()
    assert gateway.keys.count() == 2
    assert "two keys already" in text_of(third)
    assert secret not in third.content.decode()

    desk.post(page("manager_key_revoke", lot.pk, gateway.pk, gateway.keys.get(secret_hash=hash_of(secret)).pk))
    assert gateway.keys.get(revoked_at=None).secret_hash != hash_of(secret)


def test_keys_of_a_gateway_that_writes_for_others_too_are_left_to_the_operator(desk, lot):
    gateway = make_gateway(lot, make_lot())
    issue_key(gateway_id=gateway.pk, now=clock.now())
    key = gateway.keys.get()

    answers = [
        desk.post(page("manager_key_issue", lot.pk, gateway.pk)).status_code,
        desk.post(page("manager_key_revoke", lot.pk, gateway.pk, key.pk)).status_code,
    ]

    key.refresh_from_db()
    assert answers == [404, 404]
    assert key.revoked_at is None
    assert "the operator changes its keys" in text_of(desk.get(page("manager_devices", lot.pk)))


def test_nothing_of_another_managers_lot_can_be_seen_or_changed(desk, lot):
    theirs = make_lot()
    incident = make_incident(a_car(theirs), opened_at=clock.now())
    row, listed = make_discrepancy(make_space(theirs)), make_listed(theirs)
    gateway = make_gateway(theirs)
    issue_key(gateway_id=gateway.pk, now=clock.now())
    key = gateway.keys.get()

    looks = [desk.get(page(name, theirs.pk)).status_code for name in PAGES]
    looks += [desk.get(page("manager_incident", where, incident.pk)).status_code for where in (theirs.pk, lot.pk)]
    deeds = [
        desk.post(page(name, where, *rest), {"note": "mine now", "plate": "粤B77777"} | RULES).status_code
        for where in (theirs.pk, lot.pk)
        for name, *rest in (
            ("manager_incident", incident.pk),
            ("manager_discrepancy_close", row.pk),
            ("manager_plate_remove", listed.pk),
            ("manager_key_issue", gateway.pk),
            ("manager_key_revoke", gateway.pk, key.pk),
        )
    ]
    deeds += [
        desk.post(page(name, theirs.pk), RULES | {"plate": "粤B1"}).status_code for name in PAGES[:1] + PAGES[3:4]
    ]

    assert {*looks, *deeds} == {404}
    assert Incident.objects.get().closed_at is None
    assert Discrepancy.objects.get().closed_at is None
    assert ListedPlate.objects.get().removed_at is None
    assert GatewayKey.objects.get().revoked_at is None


def test_a_stranger_is_asked_to_sign_in(client, lot):
    for name in PAGES:
        assert client.get(page(name, lot.pk))["Location"].startswith(reverse("account_login"))


def test_pages_cost_the_same_for_one_row_and_for_three(desk, lot, manager):
    def grow() -> None:
        car = a_car(lot, is_parked=True)
        make_incident(car, opened_at=clock.now(), moved_to=car.space)
        make_overstay(car)
        make_discrepancy(
            lot.spaces.get(pk=car.space_id), reservation=car, closed_at=clock.now(), outcome="STAFF", closed_by=manager
        )
        make_listed(lot, f"粤B4444{lot.listed_plates.count()}", added_by=manager)
        resident = make_user()
        lot.residents.create(user=resident)
        make_vehicle(resident)
        gateway = make_gateway(lot)
        issue_key(gateway_id=gateway.pk, now=clock.now())
        make_device(lot, gateway=gateway)

    grow()
    urls = [*(page(name, lot.pk) for name in PAGES), page("manager_incident", lot.pk, lot.incidents.get().pk)]
    before = {url: queries_of(desk, url) for url in urls}
    grow()
    grow()

    assert {url: queries_of(desk, url) for url in urls} == before
    assert max(before.values()) <= MOST_QUERIES


def test_evidence_is_a_timeline_in_words(desk, lot):
    make_gate(lot, name="East")
    lost, other = (make_space(lot, label=label) for label in ("A1", "A2"))
    for space in (lost, other):
        make_window(space, NOW, NOW + hours(12))
    driver = announced(lot)
    camera = make_device(lot, gate=lot.gates.get())
    make_reading(camera, Kind.ENTER, NOW + hours(0.9))
    make_answer(lot.gates.get(), reservation=driver, answered_at=NOW + hours(0.95))
    sense(driver.space, Occupancy.OCCUPIED, at=NOW + hours(0.5))
    make_discrepancy(driver.space, opened_at=NOW + hours(0.6))
    Stay.objects.create(lot=lot, space=driver.space, source="BAY_SENSOR", began_at=NOW + hours(0.5))
    was = driver.space.label
    incident = report_taken_bay(
        reservation_id=driver.pk, actor=driver.driver, plate_text="粤B66666", now=NOW + hours(1.1)
    )
    incident.evidence.append({"what": "a fact of a later version"})
    incident.save(update_fields=["evidence"])

    shown = desk.get(page("manager_incident", lot.pk, incident.pk))

    lines = [line.text for line in shown.context["evidence"]]
    assert set(lines) == {
        "The bay's sensor: occupied; last heard at 08:30.",
        f"Bay {was}: bay occupied.",
        f"Bay {was}: a car came and had not left (known from: bay sensor).",
        "Sensor and reservations disagreed: occupied with nobody due.",
        "East: entered.",
        "East opened for the driver: reserved.",
        "The bay was kept for the driver until 11:00 (bay announced).",
    }
    assert [line.at for line in shown.context["evidence"]] == sorted(line.at for line in shown.context["evidence"])
    assert f"Bay {was} was taken" in text_of(shown)


def test_a_bay_without_sensor_says_so_in_the_evidence(desk, lot):
    incident = make_incident(
        a_car(lot),
        opened_at=clock.now(),
        evidence=[{"what": "bay_state", "state": "UNKNOWN", "since": None, "heard_at": None}],
    )

    shown = text_of(desk.get(page("manager_incident", lot.pk, incident.pk)))

    assert "The bay has no sensor that was ever heard." in shown
