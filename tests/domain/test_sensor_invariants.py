"""Promises about events and bays: kept by storing, and reported where somebody breaks them behind its back."""

import random
from datetime import timedelta

import pytest
from django.db import connection

from parking_share.reservations.invariants import check_invariants
from sensors.events import Event
from sensors.models import BayState, Kind, KnownKey, OutboxRow, RawMessage, Reading
from sensors.storing import store_events
from tests.factories import NOW, make_device, make_gateway, make_lot, make_reading, make_space

pytestmark = pytest.mark.django_db

FOLD, HAS_STATE = "I8 a bay is what its readings say", "I8 a bay that was heard of has a state"
ONCE, HAS_EVENT = "I9 an event is stored once", "I9 a key that is known has its event"


@pytest.fixture
def device():
    lot = make_lot()
    device = make_device(lot, space=make_space(lot))
    stored(device, Kind.OCCUPIED, 0)
    return device


def stored(device, kind, minutes, *, key=None) -> None:
    at = NOW + timedelta(minutes=minutes)
    event = Event(source_key=key or f"{kind}{minutes}", kind=kind, device=device.identifier, reported_at=at)
    store_events(gateway_id=device.gateway_id, events=[event], received_at=NOW + timedelta(minutes=60), now=NOW)
    OutboxRow.objects.all().delete()


def broken(*, now=NOW + timedelta(hours=1)) -> list[str]:
    return [one.name for one in check_invariants(now=now, since=NOW - timedelta(days=7)) if one.rows]


def test_what_is_stored_in_any_order_keeps_all_promises(device):
    minutes = list(range(1, 40))
    random.Random(5).shuffle(minutes)
    for minute in minutes:
        stored(device, random.Random(minute).choice([Kind.VACANT, Kind.OCCUPIED, Kind.CLOSED, Kind.HEARTBEAT]), minute)
    for kind in (Kind.VACANT, Kind.OCCUPIED, Kind.CLOSED):
        stored(device, kind, 45, key=f"at once {kind}")
        stored(device, kind, 45, key=f"at once {kind}")

    assert broken() == []


def test_a_bay_that_only_gave_signs_of_life_keeps_all_promises():
    lot = make_lot()
    stored(make_device(lot, space=make_space(lot)), Kind.HEARTBEAT, 0)

    assert broken() == []


@pytest.mark.parametrize(
    "change",
    [
        {"state": "FREE"},
        {"state": "UNKNOWN"},
        {"observed_at": NOW + timedelta(minutes=1)},
        {"sequence": 1},
        {"tie_break": "0" * 32},
        {"heard_at": NOW + timedelta(minutes=1)},
        {"since": NOW + timedelta(minutes=1)},
    ],
)
def test_a_bay_that_is_not_what_its_readings_say_is_reported(device, change):
    BayState.objects.update(**change)

    assert broken() == [FOLD]


def test_a_state_that_no_reading_explains_is_reported(device):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE sensors_reading DISABLE TRIGGER append_only")
    Reading.objects.all().delete()

    assert broken() == [FOLD, HAS_EVENT]


def test_a_state_older_than_what_is_kept_is_not_held_against_it(device):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE sensors_reading DISABLE TRIGGER append_only")
    Reading.objects.all().delete()
    KnownKey.objects.all().delete()

    assert broken(now=NOW + timedelta(days=800)) == []


def test_a_bay_without_a_state_is_reported(device):
    BayState.objects.all().delete()

    assert broken() == [HAS_STATE]


def test_an_event_that_is_stored_twice_is_reported(device):
    make_reading(device, Kind.OCCUPIED, NOW, source_key="OCCUPIED0")

    assert broken() == [ONCE]


def test_a_known_key_without_its_event_is_reported(device):
    KnownKey.objects.create(gateway=device.gateway, key_hash="1" * 32, received_at=NOW)

    assert broken() == [HAS_EVENT]


def test_what_waits_too_long_is_reported(device):
    OutboxRow.objects.create(
        reading_id=Reading.objects.get().pk, kind=Kind.OCCUPIED, lot=device.lot, observed_at=NOW, received_at=NOW
    )
    RawMessage.objects.create(gateway=make_gateway(device.lot), received_at=NOW, body_encrypted=b"")

    assert broken(now=NOW + timedelta(minutes=5)) == []
    assert broken(now=NOW + timedelta(minutes=6)) == [
        "I9 no event waits to be looked at",
        "I9 no message waits to be read",
    ]
