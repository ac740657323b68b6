"""A real MQTT broker that is killed and comes back, a site that is away: every message arrives, none twice."""

import base64
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from paho.mqtt.enums import CallbackAPIVersion

from scripts.ports import free_port
from sensors.models import RawMessage, Reading
from tests.devices import make_watched_gate, secret_of
from tests.faults.evidence import wait_until
from tests.live import Process, _environment, live_site

BROKER = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin:/usr/bin:/usr/local/bin")
SERIAL = "8fcd1c4e-20ca9ecb"
TOPIC = f"device/{SERIAL}/message/up/ivs_result"


def message(number: int) -> bytes:
    """What a Vzenith camera publishes."""
    result = {
        "license": base64.b64encode(f"粤B{number:05d}".encode()).decode(),
        "isoffline": 0,
        "record_uuid": f"car-{number}",
        "timeStamp": {"Timeval": {"sec": int(timezone.now().timestamp()), "usec": number}},
    }
    alarm = {"channel": 0, "serialno": SERIAL, "result": {"PlateResult": result}}
    return json.dumps({"sn": SERIAL, "name": "ivs_result", "payload": {"AlarmInfoPlate": alarm}}).encode()


@contextmanager
def broker(folder: Path) -> Iterator[tuple[Process, int]]:
    """A broker that writes down what it has promised to deliver."""
    port = free_port()
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
        "autosave_interval 1\nautosave_on_changes true\nuser root\n"
    )
    process = Process("broker", (str(BROKER), "-c", str(settings)), {}, folder / "broker.log")
    process.start()
    try:
        yield process, port
    finally:
        process.stop()


def publish(port: int, numbers: range) -> None:
    """As a camera does: until the broker has acknowledged each."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=SERIAL, clean_session=False)
    wait_until(lambda: _connects(client, port), seconds=20)
    client.loop_start()
    for number in numbers:
        client.publish(TOPIC, message(number), qos=1).wait_for_publish(timeout=20)
    client.disconnect()
    client.loop_stop()


def _connects(client: mqtt.Client, port: int) -> bool:
    try:
        return client.connect("127.0.0.1", port) == mqtt.MQTT_ERR_SUCCESS
    except OSError:
        return False


@pytest.mark.skipif(BROKER is None, reason="mosquitto is not installed: apt-get install mosquitto")
@pytest.mark.django_db(transaction=True)
def test_every_message_arrives_once_whoever_is_away(tmp_path):
    gateway, camera = make_watched_gate(identifier=SERIAL, format="VZENITH")
    secret = secret_of(gateway)
    with live_site() as site, broker(tmp_path) as (mosquitto, port):
        environment = _environment(port=0, threads=1) | {
            "MQTT_URL": f"mqtt://127.0.0.1:{port}",
            "MQTT_PUSH_URL": f"{site.address}/api/v1/sensors/push/{secret}",
        }
        bridge = Process("bridge", (sys.executable, "manage.py", "mqtt_bridge"), environment, tmp_path / "bridge.log")
        bridge.start()
        try:
            bridge.wait_until(lambda: "broker_connected" in bridge.tail())
            publish(port, range(5))
            wait_until(lambda: Reading.objects.count() == 5, seconds=30)

            site.processes["web"].kill()
            publish(port, range(5, 10))
            time.sleep(1)
            mosquitto.stop()
            mosquitto.start()
            publish(port, range(10, 15))
            site.processes["web"].start()
            wait_until(lambda: Reading.objects.count() == 15, seconds=90)

            bridge.kill()
            publish(port, range(15, 20))
            bridge.start()
            wait_until(lambda: Reading.objects.count() == 20, seconds=60)
            written = bridge.log.read_text()
        finally:
            bridge.stop()

    assert set(Reading.objects.values_list("source_key", flat=True)) == {
        f"{SERIAL}:car-{number}" for number in range(20)
    }
    assert set(Reading.objects.values_list("device", "kind")) == {(camera.pk, "ENTER")}
    assert set(RawMessage.objects.values_list("state", flat=True)) == {"READ"}
    assert secret not in written


@pytest.mark.parametrize(
    ("broker_url", "push_url"),
    [("", "https://site.example/x"), ("http://host", "https://site.example/x"), ("mqtt://host", "ftp://x"), ("", "")],
)
def test_an_address_that_is_none_stops_the_start(broker_url, push_url, monkeypatch):
    monkeypatch.setenv("MQTT_URL", broker_url)
    monkeypatch.setenv("MQTT_PUSH_URL", push_url)

    with pytest.raises(CommandError, match="Set MQTT_URL and MQTT_PUSH_URL"):
        call_command("mqtt_bridge")
