"""Which cells can touch the edge of their target area is known before any weight is (section 8)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from coverage.engine.hull import Hull
from coverage.engine.plane import Floats, Indices
from coverage.engine.topology import Triangles

Polygons = NDArray[Any]

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
    group_of: Indices,
    targets: tuple[BaseGeometry, ...],
) -> Frontier:
    """Sort cells by what the edge of their target area can do to them.

    Parameters
    ----------
    positions
        Shape (v, 2), in the coordinates of the targets.

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
        inside[members], near[members] = _relation(target, positions[members], radius[members])
    alone = np.bincount(group_of)[group_of] == 1
    touching = np.flatnonzero(near & ~alone)
    stars = _stars(triangles, touching[np.isfinite(radius[touching])], positions)
    pieces = np.array([targets[group] for group in group_of[touching]], dtype=object)
    closed = np.isfinite(radius[touching])
    pieces[closed] = shapely.intersection(pieces[closed], shapely.buffer(stars, MARGIN_M, join_style="mitre"))
    whole = np.zeros(len(touching), dtype=bool)
    whole[closed] = shapely.covers(pieces[closed], stars)
    inside[touching] = whole
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
    near[~near] = shapely.dwithin(boundary, places, radius[~near])  # type: ignore[call-overload] -- takes arrays too
    return shapely.contains_xy(target, positions) & ~near, near


def _stars(triangles: Triangles, vertices: Indices, positions: Floats) -> Polygons:
    """Return the union of the triangles around each inner vertex, as the ring of its neighbours."""
    degrees = np.diff(triangles.ring_first)[vertices]
    first = np.concatenate(([0], np.cumsum(degrees + 1)))
    place = np.arange(first[-1]) - np.repeat(first[:-1], degrees + 1)
    place = np.where(place == np.repeat(degrees, degrees + 1), 0, place)
    corner = triangles.ring[np.repeat(triangles.ring_first[vertices], degrees + 1) + place]
    k, t = np.divmod(corner, max(triangles.count, 1))
    coordinates = positions[triangles.corners[(k + 1) % 3, t]]
    offsets = (first, np.arange(len(vertices) + 1))
    return shapely.from_ragged_array(shapely.GeometryType.POLYGON, coordinates, offsets)
