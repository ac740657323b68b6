"""Which adapter reads and answers which format."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sensors.adapters import hikvision, own, plate_recognizer, rekor, things_stack, vzenith
from sensors.events import Event
from sensors.gateways import Gateway


class Reply(Protocol):
    def __call__(self, *, opens: bool, sentence: str) -> tuple[bytes, str]: ...


@dataclass(frozen=True, kw_only=True)
class Format:
    """How messages of a format are read and answered."""

    read: Callable[..., list[Event]]
    reply: Reply
    says_open: Callable[[bytes], bool]
    is_camera: bool = False
    asks_for_decoder: bool = False


FORMATS: dict[str, Format] = {
    Gateway.Format.OWN: Format(read=own.read, reply=own.reply, says_open=own.says_open),
    Gateway.Format.VZENITH: Format(read=vzenith.read, reply=vzenith.reply, says_open=vzenith.says_open, is_camera=True),
    Gateway.Format.HIKVISION: Format(
        read=hikvision.read, reply=hikvision.reply, says_open=hikvision.says_open, is_camera=True
    ),
    Gateway.Format.PLATE_RECOGNIZER: Format(
        read=plate_recognizer.read, reply=own.reply, says_open=own.says_open, is_camera=True
    ),
    Gateway.Format.REKOR: Format(read=rekor.read, reply=own.reply, says_open=own.says_open, is_camera=True),
    Gateway.Format.THINGS_STACK: Format(
        read=things_stack.read, reply=own.reply, says_open=own.says_open, asks_for_decoder=True
    ),
}


def says_open(format_name: str, reply_body: bytes) -> bool:
    """Whether a device of this format would open for this reply."""
    return FORMATS[format_name].says_open(reply_body)
