"""Who is beside whom in a triangulation: edges, neighbours, and the triangles around each vertex in order."""

from dataclasses import dataclass

import numpy as np

from coverage.engine.plane import Floats, Indices


@dataclass(frozen=True, eq=False, slots=True)
class Triangles:
    """Triangles of one or several triangulations, and all that does not depend on weights; build with `triangles_of`.

    A corner is the pair of a number k in 0..2 and a triangle t; flat, it has the number ``k * m + t``. What is said of
    corner k concerns that vertex, or the side opposite to it. Vertices k, k + 1, k + 2 turn left.

    Parameters
    ----------
    corners
        Shape (3, m): vertices.
    x, y
        Shape (3, m): their coordinates.
    squares, lengths
        Shape (3, m): squared length and length of the opposite side, metres.
    areas
        Shape (m,), square metres.
    edges
        Shape (3, m): number of the opposite side among all edges.
    ends
        Shape (2, e): the vertices of each edge, the lower number first.
    across
        Shape (3, m): the flat corner that faces this one across the opposite side; -1 on the hull.
    ring
        Shape (3 m,): all flat corners, vertex by vertex, counterclockwise around each; on the hull from the first
        corner to the last.
    ring_first
        Shape (v + 1,): where in `ring` each vertex begins.
    """

    corners: Indices
    x: Floats
    y: Floats
    squares: Floats
    lengths: Floats
    areas: Floats
    edges: Indices
    ends: Indices
    across: Indices
    ring: Indices
    ring_first: Indices

    @property
    def count(self) -> int:
        return int(self.corners.shape[1])


def triangles_of(positions: Floats, simplices: Indices) -> Triangles:
    """Derive everything from the vertices of each triangle.

    Parameters
    ----------
    positions
        Shape (v, 2), metres from a local origin.
    simplices
        Shape (m, 3), counterclockwise, each edge in at most two triangles.
    """
    corners = np.ascontiguousarray(simplices.T)
    x, y = np.take(positions[:, 0], corners), np.take(positions[:, 1], corners)
    side_x, side_y = x[[2, 0, 1]] - x[[1, 2, 0]], y[[2, 0, 1]] - y[[1, 2, 0]]
    squares = side_x * side_x + side_y * side_y
    edges, ends, across = _edges(corners, len(positions))
    ring, ring_first = _rings(corners, across, len(positions))
    areas = np.maximum((side_x[2] * side_y[0] - side_y[2] * side_x[0]) / 2, 0)
    return Triangles(corners, x, y, squares, np.sqrt(squares), areas, edges, ends, across, ring, ring_first)


def _edges(corners: Indices, vertices: int) -> tuple[Indices, Indices, Indices]:
    """Number the edges; find the corner that faces each corner across its edge."""
    starts, ends = corners[[1, 2, 0]].ravel(), corners[[2, 0, 1]].ravel()
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    keys = low * vertices + high
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    is_new = np.ones(len(keys), dtype=bool)
    is_new[1:] = ordered[1:] != ordered[:-1]
    edges = np.empty(len(keys), dtype=np.intp)
    edges[order] = np.cumsum(is_new) - 1
    across = np.full(len(keys), -1, dtype=np.intp)
    second = np.flatnonzero(~is_new)
    across[order[second]] = order[second - 1]
    across[order[second - 1]] = order[second]
    firsts = order[is_new]
    return edges.reshape(3, -1), np.stack((low[firsts], high[firsts])), across.reshape(3, -1)


def _rings(corners: Indices, across: Indices, vertices: int) -> tuple[Indices, Indices]:
    """Order the corners around each vertex by walking from triangle to triangle."""
    count = corners.shape[1]
    flat_corners = corners.ravel()
    degrees = np.bincount(flat_corners, minlength=vertices)
    first = np.concatenate(([0], np.cumsum(degrees)))
    following = _next_corner(across[[1, 2, 0]].ravel(), count)
    begins = np.empty(vertices, dtype=np.intp)
    begins[flat_corners[::-1]] = np.arange(len(flat_corners))[::-1]
    on_hull = np.flatnonzero(across[[2, 0, 1]].ravel() < 0)
    begins[flat_corners[on_hull]] = on_hull
    ring = np.empty(len(flat_corners), dtype=np.intp)
    active = np.flatnonzero(degrees)
    here = begins[active]
    step = 0
    while active.size:
        ring[first[active] + step] = here
        step += 1
        more = degrees[active] > step
        active = active[more]
        here = following[here[more]]
    return ring, first


def _next_corner(facing: Indices, count: int) -> Indices:
    """Return the corner of the same vertex in the triangle across, given the corner that faces across that side."""
    k, t = np.divmod(facing, max(count, 1))
    return np.where(facing < 0, -1, (k + 1) % 3 * count + t)


def hull_corners(triangles: Triangles) -> Indices:
    """Return the flat corners whose opposite side is on the hull, shape (h,)."""
    return np.flatnonzero(triangles.across.ravel() < 0)


def obtuse_corners(triangles: Triangles) -> Indices:
    """Return the flat corners with an angle above 90 degrees, at most one for each triangle."""
    squares = triangles.squares
    rest = squares.sum(axis=0) - squares
    return np.flatnonzero((squares > rest).ravel())
