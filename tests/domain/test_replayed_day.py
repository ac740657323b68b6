"""One day of a city's bays, sent again and again in any order and any batches: one state, nothing twice."""

import hashlib
import os
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from parking_share.spaces.models import Lot, Space
from sensors.events import Event
from sensors.models import BayState, Device, Gateway, Kind, KnownKey, OutboxRow, Reading
from sensors.storing import store_events
from tests.factories import NOW, hours, make_gateway, make_lot

FULL = os.environ.get("FAULT_ROUNDS") == "full"
BAYS, EVENTS, REPLAYS = (2000, 200_000, 10) if FULL else (100, 4000, 3)
LOTS, LARGEST_BATCH, SEED = 10, 500, 20261123
AFTER_THE_DAY = NOW + hours(25)
STATE = "SELECT * FROM (SELECT {} FROM sensors_baystate ORDER BY space_id) AS state"
COLUMNS = "space_id, device_id, state, observed_at, sequence, tie_break"


def make_bays(number: int) -> tuple[Gateway, list[str]]:
    lots: list[Lot] = [make_lot() for _ in range(LOTS)]
    gateway = make_gateway(*lots, trust=Gateway.Trust.DEVICE)
    spaces = Space.objects.bulk_create(Space(lot=lots[place % LOTS], label=f"S{place}") for place in range(number))
    devices = Device.objects.bulk_create(
        Device(gateway=gateway, identifier=f"bay-{place}", lot=space.lot, space=space)
        for place, space in enumerate(spaces)
    )
    return gateway, [device.identifier for device in devices]


def a_day(devices: list[str], number: int, rng: random.Random) -> list[Event]:
    """Changes and repetitions, some at the same instant and told apart by number or key alone."""
    kinds = [Kind.OCCUPIED, Kind.VACANT, Kind.OCCUPIED, Kind.VACANT, Kind.CLOSED]
    return [
        Event(
            source_key=f"event {place}",
            kind=rng.choice(kinds),
            device=rng.choice(devices),
            reported_at=NOW + timedelta(seconds=60 * rng.randrange(24 * 60)),
            sequence=rng.randrange(3),
        )
        for place in range(number)
    ]


def send(gateway: Gateway, events: list[Event], rng: random.Random) -> int:
    """In batches of 1 to 500; return how many were new."""
    start, new = 0, 0
    while start < len(events):
        end = start + rng.randint(1, LARGEST_BATCH)
        stored = store_events(gateway_id=gateway.pk, events=events[start:end], received_at=AFTER_THE_DAY)
        new += sum(one.is_new for one in stored)
        start = end
    return new


def state_hash() -> str:
    with connection.cursor() as cursor:
        cursor.execute(STATE.format(COLUMNS))
        return hashlib.sha256(repr(cursor.fetchall()).encode()).hexdigest()


def troubles_of_replaying(gateway: Gateway, day: list[Event], *, before_each: Callable[[], object]) -> list[str]:
    """What differs from the first time when the day is replayed."""
    rng = random.Random(SEED)
    send(gateway, day, rng)
    first, rows, waiting = state_hash(), Reading.objects.count(), OutboxRow.objects.count()
    found = []
    for _ in range(REPLAYS):
        before_each()
        shuffled = rng.sample(day, len(day))
        new = send(gateway, shuffled, rng)
        found += ["new events"] if new else []
        found += ["another state"] if state_hash() != first else []
    found += ["more readings"] if Reading.objects.count() != rows else []
    found += ["more for fulfilment"] if OutboxRow.objects.count() != waiting else []
    return found


@pytest.mark.django_db
def test_a_day_that_is_replayed_changes_nothing():
    rng = random.Random(SEED)
    gateway, devices = make_bays(BAYS)
    day = a_day(devices, EVENTS, rng)

    assert troubles_of_replaying(gateway, day, before_each=lambda: None) == []
    assert Reading.objects.count() == EVENTS


@pytest.mark.django_db
def test_without_the_memory_of_keys_the_replay_is_noticed():
    """The negative control: the check above finds what it looks for."""
    gateway, devices = make_bays(20)
    day = a_day(devices, 400, random.Random(SEED))

    found = troubles_of_replaying(gateway, day, before_each=KnownKey.objects.all().delete)

    assert {"new events", "more readings"} <= set(found)


@pytest.mark.django_db
def test_any_order_of_the_first_time_ends_in_the_same_state():
    rng = random.Random(SEED)
    gateway, devices = make_bays(20)
    day = a_day(devices, 1000, rng)
    hashes = set()

    for _ in range(4):
        KnownKey.objects.all().delete()
        BayState.objects.all().delete()
        send(gateway, rng.sample(day, len(day)), rng)
        hashes.add(state_hash())

    assert len(hashes) == 1


@pytest.mark.django_db(transaction=True)
def test_gateways_that_send_the_same_at_once_wait_for_each_other_and_store_it_once():
    rng = random.Random(SEED)
    gateway, devices = make_bays(50)
    day = a_day(devices, 3000, rng)
    orders = [rng.sample(day, len(day)) for _ in range(4)]
    gate = threading.Barrier(len(orders))

    def work(number: int) -> int:
        gate.wait(timeout=30)
        try:
            return send(gateway, orders[number], random.Random(number))
        finally:
            connection.close()

    with ThreadPoolExecutor(len(orders)) as pool:
        new = list(pool.map(work, range(len(orders))))

    assert sum(new) == len(day) == Reading.objects.count()
    together = state_hash()
    KnownKey.objects.all().delete()
    BayState.objects.all().delete()
    send(gateway, day, rng)
    assert state_hash() == together
