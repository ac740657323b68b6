"""Events in our own JSON: who may send them, and a result for each."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from standardwebhooks import Webhook

from parking_share import clock
from sensors.models import BayState, Gateway, Kind, Reading
from tests.devices import batch, happened, item, make_sensed_bay, make_watched_gate, secret_of
from tests.factories import make_device, make_lot, make_user
from tests.interface.api import Caller

pytestmark = pytest.mark.django_db
PATH = "/api/v1/sensors/events"
JSON = "application/json"


def send(body, content_type=JSON, **headers):
    return Client().post(PATH, body, content_type=content_type, headers={"Accept-Language": "en"} | headers)


def bearer(gateway):
    return {"Authorization": f"Bearer {secret_of(gateway)}"}


def signature(gateway, body, *, at=None, secret=None):
    at = at or datetime.now(UTC)
    return {
        "Parking-Gateway": str(gateway.pk),
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret or secret_of(gateway)).sign("msg_1", at, body.decode()),
    }


def told(answer):
    return answer.status_code, answer.json()["code"]


def test_each_event_has_its_result():
    gateway, sensor = make_sensed_bay()
    now = clock.now()
    events = [
        item(happened("a", Kind.OCCUPIED, sensor, now)),
        item(happened("a", Kind.OCCUPIED, sensor, now)),
        item(happened("b", Kind.OCCUPIED, "nobody", now)),
        {"key": "c"},
    ]

    answer = send(json.dumps({"events": events}), **bearer(gateway))

    assert answer.status_code == 200
    body = answer.json()
    assert [one["outcome"] for one in body["results"]] == ["STORED", "KNOWN", "REFUSED", "REFUSED"]
    assert [one.get("problem") for one in body["results"]] == [None, None, "unknown_device", "unreadable"]
    assert (body["stored"], body["known"], body["refused"]) == (1, 1, 2)
    assert all(one["sentence"].endswith(".") for one in body["results"][2:])
    assert BayState.objects.get().state == "OCCUPIED"


def test_sent_again_all_is_known():
    gateway, sensor = make_sensed_bay()
    key, body = bearer(gateway), batch(happened("a", Kind.OCCUPIED, sensor, clock.now()))

    answers = [send(body, **key).json() for _ in range(2)]

    assert [one["stored"] for one in answers] == [1, 0]
    assert Reading.objects.count() == 1


def test_a_car_at_a_gate_that_comes_alone_is_answered():
    gateway, camera = make_watched_gate()
    car = happened("a", Kind.ENTER, camera, clock.now(), plate="粤B12345")

    alone = send(batch(car), **bearer(gateway)).json()["results"][0]

    assert alone["outcome"] == "STORED"
    assert (alone["gate"]["opens"], alone["gate"]["until"]) == (False, None)
    assert alone["gate"]["sentence"]


def test_cars_in_a_batch_are_stored_without_an_answer():
    gateway, camera = make_watched_gate()
    cars = [happened(key, Kind.ENTER, camera, clock.now(), plate="粤B12345") for key in "ab"]

    results = send(batch(*cars), **bearer(gateway)).json()["results"]

    assert results == [{"outcome": "STORED"}, {"outcome": "STORED"}]


def test_a_signed_batch_is_taken():
    gateway, sensor = make_sensed_bay(trust=Gateway.Trust.SIGNED)
    body = batch(happened("a", Kind.OCCUPIED, sensor, clock.now()))

    assert send(body, **signature(gateway, body)).json()["stored"] == 1


@pytest.mark.parametrize("late_s", [301, -310])
def test_a_signature_that_is_sent_again_later_is_refused(late_s):
    gateway, sensor = make_sensed_bay(trust=Gateway.Trust.SIGNED)
    body = batch(happened("a", Kind.OCCUPIED, sensor, clock.now()))

    answer = send(body, **signature(gateway, body, at=datetime.now(UTC) - timedelta(seconds=late_s)))

    assert told(answer) == (401, "authentication_failed")
    assert not Reading.objects.exists()


@pytest.mark.parametrize("number", ["", "x", "-1", "0", "9" * 18, "9" * 40, "１"])
def test_a_signature_for_a_gateway_that_is_none_is_refused(number):
    gateway, sensor = make_sensed_bay(trust=Gateway.Trust.SIGNED)
    body = batch(happened("a", Kind.OCCUPIED, sensor, clock.now()))
    headers = signature(gateway, body) | {"Parking-Gateway": number.encode().decode("latin-1")}

    assert told(send(body, **headers)) == (401, "authentication_failed")


def test_other_proofs_are_refused():
    _gateway, sensor = make_sensed_bay()
    body = batch(happened("a", Kind.OCCUPIED, sensor, clock.now()))
    person = Caller(make_user())

    assert told(send(body)) == (401, "not_authenticated")
    assert told(send(body, Authorization="Bearer pgate_wrong")) == (401, "authentication_failed")
    assert told(send(body, Authorization=person.headers["Authorization"])) == (401, "authentication_failed")
    assert told(send(body, Authorization="Basic x")) == (401, "not_authenticated")
    browser = Client()
    browser.force_login(make_user(), backend="django.contrib.auth.backends.ModelBackend")
    assert told(browser.post(PATH, body, content_type=JSON)) == (401, "not_authenticated")


def test_a_revoked_key_fails_at_once():
    gateway, sensor = make_sensed_bay()
    key = bearer(gateway)
    gateway.keys.update(revoked_at=clock.now())

    answer = send(batch(happened("a", Kind.OCCUPIED, sensor, clock.now())), **key)

    assert told(answer) == (401, "authentication_failed")


def test_a_gateway_writes_for_its_own_lots_only():
    (gateway, _sensor), (_rival, theirs) = make_sensed_bay(), make_sensed_bay()
    moved = make_device(make_lot(), gateway=gateway)
    events = [happened(one.identifier, Kind.OCCUPIED, one, clock.now()) for one in (theirs, moved)]

    results = send(batch(*events), **bearer(gateway)).json()["results"]

    assert [one["problem"] for one in results] == ["unknown_device", "foreign_lot"]
    assert not Reading.objects.exists()


def test_the_expected_serial_must_be_named():
    gateway, camera = make_watched_gate(expected_serial="west")

    answer = send(batch(happened("a", Kind.ENTER, camera, clock.now())), **bearer(gateway))

    assert told(answer) == (400, "invalid")
    assert not Reading.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"[]",
        b"{}",
        b'{"events": []}',
        b'{"events": {}}',
        b'{"events": [' + b"{}," * 500 + b"{}]}",
        b"[" * 100_000,
        b'{"events": [NaN]}',
        b"\xff\xfe\xff",
    ],
)
def test_a_batch_that_is_none_is_400(body):
    gateway, _sensor = make_sensed_bay()

    assert told(send(body, **bearer(gateway))) == (400, "invalid")


def test_a_batch_of_five_hundred_is_taken():
    gateway, sensor = make_sensed_bay()
    now = clock.now()
    events = [happened(f"event {number}", Kind.OCCUPIED, sensor, now, sequence=number) for number in range(500)]

    assert send(batch(*events), **bearer(gateway)).json()["stored"] == 500


def test_too_much_and_other_formats_are_refused():
    gateway, _sensor = make_sensed_bay()
    key = bearer(gateway)

    assert told(send(b"a" * 1_000_001, **key)) == (413, "too_large")
    assert told(send(b"a=b", content_type="application/x-www-form-urlencoded", **key)) == (
        415,
        "unsupported_media_type",
    )
