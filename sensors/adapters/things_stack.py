"""The Things Stack v3: uplinks of bay sensors. What is zero, false or empty is left out of its messages."""

import base64
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from sensors.adapters.bay_sensors import DECODERS, Uplink, generic
from sensors.adapters.bodies import instant, load_json, member, text, whole
from sensors.adapters.own import reply, says_open
from sensors.events import Event, Unreadable
from sensors.readings import Kind

__all__ = ["read", "reply", "says_open"]

MOST_RAW = 1000


def nothing_known(_device: str) -> str:
    return ""


def read(body: bytes, content_type: str, decoder_of: Callable[[str], str] = nothing_known) -> list[Event]:
    """One event an uplink; other messages of the server (joins, answers, places) are none.

    Parameters
    ----------
    decoder_of
        Names the kind of sensor by its identifier (the EUI, in upper case), from `bay_sensors.DECODERS`.
    """
    document = load_json(body, content_type)
    ids, uplink = member(document, "end_device_ids"), member(document, "uplink_message")
    if ids is None:
        raise Unreadable(_("This is no message of The Things Stack."))
    if uplink is None:
        return []
    device = text(member(ids, "dev_eui")).upper() or text(member(ids, "device_id"))
    count = whole(member(uplink, "f_cnt")) or 0
    session = text(member(uplink, "session_key_id"))
    return [
        Event(
            source_key=f"{device}:{session}:{count}",
            kind=_kind(uplink, decoder_of(device)),
            device=device,
            reported_at=instant(member(uplink, "received_at") or member(document, "received_at")),
            sequence=count,
        )
    ]


def _kind(message: Any, decoder: str) -> Kind:
    decoded = member(message, "decoded_payload")
    try:
        raw = base64.b64decode(text(member(message, "frm_payload"))[:MOST_RAW], validate=True)
    except ValueError as error:
        raise Unreadable(_("The bytes of the sensor are no base64.")) from error
    port = whole(member(message, "f_port")) or 0
    decode = DECODERS.get(decoder, generic)
    return decode(Uplink(port=port, decoded=decoded if isinstance(decoded, dict) else None, raw=raw))
