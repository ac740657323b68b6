"""What devices say, in one form: every format is an adapter to it, and this is what it has to be."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from django.utils.translation import gettext as _

from parking_share.accounts.plates import normalise_plate
from parking_share.errors import DomainError
from sensors.readings import Kind

LONGEST_KEY, LONGEST_DEVICE, LONGEST_STATE, LONGEST_MEDIA = 200, 80, 20, 200
LONGEST_PLATE = 16  # as sent; nothing that authorities issue is longer, and what is longer is no plate
MOST_ALTERNATIVES = 10
MOST_CARS = 1_000_000
LARGEST_SEQUENCE = 2**63 - 1
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
NO_PLATE = frozenset({"", "无", "無", "_无_", "无牌车", "无车牌", "未识别", "UNKNOWN", "NOPLATE", "NONE", "NULL", "-"})


class Unreadable(DomainError):
    """A message, or one event of it, that its format does not allow."""

    code = "unreadable"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, as a device tells it.

    Parameters
    ----------
    source_key
        What makes it the same event when it is sent again, unique within its gateway. Names no plate.
    kind
        `PASS` where a camera saw a car and knows no more: the lane of its gate then says whether it came or went, and
        in a lane for both whether it moved towards the camera.
    device
        Serial number or name, as the device writes it.
    reported_at
        On the clock of the device.
    sequence
        Orders events of the same instant.
    is_live
        Whether the device says that it sends this as it happens; None where its format has no word for it.
    plate
        Normalised; empty where none was read.
    confidence
        From 0 to 1.
    occupied
        Cars counted, or bays taken.
    is_towards
        Of a `PASS`: whether the car moved towards the camera, where the camera says so.
    """

    source_key: str
    kind: Kind
    device: str
    reported_at: datetime
    sequence: int = 0
    is_live: bool | None = None
    plate: str = ""
    alternatives: tuple[str, ...] = ()
    plate_colour: str = ""
    confidence: float | None = None
    occupied: int | None = None
    state_text: str = ""
    media_ref: str = ""
    is_towards: bool | None = None

    def __post_init__(self) -> None:
        """Refuse what no table could take, so that one bad event harms nothing but itself."""
        if not (0 < len(self.source_key) <= LONGEST_KEY and self.source_key.isprintable()):
            _refuse(_("Each event needs a key of 1 to 200 printable characters."))
        if not (0 < len(self.device) <= LONGEST_DEVICE and self.device.isprintable()):
            _refuse(_("Each event names its device, in 1 to 80 printable characters."))
        if self.reported_at.tzinfo is None or not EARLIEST <= self.reported_at < LATEST:
            _refuse(_("The time of an event needs its offset, and a year between 1970 and 2100."))
        if not 0 <= self.sequence <= LARGEST_SEQUENCE:
            _refuse(_("The number of an event in its source can't be negative or larger than 2^63."))
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            _refuse(_("Confidence is a number from 0 to 1."))
        if self.occupied is not None and not 0 <= self.occupied <= MOST_CARS:
            _refuse(_("Cars are counted from 0 to a million."))
        if len(self.plate_colour) > LONGEST_STATE or len(self.media_ref) > LONGEST_MEDIA:
            _refuse(_("A colour has at most 20 characters, a reference to a picture at most 200."))
        if not (self.plate_colour + self.media_ref).isprintable():
            _refuse(_("A colour and a reference to a picture are printable characters."))
        if self.state_text and not (len(self.state_text) <= LONGEST_STATE and self.state_text.isprintable()):
            _refuse(_("A state in words has at most 20 printable characters."))
        if self.kind == Kind.COUNT and self.occupied is None and not self.state_text:
            _refuse(_("A count needs a number or a state in words."))


def plate_of(text: object) -> str:
    """Return the normalised plate of what a camera read; empty for its words for “no plate”, and for what is none."""
    if not isinstance(text, str) or not 0 < len(text) <= 4 * LONGEST_PLATE:
        return ""
    spelled = text.strip().upper()
    plate = normalise_plate(text)
    is_none = spelled in NO_PLATE or plate in NO_PLATE or len(plate) > LONGEST_PLATE or not plate.isprintable()
    return "" if is_none or not any(character.isalnum() for character in plate) else plate


def _refuse(sentence: str) -> NoReturn:
    raise Unreadable(sentence)
