"""The ground that a city divides among its lots: taken in from GeoJSON, kept in WGS-84."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.db import transaction
from django.utils.translation import gettext as _
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from coverage.models import CityOutline
from coverage.projection import CityPlane
from parking_share.errors import DomainError
from parking_share.spaces.datum import Datum, to_wgs84

MARGIN_M = 500.0
MOST_BYTES = 50_000_000


class OutlineRefused(DomainError):
    code = "outline_refused"


def read_outline(path: Path, *, datum: Datum) -> BaseGeometry:
    """The polygon or multipolygon of a GeoJSON file, in WGS-84 degrees, longitude first.

    A feature collection counts as the union of its polygons. Raises OutlineRefused for anything else.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise OutlineRefused(_("%(file)s is larger than 50 MB; simplify the outline first.") % {"file": path.name})
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise OutlineRefused(_("%(file)s can't be read: %(why)s.") % {"file": path, "why": error.strerror}) from error
    except ValueError as error:
        raise OutlineRefused(_("%(file)s is no JSON: %(why)s.") % {"file": path.name, "why": error}) from error
    parts = [_geometry(one, place) for place, one in _geometries(document)]
    if not parts:
        raise OutlineRefused(_("The file holds no polygon."))
    outline = shapely.union_all([shapely.transform(part, lambda points: _wgs84(points, datum)) for part in parts])
    if not outline.is_valid or outline.is_empty or outline.geom_type not in {"Polygon", "MultiPolygon"}:
        raise OutlineRefused(
            _("The outline is not a valid polygon: %(why)s.") % {"why": shapely.is_valid_reason(outline)}
        )
    return outline


@transaction.atomic
def keep_outline(*, city: str, outline: BaseGeometry, datum: Datum, source: str, now: datetime) -> CityOutline | None:
    """Make this the outline of the city; None where it is so already."""
    kept = json.loads(json.dumps(mapping(outline)))
    present = CityOutline.objects.select_for_update().filter(city=city, superseded_at__isnull=True).first()
    if present is not None and present.outline == kept:
        return None
    if present is not None:
        CityOutline.objects.filter(pk=present.pk).update(superseded_at=now)
    return CityOutline.objects.create(
        city=city, outline=kept, source=source, imported_datum=datum.value, valid_from=now
    )


def target_in_metres(city: str, *, plane: CityPlane, positions: Any) -> BaseGeometry:
    """The city's outline in its plane; where none was imported, the hull of its lots and half a kilometre around."""
    row = CityOutline.objects.filter(city=city, superseded_at__isnull=True).first()
    if row is None:
        hull: BaseGeometry = shapely.convex_hull(shapely.multipoints(positions))
        return hull.buffer(MARGIN_M, quad_segs=16)
    outline = shape(row.outline)
    inside = shapely.transform(outline, lambda points: plane.metres(points[:, 1], points[:, 0]))
    target: BaseGeometry = shapely.make_valid(inside)
    return target


def _geometries(document: Any) -> list[tuple[str, Any]]:
    """Every geometry of a GeoJSON document, with where it stands."""
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "FeatureCollection" and isinstance(document.get("features"), list):
        features = enumerate(document["features"], start=1)
        return [(_("feature %(n)s") % {"n": n}, one.get("geometry")) for n, one in features if isinstance(one, dict)]
    if kind == "Feature":
        return [(_("the feature"), document.get("geometry"))]
    return [(_("the document"), document)]


def _geometry(value: Any, place: str) -> BaseGeometry:
    if not isinstance(value, dict) or value.get("type") not in {"Polygon", "MultiPolygon"}:
        raise OutlineRefused(
            _("%(place)s is no GeoJSON polygon or multipolygon. Leave everything else out of the file.")
            % {"place": place[:1].upper() + place[1:]}
        )
    try:
        part = shape(value)
    except (ValueError, TypeError, shapely.errors.ShapelyError) as error:
        raise OutlineRefused(_("%(place)s can't be read: %(why)s.") % {"place": place, "why": error}) from error
    if not part.is_valid:
        reason = shapely.is_valid_reason(part)
        raise OutlineRefused(_("%(place)s is not a valid polygon: %(why)s.") % {"place": place, "why": reason})
    return shapely.force_2d(part)


def _wgs84(points: Any, datum: Datum) -> Any:
    """Longitude and latitude of any datum into those of WGS-84."""
    if not (np.abs(points) <= (180.0, 90.0)).all():
        worst = points[~(np.abs(points) <= (180.0, 90.0)).all(axis=1)][0]
        raise OutlineRefused(
            _("%(x)s, %(y)s is no longitude and latitude; GeoJSON positions are degrees, longitude first.")
            % {"x": worst[0], "y": worst[1]}
        )
    turned = [to_wgs84(latitude, longitude, datum=datum) for longitude, latitude in points]
    return np.array([(longitude, latitude) for latitude, longitude in turned])
