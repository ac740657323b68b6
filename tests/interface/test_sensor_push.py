"""Messages of devices as they are: kept, read, answered so that a barrier obeys; and never a secret in a log."""

import json
import logging
from datetime import timedelta

import pytest
from django.test import Client
from structlog.stdlib import ProcessorFormatter

from parking_share import clock
from parking_share.access_log import AccessLog
from parking_share.accounts import plates
from parking_share.fulfilment.models import GateAnswer, ListedPlate
from sensors import services
from sensors.adapters.registry import FORMATS, says_open
from sensors.models import BayState, Gateway, Kind, RawMessage, Reading
from sensors.sealing import MESSAGE, unseal
from tests.devices import (
    GOLDEN,
    MULTIPART,
    batch,
    happened,
    make_sensed_bay,
    make_watched_gate,
    secret_of,
    vzenith,
)
from tests.factories import hours, make_device, make_user

pytestmark = pytest.mark.django_db
PLATE = "粤B12345"


def push(secret, body, content_type="application/json", **headers):
    headers = {"Accept-Language": "en"} | headers
    return Client().post(f"/api/v1/sensors/push/{secret}", body, content_type=content_type, headers=headers)


def let_in(gate, plate=PLATE):
    """Put a plate on the manager's list."""
    return ListedPlate.objects.create(
        lot=gate.lot,
        plate_encrypted=plates.encrypt_plate(plate),
        plate_exact_hash=plates.exact_hash(plate),
        plate_folded_hash=plates.folded_hash(plate),
        valid_from=clock.now() - hours(1),
        added_by=make_user(),
    )


@pytest.fixture
def gate():
    """A camera whose gate opens for PLATE."""
    gateway, camera = make_watched_gate(format="VZENITH")
    let_in(camera.gate)
    return gateway, camera


def test_a_message_is_kept_encrypted_and_read():
    gateway, camera = make_watched_gate(format="VZENITH")
    body = vzenith("east", PLATE, clock.now())

    answer = push(secret_of(gateway), body)

    assert answer.status_code == 200
    message = RawMessage.objects.get()
    assert (message.gateway, message.state, message.content_type) == (gateway, "READ", "application/json")
    assert unseal(bytes(message.body_encrypted), purpose=MESSAGE) == body
    reading = Reading.objects.get()
    assert (reading.kind, reading.gate, reading.raw_message_id) == ("ENTER", camera.gate, message.pk)


def test_the_barrier_opens_for_who_may_pass(gate):
    gateway, _camera = gate

    answer = push(secret_of(gateway), vzenith("east", PLATE, clock.now()))

    assert answer.json()["Response_AlarmInfoPlate"]["info"] == "ok"
    assert answer["Parking-Gate"] == "open"
    assert GateAnswer.objects.get().verdict == "LISTED"


@pytest.mark.parametrize(
    "change",
    [
        {"license": "粤B99999"},
        {"license": "_无_"},
        {"license": ""},
        {"isoffline": 1},
        {"timeStamp": {"Timeval": {"sec": 1_700_000_000, "usec": 0}}, "isoffline": None},
    ],
)
def test_the_barrier_stays_shut_for_others_and_for_what_is_old(gate, change):
    gateway, _camera = gate

    answer = push(secret_of(gateway), vzenith("east", PLATE, clock.now(), **change))

    assert answer.status_code == 200
    assert answer.json()["Response_AlarmInfoPlate"]["info"] == "no"
    assert answer["Parking-Gate"] == "shut"


def test_the_barrier_opens_once_for_one_event(gate):
    gateway, _camera = gate
    secret, body = secret_of(gateway), vzenith("east", PLATE, clock.now())

    answers = [push(secret, body)["Parking-Gate"] for _ in range(3)]

    assert answers == ["open", "shut", "shut"]
    assert Reading.objects.count() == 1


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.iterdir()))
def test_every_format_is_taken_as_it_comes(name):
    format_name = next(value for value in Gateway.Format.values if name.upper().startswith(value))
    gateway, _camera = make_watched_gate(format=format_name)
    content_type = MULTIPART.get(name, "application/octet-stream")

    answer = push(secret_of(gateway), (GOLDEN / name).read_bytes(), content_type, Accept="text/html")

    assert answer.status_code == 200
    assert not says_open(format_name, answer.content)
    assert RawMessage.objects.get().state in {"READ", "QUARANTINED"}


def test_pictures_are_not_kept():
    gateway, _camera = make_watched_gate(format="HIKVISION")
    name = "hikvision_multipart.bin"

    push(secret_of(gateway), (GOLDEN / name).read_bytes(), MULTIPART[name])

    kept = unseal(bytes(RawMessage.objects.get().body_encrypted), purpose=MESSAGE)
    assert b"EventNotificationAlert" in kept
    assert b"JFIF" not in kept


def test_the_kind_of_a_sensor_says_what_its_bytes_mean():
    gateway, sensor = make_sensed_bay(format="THINGS_STACK")
    sensor.identifier, sensor.decoder = "0004A30B001C0530", "bosch_pls"
    sensor.save()
    body = (GOLDEN / "things_stack_bosch_start.json").read_bytes()

    push(secret_of(gateway), body)

    assert BayState.objects.get().state == "OCCUPIED"


@pytest.mark.parametrize("name", ["\\u0000", "A\\u0000", "\\ud800", "x" * 81, ""])
def test_a_device_that_no_table_could_name_goes_to_quarantine(name):
    gateway, _sensor = make_sensed_bay(format="THINGS_STACK")
    body = (GOLDEN / "things_stack.json").read_text().replace("0004a30b001c0530", name).replace("bay-a-13", name)

    answer = push(secret_of(gateway), body)

    assert answer.status_code == 200
    assert RawMessage.objects.get().state == "QUARANTINED"


def test_our_own_format_may_be_pushed_too():
    gateway, sensor = make_sensed_bay()

    answer = push(secret_of(gateway), batch(happened("a", Kind.OCCUPIED, sensor, clock.now())))

    assert answer.json() == {"opens": False, "sentence": ""}
    assert Reading.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"<xml/>", b"\xff\xd8\xff", b"[" * 10_000, b'{"AlarmInfoPlate": {}}'])
def test_what_can_not_be_read_goes_to_quarantine(gate, body):
    gateway, _camera = gate

    answer = push(secret_of(gateway), body)

    assert (answer.status_code, answer["Parking-Gate"]) == (200, "shut")
    message = RawMessage.objects.get()
    assert message.state == "QUARANTINED"
    assert message.complaint.endswith(".")


def test_a_device_that_is_not_entered_yet_goes_to_quarantine_and_can_be_replayed():
    gateway, camera = make_watched_gate(format="VZENITH")
    push(secret_of(gateway), vzenith("west", PLATE, clock.now()))
    message = RawMessage.objects.get()
    before = (message.state, Reading.objects.count())

    still = services.replay_message(message_id=message.pk, now=clock.now())
    make_device(camera.lot, gateway=gateway, gate=camera.gate, identifier="west")
    healed = services.replay_message(message_id=message.pk, now=clock.now())

    message.refresh_from_db()
    assert before == ("QUARANTINED", 0)
    assert "west" in still
    assert PLATE not in still
    assert (healed, message.state, Reading.objects.count()) == ("", "READ", 1)
    with pytest.raises(services.ReplayRefused):
        services.replay_message(message_id=message.pk, now=clock.now())


def test_a_message_can_be_put_aside(gate):
    gateway, _camera = gate
    push(secret_of(gateway), b"{")
    message = RawMessage.objects.get()

    services.dismiss_message(message_id=message.pk)

    message.refresh_from_db()
    assert message.state == "DISMISSED"


def test_another_serial_number_is_refused_and_opens_nothing(gate):
    gateway, _camera = gate
    Gateway.objects.update(expected_serial="west")

    answer = push(secret_of(gateway), vzenith("east", PLATE, clock.now()))

    assert (answer.status_code, answer["Parking-Gate"]) == (200, "shut")
    assert RawMessage.objects.get().state == "QUARANTINED"
    assert not Reading.objects.exists()


def test_another_network_is_nowhere(gate):
    gateway, _camera = gate
    Gateway.objects.update(addresses=["203.0.113.0/24"])

    assert push(secret_of(gateway), vzenith("east", PLATE, clock.now())).status_code == 404
    assert not RawMessage.objects.exists()


def test_an_address_that_nobody_has_is_nowhere(gate):
    gateway, _camera = gate
    secret = secret_of(gateway)
    gateway.keys.update(revoked_at=clock.now())

    answers = [push(one, vzenith("east", PLATE, clock.now())) for one in (secret, "guess", "%00", "%ff")]

    assert [one.status_code for one in answers] == [404] * 4
    assert not RawMessage.objects.exists()


def test_a_gateway_that_signs_has_no_address():
    gateway, camera = make_watched_gate(trust="SIGNED", format="VZENITH")

    assert push(secret_of(gateway), vzenith(camera.identifier, PLATE, clock.now())).status_code == 404


def test_only_messages_are_taken(gate):
    gateway, _camera = gate

    assert Client().get(f"/api/v1/sensors/push/{secret_of(gateway)}").status_code == 405


def test_bodies_are_bounded(gate):
    gateway, _camera = gate
    secret = secret_of(gateway)

    assert push(secret, b"a" * 4_000_001).status_code == 413
    assert push(secret, b" " * 400_001).status_code == 413
    assert not RawMessage.objects.exists()


def test_what_a_process_left_unread_is_read_by_the_sweep(gate):
    gateway, _camera = gate
    now = clock.now()
    for number in (1, 2):
        services.accept_message(
            secret=secret_of(gateway),
            body=vzenith("east", PLATE, now, number=number),
            content_type="",
            address="",
            received_at=now,
        )

    early = services.read_waiting(now=now + timedelta(seconds=5))
    late = services.read_waiting(now=now + timedelta(seconds=15))

    assert (early, late, services.read_waiting(now=now + hours(1))) == (0, 2, 0)
    assert set(RawMessage.objects.values_list("state", flat=True)) == {"READ"}
    assert Reading.objects.count() == 2
    assert not GateAnswer.objects.exists()


def test_the_sweep_waits_as_long_by_the_wall_clock_where_the_day_runs_faster(gate, settings):
    gateway, _camera = gate
    settings.CLOCK_SPEED = 60
    now = clock.now()
    services.accept_message(
        secret=secret_of(gateway),
        body=vzenith("east", PLATE, now),
        content_type="",
        address="",
        received_at=now,
    )

    early = services.read_waiting(now=now + timedelta(minutes=9))
    late = services.read_waiting(now=now + timedelta(minutes=11))

    assert (early, late) == (0, 1)


def test_a_message_that_fails_five_times_is_given_up_and_holds_up_no_other(gate):
    gateway, _camera = gate
    now = clock.now()
    poison, other = (
        services.accept_message(
            secret=secret_of(gateway),
            body=vzenith("east", PLATE, now, number=number),
            content_type="",
            address="",
            received_at=now,
        )
        for number in (1, 2)
    )
    RawMessage.objects.filter(pk=poison.id).update(body_encrypted=b"\x01 sealed with another key, or cut off")

    for attempt in range(1, 7):
        services.read_waiting(now=now + attempt * timedelta(minutes=1))

    assert RawMessage.objects.get(pk=other.id).state == "READ"
    given_up = RawMessage.objects.get(pk=poison.id)
    assert (given_up.state, given_up.tries) == ("QUARANTINED", 5)


def test_every_reply_of_every_format_is_what_its_devices_expect(gate):
    gateway, _camera = gate
    secret = secret_of(gateway)

    for number, (name, format_) in enumerate(FORMATS.items()):
        Gateway.objects.filter(pk=gateway.pk).update(format=name)
        body, content_type = format_.reply(opens=False, sentence="")
        answer = push(secret, b"%d" % number)
        assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, body, content_type)


def test_no_secret_and_no_plate_is_logged(gate, caplog):
    gateway, _camera = gate
    secret = secret_of(gateway)

    push(secret, vzenith("east", PLATE, clock.now()))
    push(secret, b"{")
    push("pgate_revoked", b"{")
    logging.getLogger("django.request").warning("Service Unavailable: /api/v1/sensors/push/%s", secret)

    formatters = [handler.formatter for handler in logging.getLogger().handlers]
    site = next(one for one in formatters if isinstance(one, ProcessorFormatter))
    written = "\n".join(site.format(record) for record in caplog.records)
    assert written.count("/sensors/push/…") >= 4
    assert secret not in written
    assert "pgate_revoked" not in written
    assert PLATE not in written


def test_the_web_servers_own_log_hides_the_secret():
    log = AccessLog.__new__(AccessLog)
    environ = {
        "REQUEST_METHOD": "POST",
        "RAW_URI": "/api/v1/sensors/push/pgate_secret?x=1",
        "PATH_INFO": "/api/v1/sensors/push/pgate_secret",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }

    class Reply:
        status, headers, sent = "200 OK", (), 3

    atoms = log.atoms(Reply(), (), environ, timedelta(seconds=1))

    assert atoms["r"] == "POST /api/v1/sensors/push/…?x=1 HTTP/1.1"
    assert "pgate_secret" not in json.dumps(atoms)
