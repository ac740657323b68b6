"""What the adapters share: bodies taken apart within bounds, and values that are what they should be or nothing."""

import json
import math
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple, NoReturn

from django.utils.translation import gettext as _

from parking_share.accounts.plates import exact_hash
from sensors.events import LONGEST_MEDIA, LONGEST_STATE, MOST_ALTERNATIVES, Unreadable, plate_of

MOST_BYTES = 400_000  # of text, without images; the largest honest message is a batch of 500 events
MOST_PARTS = 20
JSON = "application/json"
_IMAGE_TEXT = re.compile(rb'"[A-Za-z0-9+/=_\-\\:;,]{1024,}"')  # nothing else in these formats is so long
_SAYS_GB = re.compile(r"charset=\s*\"?gb", re.IGNORECASE)
_IMAGE_TYPES = ("image/", "video/", "application/octet-stream")
_IMAGE_NAMES = (".jpg", ".jpeg", ".png", ".bmp", ".mp4")


class Part(NamedTuple):
    """One part of a multipart body."""

    name: str
    file_name: str
    content_type: str
    content: bytes

    @property
    def is_image(self) -> bool:
        return self.content_type.startswith(_IMAGE_TYPES) or self.file_name.endswith(_IMAGE_NAMES)


def load_json(body: bytes, content_type: str = "") -> Any:
    """Read a bounded document, in UTF-8 or, as older cameras write, in GB 2312."""
    if len(body) > MOST_BYTES:
        raise Unreadable(_("The message is too long."))
    try:
        return json.loads(decoded(body.lstrip(b"\x00"), content_type), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable(_("The message is no valid JSON.")) from error


def decoded(text: bytes, content_type: str = "") -> str:
    """Return the text; ValueError where it is in neither encoding."""
    encodings = ["gb18030", "utf-8-sig"] if _SAYS_GB.search(content_type) else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return text.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def is_multipart(content_type: str) -> bool:
    return content_type.lower().startswith("multipart/")


def parts_of(body: bytes, content_type: str) -> list[Part]:
    """The parts of a multipart body, images too; Unreadable without a boundary."""
    boundary = _boundary(content_type)
    pieces = body.split(boundary, MOST_PARTS + 1)[1 : MOST_PARTS + 1]
    return [_part(piece) for piece in pieces if not piece.startswith(b"--")]


def without_images(body: bytes, content_type: str) -> bytes:
    """The body as it is kept: pictures are nobody's business here. Never fails; what it can't take apart it keeps."""
    if not is_multipart(content_type):
        return _IMAGE_TEXT.sub(b'""', body)
    try:
        boundary = _boundary(content_type)
    except Unreadable:
        return body
    pieces = body.split(boundary, MOST_PARTS + 1)[1 : MOST_PARTS + 1]
    kept = [piece for piece in pieces if piece.startswith(b"--") or not _part(piece).is_image]
    return boundary.join([b"", *(_IMAGE_TEXT.sub(b'""', piece) for piece in kept)])


def _boundary(content_type: str) -> bytes:
    found = re.search(r'boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', content_type, re.IGNORECASE)
    if found is None:
        raise Unreadable(_("The message comes in parts, but does not say what parts them."))
    return b"--" + (found[1] or found[2]).encode()


def _part(piece: bytes) -> Part:
    head, _blank, content = piece.lstrip(b"\r\n").partition(b"\r\n\r\n")
    headers = head.decode("utf-8", "replace").lower()

    def value(pattern: str) -> str:
        found = re.search(pattern, headers)
        return found[1].strip() if found else ""

    return Part(
        name=value(r'[;\s]name="?([^";\r\n]*)'),
        file_name=value(r'filename="?([^";\r\n]*)'),
        content_type=value(r"content-type:\s*([^;\r\n]*)"),
        content=content.removesuffix(b"\r\n"),
    )


def member(value: Any, *names: str) -> Any:
    """Walk down mappings by name; None where the way ends."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def members(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """A text without blanks around it, or an integer as text; else nothing."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**20 else ""


def media(value: Any) -> str:
    """A reference to a picture kept elsewhere, where it is one."""
    reference = text(value)
    return reference if len(reference) <= LONGEST_MEDIA and reference.isprintable() else ""


def colour(name: str) -> str:
    """The name of a colour, where it is one."""
    return name if len(name) <= LONGEST_STATE and name.isprintable() else ""


def number(value: Any) -> float | None:
    """A finite number, also where it is written as text; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def share(value: Any, *, of: float) -> float | None:
    """A confidence as a share of one; None where it is none."""
    found = number(value)
    return found / of if found is not None and 0 <= found <= of else None


def whole(value: Any) -> int | None:
    """A whole number, also where it is written as text; else None."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def instant(value: Any, *, assume_utc: bool = False) -> datetime:
    """An ISO 8601 instant in UTC; Unreadable where it is none, or has no offset and none may be assumed."""
    try:
        found = datetime.fromisoformat(text(value))
        if found.tzinfo is None and assume_utc:
            found = found.replace(tzinfo=UTC)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Unreadable(_("The time of the event can't be read; write it with its offset."))


def epoch(seconds: Any) -> datetime:
    """The instant so many seconds after 1970; Unreadable where that is none."""
    found = number(seconds)
    try:
        if found is not None:
            return datetime.fromtimestamp(found, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise Unreadable(_("The time of the event can't be read."))


def plates_of(candidates: list[Any], *, but: str) -> tuple[str, ...]:
    """What else the camera may have read."""
    found = dict.fromkeys(plate_of(candidate) for candidate in candidates[: 2 * MOST_ALTERNATIVES])
    return tuple(plate for plate in found if plate not in {"", but})[:MOST_ALTERNATIVES]


def plate_mark(plate: str) -> str:
    """What stands for a plate in a key: a keyed hash, for a key names no plate."""
    return exact_hash(plate).hex()[:16] if plate else "-"
