"""The database does not answer: gates follow the rule of their site, and nothing is called stored that is not."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import InterfaceError, OperationalError, connection, transaction
from django.test import Client

from parking_share import clock
from parking_share.api import patience
from parking_share.fulfilment import failsafe
from parking_share.fulfilment.models import GateAnswer, LotRules
from sensors.models import Gateway, Kind, RawMessage, Reading
from tests.devices import batch, happened, make_sensed_bay, make_watched_gate, secret_of, vzenith

pytestmark = pytest.mark.django_db(transaction=True)
PLATE = "粤B12345"


def push(secret, body, **environ):
    return Client().post(f"/api/v1/sensors/push/{secret}", body, content_type="application/json", **environ)


def cut():
    """End the connection of this thread from another one; its next statement fails as if the database were away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]

    def terminate():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [backend])
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(terminate).result()
    connection.health_check_enabled = False


@pytest.fixture
def gate():
    """A camera that this process has answered, at a site whose rule is to open; its secret."""
    failsafe.memory.forget()
    gateway, camera = make_watched_gate(format="VZENITH")
    LotRules.objects.create(lot=camera.lot, fail_safe=LotRules.FailSafe.OPEN)
    secret = secret_of(gateway)
    assert push(secret, vzenith("east", PLATE, clock.now()))["Parking-Gate"] == "shut"
    yield camera, secret
    connection.close()


@contextmanager
def hanging():
    """Nobody can write a message until this is over, twenty seconds at most; the server keeps no limit either."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")
        cursor.execute("SET statement_timeout = 0")
    is_locked, is_over = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE sensors_rawmessage IN ACCESS EXCLUSIVE MODE")
            is_locked.set()
            is_over.wait(20)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        assert is_locked.wait(20)
        yield
        is_over.set()
        held.result()


def without_database(secret, body):
    cut()
    answer = push(secret, body)
    connection.close()
    return answer


def test_a_site_that_opens_opens(gate):
    _camera, secret = gate

    answer = without_database(secret, vzenith("east", PLATE, clock.now(), number=2))

    assert (answer.status_code, answer["Parking-Gate"]) == (200, "open")
    assert answer.json()["Response_AlarmInfoPlate"]["info"] == "ok"


@pytest.mark.parametrize("change", [{"isoffline": 1}, {"license": "_无_"}, {"timeStamp": {}}])
def test_what_is_no_live_plate_opens_nothing_even_there(gate, change):
    _camera, secret = gate

    answer = without_database(secret, vzenith("east", PLATE, clock.now(), number=2, **change))

    assert (answer.status_code, answer["Parking-Gate"], answer["Retry-After"]) == (503, "shut", "1")
    assert answer.json()["Response_AlarmInfoPlate"]["info"] == "no"


def test_a_database_that_hangs_is_one_that_is_away(gate, monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE_S", 0.3)
    _camera, secret = gate
    body = vzenith("east", PLATE, clock.now(), number=2)

    with hanging():
        answer = push(secret, body)
        connection.close()
    after = push(secret, body)

    assert (answer.status_code, answer["Parking-Gate"]) == (200, "open")
    assert (after.status_code, after["Parking-Gate"]) == (200, "shut")  # the car is unknown, the reading is kept
    assert GateAnswer.objects.filter(verdict="FAIL_SAFE").count() == 1


def test_a_connection_that_was_closed_meanwhile_is_made_again(gate):
    _camera, secret = gate
    cut()
    connection.health_check_enabled = True

    answer = push(secret, vzenith("east", PLATE, clock.now(), number=2))

    assert (answer.status_code, answer["Parking-Gate"]) == (200, "shut")
    assert RawMessage.objects.count() == 2


def test_a_site_that_stays_shut_is_asked_to_come_again(gate):
    camera, secret = gate
    LotRules.objects.filter(lot=camera.lot).update(fail_safe=LotRules.FailSafe.STAY_SHUT)
    push(secret, vzenith("east", PLATE, clock.now(), number=2))

    answer = without_database(secret, vzenith("east", PLATE, clock.now(), number=3))

    assert (answer.status_code, answer["Parking-Gate"], answer["Retry-After"]) == (503, "shut", "1")


def test_a_gate_that_this_process_does_not_know_stays_shut():
    gateway, _camera = make_watched_gate(format="VZENITH")

    answer = without_database(secret_of(gateway), vzenith("east", PLATE, clock.now()))

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")


def test_a_key_that_was_revoked_while_it_was_known_opens_nothing(gate):
    camera, secret = gate
    camera.gateway.keys.update(revoked_at=clock.now())
    refused = push(secret, vzenith("east", PLATE, clock.now(), number=2))

    answer = without_database(secret, vzenith("east", PLATE, clock.now(), number=3))

    assert (refused.status_code, answer.status_code) == (404, 503)


def test_who_calls_from_elsewhere_opens_nothing(gate):
    camera, secret = gate
    Gateway.objects.filter(pk=camera.gateway_id).update(addresses=["127.0.0.1/32"])
    push(secret, vzenith("east", PLATE, clock.now(), number=2))

    cut()
    elsewhere = push(secret, vzenith("east", PLATE, clock.now(), number=3), REMOTE_ADDR="203.0.113.9")
    at_home = push(secret, vzenith("east", PLATE, clock.now(), number=4))

    assert (elsewhere.status_code, elsewhere.get("Parking-Gate")) == (503, None)
    assert (at_home.status_code, at_home["Parking-Gate"]) == (200, "open")


def test_a_stranger_with_the_key_does_not_make_the_process_forget(gate):
    camera, secret = gate
    Gateway.objects.filter(pk=camera.gateway_id).update(addresses=["127.0.0.1/32"])
    push(secret, vzenith("east", PLATE, clock.now(), number=2))
    elsewhere = push(secret, vzenith("east", PLATE, clock.now(), number=3), REMOTE_ADDR="203.0.113.9")

    at_home = without_database(secret, vzenith("east", PLATE, clock.now(), number=4))

    assert (elsewhere.status_code, at_home.status_code, at_home["Parking-Gate"]) == (404, 200, "open")


def test_what_was_answered_is_written_down_although_the_database_goes_away_once_more(gate):
    camera, secret = gate
    without_database(secret, vzenith("east", PLATE, clock.now(), number=2))

    cut()
    with pytest.raises((OperationalError, InterfaceError)):
        failsafe.write_down()
    connection.close()

    assert (failsafe.write_down(), failsafe.write_down()) == (1, 0)
    assert GateAnswer.objects.get(verdict="FAIL_SAFE").gate_id == camera.gate_id


def test_bay_sensors_are_asked_to_come_again():
    gateway, sensor = make_sensed_bay()
    headers = {"Authorization": f"Bearer {secret_of(gateway)}"}
    body = batch(happened("a", Kind.OCCUPIED, sensor, clock.now()))

    def send():
        return Client().post("/api/v1/sensors/events", body, content_type="application/json", headers=headers)

    cut()
    answer = send()
    connection.close()

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert not Reading.objects.exists()
    assert send().json()["stored"] == 1


def test_once_it_answers_again_nothing_is_missing(gate):
    _camera, secret = gate
    body = vzenith("east", PLATE, clock.now(), number=2)

    without_database(secret, body)
    after = push(secret, body)

    assert after.status_code == 200
    assert RawMessage.objects.count() == Reading.objects.count() == 2
