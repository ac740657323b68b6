"""Checking one row of a table of occupancy: what it says, or what is wrong with it and what to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from parking_share.spaces.tables import Row
from sensors.import_runs import RowRefused
from sensors.layouts import NUMBERS, Layout

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
MOST_BAYS = 50_000
_NUMBER = re.compile(r"(-?)([0-9]{1,9})(?:\.0*)?")


@dataclass(frozen=True, kw_only=True)
class KnownLot:
    """What an import needs to know of a lot."""

    pk: int
    zone: ZoneInfo
    capacity: int | None


@dataclass(frozen=True, kw_only=True)
class ReadOccupancy:
    """A checked row; `occupied` is None where a word stands instead."""

    row_number: int
    lot_id: int
    at: datetime
    occupied: int | None
    bays: int | None
    word: str


def read_occupancy(
    row: Row, layout: Layout, *, lot: KnownLot | None, lots: Mapping[str, KnownLot], now: datetime
) -> ReadOccupancy | None:
    """Return what a row says, None where nobody asked for it, or raise RowRefused for the first thing that is wrong.

    `lot` is the one that all rows are of; without it each row names its own, out of `lots`.
    """
    refuse_wrong_length(row)
    if any(row.cells[column].strip() != value for column, value in layout.only.items()):
        return None
    where = lot or _lot(row, layout, lots)
    zone = ZoneInfo(layout.time_zone) if layout.time_zone else where.zone
    at = read_instant(cell(row, layout.columns, "at"), "at", zone=zone, now=now)
    bays = _bays(cell(row, layout.columns, "total"), where)
    name = next(name for name in NUMBERS if name in layout.columns)
    text = cell(row, layout.columns, name)
    word = _word(text, cell(row, layout.columns, "state"), layout)
    return ReadOccupancy(
        row_number=row.number,
        lot_id=where.pk,
        at=at,
        occupied=None if word else _occupied(name, _whole(text, name), bays),
        bays=bays,
        word=word,
    )


def cell(row: Row, columns: Mapping[str, str], field_name: str) -> str:
    column = columns.get(field_name)
    return row.cells[column].strip() if column else ""


def refuse_wrong_length(row: Row) -> None:
    if not row.has_right_length:
        sentence = _("The row has more or fewer cells than the header. Look for a stray comma or quotation mark.")
        raise RowRefused("wrong_length", "", sentence)


def refuse_empty(field_name: str) -> NoReturn:
    sentence = _("“%(field)s” is empty. Fill it in, or leave the row out.") % {"field": field_name}
    raise RowRefused(f"{field_name}_empty", field_name, sentence)


def read_instant(text: str, field_name: str, *, zone: ZoneInfo, now: datetime) -> datetime:
    """An instant; a time without an offset is local time of the zone, the earlier one where the clock was set back."""
    if not text:
        refuse_empty(field_name)
    try:
        told = datetime.fromisoformat(text)
    except ValueError as error:
        sentence = _("“%(text)s” is no time. Write it as 2026-11-23 08:15:00, with an offset where you know it.")
        raise RowRefused(f"{field_name}_not_a_time", field_name, sentence % {"text": text[:30]}) from error
    at = (told if told.tzinfo else told.replace(tzinfo=zone)).astimezone(UTC)
    values = {"text": text[:30], "zone": zone.key}
    if told.tzinfo is None and at.astimezone(zone).replace(tzinfo=None) != told:
        sentence = _("There was no %(text)s in %(zone)s: the clock was set forward. Give the time with its offset.")
        raise RowRefused(f"{field_name}_does_not_exist", field_name, sentence % values)
    if at > now:
        sentence = _("%(text)s is in the future. Look at the time zone (%(zone)s), or leave the row out.") % values
        raise RowRefused(f"{field_name}_in_the_future", field_name, sentence)
    if at < EARLIEST:
        sentence = _("%(text)s is too long ago to be true; such times often stand for unknown. Leave the row out.")
        raise RowRefused(f"{field_name}_too_old", field_name, sentence % values)
    return at


def _lot(row: Row, layout: Layout, lots: Mapping[str, KnownLot]) -> KnownLot:
    key = cell(row, layout.columns, "lot") or refuse_empty("lot")
    found = lots.get(key)
    if found is None:
        values = {"key": key[:40], "source": layout.source or "-"}
        sentence = _(
            "There is no lot %(key)s of source %(source)s. Import it with import_lots first, or name --source."
        )
        raise RowRefused("lot_unknown", "lot", sentence % values)
    return found


def _word(text: str, state: str, layout: Layout) -> str:
    """The word that a row says instead of a number."""
    return next((word.upper() for word in (text, "" if text else state) if word.upper() in layout.words), "")


def _whole(text: str, field_name: str) -> int:
    if not text:
        refuse_empty(field_name)
    number = _NUMBER.fullmatch(text)
    if number is None:
        sentence = _("“%(text)s” is no whole number. Correct it, or name it in --words if it is a word of the display.")
        raise RowRefused(f"{field_name}_not_a_number", field_name, sentence % {"text": text[:30]})
    if number[1]:
        sentence = _("%(text)s is less than nothing. Correct it, or leave the row out.") % {"text": text}
        raise RowRefused(f"{field_name}_negative", field_name, sentence)
    return int(number[2])


def _bays(text: str, lot: KnownLot) -> int | None:
    """How many bays there are: as the row says, else as the lot is known to have."""
    if not text:
        return lot.capacity
    bays = _whole(text, "total")
    if not 0 < bays <= MOST_BAYS:
        values = {"n": bays, "most": MOST_BAYS}
        sentence = _("A lot has 1 to %(most)s bays, not %(n)s. Correct it, or leave the row out.") % values
        raise RowRefused("total_absurd", "total", sentence)
    return bays


def _occupied(name: str, number: int, bays: int | None) -> int:
    if bays is None and name != "occupied":
        sentence = _("How many bays the lot has is not known. Map a column of “total”, or give the lot its capacity.")
        raise RowRefused("total_unknown", "total", sentence)
    if bays is not None and number > bays:
        values = {"n": number, "bays": bays}
        if name == "occupied":
            sentence = _("%(n)s cars are more than the lot has bays (%(bays)s). Correct the number, or the capacity.")
            raise RowRefused("occupied_over_capacity", name, sentence % values)
        sentence = _("%(n)s free bays are more than the lot has (%(bays)s). Correct the number, or the capacity.")
        raise RowRefused(f"{name}_over_capacity", name, sentence % values)
    return number if name == "occupied" or bays is None else bays - number
