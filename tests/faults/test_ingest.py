"""Gateways post while the site is killed, loses its broker or its database, or is sent what nobody should send."""

import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from scripts import redis_server
from scripts.ports import free_port
from sensors import services
from sensors.models import Kind, OutboxRow, RawMessage, Reading
from sensors.storing import CLOCK_TOLERANCE
from tests.devices import happened, item, make_sensed_bay, make_watched_gate, secret_of, vzenith
from tests.faults.evidence import wait_until
from tests.live import LiveSite, live_site

pytestmark = pytest.mark.django_db(transaction=True)
SEED = 20261123
POSTERS = 4
MOST_MEMORY_KB = 20 * 1024


class Posters:
    """Gateways that post one event after the other, and write down what was acknowledged."""

    def __init__(self, site: LiveSite, post: Callable[[LiveSite, str], bool]) -> None:
        self.acknowledged: list[str] = []
        self.refused: list[str] = []
        self._site, self._post = site, post
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(POSTERS)]

    def __enter__(self) -> "Posters":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        count = 0
        while not self._ended.is_set():
            count += 1
            key = f"{number}:{count}"
            try:
                is_taken = self._post(self._site, key)
            except (URLError, OSError, HTTPException):
                time.sleep(0.02)  # nobody listens, or the reply was cut off: neither taken nor refused
                continue
            (self.acknowledged if is_taken else self.refused).append(key)


def with_own_json(secret: str, device: str) -> Callable[[LiveSite, str], bool]:
    def post(site: LiveSite, key: str) -> bool:
        events = [item(happened(key, Kind.OCCUPIED, device, timezone.now()))]
        reply = site.call("POST", "/api/v1/sensors/events", {"events": events}, token=secret)
        return reply.status == 200 and reply.json()["stored"] == 1

    return post


def with_camera(secret: str, device: str) -> Callable[[LiveSite, str], bool]:
    def post(site: LiveSite, key: str) -> bool:
        body = json.loads(vzenith(device, "粤B12345", timezone.now(), record_uuid=key))
        return site.call("POST", f"/api/v1/sensors/push/{secret}", body).status == 200

    return post


def restart(site: LiveSite) -> None:
    web = site.processes["web"]
    web.kill()
    web.start()
    web.wait_until(lambda: listens(site))


def listens(site: LiveSite) -> bool:
    try:
        site.call("GET", "/healthz", timeout=2)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("form", ["own", "camera"])
def test_killed_at_random_instants_keeps_every_acknowledged_event_once(form, is_full):
    kills, chance = (100 if is_full else 3), random.Random(SEED)
    if form == "own":
        gateway, device = make_sensed_bay()
        post, prefix = with_own_json(secret_of(gateway), device.identifier), ""
    else:
        gateway, device = make_watched_gate(format="VZENITH")
        post, prefix = with_camera(secret_of(gateway), device.identifier), f"{device.identifier}:"

    with live_site(web_workers=2) as site:
        with Posters(site, post) as posters:
            for _ in range(kills):
                time.sleep(chance.uniform(0.05, 0.6))
                restart(site)
        services.read_waiting(now=timezone.now() + CLOCK_TOLERANCE)

    stored = list(Reading.objects.values_list("source_key", flat=True))
    print(f"{kills} kills, {len(posters.acknowledged)} acknowledged, {len(stored)} stored")  # noqa: T201
    assert len(posters.acknowledged) >= kills * POSTERS, "too few messages came through to lose any"
    assert {prefix + key for key in posters.acknowledged} <= set(stored)
    assert len(stored) == len(set(stored))
    assert not RawMessage.objects.exclude(state="READ").exists()


@contextmanager
def own_broker(folder: Path) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """A broker of the test's own: its address, and how to stop and start it."""
    binary = redis_server.wheel_binary() or redis_server.system_binary()
    assert binary is not None
    port, password = free_port(), "quiet-street"
    with ExitStack() as stack:
        running = [redis_server.start(binary, port, password, folder / "redis.log")]
        stack.callback(lambda: redis_server.stop(running[-1]))

        def start() -> None:
            running.append(redis_server.start(binary, port, password, folder / "redis.log"))

        yield redis_server.url(port, password), lambda: redis_server.stop(running[-1]), start


def test_without_the_broker_ingest_goes_on_and_the_backlog_is_gone_soon_after(is_full, tmp_path):
    away_s = 60 if is_full else 4
    gateway, device = make_watched_gate(format="VZENITH")
    bays, sensor = make_sensed_bay()
    camera, own = with_camera(secret_of(gateway), device.identifier), with_own_json(secret_of(bays), sensor.identifier)

    def post(site: LiveSite, key: str) -> bool:
        time.sleep(0.02)
        return bool(camera(site, key) and own(site, key))

    with (
        own_broker(tmp_path) as (address, stop, start),
        live_site(web_workers=2, beat=True, environment={"REDIS_URL": address}) as site,
    ):
        stop()
        with Posters(site, post) as posters:
            time.sleep(away_s)
        waiting = OutboxRow.objects.count()
        start()
        took = wait_until(lambda: not OutboxRow.objects.exists(), seconds=120)

    print(f"{away_s} s without a broker: {len(posters.acknowledged)} taken, {waiting} waited, gone after {took:.1f} s")  # noqa: T201
    assert posters.refused == []
    assert len(posters.acknowledged) >= away_s
    assert Reading.objects.count() == 2 * len(posters.acknowledged)


def memory_kb(site: LiveSite) -> int:
    """The most that any process of the web server ever held."""
    group = site.processes["web"].popen.pid
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[2]) == group:
                lines = (folder / "status").read_text().splitlines()
                found += [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
        except (OSError, ValueError):
            continue
    return max(found)


def answer_to(site: LiveSite, path: str, *, head: str, pieces: Iterator[bytes]) -> tuple[int, float]:
    """The status and how long it took, for a body that is sent piece by piece until the site has had enough."""
    place = urlsplit(site.address)
    began = time.monotonic()
    with socket.create_connection((place.hostname, place.port), timeout=20) as line:
        line.sendall(f"POST {path} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n{head}\r\n\r\n".encode())
        try:
            for piece in pieces:
                line.sendall(piece)
        except OSError:
            pass  # it has answered, and listens no more
        status = line.recv(200).split(b" ")[1]
    return int(status), time.monotonic() - began


def test_huge_bodies_are_refused_soon_and_cost_no_memory():
    gateway, _camera = make_watched_gate(format="HIKVISION")
    path, key = f"/api/v1/sensors/push/{secret_of(gateway)}", secret_of(gateway)
    events, length = "/api/v1/sensors/events", "Content-Length: 50000000"
    bearer = f"Authorization: Bearer {key}\r\nContent-Type: application/json"
    chunk = b"%x\r\n" % 100_000 + b"a" * 100_000 + b"\r\n"
    bomb = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 50_000 + b'">]><x>' + b"&a;" * 10_000 + b"</x>"
    deep = b'{"events":' * 40_000
    with live_site(web_workers=1) as site:
        for _ in range(3):
            assert answer_to(site, path, head="Content-Length: 2", pieces=iter([b"{}"]))[0] == 200
        before = memory_kb(site)

        answers = {
            "announced": answer_to(site, path, head=length, pieces=iter([b"a" * 1000])),
            "announced, own JSON": answer_to(site, events, head=f"{length}\r\n{bearer}", pieces=iter([])),
            "in chunks": answer_to(
                site, path, head="Transfer-Encoding: chunked", pieces=iter([chunk] * 500 + [b"0\r\n\r\n"])
            ),
            "bomb": answer_to(site, path, head=f"Content-Length: {len(bomb)}", pieces=iter([bomb])),
            "deep JSON": answer_to(site, events, head=f"Content-Length: {len(deep)}\r\n{bearer}", pieces=iter([deep])),
        }
        grown = memory_kb(site) - before

    print(f"{answers}, {grown} kB more")  # noqa: T201
    assert [status for status, _took in answers.values()] == [413, 413, 413, 200, 400]
    assert grown <= MOST_MEMORY_KB
