"""Golden messages of every format and variant, exactly; and what their makers never sent."""

import json
import time
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest

from parking_share.accounts.plates import exact_hash
from sensors.adapters import bay_sensors, hikvision, own, things_stack, vzenith
from sensors.adapters.bay_sensors import Uplink
from sensors.adapters.bodies import without_images
from sensors.adapters.registry import FORMATS, says_open
from sensors.events import Event, Unreadable, plate_of
from sensors.models import Gateway, Kind
from tests.devices import GOLDEN, MULTIPART

VZENITH_AT = datetime(2026, 11, 20, 10, 20, 15, 539956, tzinfo=UTC)
HIKVISION_AT = datetime(2026, 11, 20, 10, 0, 15, 847000, tzinfo=UTC)
STREAM_AT = datetime(2026, 11, 20, 10, 0, 13, 606935, tzinfo=UTC)
UPLINK_AT = datetime(2026, 11, 20, 10, 0, 14, 912345, tzinfo=UTC)
SERIAL, MAC, EUI = "8fcd1c4e-20ca9ecb", "44:a6:42:f3:2a:d7", "0004A30B001C0530"
UUID = "2a0f1c34-0000-4000-8000-00000000000"
LONGEST_REFUSAL_S, MOST_MEMORY = 1.0, 20 * 2**20


def mark(plate: str) -> str:
    """What stands in a key for a plate."""
    return exact_hash(plate).hex()[:16]


def alarm(key: str, **fields: Any) -> Event:
    usual: dict[str, Any] = {
        "is_live": True,
        "plate": "粤BD12345",
        "plate_colour": "green",
        "confidence": 0.97,
        "is_towards": True,
    }
    usual |= {"media_ref": "/mnt/a.jpg"}
    return Event(f"{SERIAL}:{key}", Kind.PASS, SERIAL, VZENITH_AT, **usual | fields)


def alert(key: str, **fields: Any) -> Event:
    usual: dict[str, Any] = {"plate": "粤B12345", "plate_colour": "blue", "confidence": 0.98, "is_towards": True}
    return Event(f"{MAC}:{key}", Kind.PASS, fields.pop("device", MAC), HIKVISION_AT, **usual | fields)


def uplink(kind: Kind, count: int) -> Event:
    return Event(f"{EUI}:AXBSH1Pk6Z0G166=:{count}", kind, EUI, UPLINK_AT, sequence=count)


STREAM = Event(
    f"camera-1:2026-11-20T10:00:13.606935Z:{mark('9JUB11')}",
    Kind.PASS,
    "camera-1",
    STREAM_AT,
    plate="9JUB11",
    alternatives=("SJU88Y",),
    confidence=0.839,
)
GOLDEN_EVENTS: dict[str, list[Event]] = {
    "vzenith_http.json": [alarm("594785:1795170015.539956")],
    "vzenith_http_gb2312.json": [alarm("f3b1-07", plate="粤B12345", plate_colour="blue", is_towards=False)],
    "vzenith_no_plate.json": [
        alarm("594787:1795170015.539956", plate="", plate_colour="", confidence=0.0, is_towards=None)
    ],
    "vzenith_offline.json": [alarm("594788:1795170015.539956", is_live=False, alternatives=("粤B012345",))],
    "vzenith_mqtt.json": [
        Event(
            f"{SERIAL}:0b1d-22",
            Kind.PASS,
            f"{SERIAL}/1",
            datetime(2026, 11, 20, 10, 20, 16, 1, tzinfo=UTC),
            is_live=True,
            plate="粤B12345",
            plate_colour="blue",
            confidence=1.0,
            is_towards=True,
        )
    ],
    "vzenith_mqtt_keep_alive.json": [
        Event(
            f"{SERIAL}:keep_alive:1795170020",
            Kind.HEARTBEAT,
            SERIAL,
            datetime(2026, 11, 20, 10, 20, 20, tzinfo=UTC),
        )
    ],
    "vzenith_io.json": [],
    "hikvision_isapi.xml": [alert(UUID + "1")],
    "hikvision_old_namespace.xml": [
        alert(f"2:2026-11-20T18:00:15.847+08:00:{mark('粤B12345')}", device=f"{MAC}/2", is_towards=False)
    ],
    "hikvision_gb2312.xml": [alert(UUID + "2")],
    "hikvision_unknown_plate.xml": [alert(UUID + "3", plate="", is_towards=None)],
    "hikvision_heartbeat.xml": [
        Event(f"{MAC}:heartbeat:2026-11-20T18:00:15.847+08:00", Kind.HEARTBEAT, MAC, HIKVISION_AT)
    ],
    "hikvision_multipart.bin": [alert(UUID + "4")],
    "plate_recognizer.json": [STREAM],
    "plate_recognizer_multipart.bin": [STREAM],
    "plate_recognizer_properties.json": [
        Event(
            f"camera-1:2026-11-20 10:00:14.5:{mark('粤B12345')}",
            Kind.PASS,
            "camera-1",
            datetime(2026, 11, 20, 10, 0, 14, 500000, tzinfo=UTC),
            plate="粤B12345",
            alternatives=("粤B1234S",),
            confidence=0.9,
        )
    ],
    "rekor_group.json": [
        Event(
            "AG1-816453101-1795168812000",
            Kind.PASS,
            "816453101",
            datetime(2026, 11, 20, 10, 0, 14, 250000, tzinfo=UTC),
            plate="LJ06ABC",
            alternatives=("LJO6ABC",),
            confidence=0.935,
        )
    ],
    "rekor_results.json": [],
    "rekor_heartbeat.json": [
        Event(
            "AG1:heartbeat:816453101:1795168830000",
            Kind.HEARTBEAT,
            "816453101",
            datetime(2026, 11, 20, 10, 0, 30, tzinfo=UTC),
        )
    ],
    "things_stack.json": [uplink(Kind.OCCUPIED, 4711)],
    "things_stack_left_out.json": [uplink(Kind.VACANT, 0)],
    "things_stack_one_byte.json": [uplink(Kind.VACANT, 4712)],
    "things_stack_bosch_start.json": [uplink(Kind.OCCUPIED, 0)],
    "things_stack_join.json": [],
    "own.json": [
        Event("bay-7:4711", Kind.OCCUPIED, "bay-7", datetime(2026, 11, 23, 2, 0, 15, tzinfo=UTC), sequence=4711),
        Event(
            "east:1",
            Kind.ENTER,
            "east",
            datetime(2026, 11, 23, 2, 0, 16, tzinfo=UTC),
            is_live=True,
            plate="粤B12345",
            alternatives=("粤B1234S",),
            plate_colour="blue",
            confidence=1.0,
            media_ref="s3://x/1",
        ),
        Event("n:1", Kind.COUNT, "north", datetime(2026, 11, 23, 2, 0, tzinfo=UTC), state_text="FULL"),
    ],
}


def format_of(name: str) -> str:
    return next(value for value in Gateway.Format.values if name.upper().startswith(value))


def read(name: str, body: bytes) -> list[Event]:
    """As the platform reads it: without pictures, with the kind of sensor that the file's name says."""
    format_name, content_type = format_of(name), MULTIPART.get(name, "")
    body = without_images(body, content_type)
    if format_name == Gateway.Format.THINGS_STACK:
        return things_stack.read(body, content_type, lambda _device: "bosch_pls" if "bosch" in name else "")
    return FORMATS[format_name].read(body, content_type)


def test_every_golden_message_has_its_events():
    assert sorted(path.name for path in GOLDEN.iterdir()) == sorted(GOLDEN_EVENTS)
    assert {format_of(name) for name in GOLDEN_EVENTS} == set(Gateway.Format.values)


@pytest.mark.parametrize("name", GOLDEN_EVENTS)
def test_golden_message_gives_exactly_its_events(name):
    assert read(name, (GOLDEN / name).read_bytes()) == GOLDEN_EVENTS[name]


@pytest.mark.parametrize("name", GOLDEN_EVENTS)
def test_no_picture_is_kept(name):
    body = without_images((GOLDEN / name).read_bytes(), MULTIPART.get(name, ""))

    assert b"\xff\xd8\xff" not in body
    assert b"/9j/" not in body
    assert len(body) < 1000


@pytest.mark.parametrize("opens", [True, False])
@pytest.mark.parametrize("name", FORMATS)
def test_reply_says_what_it_means(name, opens):
    body, content_type = FORMATS[name].reply(opens=opens, sentence="欢迎 <&> 光临")

    assert says_open(name, body) is opens
    assert content_type in {"application/json", "application/xml"}


@pytest.mark.parametrize(
    "text", ["_无_", "无", "unknown", "UNKNOWN", "", "  ", "-", None, 17, "No Plate", "X" * 17, "粤B\x00123", "···"]
)
def test_no_plate_is_no_plate(text):
    assert plate_of(text) == ""


def test_plate_over_mqtt_may_be_in_either_encoding_or_plain():
    message = json.loads((GOLDEN / "vzenith_mqtt.json").read_bytes())
    result = message["payload"]["AlarmInfoPlate"]["result"]["PlateResult"]

    def seen(text: str) -> str:
        result["license"] = text
        [event] = vzenith.read(json.dumps(message).encode(), "")
        return event.plate

    assert seen("1MFCMTIzNDU=") == "粤B12345"  # GB 2312
    assert seen("粤B12345") == "粤B12345"
    assert seen("X+aXoF8=") == ""  # _无_
    assert seen("") == ""


@pytest.mark.parametrize(
    ("decoder", "uplinks"),
    [
        ("generic", [Uplink(1, {"occupied": True}, b""), Uplink(1, {"occupied": "occupied"}, b"")]),
        ("generic", [Uplink(1, {"status": "OCCUPIED"}, b""), Uplink(1, None, b"\x01")]),
        ("one_byte", [Uplink(9, {"occupied": False}, b"\x01"), Uplink(9, None, b"\x81")]),
        ("bosch_pls", [Uplink(1, None, b"\x01"), Uplink(2, None, b"\x01\x15"), Uplink(1, {"occupied": True}, b"")]),
        ("dingtek_do200", [Uplink(3, {"alarmPark": True, "volt": 3.6}, b""), Uplink(3, {"alarmPark": 1}, b"")]),
    ],
)
def test_decoders_know_when_a_bay_is_taken(decoder, uplinks):
    assert [bay_sensors.DECODERS[decoder](one) for one in uplinks] == [Kind.OCCUPIED] * len(uplinks)


@pytest.mark.parametrize(
    ("decoder", "uplinks"),
    [
        ("generic", [Uplink(1, {}, b""), Uplink(1, {"battery": 3.6}, b""), Uplink(1, {"occupied": 0}, b"")]),
        ("generic", [Uplink(1, {"parking_state": "FREE"}, b""), Uplink(1, None, b"\x00")]),
        ("bosch_pls", [Uplink(1, None, b"\x00"), Uplink(3, None, bytes(17)), Uplink(1, {"type": "status"}, b"")]),
        ("dingtek_do200", [Uplink(3, {"alarmPark": False}, b""), Uplink(3, {"volt": 3.6, "level": 20}, b"")]),
    ],
)
def test_what_is_left_out_is_false_and_the_bay_free(decoder, uplinks):
    assert [bay_sensors.DECODERS[decoder](one) for one in uplinks] == [Kind.VACANT] * len(uplinks)


@pytest.mark.parametrize(
    ("decoder", "uplink"),
    [
        ("generic", Uplink(2, {"type": "heartbeat", "battery": 3}, b"")),
        ("generic", Uplink(1, {"occupied": "perhaps"}, b"")),
        ("generic", Uplink(1, None, b"")),
        ("generic", Uplink(1, None, b"\x01\x02")),
        ("bosch_pls", Uplink(4, None, b"\x01")),
        ("dingtek_do200", Uplink(3, {"firmware": "1.2"}, b"")),
    ],
)
def test_what_says_nothing_about_the_bay_is_a_sign_of_life_and_never_free(decoder, uplink):
    assert bay_sensors.DECODERS[decoder](uplink) == Kind.HEARTBEAT


def test_closed_stays_apart():
    assert bay_sensors.generic(Uplink(1, {"status": "closed"}, b"")) == Kind.CLOSED


@pytest.mark.parametrize(
    "event",
    [
        {"key": ""},
        {"key": "粤B12345-7"},
        {"key": "a\x00b"},
        {"key": "k" * 201},
        {"kind": "OPEN"},
        {"kind": []},
        {"device": ""},
        {"device": 7},
        {"reported_at": "2026-11-23T10:00:15"},
        {"reported_at": "soon"},
        {"reported_at": 1795170015},
        {"reported_at": "0001-01-01T00:00:00+14:00"},
        {"reported_at": "9999-12-31T23:59:59-14:00"},
        {"sequence": -1},
        {"sequence": 2**63},
        {"sequence": True},
        {"confidence": 1.5},
        {"occupied": -1},
        {"occupied": 1.5},
        {"kind": "COUNT"},
        {"state_text": "x" * 21},
        {"alternatives": "粤B12345"},
        {"colour": "blue"},
    ],
)
def test_an_event_of_our_own_that_is_wrong_keeps_none_of_the_others_out(event):
    good = {"key": "k", "kind": "ENTER", "device": "d", "reported_at": "2026-11-23T10:00:15Z", "plate": "粤B12345"}

    read = own.items_of(json.dumps({"events": [good | event, good]}).encode(), "")

    assert [isinstance(one, Unreadable) for one in read] == [True, False]


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>'
    b"<EventNotificationAlert><eventType>&d;</eventType></EventNotificationAlert>"
)
QUADRATIC = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 50_000 + b'">]><x>' + b"&a;" * 10_000 + b"</x>"
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
HOSTILE = {
    "entities": (hikvision.read, BOMB),
    "one long entity": (hikvision.read, QUADRATIC),
    "entity outside": (hikvision.read, OUTSIDE),
    "deep XML": (hikvision.read, b"<a>" * 33_000),
    "many elements": (hikvision.read, b"<EventNotificationAlert>" + b"<a/>" * 10**6),
    "deep list": (vzenith.read, b"[" * 399_000),
    "deep objects": (own.items_of, b'{"a":' * 66_000),
    "many objects": (own.items_of, b'{"events": [' + b"{}," * 133_000 + b"{}]}"),
    "long number": (own.items_of, b'{"events": ' + b"9" * 399_000 + b"}"),
    "not a number": (own.items_of, b'{"events": [{"confidence": NaN}]}'),
    "too long": (own.items_of, b'{"events": "' + b"a" * 400_000 + b'"}'),
    "no text": (vzenith.read, b"\xff\xfe\xff"),
    "nothing": (vzenith.read, b""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_refused_soon_and_in_little_memory(name):
    read, body = HOSTILE[name]
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(Unreadable):
            read(body, "")
        took, (_now, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert took < LONGEST_REFUSAL_S * 5  # of processor time, and tracing it costs several times that
    assert peak < MOST_MEMORY


def test_a_boundary_that_parts_every_byte_costs_nothing():
    body = b"--a" * 1_300_000
    tracemalloc.start()
    kept = without_images(body, "multipart/form-data; boundary=a")
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(kept) < 1000
    assert peak < 2 * MOST_MEMORY
