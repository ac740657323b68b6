"""The outside of a triangulation: strips along the hull's normals, and wedges at its vertices (section 4.1)."""

from dataclasses import dataclass

import numpy as np

from coverage.engine.plane import Floats, Indices
from coverage.engine.topology import Triangles, hull_corners

STRAIGHT_ON = 1e-6


@dataclass(frozen=True, eq=False, slots=True)
class Hull:
    """What lies outside the triangles; build it with `hull_of`.

    Parameters
    ----------
    corners
        Shape (h,): flat corners whose opposite side is on the hull, ascending. The outside is on the right of the side
        from k + 1 to k + 2.
    out_x, out_y
        Shape (h,): the outward normal of each side, long enough to pass the target area.
    vertices
        Shape (u,): vertices of the hull.
    into, out_of
        Shape (u,): numbers among `corners` of the side that ends at the vertex, and of the one that starts there.
    wedge_x, wedge_y
        Shape (u, 3): far points of the vertex's own wedge, counterclockwise around the hull.
    wedge_points
        Shape (u,): 3, or 1 where the hull goes straight on and the wedge is a ray.
    """

    corners: Indices
    out_x: Floats
    out_y: Floats
    vertices: Indices
    into: Indices
    out_of: Indices
    wedge_x: Floats
    wedge_y: Floats
    wedge_points: Indices


def hull_of(triangles: Triangles, reach: Floats) -> Hull:
    """Find the hull's sides and normals.

    Parameters
    ----------
    reach
        Shape (v,): how far from each vertex the outside has to go, metres.
    """
    corners = hull_corners(triangles)
    k, t = np.divmod(corners, max(triangles.count, 1))
    after, before = (k + 1) % 3, (k + 2) % 3
    starts, ends = triangles.corners[after, t], triangles.corners[before, t]
    x, y, far_x, far_y = triangles.x, triangles.y, triangles.x[before, t], triangles.y[before, t]
    length = triangles.lengths[k, t]
    normal_x, normal_y = (far_y - y[after, t]) / length, (x[after, t] - far_x) / length
    by_start, by_end = np.argsort(starts, kind="stable"), np.argsort(ends, kind="stable")
    vertices, into, out_of = starts[by_start], by_end, by_start
    middle_x, middle_y = normal_x[into] + normal_x[out_of], normal_y[into] + normal_y[out_of]
    size = np.hypot(middle_x, middle_y)
    turn = normal_x[into] * normal_y[out_of] - normal_y[into] * normal_x[out_of]
    is_straight = (turn < STRAIGHT_ON) & (size > 1)
    apex_x, apex_y = triangles.x[after, t][out_of], triangles.y[after, t][out_of]
    from_x, from_y = _spread(normal_x, middle_x / size, into, out_of), _spread(normal_y, middle_y / size, into, out_of)
    return Hull(
        corners=corners,
        out_x=normal_x * reach[starts],
        out_y=normal_y * reach[starts],
        vertices=vertices,
        into=into,
        out_of=out_of,
        wedge_x=apex_x[:, None] + reach[vertices][:, None] * _or_middle(from_x, is_straight),
        wedge_y=apex_y[:, None] + reach[vertices][:, None] * _or_middle(from_y, is_straight),
        wedge_points=np.where(is_straight, 1, 3),
    )


def _spread(normal: Floats, middle: Floats, into: Indices, out_of: Indices) -> Floats:
    return np.stack((normal[into], middle, normal[out_of]), axis=1)


def _or_middle(directions: Floats, is_straight: Indices) -> Floats:
    """Put the middle direction first where it is the only one."""
    return np.where(is_straight[:, None], directions[:, [1, 1, 1]], directions)
