"""Read sites and target areas from JSON, or say in one sentence what is wrong."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from coverage.engine.plane import LARGEST_COORDINATE, Floats

Identifier = str | int


class DocumentError(ValueError):
    """A file that cannot be read; the message is one sentence that names the field."""


@dataclass(frozen=True, eq=False, slots=True)
class Sites:
    """The sites of a file: identifiers, positions of shape (n, 2), and the other fields asked for, of shape (n,)."""

    ids: list[Identifier]
    positions: Floats
    values: dict[str, Floats]


def read_document(text: bytes) -> dict[str, object]:
    """Return the object that a file holds; a bare list counts as its sites.

    Raises
    ------
    DocumentError
        For what is not JSON, with a key twice, a NaN, or neither an object nor a list at the top.
    """
    try:
        document = json.loads(text, object_pairs_hook=_without_twins, parse_constant=_refused)
    except DocumentError:
        raise
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"the file is not JSON ({_first_line(error)}).") from error
    if isinstance(document, list):
        return {"sites": document}
    if not isinstance(document, dict):
        raise DocumentError(f"the file must hold an object with sites, got {_shown(document)}.")
    return document


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        raise DocumentError(f"the key {_shown(next(key for key in keys if keys.count(key) > 1))} occurs twice.")
    return record


def _refused(name: str) -> float:
    raise DocumentError(f"numbers must be finite, got {name}.")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."


def read_sites(document: dict[str, object], fields: Sequence[tuple[str, ...]]) -> Sites:
    """Return the sites with id, x, y and further numbers.

    Parameters
    ----------
    fields
        The further fields; of alternative names the first that a site has is taken, and it gets the first name.

    Raises
    ------
    DocumentError
        For a missing field, a value that is not a finite number, and an identifier that occurs twice.
    """
    listed = document.get("sites")
    if not isinstance(listed, list):
        raise DocumentError("sites: must be a list." if "sites" in document else "sites: is missing.")
    ids: list[Identifier] = []
    taken: set[str] = set()
    rows: list[list[float]] = []
    for number, site in enumerate(listed):
        at = f"sites[{number}]"
        if not isinstance(site, dict):
            raise DocumentError(f"{at}: must be an object, got {_shown(site)}.")
        identifier = _identifier(site, at)
        if str(identifier) in taken:
            raise DocumentError(f"{at}.id: must be unique, got {_shown(identifier)} again.")
        taken.add(str(identifier))
        ids.append(identifier)
        rows.append([_number(site, names, at) for names in (("x",), ("y",), *fields)])
    table = np.array(rows, dtype=np.float64).reshape(-1, 2 + len(fields))
    values = {names[0]: np.ascontiguousarray(table[:, 2 + column]) for column, names in enumerate(fields)}
    return Sites(ids, np.ascontiguousarray(table[:, :2]), values)


def _identifier(site: dict[str, object], at: str) -> Identifier:
    if "id" not in site:
        raise DocumentError(f"{at}.id: is missing.")
    value = site["id"]
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise DocumentError(f"{at}.id: must be a text or a whole number, got {_shown(value)}.")
    return value


def _number(site: dict[str, object], names: tuple[str, ...], at: str) -> float:
    name = next((name for name in names if name in site), None)
    if name is None:
        raise DocumentError(f"{at}.{names[0]}: is missing.")
    value = site[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise DocumentError(f"{at}.{name}: must be a number, got {_shown(value)}.")
    if not math.isfinite(value) or abs(value) > LARGEST_COORDINATE:
        raise DocumentError(f"{at}.{name}: must be finite and within {LARGEST_COORDINATE:.0e}, got {_shown(value)}.")
    return float(value)


def read_target(document: dict[str, object]) -> BaseGeometry:
    """Return the target area, a GeoJSON polygon or multipolygon, bare or as the geometry of a feature.

    Raises
    ------
    DocumentError
        For anything else, and for one that is not valid or has no area.
    """
    if "target" not in document:
        raise DocumentError("target: is missing.")
    value = document["target"]
    if isinstance(value, dict) and value.get("type") == "Feature":
        value = value.get("geometry")
    if not isinstance(value, dict) or value.get("type") not in {"Polygon", "MultiPolygon"}:
        raise DocumentError(f"target: must be a GeoJSON polygon or multipolygon, got {_shown(value)}.")
    try:
        area = shape(value)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.GEOSException) as error:
        raise DocumentError(f"target: has coordinates that make no polygon ({_first_line(error)}).") from error
    if area.is_empty or not np.isfinite(shapely.get_coordinates(area)).all():
        raise DocumentError("target: must have finite coordinates and an area.")
    if not area.is_valid or area.area == 0:
        raise DocumentError(f"target: must be a valid polygon with an area, got {shapely.is_valid_reason(area)}.")
    return area
