"""Taking pictures out: GeoJSON of exact areas, tables for spreadsheets, and a drawing."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.utils import timezone
from django.utils.translation import gettext as _
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from coverage import bases, groups
from coverage.models import CoverageBase
from coverage.selectors import LotSlot, Picture, in_degrees, polygons_of
from coverage.shortages import Shortage
from coverage.shown import is_few, shown_bays, shown_vacancy
from coverage.statistics import Totals
from coverage.vacancy import Basis
from coverage.words import BASIS_WORDS
from parking_share.spaces.models import District, Lot
from surveys.formulas import guarded

GEOJSON = "application/geo+json"
BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take Chinese for something else
DECIMALS = 7
Cell = str | int | float


def as_csv(rows: Iterable[Sequence[Cell]]) -> str:
    """CSV text with a byte order mark; no cell is a formula."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerows([guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return BYTE_ORDER_MARK + text.getvalue()


def lot_rows(picture: Picture, lots: Mapping[int, Lot]) -> Iterator[list[Cell]]:
    """A header, then every lot among these that the picture knows."""
    yield [
        _("Lot"), _("District"), _("Number"), _("Slot"), _("Open bays"), _("Free bays"), _("Vacancy"),
        _("Rank"), _("Service area in m²"), _("Known from"), _("Age in seconds"),
    ]  # fmt: skip
    values, at = picture.values, _written(timezone.localtime(picture.run.slot_starts_at))
    for row in picture.rows_of(lots).tolist():
        lot = lots[int(picture.lot_ids[row])]
        basis, bays = Basis(int(values.basis[row])), (float(values.open_bays[row]), float(values.free_bays[row]))
        yield [
            lot.name,
            lot.district.name,
            lot.pk,
            at,
            *_bays(*bays, basis),
            float(values.score[row]),
            round(float(values.area_m2[row]), 1),
            str(BASIS_WORDS[basis]),
            _seconds(float(values.age_s[row])),
        ]


def day_rows(slots: Iterable[LotSlot], *, zone: ZoneInfo) -> Iterator[list[Cell]]:
    """One lot's day."""
    yield [
        _("Slot"), _("Rank, times the average"), _("Service area in m²"), _("Open bays"), _("Free bays"),
        _("Vacancy"), _("Known from"), _("Age in seconds"),
    ]  # fmt: skip
    for slot in slots:
        yield [
            _written(slot.starts_at.astimezone(zone)),
            round(slot.strength, 4),
            round(slot.area_m2, 1),
            *_bays(slot.open_bays, slot.free_bays, slot.basis),
            str(BASIS_WORDS[slot.basis]),
            "" if slot.age is None else round(slot.age.total_seconds()),
        ]


def district_rows(picture: Picture, districts: Iterable[tuple[District, Totals]]) -> Iterator[list[Cell]]:
    yield [
        _("District"), _("Slot"), _("Lots"), _("Open bays"), _("Free bays"), _("Vacancy"), _("Service area in m²"),
        _("Hectares for each free bay"), _("Measured"), _("From bookings"), _("Estimated"), _("Closed"),
        _("Age in seconds"),
    ]  # fmt: skip
    for district, totals in districts:
        basis = Basis.CLOSED if totals.closed == totals.lots else Basis.SEEN
        yield [
            district.name,
            _written(timezone.localtime(picture.run.slot_starts_at)),
            totals.lots,
            *_bays(totals.open_bays, totals.free_bays, basis),
            round(totals.area_m2, 1),
            _per_bay(totals.hectares_a_bay, totals.free_bays),
            totals.seen,
            totals.booked,
            totals.estimated,
            totals.closed,
            "" if totals.age is None else round(totals.age.total_seconds()),
        ]


def shortage_rows(picture: Picture, short: Iterable[Shortage], lots: Mapping[int, Lot]) -> Iterator[list[Cell]]:
    yield [
        _("Lot"), _("District"), _("Slot"), _("Service area in m²"), _("Free bays"), _("Hectares for each free bay"),
        _("Against an hour before"), _("Known from"),
    ]  # fmt: skip
    for one in short:
        yield [
            lots[one.lot_id].name,
            lots[one.lot_id].district.name,
            _written(timezone.localtime(picture.run.slot_starts_at)),
            round(one.area_m2, 1),
            shown_bays(one.free_bays),
            _per_bay(one.hectares_a_bay, one.free_bays),
            "" if one.growth is None else round(one.growth, 3),
            str(BASIS_WORDS[one.basis]),
        ]


def area_features(picture: Picture, lots: Mapping[int, Lot]) -> str:
    """The exact areas of these lots as a GeoJSON collection: WGS-84, longitude first, outer rings counterclockwise."""
    rows, values = picture.rows_of(lots), picture.values
    shapes = in_degrees(polygons_of(picture).polygons[rows], picture.run.base)
    features = []
    for row, shape in zip(rows.tolist(), shapes, strict=True):
        lot, basis = lots[int(picture.lot_ids[row])], Basis(int(values.basis[row]))
        open_bays, free_bays, vacancy = _bays(float(values.open_bays[row]), float(values.free_bays[row]), basis)
        told = {
            "name": lot.name,
            "district": lot.district.name,
            "rank": float(f"{values.score[row]:.6g}"),
            "area_m2": round(float(values.area_m2[row]), 1),
            "open_bays": open_bays,
            "free_bays": free_bays,
            "vacancy": vacancy,
            "known_from": basis.name.lower(),
            "age_s": _seconds(float(values.age_s[row])) or None,
        }
        features.append(_feature(lot.pk, shape, told))
    return _collection(
        features, slot_starts_at=_written(timezone.localtime(picture.run.slot_starts_at)), city=picture.run.city
    )


def cluster_features(picture: Picture) -> str:
    """The ground of each cluster with the number of its lots; static, so without bays."""
    base = CoverageBase.objects.get(pk=picture.run.base_id)
    grounds, lots = groups.cluster_polygons(base), np.bincount(bases.clusters_of(base))
    features = [
        _feature(number, shape, {"cluster": number, "lots": int(lots[number]), "colour": colour})
        for number, (shape, colour) in enumerate(zip(grounds, groups.colours_of(grounds), strict=True))
        if not shape.is_empty
    ]
    return _collection(features, city=picture.run.city)


def feature_collection(shapes: Mapping[int, BaseGeometry], told: Mapping[int, dict[str, Any]]) -> str:
    """Shapes in WGS-84 with what is told of each."""
    return _collection([_feature(key, shape, told[key]) for key, shape in shapes.items() if not shape.is_empty])


def _feature(number: int, shape: BaseGeometry, told: dict[str, Any]) -> str:
    """Seven decimals are a centimetre. A geometry that is empty is null, as RFC 7946 asks."""
    properties = json.dumps(told, ensure_ascii=False)
    geometry = "null" if shape.is_empty else json.dumps(_rounded(mapping(shape)))
    return f'{{"type":"Feature","id":{number},"properties":{properties},"geometry":{geometry}}}'


def _rounded(geometry: Any) -> dict[str, Any]:
    return {"type": geometry["type"], "coordinates": _rounded_places(geometry["coordinates"])}


def _rounded_places(places: Any) -> Any:
    if isinstance(places[0], float):
        return [round(float(place), DECIMALS) for place in places]
    return [_rounded_places(inner) for inner in places]


def _collection(features: Sequence[str], **told: str) -> str:
    more = "".join(f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False)}," for name, value in told.items())
    listed = ",\n".join(features)
    return f'{{"type":"FeatureCollection",{more}"features":[\n{listed}\n]}}\n'


def _bays(open_bays: float, free_bays: float, basis: Basis) -> tuple[str, str, str]:
    """Open, free and the share of it as they are told; nothing of a lot that is closed."""
    if basis == Basis.CLOSED:
        return "0", "0", ""
    return shown_bays(open_bays), shown_bays(free_bays), shown_vacancy(open_bays, free_bays)


def _per_bay(hectares: float, free_bays: float) -> str:
    return f"{'>' if is_few(free_bays) else ''}{hectares:.3f}"


def _seconds(seconds: float) -> Cell:
    return "" if np.isnan(seconds) else round(seconds)


def _written(at: datetime) -> str:
    return at.isoformat(timespec="minutes")
