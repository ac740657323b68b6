"""The Delaunay triangulation of distinct sites, with what Qhull leaves open settled (section 4.7)."""

import numpy as np
from scipy.spatial import Delaunay, QhullError

from coverage.engine.lawson import exact_delaunay
from coverage.engine.plane import Floats, Indices

FLAT = 1e-11
COLLINEAR = 1e-11


def triangulate(positions: Floats) -> Indices:
    """Return the triangles of distinct points near the origin.

    Parameters
    ----------
    positions
        Shape (n, 2), no two the same.

    Returns
    -------
    Shape (m, 3), counterclockwise; empty where n < 3 or all points are on a line up to rounding. Every point is a
    vertex.

    Notes
    -----
    Qhull's answer is taken if it is a triangulation of all points whose outline is convex; else exact arithmetic
    decides. Flat triangles on the hull are dropped. Of several triangulations of points on a circle it is always the
    same one for the same input. Time O(n log n).
    """
    if len(positions) < 3 or are_collinear(positions):
        return np.empty((0, 3), dtype=np.intp)
    triangles = _of_qhull(positions)
    if triangles is None:
        triangles = exact_delaunay(positions)
    return _without_flat_hull(positions, triangles)


def are_collinear(positions: Floats) -> bool:
    """Tell whether all points are on a line, up to 1e-11 of their extent."""
    centred = positions - positions.mean(axis=0)
    widths: Floats = np.linalg.svd(centred, compute_uv=False)
    return bool(widths[-1] <= COLLINEAR * widths[0])


def doubled_areas(positions: Floats, triangles: Indices) -> Floats:
    """Return twice the signed area of each triangle, shape (m,)."""
    (ax, ay), (bx, by), (cx, cy) = (positions[triangles[:, k]].T for k in range(3))
    areas: Floats = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    return areas


def _of_qhull(positions: Floats) -> Indices | None:
    try:
        found = Delaunay(positions)
    except QhullError:
        return None
    triangles = found.simplices.astype(np.intp)
    areas = doubled_areas(positions, triangles)
    clockwise = areas < 0
    triangles[clockwise] = triangles[clockwise][:, ::-1]
    return triangles if _covers_hull(positions, triangles, np.abs(areas)) else None


def _covers_hull(positions: Floats, triangles: Indices, areas: Floats) -> bool:
    """Tell whether the triangles use all points, share each edge properly, and fill a convex outline."""
    count = len(positions)
    if len(triangles) == 0 or (np.bincount(triangles.ravel(), minlength=count) == 0).any():
        return False
    starts, ends = triangles.ravel(), np.roll(triangles, -1, axis=1).ravel()
    keys, twins = starts * count + ends, ends * count + starts
    ordered = np.sort(keys)
    if (ordered[1:] == ordered[:-1]).any():
        return False
    place = np.minimum(np.searchsorted(ordered, twins), len(ordered) - 1)
    alone = ordered[place] != twins
    outline = _loop(starts[alone], ends[alone])
    if outline is None:
        return False
    x, y = positions[outline].T
    dx, dy = np.roll(x, -1) - x, np.roll(y, -1) - y
    turns = dx * np.roll(dy, -1) - dy * np.roll(dx, -1)
    size = np.hypot(dx, dy)
    if (turns < -FLAT * size * np.roll(size, -1)).any():
        return False
    outside = float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
    return abs(outside - float(areas.sum())) <= 1e-12 * outside


def _loop(starts: Indices, ends: Indices) -> Indices | None:
    """Return the vertices of the one closed path that the edges make, or None."""
    following = dict(zip(starts.tolist(), ends.tolist(), strict=True))
    if len(following) != len(starts):
        return None
    path = [int(starts[0])]
    while (after := following.get(path[-1], -1)) not in {path[0], -1}:
        path.append(after)
        if len(path) > len(starts):
            return None
    return np.array(path, dtype=np.intp) if len(path) == len(starts) else None


def _without_flat_hull(positions: Floats, triangles: Indices) -> Indices:
    """Drop flat triangles on the hull whose inner vertex then becomes a vertex of the hull."""
    sides = [positions[triangles[:, (k + 2) % 3]] - positions[triangles[:, (k + 1) % 3]] for k in range(3)]
    longest = np.max([np.einsum("ij,ij->i", side, side) for side in sides], axis=0)
    flat = np.flatnonzero(doubled_areas(positions, triangles) <= FLAT * longest)
    if not flat.size:
        return triangles
    kept = np.ones(len(triangles), dtype=bool)
    sides_of = {(int(a), int(b)) for row in triangles for a, b in zip(row, np.roll(row, -1), strict=True)}
    hull = {a for a, b in sides_of if (b, a) not in sides_of}
    progress = True
    while progress:
        progress = False
        for number in flat[kept[flat]].tolist():
            for k in range(3):
                apex, a, b = (int(triangles[number, (k + step) % 3]) for step in range(3))
                if (b, a) not in sides_of and apex not in hull:
                    sides_of -= {(apex, a), (a, b), (b, apex)}
                    hull.add(apex)
                    kept[number] = False
                    progress = True
                    break
    return triangles[kept]
