"""Whose service area a point is in, by the definition itself (section 4.1): no arcs, no polygons."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from coverage.engine.mesh import Mesh
from coverage.engine.partition import heaviest_sites, vertex_weights
from coverage.engine.plane import Floats, Indices, checked_points, checked_values
from coverage.engine.topology import Triangles

BLOCK = 1 << 20

Mask = NDArray[np.bool_]


def owner_of(mesh: Mesh, weights: ArrayLike, points: ArrayLike, *, networks: ArrayLike | None = None) -> Indices:
    """Return the site that owns each point, wherever the target area ends.

    Parameters
    ----------
    weights
        Shape (n,), >= 0, as for `service_areas`.
    points
        Shape (p, 2), in the metres of the sites.
    networks
        Shape (p,): the network that is asked about each point; may be None where the mesh has but one.

    Returns
    -------
    Shape (p,). A point on a border belongs to any of its neighbours.

    Raises
    ------
    ValueError
        For points that are not finite, and for a mesh of several networks when `networks` is None.
    """
    places = checked_points(points)
    if networks is None and len(mesh.targets) > 1:
        raise ValueError(f"points need a network each where a mesh has several, got none for {len(mesh.targets)}.")
    asked = np.zeros(len(places), dtype=np.intp) if networks is None else np.asarray(networks, dtype=np.intp)
    of_sites = checked_values(weights, "weight", count=mesh.sites)
    return heaviest_sites(mesh, of_sites)[_owning_vertices(mesh, vertex_weights(mesh, of_sites), places, asked)]


def _owning_vertices(mesh: Mesh, weights: Floats, points: Floats, networks: Indices) -> Indices:
    """Return the vertex that owns each point among those of its network."""
    local = points - mesh.origin
    vertices = _nearest_vertices(mesh, local, networks)
    joined = np.flatnonzero(np.diff(mesh.triangles.ring_first)[vertices] > 0)
    if joined.size:
        triangle, nearest = _locate(mesh, local[joined], vertices[joined], networks[joined])
        corners = mesh.triangles.corners[:, triangle]
        offset_x, offset_y = mesh.triangles.x[:, triangle], mesh.triangles.y[:, triangle]
        distance = np.hypot(offset_x - nearest[:, 0], offset_y - nearest[:, 1])
        best = np.argmin(distance / weights[corners], axis=0)
        vertices[joined] = corners[best, np.arange(len(joined))]
    _ask_chains(mesh, weights, local, networks, vertices)
    return vertices


def _nearest_vertices(mesh: Mesh, points: Floats, networks: Indices) -> Indices:
    """Return the nearest vertex of the same network: in space the networks lie in floors far above each other."""
    floor = 4 * (np.abs(mesh.positions).max(initial=1) + np.abs(points).max(initial=1))
    tree = cKDTree(np.column_stack((mesh.positions, floor * mesh.group_of)))
    _, vertices = tree.query(np.column_stack((points, floor * networks)))
    return np.asarray(vertices, dtype=np.intp)


def _locate(mesh: Mesh, points: Floats, vertices: Indices, networks: Indices) -> tuple[Indices, Floats]:
    """Return a triangle that holds each point, or that is behind the nearest point of the hull, and that nearest point.

    Parameters
    ----------
    points
        Shape (p, 2), metres from the mesh's origin.
    vertices
        Shape (p,): where to start from.

    Notes
    -----
    Walks from a site towards the point, all points at once. A walk in a Delaunay triangulation does not turn in
    circles.
    """
    triangles = mesh.triangles
    here = triangles.ring[triangles.ring_first[vertices]] % triangles.count
    nearest = points.copy()
    active = np.arange(len(points))
    for _ in range(triangles.count + 1):
        facing, leaves = _way_out(triangles, here[active], points[active])
        outside = active[leaves & (facing < 0)]
        for network in np.unique(networks[outside]):
            these = outside[networks[outside] == network]
            here[these], nearest[these] = _nearest_on_hull(mesh, points[these], int(network))
        active, facing = active[leaves & (facing >= 0)], facing[leaves & (facing >= 0)]
        if not active.size:
            return here, nearest
        here[active] = facing % triangles.count
    raise RuntimeError(f"{active.size} of {len(points)} points were not found in {triangles.count} triangles.")


def _way_out(triangles: Triangles, here: Indices, points: Floats) -> tuple[Indices, Mask]:
    """Return the corner across the side that a point is farthest beyond, and whether it is beyond any."""
    x, y = triangles.x[:, here] - points[:, 0], triangles.y[:, here] - points[:, 1]
    after, before = [1, 2, 0], [2, 0, 1]
    beyond = (y[after] * x[before] - x[after] * y[before]) / triangles.lengths[:, here]
    side = np.argmax(beyond, axis=0)
    column = np.arange(len(here))
    slack = 1e-12 * triangles.lengths[side, here]
    return triangles.across[side, here], beyond[side, column] > slack


def _nearest_on_hull(mesh: Mesh, points: Floats, network: int) -> tuple[Indices, Floats]:
    """Return the triangle behind the nearest point of the hull, and that point; blocks bound the memory."""
    k, t = np.divmod(mesh.hull.corners, mesh.triangles.count)
    own = mesh.group_of[mesh.triangles.corners[0, t]] == network
    k, t = k[own], t[own]
    after, before = (k + 1) % 3, (k + 2) % 3
    x, y = mesh.triangles.x[after, t], mesh.triangles.y[after, t]
    side_x, side_y = mesh.triangles.x[before, t] - x, mesh.triangles.y[before, t] - y
    squared = side_x**2 + side_y**2
    triangle, nearest = np.empty(len(points), dtype=np.intp), np.empty_like(points)
    step = max(BLOCK // len(t), 1)
    for low in range(0, len(points), step):
        block = slice(low, low + step)
        from_x, from_y = points[block, :1] - x, points[block, 1:] - y
        along = np.clip((from_x * side_x + from_y * side_y) / squared, 0, 1)
        side = np.argmin((from_x - along * side_x) ** 2 + (from_y - along * side_y) ** 2, axis=1)
        fraction = along[np.arange(len(side)), side]
        triangle[block] = t[side]
        nearest[block] = np.stack((x[side] + fraction * side_x[side], y[side] + fraction * side_y[side]), axis=1)
    return triangle, nearest


def _ask_chains(mesh: Mesh, weights: Floats, points: Floats, networks: Indices, vertices: Indices) -> None:
    """Divide each line between neighbours at P; beyond its ends the last site owns."""
    chains = mesh.chains
    for line in np.split(np.arange(len(chains.vertices)), np.flatnonzero(chains.has_next == 0) + 1):
        here = np.flatnonzero(networks == mesh.group_of[chains.vertices[line[0]]]) if len(line) else line
        if not len(here):
            continue
        members, direction = chains.vertices[line], np.array([chains.along_x[line[0]], chains.along_y[line[0]]])
        place = mesh.positions[members] @ direction
        share = weights[members[:-1]] / (weights[members[:-1]] + weights[members[1:]])
        borders = place[:-1] + share * np.diff(place)
        vertices[here] = members[np.searchsorted(borders, points[here] @ direction)]
