"""Checking one row of somebody else's table of lots: what it says, or what is wrong with it and what to do."""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from parking_share.errors import DomainError
from parking_share.spaces.datum import Datum, OutsideChinaRefused, to_wgs84
from parking_share.spaces.models import District, LandUse, Lot
from parking_share.spaces.tables import Row

FIELDS = ("name", "latitude", "longitude", "capacity", "address", "district", "source_key", "land_use")
REQUIRED = ("name", "latitude", "longitude")
LARGEST_CAPACITY = 50_000
LONGEST = {
    "name": Lot._meta.get_field("name").max_length or 0,
    "address": Lot._meta.get_field("address").max_length or 0,
    "source_key": Lot._meta.get_field("source_key").max_length or 0,
    "district": District._meta.get_field("name").max_length or 0,
}
_DECIMALS = 7  # of a degree: a centimetre, so that the last bit of a conversion never counts as a change
_WHOLE_NUMBER = re.compile(r"([0-9]+)(?:\.0*)?")


class RowRefused(DomainError):
    """A row can't become a lot: `code` says why in one word, `field` where."""

    def __init__(self, code: str, field_name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.field = code, field_name


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a table is, and what holds for all of its rows.

    `columns` names the column of each field; `land_uses` translates the table's own words; `name` keeps the keys of
    different tables apart.
    """

    name: str
    datum: Datum
    columns: Mapping[str, str]
    city: str = ""
    district: str = ""
    time_zone: str = "Asia/Shanghai"
    land_use: LandUse | None = None
    land_uses: Mapping[str, LandUse] = field(default_factory=dict)
    access_class: str = ""


@dataclass(frozen=True, kw_only=True)
class ReadLot:
    """A checked row, its position in WGS-84."""

    row_number: int
    source_key: str
    name: str
    address: str
    latitude: float
    longitude: float
    capacity: int | None
    district: str
    land_use: LandUse


def read_lot(row: Row, source: Source) -> ReadLot:
    """Return what a row says, or raise RowRefused for the first thing that is wrong with it."""
    if not row.has_right_length:
        sentence = _("The row has more or fewer cells than the header. Look for a stray comma or quotation mark.")
        raise RowRefused("wrong_length", "", sentence)
    latitude, longitude = _position(row, source)
    return ReadLot(
        row_number=row.number,
        source_key=_source_key(row, source),
        name=_text(row, source, "name") or _refuse_empty("name"),
        address=_text(row, source, "address"),
        latitude=latitude,
        longitude=longitude,
        capacity=_capacity(_cell(row, source, "capacity")),
        district=_text(row, source, "district") or source.district or _refuse_empty("district"),
        land_use=_land_use(_cell(row, source, "land_use"), source),
    )


def _cell(row: Row, source: Source, field_name: str) -> str:
    column = source.columns.get(field_name)
    return row.cells[column].strip() if column else ""


def _refuse_empty(field_name: str) -> str:
    sentence = _("“%(field)s” is empty. Fill it in, or leave the row out.") % {"field": field_name}
    raise RowRefused(f"{field_name}_empty", field_name, sentence)


def _text(row: Row, source: Source, field_name: str) -> str:
    """The cell's text; what the database has no room for is refused, not cut."""
    text = _cell(row, source, field_name)
    longest = LONGEST[field_name]
    if len(text) > longest or "\0" in text:
        sentence = _("“%(field)s” has more than %(n)s characters, or some that are no text. Shorten it.")
        raise RowRefused(f"{field_name}_too_long", field_name, sentence % {"field": field_name, "n": longest})
    return text


def _position(row: Row, source: Source) -> tuple[float, float]:
    stated = {name: _degrees(_cell(row, source, name), name) for name in ("latitude", "longitude")}
    latitude, longitude = stated["latitude"], stated["longitude"]
    if latitude == 0 or longitude == 0:
        sentence = _("The position is %(latitude)s, %(longitude)s: zero stands for unknown. Fill in the true one.")
        raise RowRefused("position_zero", "latitude" if latitude == 0 else "longitude", sentence % stated)
    if abs(latitude) > 90 and abs(longitude) <= 90 and abs(latitude) <= 180:
        sentence = _("%(latitude)s is no latitude: the two columns look swapped. Swap them in --columns or in the row.")
        raise RowRefused("position_swapped", "latitude", sentence % stated)
    if abs(latitude) > 90 or abs(longitude) > 180:
        sentence = _("%(latitude)s, %(longitude)s is not a place on earth. Give degrees, not metres.")
        raise RowRefused("position_off_earth", "latitude" if abs(latitude) > 90 else "longitude", sentence % stated)
    try:
        latitude, longitude = to_wgs84(latitude, longitude, datum=source.datum)
    except OutsideChinaRefused as refusal:
        raise RowRefused(refusal.code, "longitude", refusal.sentence) from refusal
    return round(latitude, _DECIMALS), round(longitude, _DECIMALS)


def _degrees(text: str, field_name: str) -> float:
    if not text:
        _refuse_empty(field_name)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        sentence = _("“%(text)s” is not a number of degrees. Write it with a point, as 22.5431.") % {"text": text[:30]}
        raise RowRefused(f"{field_name}_not_a_number", field_name, sentence)
    return value


def _capacity(text: str) -> int | None:
    """None where the table does not say."""
    if not text:
        return None
    whole = _WHOLE_NUMBER.fullmatch(text)
    if whole is None:
        code = "capacity_negative" if re.fullmatch(r"-[0-9.]+", text) else "capacity_not_whole"
        sentence = _("“%(text)s” is not a whole number of bays. Correct it, or leave it empty.") % {"text": text[:30]}
        raise RowRefused(code, "capacity", sentence)
    capacity = int(whole[1]) if len(whole[1]) < 10 else LARGEST_CAPACITY + 1
    if capacity > LARGEST_CAPACITY:
        sentence = _("%(text)s bays are more than any lot has (%(most)s). Correct it, or leave it empty.")
        raise RowRefused("capacity_absurd", "capacity", sentence % {"text": text[:30], "most": LARGEST_CAPACITY})
    return capacity


def _land_use(text: str, source: Source) -> LandUse:
    if not text and source.land_use is not None:
        return source.land_use
    found = source.land_uses.get(text) or (LandUse(text.upper()) if text.upper() in LandUse.values else None)
    if found is None:
        sentence = _(
            "“%(text)s” is no land use. Known are %(known)s; --land-use-values translates a table's own words."
        )
        values = {"text": text[:40], "known": ", ".join(LandUse.values)}
        raise RowRefused("land_use_unknown", "land_use", sentence % values)
    return found


def _source_key(row: Row, source: Source) -> str:
    """The table's own key; where it has none, one made from what the row says of the place."""
    if "source_key" in source.columns:
        key = _cell(row, source, "source_key") or _refuse_empty("source_key")
    else:
        told = "\x1f".join(_cell(row, source, name) for name in ("name", "address", "latitude", "longitude"))
        key = hashlib.sha256(told.encode()).hexdigest()[:24]
    full = f"{source.name}:{key}"
    if len(full) > LONGEST["source_key"] or "\0" in full:
        sentence = _("The key “%(key)s…” is longer than %(n)s characters. Map a shorter column.")
        raise RowRefused("source_key_too_long", "source_key", sentence % {"key": key[:20], "n": LONGEST["source_key"]})
    return full
