"""Events stored per second through HTTP, beside COPY of the same rows into a bare table; and with bookings beside."""

import http.client
import io
import json
import random
import statistics
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import connection
from django.utils import timezone

from benchmarks.bookings import LOTS, bookings_per_second, make_callers, make_lots
from benchmarks.client import PATIENCE_S, timed
from parking_share.spaces.models import Space
from sensors.credentials import issue_key
from sensors.models import Device, Gateway, OutboxRow, Reading
from tests.factories import make_gateway, make_lot
from tests.live import LiveSite

BAYS, LOTS_OF_BAYS, BATCH, CLIENTS, SEED = 2000, 20, 500, 3, 20261123
EVENTS_BAR, RATIO_BAR, RATIO_AIM = 3000, 0.05, 0.15
BARE = """
CREATE TABLE IF NOT EXISTS benchmarks_event (
    gateway_id bigint, device_id bigint, lot_id bigint, space_id bigint, source_key varchar(200), kind varchar(9),
    observed_at timestamptz, sequence bigint, reported_at timestamptz, received_at timestamptz
)
"""
COPY = "COPY benchmarks_event FROM STDIN"


class Sensors:
    """Bays with a sensor each, and the key of the gateway that writes for them."""

    def __init__(self) -> None:
        lots = [make_lot() for _ in range(LOTS_OF_BAYS)]
        self.gateway = make_gateway(*lots, trust=Gateway.Trust.DEVICE)
        spaces = Space.objects.bulk_create(
            Space(lot=lots[number % LOTS_OF_BAYS], label=f"S{number}") for number in range(BAYS)
        )
        self.devices = Device.objects.bulk_create(
            Device(gateway=self.gateway, identifier=f"bay-{number}", lot=space.lot, space=space)
            for number, space in enumerate(spaces)
        )
        self.key = issue_key(gateway_id=self.gateway.pk, now=timezone.now())
        self._run = 0

    def events(self, number: int) -> list[tuple[Device, str, str, int, datetime]]:
        """As many changes of random bays, all of this minute: device, key, kind, number, time."""
        self._run += 1
        rng, now = random.Random(SEED + self._run), timezone.now()
        taken: dict[int, bool] = {}
        rows = []
        for place in range(number):
            bay = rng.randrange(BAYS)
            taken[bay] = not taken.get(bay, False)
            at = now + timedelta(milliseconds=place / 10)
            rows.append((self.devices[bay], f"{self._run}:{place}", _kind(is_taken=taken[bay]), place, at))
        return rows


def copied_per_second(sensors: Sensors, number: int) -> float:
    """The same rows, as one COPY into a table without keys or indexes."""
    received = timezone.now().isoformat()
    lines = io.StringIO(
        "".join(
            f"{sensors.gateway.pk}\t{device.pk}\t{device.lot_id}\t{device.space_id}\t{key}\t{kind}\t{at.isoformat()}"
            f"\t{place}\t{at.isoformat()}\t{received}\n"
            for device, key, kind, place, at in sensors.events(number)
        )
    )
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE benchmarks_event")
        return number / timed(lambda: cursor.copy_expert(COPY, lines))


def stored_per_second(site: LiveSite, sensors: Sensors, number: int) -> float:
    """From the first batch sent to the last one acknowledged; the bodies are written beforehand."""
    bodies = _bodies(sensors, number)
    before = Reading.objects.count()
    took = timed(lambda: _post_all(site.address, sensors.key, iter(bodies)))
    if Reading.objects.count() - before != number:
        raise RuntimeError("Not every event was stored once.")
    return number / took


def beside_bookings(site: LiveSite, sensors: Sensors, *, number: int, bookings: int) -> tuple[float, float]:
    """Events stored and bookings decided per second, both at once."""
    lots, callers = make_lots(LOTS), make_callers(bookings)
    ended = threading.Event()
    stored: list[float] = []

    def go_on() -> None:
        while not ended.is_set():
            stored.append(stored_per_second(site, sensors, number))

    try:
        thread = threading.Thread(target=_with_own_connection, args=(go_on,))
        thread.start()
        decided = bookings_per_second(site, lots, callers)
    finally:
        ended.set()
        thread.join()
    return statistics.median(stored), decided


def report(site: LiveSite, *, repeats: int, number: int) -> None:
    """The worker rests while ingest is compared with COPY, and runs while bookings go on beside it."""
    sensors, worker = Sensors(), site.processes["worker"]
    with connection.cursor() as cursor:
        cursor.execute(BARE)
    worker.stop()
    stored_per_second(site, sensors, BATCH * 4)  # warm
    copied, stored = [], []
    for _ in range(repeats):
        copied.append(copied_per_second(sensors, number))
        stored.append(stored_per_second(site, sensors, number))
    OutboxRow.objects.all().delete()  # what waits for the worker is no part of what follows
    worker.log.write_bytes(b"")
    worker.start()
    worker.wait_until(lambda: "ready." in worker.tail())
    anchor, rate = statistics.median(copied), statistics.median(stored)
    print(f"\nEvents stored per second: batches of {BATCH}, {CLIENTS} clients, {BAYS} bays, {number} events a round")
    print(f"  COPY into a bare table                {anchor:8.0f}/s")
    print(f"  batches through HTTP                  {rate:8.0f}/s   {rate / anchor:.3f} of it (bar {RATIO_BAR})")
    events, bookings = beside_bookings(site, sensors, number=max(BATCH * 4, number // 10), bookings=number // 100)
    print(f"  with bookings going on beside         {events:8.0f}/s   (bar {EVENTS_BAR}), {bookings:.0f} bookings/s")


def _bodies(sensors: Sensors, number: int) -> list[bytes]:
    events = [
        {"key": key, "kind": kind, "device": device.identifier, "reported_at": at.isoformat(), "sequence": place}
        for device, key, kind, place, at in sensors.events(number)
    ]
    return [json.dumps({"events": events[start : start + BATCH]}).encode() for start in range(0, number, BATCH)]


def _post_all(address: str, key: str, bodies: Iterator[bytes]) -> None:
    lock = threading.Lock()
    place = urlsplit(address)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    def work(_number: int) -> None:
        line = http.client.HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE_S)
        while True:
            with lock:
                body = next(bodies, None)
            if body is None:
                return line.close()
            line.request("POST", "/api/v1/sensors/events", body, headers)
            reply = line.getresponse()
            content = reply.read()
            if reply.status != 200:
                raise RuntimeError(f"{reply.status}: {content[:200]!r}")

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, range(CLIENTS)))


def _with_own_connection(work: object) -> None:
    try:
        work()  # type: ignore[operator]
    finally:
        connection.close()


def _kind(*, is_taken: bool) -> str:
    return "OCCUPIED" if is_taken else "VACANT"
