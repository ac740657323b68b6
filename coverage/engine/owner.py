"""Whose service area a point is in, by the definition itself (section 4.1): no arcs, no polygons."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from coverage.engine.mesh import Mesh
from coverage.engine.partition import heaviest_sites, vertex_weights
from coverage.engine.plane import Floats, Indices, checked_positions, checked_values
from coverage.engine.topology import Triangles

BLOCK = 1 << 20


def owner_of(mesh: Mesh, weights: ArrayLike, points: ArrayLike) -> Indices:
    """Return the site that owns each point of a map with one network, wherever the target area ends.

    Parameters
    ----------
    weights
        Shape (n,), >= 0, as for `service_areas`.
    points
        Shape (p, 2), in the metres of the sites.

    Returns
    -------
    Shape (p,). A point on a border belongs to any of its neighbours.

    Raises
    ------
    ValueError
        For a mesh of several networks: ask each network's own mesh.
    """
    if len(mesh.targets) != 1:
        raise ValueError(f"owner_of answers for one network, got a mesh of {len(mesh.targets)}.")
    of_sites = checked_values(weights, "weight", count=mesh.sites)
    places = checked_positions(points) - mesh.origin
    values = vertex_weights(mesh, of_sites)
    if mesh.triangles.count:
        vertices = _owners_in_triangles(mesh, values, places)
    elif len(mesh.chains.vertices):
        vertices = _owners_on_a_line(mesh, values, places)
    else:
        vertices = np.zeros(len(places), dtype=np.intp)
    return heaviest_sites(mesh, of_sites)[vertices]


def _owners_in_triangles(mesh: Mesh, weights: Floats, points: Floats) -> Indices:
    triangle, nearest = locate(mesh, points)
    corners = mesh.triangles.corners[:, triangle]
    distance = np.hypot(mesh.triangles.x[:, triangle] - nearest[:, 0], mesh.triangles.y[:, triangle] - nearest[:, 1])
    best: Indices = np.argmin(distance / weights[corners], axis=0)
    return corners[best, np.arange(len(points))]


def locate(mesh: Mesh, points: Floats) -> tuple[Indices, Floats]:
    """Return a triangle that holds each point, or the nearest point of the hull instead, and that nearest point.

    Parameters
    ----------
    points
        Shape (p, 2), metres from the mesh's origin.

    Notes
    -----
    Walks from the nearest site towards the point, all points at once. A walk in a Delaunay triangulation does not
    turn in circles.
    """
    triangles = mesh.triangles
    _, vertex = cKDTree(mesh.positions).query(points)
    here = triangles.ring[triangles.ring_first[vertex]] % triangles.count
    nearest = points.copy()
    active = np.arange(len(points))
    for _ in range(triangles.count + 1):
        facing, leaves = _way_out(triangles, here[active], points[active])
        goes_on = leaves & (facing >= 0)
        outside = active[leaves & (facing < 0)]
        here[outside], nearest[outside] = _nearest_on_hull(mesh, points[outside])
        active = active[goes_on]
        if not active.size:
            return here, nearest
        here[active] = facing[goes_on] % triangles.count
    raise RuntimeError(f"{active.size} of {len(points)} points were not found in {triangles.count} triangles.")


def _way_out(triangles: Triangles, here: Indices, points: Floats) -> tuple[Indices, np.ndarray]:
    """Return the corner across the side that a point is farthest beyond, and whether it is beyond any."""
    x, y = triangles.x[:, here] - points[:, 0], triangles.y[:, here] - points[:, 1]
    after, before = [1, 2, 0], [2, 0, 1]
    beyond = (y[after] * x[before] - x[after] * y[before]) / triangles.lengths[:, here]
    side = np.argmax(beyond, axis=0)
    column = np.arange(len(here))
    slack = 1e-12 * triangles.lengths[side, here]
    return triangles.across[side, here], beyond[side, column] > slack


def _nearest_on_hull(mesh: Mesh, points: Floats) -> tuple[Indices, Floats]:
    """Return the triangle behind the nearest point of the hull, and that point; blocks bound the memory."""
    count, hull = mesh.triangles.count, mesh.hull.corners
    k, t = np.divmod(hull, count)
    after, before = (k + 1) % 3, (k + 2) % 3
    x, y = mesh.triangles.x[after, t], mesh.triangles.y[after, t]
    side_x, side_y = mesh.triangles.x[before, t] - x, mesh.triangles.y[before, t] - y
    squared = side_x**2 + side_y**2
    triangle, nearest = np.empty(len(points), dtype=np.intp), np.empty_like(points)
    step = max(BLOCK // max(len(hull), 1), 1)
    for low in range(0, len(points), step):
        block = slice(low, low + step)
        from_x, from_y = points[block, :1] - x, points[block, 1:] - y
        along = np.clip((from_x * side_x + from_y * side_y) / squared, 0, 1)
        side = np.argmin((from_x - along * side_x) ** 2 + (from_y - along * side_y) ** 2, axis=1)
        fraction = along[np.arange(len(side)), side]
        triangle[block] = t[side]
        nearest[block] = np.stack((x[side] + fraction * side_x[side], y[side] + fraction * side_y[side]), axis=1)
    return triangle, nearest


def _owners_on_a_line(mesh: Mesh, weights: Floats, points: Floats) -> Indices:
    """Divide the line between neighbours at P; beyond its ends the last site owns."""
    line = mesh.chains.vertices
    direction = np.array([mesh.chains.along_x[0], mesh.chains.along_y[0]])
    place = mesh.positions[line] @ direction
    share = weights[line[:-1]] / (weights[line[:-1]] + weights[line[1:]])
    borders = place[:-1] + share * np.diff(place)
    return line[np.searchsorted(borders, points @ direction)]
