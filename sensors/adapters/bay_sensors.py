"""What bay sensors of each model mean: from their decoded payload, or from the raw bytes."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sensors.adapters.bodies import member, text
from sensors.readings import Kind

WORDS = {
    Kind.OCCUPIED: {"occupied", "busy", "taken", "parked", "full", "1", "true", "car"},
    Kind.VACANT: {"free", "vacant", "empty", "available", "open", "0", "false", "no car"},
    Kind.CLOSED: {"closed", "out of service", "out_of_service", "blocked"},
}
OTHER_MESSAGES = ("heartbeat", "keep", "start", "boot", "join", "info", "config", "debug", "usage", "device")


class Uplink(NamedTuple):
    """What one message of a sensor says."""

    port: int
    decoded: Mapping[str, Any] | None
    raw: bytes


Decoder = Callable[[Uplink], Kind]


def generic(uplink: Uplink) -> Kind:
    """A flag `occupied` (or a word for the state); where it is left out, as The Things Stack leaves out what is false,
    the bay is free, unless the message says that it is about something else. Without a payload formatter: one byte.
    """
    if uplink.decoded is None:
        return one_byte(uplink)
    flag = uplink.decoded.get("occupied")
    if flag is not None:
        return _flag(flag)
    for name in ("status", "state", "parking_state", "parking_status", "parkingStatus", "bay_state"):
        if name in uplink.decoded:
            return _word(uplink.decoded[name])
    about = " ".join(text(uplink.decoded.get(name)).lower() for name in ("type", "event", "message_type"))
    return Kind.HEARTBEAT if any(word in about for word in OTHER_MESSAGES) else Kind.VACANT


def one_byte(uplink: Uplink) -> Kind:
    """The lowest bit of the only byte: 1 is occupied. Whatever is longer or empty is a sign of life."""
    return _bit(uplink.raw[0]) if len(uplink.raw) == 1 else Kind.HEARTBEAT


def bosch_pls(uplink: Uplink) -> Kind:
    """Bosch TPS110/TPL110. Ports 1 (status) and 2 (sign of life) begin with the state, port 3 (start) ends with it."""
    match uplink.port:
        case 1 | 2 if uplink.raw:
            return _bit(uplink.raw[0])
        case 3 if len(uplink.raw) >= 17:
            return _bit(uplink.raw[16])
        case 1 | 2 | 3 if uplink.decoded is not None:
            return _flag(uplink.decoded.get("occupied", False))
    return Kind.HEARTBEAT


def dingtek_do200(uplink: Uplink) -> Kind:
    """Dingtek DO200/DO201: the alarm for a parked car; messages about settings have none."""
    alarm = member(uplink.decoded, "alarmPark")
    is_measurement = any(member(uplink.decoded, name) is not None for name in ("level", "distance", "volt"))
    return _flag(alarm) if alarm is not None else Kind.VACANT if is_measurement else Kind.HEARTBEAT


DECODERS: dict[str, Decoder] = {
    "": generic,
    "generic": generic,
    "one_byte": one_byte,
    "bosch_pls": bosch_pls,
    "dingtek_do200": dingtek_do200,
}


def _bit(byte: int) -> Kind:
    return Kind.OCCUPIED if byte & 1 else Kind.VACANT


def _flag(value: Any) -> Kind:
    if isinstance(value, bool | int):
        return Kind.OCCUPIED if value == 1 else Kind.VACANT if value == 0 else Kind.HEARTBEAT
    return _word(value)


def _word(value: Any) -> Kind:
    """A state that nobody knows is a sign of life: the bay stays what it was."""
    word = str(value).strip().lower() if isinstance(value, str | int | bool) else ""
    return next((kind for kind, words in WORDS.items() if word in words), Kind.HEARTBEAT)
