"""The weighted Voronoi diagram without bounds, which the paper compares its own with (figure 7)."""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
BLOCK = 4_000


def owners_without_bounds(positions: Floats, weights: Floats, points: Floats) -> NDArray[np.intp]:
    """Return the site with the least d / w of all, shape (p,); of equals the first."""
    owner = np.empty(len(points), dtype=np.intp)
    for low in range(0, len(points), BLOCK):
        block = points[low : low + BLOCK]
        squared = (block[:, :1] - positions[:, 0]) ** 2 + (block[:, 1:] - positions[:, 1]) ** 2
        owner[low : low + BLOCK] = np.argmin(squared / weights**2, axis=1)
    return owner


def enclosed_without_bounds(positions: Floats, weights: Floats) -> NDArray[np.intp]:
    """Return the sites whose whole area lies inside that of one other site, exactly.

    Notes
    -----
    What a heavier j leaves to a site i is the inside of an Apollonius circle. The area of i is enclosed by that of j
    alone if all along that circle every other site leaves more to i; j then is the heavier one with the smallest such
    circle. Lighter sites may be enclosed in turn. Sites at one place are left out. Time O(n²), memory O(n).
    """
    found = [row for row in range(len(positions)) if _is_enclosed(positions, weights, row)]
    return np.array(found, dtype=np.intp)


def _is_enclosed(positions: Floats, weights: Floats, row: int) -> bool:
    offset, others = positions - positions[row], np.arange(len(positions)) != row
    distance = np.hypot(*offset.T)
    if (distance[others] == 0).any():
        return False
    ratio = weights[row] / weights
    heavier = others & (ratio < 1)
    if not heavier.any():
        return False
    with np.errstate(divide="ignore", invalid="ignore"):
        shrink = 1 - ratio**2
        centre = -(ratio**2 / shrink)[:, None] * offset
        radius = np.abs(ratio * distance / shrink)
    best = int(np.flatnonzero(heavier)[np.argmin(radius[heavier])])
    rest = others.copy()
    rest[best] = False
    away = np.hypot(*(centre - centre[best]).T)
    inside = rest & heavier & (away + radius[best] > radius * (1 + 1e-12))
    lighter = rest & (ratio > 1) & (away < radius + radius[best]) & (away + radius > radius[best])
    equal = rest & (ratio == 1)
    half_plane = (offset[equal] @ centre[best] + radius[best] * distance[equal]) > distance[equal] ** 2 / 2
    return not (inside.any() or lighter.any() or half_plane.any())


def enclosed_among(polygons: NDArray[np.object_], target: BaseGeometry) -> NDArray[np.intp]:
    """Return the polygons of a partition that have one neighbour only and do not reach the edge of the target."""
    one, other = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    one, other = one[one < other], other[one < other]
    shared = shapely.length(shapely.intersection(shapely.boundary(polygons[one]), shapely.boundary(polygons[other])))
    touching = shared > 1e-6
    neighbours = np.bincount(one[touching], minlength=len(polygons)) + np.bincount(
        other[touching], minlength=len(polygons)
    )
    inner = shapely.distance(polygons, target.boundary) > 1e-6
    return np.flatnonzero((neighbours == 1) & inner & ~shapely.is_empty(polygons))
