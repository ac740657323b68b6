"""What comes in: kept before anything else is done with it, read at once, and once more if that was cut short."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from parking_share import bells
from parking_share.errors import DomainError
from sensors.adapters.bodies import MOST_BYTES, without_images
from sensors.adapters.registry import FORMATS
from sensors.credentials import hash_of, issue_key, live_keys, networks_of, revoke_key
from sensors.events import Event, Unreadable
from sensors.gateways import Device
from sensors.readings import Kind, RawMessage
from sensors.sealing import MESSAGE, seal, unseal
from sensors.storing import Stored, store_events

__all__ = ["issue_key", "live_keys", "revoke_key"]

MOST_TRIES = 5
LEFT_ALONE_FOR = timedelta(seconds=10)  # by the wall clock: whoever accepted a message is reading it
MOST_NAMED = 5
State = RawMessage.State

log = structlog.get_logger(__name__)

ACCEPT = """
WITH writer AS (
    SELECT gateway.id, gateway.format, gateway.expected_serial, gateway.addresses
    FROM sensors_gatewaykey AS key JOIN sensors_gateway AS gateway ON gateway.id = key.gateway_id
    WHERE key.secret_hash = %(hash)s AND key.revoked_at IS NULL AND gateway.is_active AND gateway.trust = 'DEVICE'
        AND (gateway.addresses = '{}' OR gateway.addresses && %(networks)s::varchar[])
),
kept AS (
    INSERT INTO sensors_rawmessage (gateway_id, received_at, content_type, body_encrypted, state, tries, complaint)
    SELECT id, %(received)s, %(content_type)s, %(body)s, 'NEW', 0, '' FROM writer
    RETURNING id
)
SELECT kept.id, writer.id, writer.format, writer.expected_serial, writer.addresses FROM writer, kept
"""


class MessageTooLong(DomainError):
    code = "too_large"


class ReplayRefused(DomainError):
    code = "replay_refused"


@dataclass(frozen=True, kw_only=True)
class Message:
    """A raw message on its way to events."""

    id: int
    gateway_id: int
    format: str
    expected_serial: str
    networks: list[str]
    received_at: datetime
    content_type: str
    body: bytes


def accept_message(
    *, secret: str, body: bytes, content_type: str, address: str, received_at: datetime
) -> Message | None:
    """Keep a message, without its pictures, in the one statement that also looks whose secret it is; None: nobody's.

    When this returns, the message is safe whatever happens to this process.
    """
    kept = without_images(body, content_type)
    if len(kept) > MOST_BYTES:
        raise MessageTooLong(
            _("The message is longer than %(n)s bytes, even without its pictures.") % {"n": MOST_BYTES}
        )
    content_type = "".join(character for character in content_type if character.isprintable())[:200]
    values: dict[str, Any] = {
        "hash": hash_of(secret),
        "networks": networks_of(address),
        "received": received_at,
        "content_type": content_type,
        "body": seal(kept, purpose=MESSAGE),
    }
    with connection.cursor() as cursor:
        cursor.execute(ACCEPT, values)
        row = cursor.fetchone()
    if row is None:
        return None
    message_id, gateway_id, format_name, serial, networks = row
    return Message(
        id=message_id,
        gateway_id=gateway_id,
        format=format_name,
        expected_serial=serial,
        networks=networks,
        received_at=received_at,
        content_type=content_type,
        body=kept,
    )


def read_message(message: Message, *, now: datetime) -> list[Stored]:
    """Turn a message into stored events and mark it as read, or put it into quarantine with what is wrong with it.

    Safe to run twice: what is known is not stored again.
    """
    try:
        events = events_of(message)
    except Unreadable as refusal:
        _quarantine(message.id, refusal.sentence)
        return []
    if not events:
        RawMessage.objects.filter(pk=message.id).update(state=State.READ, complaint="")
        return []
    stored = store_and_tell(
        gateway_id=message.gateway_id,
        events=events,
        received_at=message.received_at,
        raw_message_id=message.id,
        now=now,
    )
    if complaint := _complaint(stored):
        _quarantine(message.id, complaint)
    return stored


def events_of(message: Message) -> list[Event]:
    """What a message says; Unreadable where its format, or its gateway's serial number, does not allow it."""
    format_ = FORMATS[message.format]
    events = (
        format_.read(message.body, message.content_type, lambda device: _decoder(message.gateway_id, device))
        if format_.asks_for_decoder
        else format_.read(message.body, message.content_type)
    )
    refuse_other_serials(events, expected=message.expected_serial)
    return events


def refuse_other_serials(events: Iterable[Event], *, expected: str) -> None:
    if expected and any(event.device.lower() != expected.lower() for event in events):
        raise Unreadable(_("The message names another serial number than this gateway has."))


def store_and_tell(
    *,
    gateway_id: int,
    events: list[Event],
    received_at: datetime,
    raw_message_id: int | None = None,
    now: datetime | None = None,
) -> list[Stored]:
    """Store events, and ring for fulfilment where it has something new to look at."""
    stored = store_events(
        gateway_id=gateway_id, events=events, received_at=received_at, raw_message_id=raw_message_id, now=now
    )
    if any(_concerns_fulfilment(one) for one in stored):
        bells.ring_unless_rung("fulfilment.outbox")
    return stored


def read_waiting(*, now: datetime, most: int = 200) -> int:
    """Read what a process that died left unread; return how many messages. Each is claimed, so several may do this."""
    left_since = now - LEFT_ALONE_FOR * settings.CLOCK_SPEED
    waiting = RawMessage.objects.filter(state=State.NEW, received_at__lt=left_since).order_by("pk")
    return sum(_read_claimed(pk, now=now) for pk in list(waiting.values_list("pk", flat=True)[:most]))


def replay_message(*, message_id: int, now: datetime) -> str:
    """Read a message from quarantine again and return what it is still accused of: nothing, when it went well."""
    with transaction.atomic():
        row = _locked(message_id, {State.QUARANTINED, State.DISMISSED})
        if row is None:
            raise ReplayRefused(_("This message is not in quarantine."))
        if not row.body_encrypted:
            raise ReplayRefused(_("What this message said has been deleted; only that it came is still known."))
        read_message(_message(row), now=now)
        row.refresh_from_db(fields=["complaint"])
        return row.complaint


def dismiss_message(*, message_id: int) -> None:
    """Put a message from quarantine aside for good."""
    RawMessage.objects.filter(pk=message_id, state=State.QUARANTINED).update(state=State.DISMISSED)


def _read_claimed(message_id: int, *, now: datetime) -> int:
    with transaction.atomic():
        row = _locked(message_id, {State.NEW})
        if row is None:
            return 0
        try:
            with transaction.atomic():
                read_message(_message(row), now=now)
        except Exception as error:  # whatever is wrong with one message must not hold up the others
            _note_failure(row, error)
        return 1


def _note_failure(row: RawMessage, error: Exception) -> None:
    """Count a failure that is our bug, and give up after five."""
    log.error("message_failed", message=row.pk, tries=row.tries + 1, exc_info=error)
    if row.tries + 1 < MOST_TRIES:
        RawMessage.objects.filter(pk=row.pk).update(tries=F("tries") + 1)
    else:
        _quarantine(row.pk, _("Reading it failed five times; the log says why."))


def _locked(message_id: int, states: set[str]) -> RawMessage | None:
    rows = RawMessage.objects.select_for_update(skip_locked=True, of=("self",)).select_related("gateway")
    return rows.filter(pk=message_id, state__in=states).first()


def _message(row: RawMessage) -> Message:
    return Message(
        id=row.pk,
        gateway_id=row.gateway_id,
        format=row.gateway.format,
        expected_serial=row.gateway.expected_serial,
        networks=row.gateway.addresses,
        received_at=row.received_at,
        content_type=row.content_type,
        body=unseal(bytes(row.body_encrypted), purpose=MESSAGE),
    )


def _quarantine(message_id: int, complaint: str) -> None:
    RawMessage.objects.filter(pk=message_id).update(state=State.QUARANTINED, complaint=complaint, tries=F("tries") + 1)
    log.warning("message_quarantined", message=message_id)


def _complaint(stored: list[Stored]) -> str:
    """One sentence for each kind of trouble, with the devices it is about."""
    devices: dict[str, list[str]] = {}
    for one in stored:
        if one.problem is not None:
            devices.setdefault(one.problem, []).append(one.event.device)
    return " ".join(
        sentence_of(problem) + " (" + ", ".join(list(dict.fromkeys(named))[:MOST_NAMED]) + ")"
        for problem, named in devices.items()
    )


def sentence_of(problem: str) -> str:
    """What a code of `Stored.problem` means."""
    return {
        "unknown_device": _("This gateway has no such device. Enter it first, then send the event again."),
        "foreign_lot": _("This gateway may not write for the lot of the device."),
        "wrong_place": _("The device does not stand where such an event can happen."),
    }[problem]


def _concerns_fulfilment(one: Stored) -> bool:
    is_of_bay = one.space_id is not None and one.event.kind != Kind.HEARTBEAT
    return one.is_new and (is_of_bay or (one.event.kind in {Kind.ENTER, Kind.EXIT} and bool(one.event.plate)))


def _decoder(gateway_id: int, device: str) -> str:
    if not device.isprintable():
        return ""  # no such device, and nothing to ask the database for
    rows = Device.objects.filter(gateway_id=gateway_id, identifier=device, is_active=True)
    return rows.values_list("decoder", flat=True).first() or ""
