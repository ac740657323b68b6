"""Arrays of polygons."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Polygons = NDArray[Any]

EMPTY = shapely.Polygon()
POLYGON, MULTIPOLYGON = 3, 6


def polygonal_parts(shapes: Polygons) -> Polygons:
    """Return the part of each geometry that has an area: a polygon, a multipolygon, or an empty polygon."""
    parts = shapes.copy()
    mixed = np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (POLYGON, MULTIPOLYGON)))
    parts[mixed] = [_with_area(shape) for shape in shapes[mixed]]
    return parts


def _with_area(shape: shapely.Geometry) -> shapely.Geometry:
    inner = shapely.get_parts(shapely.get_parts(shape))
    polygons = [part for part in inner if isinstance(part, shapely.Polygon) and not part.is_empty]
    if not polygons:
        return EMPTY
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
