"""Gates over REST: the list they keep, codes, guards."""

import json

import pytest
from django.test import Client

from parking_share import clock
from parking_share.accounts import plates
from parking_share.fulfilment import lists
from parking_share.fulfilment.models import GateAnswer
from parking_share.reservations.services import record_arrival
from parking_share.spaces.models import Gate, Resident, Role
from sensors.credentials import issue_key
from sensors.models import Gateway, GatewayKey
from tests.factories import grant, hours, make_gateway, make_lot, make_shared_lot, make_user, make_vehicle
from tests.gates import book, make_camera, make_gate, minutes
from tests.interface.api import Caller

pytestmark = pytest.mark.django_db


class GatewayCalls:
    """A gateway's program, with a key of its own."""

    def __init__(self, *lots):
        self.gateway = make_gateway(*lots)
        Gateway.objects.filter(pk=self.gateway.pk).update(trust=Gateway.Trust.DEVICE)
        self.headers = {
            "Authorization": f"Bearer {issue_key(gateway_id=self.gateway.pk, now=clock.now())}",
            "Accept-Language": "en",
        }

    def get(self, path, **headers):
        return Client().get(f"/api/v1/{path}", headers=self.headers | headers)

    def post(self, path, data, content_type="application/json"):
        body = data if isinstance(data, str) else json.dumps(data)
        return Client().post(f"/api/v1/{path}", body, content_type=content_type, headers=self.headers)


@pytest.fixture
def lot():
    now = clock.now()
    return make_shared_lot(spaces=4, starts_at=now - hours(4), ends_at=now + hours(40))


@pytest.fixture
def calls(lot):
    return GatewayCalls(lot)


@pytest.fixture
def gate(lot, calls):
    return with_camera(calls, make_gate(lot))


def with_camera(calls, gate):
    make_camera(gate, gateway=calls.gateway)
    return gate


def entries(answer):
    return {row["plate"]: (row["allowed_from"], row["allowed_until"]) for row in answer.json()["entries"]}


def stamp(instant):
    return instant.isoformat().replace("+00:00", "Z")


def test_whitelist_names_the_cars_of_the_next_day_with_their_times(lot, gate, calls):
    now = clock.now()
    begins = now.replace(minute=0, second=0, microsecond=0)
    soon = book(lot, plate="粤B10001", starts_in=2, ends_in=4, now=now)
    book(lot, plate="粤B10002", starts_in=30, ends_in=32, now=now)
    neighbour = make_user()
    make_vehicle(neighbour, "粤B10003")
    Resident.objects.create(lot=lot, user=neighbour)
    lists.add_plate(lot=lot, actor=neighbour, plate="粤B10004", valid_from=now, valid_until=now + hours(1), now=now)
    book(make_shared_lot(starts_at=now - hours(1), ends_at=now + hours(9)), plate="粤B10005", now=now)

    answer = calls.get(f"gates/{gate.pk}/whitelist")

    assert answer.status_code == 200
    assert answer.json()["gate"] == gate.pk
    assert entries(answer) == {
        "粤B10001": (stamp(soon.starts_at - minutes(15)), stamp(soon.lapses_at)),
        "粤B10003": (stamp(begins), stamp(begins + hours(25))),
        "粤B10004": (stamp(now), stamp(now + hours(1))),
    }


def test_whitelist_of_an_exit_lets_out_whoever_is_there(lot, calls):
    now = clock.now()
    mine = book(lot, plate="粤B10001", now=now)

    answer = calls.get(f"gates/{with_camera(calls, make_gate(lot, Gate.Kind.EXIT)).pk}/whitelist")

    assert entries(answer)["粤B10001"][1] == stamp(now.replace(minute=0, second=0, microsecond=0) + hours(25))
    assert mine.lapses_at < now + hours(2)


def test_whitelist_of_a_lane_for_both_lets_out_whoever_is_inside_however_late(lot, calls):
    now = clock.now()
    gate = with_camera(calls, make_gate(lot, Gate.Kind.BOTH))
    inside, coming = book(lot, plate="粤B10001", now=now), book(lot, plate="粤B10002", now=now)
    record_arrival(reservation_id=inside.pk, actor=None, now=now)

    found = entries(calls.get(f"gates/{gate.pk}/whitelist"))

    assert found["粤B10001"][1] == stamp(now.replace(minute=0, second=0, microsecond=0) + hours(25))
    assert found["粤B10002"][1] == stamp(coming.lapses_at)


def test_whitelist_that_has_not_changed_is_not_sent_again(lot, gate, calls):
    book(lot, now=clock.now())
    first = calls.get(f"gates/{gate.pk}/whitelist")

    again = calls.get(f"gates/{gate.pk}/whitelist", **{"If-None-Match": first["ETag"]})
    book(lot, now=clock.now())
    changed = calls.get(f"gates/{gate.pk}/whitelist", **{"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert (changed.status_code, changed["ETag"] != first["ETag"]) == (200, True)
    assert first["Cache-Control"] == again["Cache-Control"] == "private, no-cache"


def test_unchanged_whitelist_costs_the_same_for_one_car_and_for_many(lot, gate, calls, django_assert_num_queries):
    etag = calls.get(f"gates/{gate.pk}/whitelist")["ETag"]
    with django_assert_num_queries(6):
        calls.get(f"gates/{gate.pk}/whitelist", **{"If-None-Match": etag})
    for _ in range(4):
        book(lot, now=clock.now())
    with django_assert_num_queries(6):
        calls.get(f"gates/{gate.pk}/whitelist")


def test_whitelist_is_for_gateways_of_the_lot(lot, gate, calls):
    manager = make_user()
    grant(manager, Role.MANAGER, lot=lot)
    strangers = GatewayCalls(make_lot())

    assert strangers.get(f"gates/{gate.pk}/whitelist").status_code == 404
    assert Caller(manager).get(f"gates/{gate.pk}/whitelist").status_code == 401
    GatewayKey.objects.update(revoked_at=clock.now())
    assert calls.get(f"gates/{gate.pk}/whitelist").status_code == 401


def test_gates_answer_a_gateway_that_has_an_active_device_there_and_no_other(lot, gate, calls):
    without_a_device = GatewayCalls(lot)
    make_camera(make_gate(lot), gateway=without_a_device.gateway)
    moved_away = with_camera(calls, make_gate(lot))
    calls.gateway.devices.filter(gate=moved_away).update(is_active=False)
    withdrawn = with_camera(calls, make_gate(make_lot()))

    def statuses(caller, gate):
        shown = caller.post(f"gates/{gate.pk}/code", {"code": "12345678"})
        return caller.get(f"gates/{gate.pk}/whitelist").status_code, shown.status_code

    assert statuses(calls, gate) == (200, 200)
    assert statuses(without_a_device, gate) == (404, 404)
    assert statuses(calls, moved_away) == (404, 404)
    assert statuses(calls, withdrawn) == (404, 404)


def test_driver_gets_a_code_and_a_terminal_opens_with_it(lot, gate, calls):
    mine = book(lot, now=clock.now())
    got = Caller(mine.driver).post(f"reservations/{mine.pk}/code")

    opened = calls.post(f"gates/{gate.pk}/code", {"code": got.json()["code"]})
    again = calls.post(f"gates/{gate.pk}/code", {"code": got.json()["code"]})

    assert (got.status_code, got.json()["qr_svg"][:4], got["Cache-Control"]) == (201, "<svg", "no-store")
    assert (opened.status_code, opened.json()["opens"], opened.json()["space"]) == (200, True, mine.space.label)
    assert (again.status_code, again.json()["opens"], again.json()["verdict"]) == (200, False, "WRONG_CODE")


def test_code_is_the_drivers_own(lot):
    mine = book(lot, now=clock.now())

    assert Caller(make_user()).post(f"reservations/{mine.pk}/code").status_code == 404


def test_too_many_wrong_codes_are_refused(gate, calls):
    tries = [calls.post(f"gates/{gate.pk}/code", {"code": "00000000"}) for _ in range(6)]

    assert [answer.status_code for answer in tries] == [200] * 5 + [409]
    assert tries[-1].json()["code"] == "too_many_wrong_codes"


@pytest.mark.parametrize(
    ("data", "content_type", "expected"),
    [
        ({"code": "1234567"}, "application/json", 400),
        ({"code": "1234567a"}, "application/json", 400),
        ({"code": "１２３４５６７８"}, "application/json", 400),
        ({}, "application/json", 400),
        ([], "application/json", 400),
        ("{", "application/json", 400),
        ("code=12345678", "application/x-www-form-urlencoded", 415),
        ('"' + "x" * 10_001 + '"', "application/json", 413),
    ],
)
def test_what_is_no_code_is_refused(gate, calls, data, content_type, expected):
    assert calls.post(f"gates/{gate.pk}/code", data, content_type).status_code == expected


def test_code_is_taken_from_gateways_of_the_lot_only(lot, gate):
    assert GatewayCalls(make_lot()).post(f"gates/{gate.pk}/code", {"code": "12345678"}).status_code == 404


def test_guard_sees_and_opens_the_own_gates(lot, gate):
    person = make_user()
    grant(person, Role.GUARD, lot=lot)
    guard = Caller(person)
    elsewhere = make_gate(make_lot())

    listed = guard.get("gates").json()
    opened = guard.post(f"gates/{gate.pk}/open", {"note": "Ambulance"})
    seen = guard.get(f"gates/{gate.pk}/answers").json()["results"]

    assert [(row["id"], row["kind"], row["lot"]["id"]) for row in listed["results"]] == [(gate.pk, "BOTH", lot.pk)]
    assert (opened.status_code, opened.json()["opens"]) == (201, True)
    assert [(row["verdict"], row["note"]) for row in seen] == [("OPENED_BY_GUARD", "Ambulance")]
    assert GateAnswer.objects.get().actor == person
    assert guard.post(f"gates/{elsewhere.pk}/open", {"note": "Ambulance"}).status_code == 404
    assert guard.get(f"gates/{elsewhere.pk}/answers").status_code == 404


def test_guard_must_say_why(lot, gate):
    person = make_user()
    grant(person, Role.GUARD, lot=lot)

    assert Caller(person).post(f"gates/{gate.pk}/open", {}).status_code == 400
    assert Caller(person).post(f"gates/{gate.pk}/open", {"note": "  "}).status_code == 400
    assert GateAnswer.objects.count() == 0


def test_no_plate_is_in_the_answers_that_guards_see(lot, gate, calls):
    mine = book(lot, plate="粤B10001", now=clock.now())
    person = make_user()
    grant(person, Role.GUARD, lot=lot)
    code = Caller(mine.driver).post(f"reservations/{mine.pk}/code").json()["code"]
    calls.post(f"gates/{gate.pk}/code", {"code": code})

    answers = Caller(person).get(f"gates/{gate.pk}/answers").content.decode()

    assert plates.mask_plate("粤B10001") not in answers
    assert "10001" not in answers
