"""Who may write: secrets of gateways, and how a caller proves to have one.

A gateway that signs has its secrets kept encrypted, for they are needed to check; of one that only knows an address
nobody can guess, the hash is kept.
"""

import base64
import hashlib
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from standardwebhooks import Webhook, WebhookVerificationError

from parking_share.errors import DomainError
from sensors.gateways import LIVE_KEYS, Gateway, GatewayKey
from sensors.sealing import SECRET, seal, unseal

DEVICE_PREFIX, SIGNING_PREFIX = "pgate_", "whsec_"
SECRET_BYTES = 32


class KeyRefused(DomainError):
    code = "key_refused"


@dataclass(frozen=True, kw_only=True)
class Writer:
    """A gateway that has proved itself."""

    gateway_id: int
    expected_serial: str


def issue_key(*, gateway_id: int, now: datetime) -> str:
    """Make a key and return its secret, which nobody can ask for again. Two may live at once."""
    gateway = Gateway.objects.get(pk=gateway_id)
    signs = gateway.trust == Gateway.Trust.SIGNED
    secret = _signing_secret() if signs else DEVICE_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    taken = {key.position for key in live_keys(gateway)}
    position = next((place for place in LIVE_KEYS if place not in taken), None)
    if position is None:
        raise KeyRefused(_("This gateway has two keys already. Revoke the old one first."))
    try:
        with transaction.atomic():
            GatewayKey.objects.create(
                gateway=gateway,
                position=position,
                secret_hash=hash_of(secret),
                secret_encrypted=seal(secret.encode(), purpose=SECRET) if signs else None,
                created_at=now,
            )
    except IntegrityError as error:
        raise KeyRefused(_("Somebody else has just made a key for this gateway. Look again.")) from error
    return secret


def revoke_key(*, key_id: int, now: datetime) -> None:
    """End a key at once; safe to run twice, the first instant counts. A secret that signed is deleted."""
    GatewayKey.objects.filter(pk=key_id, revoked_at__isnull=True).update(revoked_at=now, secret_encrypted=None)


def live_keys(gateway: Gateway) -> list[GatewayKey]:
    """The keys that open, the older first."""
    return list(gateway.keys.filter(revoked_at__isnull=True).order_by("created_at", "pk"))


def writer_with_secret(*, secret: str, address: str) -> Writer | None:
    """The gateway that only has to know this secret, if it calls from where it may."""
    rows = Gateway.objects.filter(
        is_active=True,
        trust=Gateway.Trust.DEVICE,
        keys__secret_hash=hash_of(secret),
        keys__revoked_at__isnull=True,
    )
    for gateway_id, serial, networks in rows.values_list("pk", "expected_serial", "addresses"):
        if may_call(address, networks):
            return Writer(gateway_id=gateway_id, expected_serial=serial)
    return None


def writer_with_signature(*, gateway_id: int, headers: Mapping[str, str], body: bytes, address: str) -> Writer | None:
    """The gateway of this number, if one of its live secrets signed exactly this body in the last five minutes."""
    rows = Gateway.objects.filter(
        pk=gateway_id, is_active=True, trust=Gateway.Trust.SIGNED, keys__revoked_at__isnull=True
    )
    for serial, networks, sealed in rows.values_list("expected_serial", "addresses", "keys__secret_encrypted"):
        if not sealed or not may_call(address, networks):
            continue
        if _is_signed(unseal(bytes(sealed), purpose=SECRET).decode(), headers=headers, body=body):
            return Writer(gateway_id=gateway_id, expected_serial=serial)
    return None


def hash_of(secret: str) -> str:
    """A plain hash is enough: the secret is 32 random bytes, nothing that could be guessed."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def may_call(address: str, networks: list[str]) -> bool:
    """Whether an address is in one of these networks; all are, where none is named."""
    return not networks or not set(networks).isdisjoint(networks_of(address))


@lru_cache(maxsize=1024)
def networks_of(address: str) -> list[str]:
    """All networks that hold an address, each in its one spelling; none for what is no address."""
    try:
        caller = ipaddress.ip_address(address)
    except ValueError:
        return []
    if isinstance(caller, ipaddress.IPv6Address) and caller.ipv4_mapped:
        caller = caller.ipv4_mapped
    spelled = str(caller).partition("%")[0]
    return [
        str(ipaddress.ip_network(f"{spelled}/{length}", strict=False)) for length in range(caller.max_prefixlen + 1)
    ]


def _signing_secret() -> str:
    return SIGNING_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _is_signed(secret: str, *, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError, OverflowError):
        return False
    return True
