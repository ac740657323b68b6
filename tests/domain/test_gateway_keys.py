"""Two live keys, changed without losing a message, ended at once; networks; signatures."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidTag
from django.core.exceptions import ValidationError
from django.utils import translation
from standardwebhooks import Webhook

from sensors.credentials import (
    KeyRefused,
    issue_key,
    live_keys,
    networks_of,
    revoke_key,
    writer_with_secret,
    writer_with_signature,
)
from sensors.models import Gateway, GatewayKey
from sensors.sealing import MESSAGE, SECRET, seal, unseal
from tests.factories import NOW, hours, make_gateway, make_lot

pytestmark = pytest.mark.django_db
BODY = b'{"events": []}'
ANYWHERE = "203.0.113.9"


def make(trust: str = "DEVICE", **fields) -> Gateway:
    return make_gateway(make_lot(), trust=trust, **fields)


def signed(secret: str, *, at: datetime | None = None, body: bytes = BODY) -> dict[str, str]:
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", at, body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def knows(secret: str, address: str = ANYWHERE) -> int | None:
    writer = writer_with_secret(secret=secret, address=address)
    return None if writer is None else writer.gateway_id


def signs(gateway: Gateway, headers: dict[str, str], body: bytes = BODY) -> bool:
    writer = writer_with_signature(gateway_id=gateway.pk, headers=headers, body=body, address=ANYWHERE)
    return writer is not None


def test_a_key_opens_for_its_gateway_and_is_kept_as_a_hash():
    gateway, _rival = make(), make()

    secret = issue_key(gateway_id=gateway.pk, now=NOW)

    assert knows(secret) == gateway.pk
    assert knows(secret + "x") is None
    [key] = live_keys(gateway)
    assert key.secret_encrypted is None
    assert secret not in str(GatewayKey.objects.values().get())


def test_keys_are_changed_without_a_gap():
    gateway = make()
    old = issue_key(gateway_id=gateway.pk, now=NOW)
    new = issue_key(gateway_id=gateway.pk, now=NOW + hours(1))

    both = (knows(old), knows(new))
    revoke_key(key_id=live_keys(gateway)[0].pk, now=NOW + hours(2))

    assert both == (gateway.pk, gateway.pk)
    assert (knows(old), knows(new)) == (None, gateway.pk)
    assert knows(issue_key(gateway_id=gateway.pk, now=NOW + hours(3))) == gateway.pk


def test_there_are_two_live_keys_at_most():
    gateway = make()
    for _ in range(2):
        issue_key(gateway_id=gateway.pk, now=NOW)

    with translation.override("en"), pytest.raises(KeyRefused, match="two keys"):
        issue_key(gateway_id=gateway.pk, now=NOW)


def test_the_first_revocation_counts():
    gateway = make("SIGNED")
    issue_key(gateway_id=gateway.pk, now=NOW)
    [key] = live_keys(gateway)

    for later in (1, 2):
        revoke_key(key_id=key.pk, now=NOW + hours(later))

    key.refresh_from_db()
    assert (key.revoked_at, key.secret_encrypted) == (NOW + hours(1), None)


def test_a_gateway_that_is_switched_off_opens_nothing():
    gateway = make()
    secret = issue_key(gateway_id=gateway.pk, now=NOW)

    Gateway.objects.filter(pk=gateway.pk).update(is_active=False)

    assert knows(secret) is None


@pytest.mark.parametrize(
    ("networks", "address", "opens"),
    [
        (["203.0.113.0/24"], "203.0.113.9", True),
        (["203.0.113.9"], "203.0.113.9", True),
        (["203.0.113.0/24"], "::ffff:203.0.113.9", True),
        (["2001:db8::/32"], "2001:db8::7", True),
        (["198.51.100.0/24", "203.0.113.0/24"], "203.0.113.9", True),
        (["198.51.100.0/24"], "203.0.113.9", False),
        (["203.0.113.0/24"], "", False),
        (["203.0.113.0/24"], "not an address", False),
        ([], "not an address", True),
    ],
)
def test_a_gateway_calls_from_its_networks_only(networks, address, opens):
    gateway = make(addresses=networks)
    gateway.clean()
    gateway.save(update_fields=["addresses"])

    secret = issue_key(gateway_id=gateway.pk, now=NOW)

    assert (knows(secret, address) is not None) == opens


@pytest.mark.parametrize("network", ["203.0.113.5/24", "x", "203.0.113.0/33", ""])
def test_a_network_that_is_none_is_refused(network):
    with pytest.raises(ValidationError):
        make(addresses=[network]).clean()


def test_all_networks_of_an_address_are_spelled_once():
    assert networks_of("203.0.113.9")[-2:] == ["203.0.113.8/31", "203.0.113.9/32"]
    assert (len(networks_of("203.0.113.9")), len(networks_of("2001:db8::7"))) == (33, 129)


def test_a_signature_by_either_live_key_opens():
    gateway = make("SIGNED")
    old, new = (issue_key(gateway_id=gateway.pk, now=NOW + hours(later)) for later in range(2))

    before = [signs(gateway, signed(secret)) for secret in (old, new)]
    revoke_key(key_id=live_keys(gateway)[0].pk, now=NOW)

    assert before == [True, True]
    assert [signs(gateway, signed(secret)) for secret in (old, new)] == [False, True]


def test_the_secret_of_a_signature_is_encrypted():
    gateway = make("SIGNED")

    secret = issue_key(gateway_id=gateway.pk, now=NOW)

    assert secret.startswith("whsec_")
    sealed = bytes(live_keys(gateway)[0].secret_encrypted)
    assert secret.encode() not in sealed
    assert base64.b64decode(secret.removeprefix("whsec_")) not in sealed


def test_signatures_of_another_body_time_or_gateway_open_nothing():
    gateway, rival = make("SIGNED"), make("SIGNED")
    secret, theirs = (issue_key(gateway_id=one.pk, now=NOW) for one in (gateway, rival))
    now = datetime.now(UTC)

    assert signs(gateway, signed(secret))
    assert not signs(gateway, signed(secret), body=b"{}")
    assert not signs(gateway, signed(theirs))
    assert not signs(rival, signed(secret))
    assert not signs(gateway, signed(secret, at=now - timedelta(seconds=301)))
    assert not signs(gateway, signed(secret, at=now + timedelta(seconds=310)))


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1a," + "A" * 44},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "1e300"},
        {"webhook-id": ""},
    ],
)
def test_malformed_signatures_open_nothing(change):
    gateway = make("SIGNED")
    secret = issue_key(gateway_id=gateway.pk, now=NOW)

    assert not signs(gateway, signed(secret) | change)


def test_a_body_that_is_no_text_is_not_signed():
    gateway = make("SIGNED")
    secret = issue_key(gateway_id=gateway.pk, now=NOW)

    assert not signs(gateway, signed(secret), body=b"\xff\xfe")


def test_what_signs_is_not_enough_to_know_and_the_other_way_round():
    signing, device = make("SIGNED"), make("DEVICE")

    assert knows(issue_key(gateway_id=signing.pk, now=NOW)) is None
    issue_key(gateway_id=device.pk, now=NOW)
    assert not signs(device, signed("whsec_" + base64.b64encode(b"0" * 32).decode()))


def test_what_is_sealed_for_one_purpose_opens_for_no_other():
    blob = seal(b"text", purpose=MESSAGE)

    assert unseal(blob, purpose=MESSAGE) == b"text"
    with pytest.raises(InvalidTag):
        unseal(blob, purpose=SECRET)
