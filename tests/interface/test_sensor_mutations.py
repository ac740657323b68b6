"""Thousands of damaged messages of every format: never a 5xx, and no barrier opens that should stay shut."""

import os
import random
from collections import Counter

import pytest
from django.test import Client

from parking_share import clock
from parking_share.accounts import plates
from parking_share.fulfilment.models import ListedPlate
from sensors.adapters.bodies import without_images
from sensors.adapters.registry import FORMATS, says_open
from sensors.events import Unreadable
from sensors.models import Gateway, RawMessage
from tests.devices import GOLDEN, MULTIPART, make_gate, secret_of
from tests.factories import hours, make_device, make_gateway, make_lot, make_user

pytestmark = pytest.mark.django_db
CASES = 20_000 if os.environ.get("FAULT_ROUNDS") == "full" else 600
SEED = 20261123
LISTED = "粤B12345"
OLD = ((b"2026-11-2", b"2011-11-2"), (b"17951", b"12951"))  # the golden messages' times, long past
TOKENS = (
    b"{}", b"[]", b"null", b"-1", b"1e999", b"NaN", b'"', b"\\", b"\x00", b"\\u0000", b"\\ud800", b"&a;",
    b"<!DOCTYPE x>",
    b"[" * 200, b"\xff", "粤".encode(), b"9" * 400, b"--", b"\r\n\r\n", b"true", b"0", b"1", b"<", b">", b"%s",
)  # fmt: skip


def mutated(body: bytes, rng: random.Random) -> bytes:
    """The body after one to eight accidents."""
    for _ in range(rng.randint(1, 8)):
        start = rng.randrange(len(body) + 1)
        end = min(len(body), start + rng.choice((1, 1, 1, 4, 30, 200)))
        piece = body[start:end]
        token = rng.choice(TOKENS)
        body = rng.choice((
            body[:start] + body[end:],
            body[:start] + piece + piece + body[end:],
            body[:start] + token + body[end:],
            body[:start] + token + body[start:],
            body[:start] + bytes(rng.randrange(256) for _ in piece) + body[end:],
            body[:start] + bytes(rng.randrange(48, 58) if 48 <= one < 58 else one for one in piece) + body[end:],
            body[:start] if rng.random() < 0.2 else body,
        ))  # fmt: skip
    return body


def may_open(format_name: str, body: bytes, content_type: str) -> bool:
    """Whether the damaged message still says that the listed car is there now: then opening is right."""
    try:
        events = FORMATS[format_name].read(without_images(body, content_type), content_type)
    except Unreadable:
        return False
    now = clock.now()
    return any(
        event.plate == LISTED and (event.is_live or abs((event.reported_at - now).total_seconds()) < 300)
        for event in events
    )


def gateways_by_format() -> dict[str, str]:
    """The secret of a gateway of each format, all of whose devices stand at gates that open for the listed car."""
    lot = make_lot()
    gate = make_gate(lot, kind="ENTRY")
    ListedPlate.objects.create(
        lot=lot,
        plate_encrypted=plates.encrypt_plate(LISTED),
        plate_exact_hash=plates.exact_hash(LISTED),
        plate_folded_hash=plates.folded_hash(LISTED),
        valid_from=clock.now() - hours(1),
        added_by=make_user(),
    )
    secrets = {}
    for name in FORMATS:
        gateway = make_gateway(lot, format=name, trust=Gateway.Trust.DEVICE)
        for identifier in ("8fcd1c4e-20ca9ecb", "44:a6:42:f3:2a:d7", "camera-1", "816453101", "east"):
            make_device(lot, gateway=gateway, gate=gate, identifier=identifier)
        secrets[name] = secret_of(gateway)
    return secrets


def test_damaged_messages_meet_no_5xx_and_open_nothing():
    secrets, rng, client = gateways_by_format(), random.Random(SEED), Client()
    names = sorted(path.name for path in GOLDEN.iterdir())
    originals = {name: (GOLDEN / name).read_bytes() for name in names}
    for old, new in OLD:
        originals = {name: body.replace(old, new) for name, body in originals.items()}
    statuses, wrong_opens = Counter(), []

    for _ in range(CASES):
        name = rng.choice(names)
        format_name = next(value for value in FORMATS if name.upper().startswith(value))
        content_type = MULTIPART.get(name, rng.choice(("application/json", "text/xml", "", "multipart/form-data")))
        body = mutated(originals[name], rng)
        answer = client.post(f"/api/v1/sensors/push/{secrets[format_name]}", body, content_type=content_type)
        statuses[answer.status_code] += 1
        opens = answer.status_code == 200 and says_open(format_name, answer.content)
        if opens and not may_open(format_name, body, content_type):
            wrong_opens.append(body)

    print(f"{CASES} damaged messages: {dict(statuses)}; {Counter(RawMessage.objects.values_list('state', flat=True))}")  # noqa: T201
    assert set(statuses) == {200}
    assert wrong_opens == []
    states = Counter(RawMessage.objects.values_list("state", flat=True))
    assert set(states) == {"READ", "QUARANTINED"}
    assert min(states.values()) > CASES / 20, "the accidents are all too small, or all too great"


def test_the_same_gates_do_open_for_messages_that_are_whole():
    """The negative control: what the test above looks for can happen."""
    secrets = gateways_by_format()
    now = clock.now()
    body = (GOLDEN / "vzenith_mqtt.json").read_bytes().replace(b"1795170016", b"%d" % now.timestamp())
    body = body.replace(b'"channel": 1', b'"channel": 0')

    answer = Client().post(f"/api/v1/sensors/push/{secrets['VZENITH']}", body, content_type="application/json")

    assert says_open("VZENITH", answer.content)
