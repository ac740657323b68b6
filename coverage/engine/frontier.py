"""Which cells can touch the edge of their target area is known before any weight is (section 8)."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from coverage.engine.hull import Hull
from coverage.engine.plane import Floats, Indices
from coverage.engine.shapes import Polygons, polygonal_parts
from coverage.engine.topology import Triangles

MARGIN_M = 1.0


@dataclass(frozen=True, eq=False, slots=True)
class Frontier:
    """What of the target areas concerns which cell; build it with `frontier_of`.

    Parameters
    ----------
    touching
        Shape (f,): vertices whose cells may have to be cut.
    pieces
        Shape (f,): the part of the target area near each.
    inside
        Shape (v,): whether a vertex's cell is within the target area whatever the weights.
    """

    touching: Indices
    pieces: Polygons
    inside: NDArray[np.bool_]


def frontier_of(
    triangles: Triangles,
    hull: Hull,
    positions: Floats,
    origin: Floats,
    group_of: Indices,
    targets: tuple[BaseGeometry, ...],
) -> Frontier:
    """Sort cells by what the edge of their target area can do to them.

    Parameters
    ----------
    positions
        Shape (v, 2), metres from `origin`.
    origin
        Shape (2,), in the coordinates of the targets.

    Notes
    -----
    A cell stays within the triangles around its site, except at the hull. A circle around the site that holds them is
    tried first, then the triangles themselves.
    """
    radius = _radii(triangles, len(positions))
    radius[_open_vertices(triangles, hull)] = np.inf
    inside, near = np.zeros(len(positions), dtype=bool), np.zeros(len(positions), dtype=bool)
    order = np.argsort(group_of, kind="stable")
    bounds = np.concatenate(([0], np.cumsum(np.bincount(group_of))))
    for number, target in enumerate(targets):
        members = order[bounds[number] : bounds[number + 1]]
        inside[members], near[members] = _relation(target, positions[members] + origin, radius[members])
    alone = np.bincount(group_of)[group_of] == 1
    touching = np.flatnonzero(near & ~alone)
    pieces = np.array([targets[group] for group in group_of[touching]], dtype=object)
    joined = np.diff(triangles.ring_first)[touching] > 0
    realms = _realms(triangles, hull, touching[joined], positions, origin)
    near_by = shapely.buffer(realms, MARGIN_M, join_style="mitre")
    pieces[joined] = polygonal_parts(shapely.intersection(pieces[joined], near_by))
    whole = np.zeros(len(touching), dtype=bool)
    whole[joined] = shapely.covers(pieces[joined], realms)
    inside[touching] = whole
    shapely.prepare(pieces)
    return Frontier(touching[~whole], pieces[~whole], inside | alone)


def _radii(triangles: Triangles, count: int) -> Floats:
    """Return the longest edge at each vertex; infinite for a vertex without triangles."""
    radius = np.zeros(count)
    lengths = triangles.lengths[[2, 0, 1]], triangles.lengths[[1, 2, 0]]
    np.maximum.at(radius, triangles.corners.ravel(), np.maximum(*lengths).ravel())
    return np.where(np.diff(triangles.ring_first) == 0, np.inf, radius)


def _open_vertices(triangles: Triangles, hull: Hull) -> Indices:
    """Return the vertices of triangles at the hull: each may own some of the outside."""
    return np.unique(triangles.corners[:, hull.corners % max(triangles.count, 1)])


def _relation(target: BaseGeometry, positions: Floats, radius: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which sites are inside, and which have the target's edge within their radius."""
    boundary = target.boundary
    shapely.prepare(target)
    shapely.prepare(boundary)
    near = np.isinf(radius)
    places = shapely.points(positions[~near])
    near[~near] = shapely.dwithin(boundary, places, radius[~near])  # type: ignore[call-overload]  # takes arrays
    return shapely.contains_xy(target, positions) & ~near, near


def _realms(triangles: Triangles, hull: Hull, vertices: Indices, positions: Floats, origin: Floats) -> Polygons:
    """Return the most that each vertex can own: the triangles around it and, at the hull, the strips behind them.

    Notes
    -----
    The outline goes from neighbour to neighbour; where a side of the hull joins two it goes out along the normal and
    back again, and at a vertex of the hull along its own two sides and around its wedge.
    """
    degrees = np.diff(triangles.ring_first)[vertices]
    number = np.repeat(np.arange(len(vertices)), degrees)
    rank = np.arange(len(number)) - np.repeat(np.cumsum(degrees) - degrees, degrees)
    corner = triangles.ring[triangles.ring_first[vertices][number] + rank]
    k, t = np.divmod(corner, max(triangles.count, 1))
    after, before = positions[triangles.corners[(k + 1) % 3, t]], positions[triangles.corners[(k + 2) % 3, t]]
    outline = [(number, 3 * rank, after)]
    facing = np.flatnonzero(triangles.across[k, t] < 0)
    out = np.column_stack((hull.out_x, hull.out_y))
    normal = out[np.searchsorted(hull.corners, corner[facing])]
    outline.append((number[facing], 3 * rank[facing] + 1, after[facing] + normal))
    outline.append((number[facing], 3 * rank[facing] + 2, before[facing] + normal))
    first, last = np.cumsum(degrees) - degrees, np.cumsum(degrees) - 1
    end = 3 * degrees
    here, at_hull = np.flatnonzero(np.isin(vertices, hull.vertices)), np.searchsorted(hull.vertices, vertices)
    at_hull = at_hull[here]
    outline.append((here, end[here], before[last[here]]))
    outline.append((here, end[here] + 1, before[last[here]] + out[hull.into[at_hull]]))
    for step in range(3):
        wedge = np.column_stack((hull.wedge_x[at_hull, step], hull.wedge_y[at_hull, step]))
        outline.append((here, end[here] + 2 + step, wedge))
    outline.append((here, end[here] + 5, after[first[here]] + out[hull.out_of[at_hull]]))
    outline.append((np.arange(len(vertices)), end + 6, after[first]))
    return _rings_of(outline, len(vertices), origin)


def _rings_of(outline: list[tuple[Indices, Indices, Floats]], count: int, origin: Floats) -> Polygons:
    """Return polygons from their points, given with the number of the polygon and the place in its ring."""
    number, place = (np.concatenate([part[column] for part in outline]) for column in (0, 1))
    coordinates = np.concatenate([part[2] for part in outline])[np.lexsort((place, number))] + origin
    first = np.concatenate(([0], np.cumsum(np.bincount(number, minlength=count))))
    return shapely.from_ragged_array(shapely.GeometryType.POLYGON, coordinates, (first, np.arange(count + 1)))
