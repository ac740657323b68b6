"""What-if changes to a city's lots: what each may say, and its short text for an address or a row.

add:22.5512,114.1134:120:500:PUBLIC:50:Name    a lot of 120 bays, 5.00 an hour, half of them free
move:17:22.5512,114.1134     close:17     resize:17:200
share:17:40     share-all:3:40                 40 % of the bays of a lot, or of all compounds of a district, are shared
"""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from parking_share.errors import DomainError

MOST_CHANGES, MOST_BAYS, MOST_FEE_CENTS, LONGEST_NAME = 50, 20_000, 100_000, 60
_WHOLE = re.compile(r"[0-9]{1,9}")
_DEGREES = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,12})?")


class ChangeRefused(DomainError):
    code = "change_refused"


class Kind(StrEnum):
    ADD = "add"
    MOVE = "move"
    CLOSE = "close"
    RESIZE = "resize"
    SHARE = "share"
    SHARE_ALL = "share-all"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change; which fields it has follows from its kind.

    Raises
    ------
    ChangeRefused
        For a number outside of what can be meant.
    """

    kind: Kind
    lot_id: int | None = None
    district_id: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    bays: int | None = None
    fee_cents: int | None = None
    access: str = ""
    percent: int | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if self.bays is not None and not 1 <= self.bays <= MOST_BAYS:
            raise ChangeRefused(_("A lot has 1 to %(most)s bays.") % {"most": MOST_BAYS})
        if self.fee_cents is not None and not 0 <= self.fee_cents <= MOST_FEE_CENTS:
            raise ChangeRefused(_("A fee lies between nothing and %(most)s an hour.") % {"most": MOST_FEE_CENTS // 100})
        if self.percent is not None and not 0 <= self.percent <= 100:
            raise ChangeRefused(_("A share lies between 0 and 100 per cent."))
        if self.latitude is not None and self.longitude is not None:
            is_on_earth = -84 <= self.latitude <= 84 and -180 <= self.longitude <= 180
            if not (math.isfinite(self.latitude) and math.isfinite(self.longitude) and is_on_earth):
                raise ChangeRefused(_("Write a place as latitude and longitude in degrees, such as 22.5431, 114.0579."))

    @property
    def text(self) -> str:
        """The change as it stands in addresses and rows."""
        match self.kind:
            case Kind.ADD:
                parts = [self._place, self.bays, self.fee_cents, self.access, self.percent, self.name]
            case Kind.MOVE:
                parts = [self.lot_id, self._place]
            case Kind.CLOSE:
                parts = [self.lot_id]
            case Kind.RESIZE:
                parts = [self.lot_id, self.bays]
            case Kind.SHARE:
                parts = [self.lot_id, self.percent]
            case Kind.SHARE_ALL:
                parts = [self.district_id, self.percent]
        return ":".join([self.kind.value, *(str(part) for part in parts)])

    @property
    def _place(self) -> str:
        return f"{self.latitude:.6f},{self.longitude:.6f}"


def read_changes(texts: Sequence[str]) -> list[Change]:
    """The changes of an address or a row.

    Raises
    ------
    ChangeRefused
        For a text that is none, and for too many.
    """
    if len(texts) > MOST_CHANGES:
        raise ChangeRefused(_("At most %(most)s changes at a time.") % {"most": MOST_CHANGES})
    return [read_change(text) for text in texts]


def read_change(text: str) -> Change:
    kind, _colon, rest = text.partition(":")
    parts = rest.split(":", 5)
    try:
        match Kind(kind), len(parts):
            case Kind.ADD, 6:
                return _added(parts)
            case Kind.MOVE, 2:
                latitude, longitude = _place(parts[1])
                return Change(kind=Kind.MOVE, lot_id=_whole(parts[0]), latitude=latitude, longitude=longitude)
            case Kind.CLOSE, 1:
                return Change(kind=Kind.CLOSE, lot_id=_whole(parts[0]))
            case Kind.RESIZE, 2:
                return Change(kind=Kind.RESIZE, lot_id=_whole(parts[0]), bays=_whole(parts[1]))
            case Kind.SHARE, 2:
                return Change(kind=Kind.SHARE, lot_id=_whole(parts[0]), percent=_whole(parts[1]))
            case Kind.SHARE_ALL, 2:
                return Change(kind=Kind.SHARE_ALL, district_id=_whole(parts[0]), percent=_whole(parts[1]))
    except ValueError as error:
        raise _unreadable(text) from error
    raise _unreadable(text)


def place_of(text: str) -> tuple[float, float]:
    """Latitude and longitude as a person types them: with a comma, a space or both between.

    Raises
    ------
    ChangeRefused
        For anything else.
    """
    parts = text.replace("，", ",").replace(",", " ").split()
    if len(parts) != 2 or not all(_DEGREES.fullmatch(part) for part in parts):
        raise ChangeRefused(_("Write a place as latitude and longitude in degrees, such as 22.5431, 114.0579."))
    return float(parts[0]), float(parts[1])


def lots_named(changes: Collection[Change]) -> set[int]:
    return {change.lot_id for change in changes if change.lot_id is not None}


def _added(parts: Sequence[str]) -> Change:
    latitude, longitude = _place(parts[0])
    return Change(
        kind=Kind.ADD,
        latitude=latitude,
        longitude=longitude,
        bays=_whole(parts[1]),
        fee_cents=_whole(parts[2]),
        access=parts[3],
        percent=_whole(parts[4]),
        name=parts[5][:LONGEST_NAME],
    )


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _place(text: str) -> tuple[float, float]:
    latitude, _comma, longitude = text.partition(",")
    if not (_DEGREES.fullmatch(latitude) and _DEGREES.fullmatch(longitude)):
        raise ValueError(text)
    return float(latitude), float(longitude)


def _unreadable(text: str) -> ChangeRefused:
    return ChangeRefused(_("“%(text)s” is no change that is known here.") % {"text": text[:80]})
