"""The static part of a map: everything about positions and target areas that weights do not change."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike
from shapely.geometry.base import BaseGeometry

from coverage.engine.chains import Chains
from coverage.engine.curve import along_curve
from coverage.engine.divide import Thorns, thorns_of
from coverage.engine.frontier import Frontier, frontier_of
from coverage.engine.hull import Hull, hull_of
from coverage.engine.plane import Floats, Indices, checked_groups, checked_positions, looks_like_degrees
from coverage.engine.topology import Triangles, triangles_of
from coverage.engine.triangulation import triangulate

Targets = tuple[BaseGeometry, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Mesh:
    """A network of sites, or several beside each other; build it with `build_mesh`.

    Parameters
    ----------
    origin
        Shape (2,): what was subtracted from all coordinates, whole metres.
    positions
        Shape (v, 2): distinct places, metres from `origin`.
    vertex_of
        Shape (n,): the place of each site.
    group_of
        Shape (v,): the network of each place.
    targets
        The target area of each network, in the coordinates of the sites.
    triangles, hull, thorns
        Networks whose sites are not on a line.
    chains
        Networks whose sites are on a line, and not all at one place.
    frontier
        Which cells can touch the edge of their target area.
    """

    origin: Floats
    positions: Floats
    vertex_of: Indices
    group_of: Indices
    targets: Targets
    triangles: Triangles
    hull: Hull
    thorns: Thorns
    chains: Chains
    frontier: Frontier

    @property
    def sites(self) -> int:
        return len(self.vertex_of)

    @property
    def resolution(self) -> float:
        """What the coordinates of the sites cannot tell apart after a few operations, metres."""
        return float(64 * np.spacing(np.abs(self.positions + self.origin).max(initial=0)))

    @property
    def vertices(self) -> int:
        return len(self.positions)


def build_mesh(
    positions: ArrayLike, targets: BaseGeometry | Sequence[BaseGeometry], *, groups: ArrayLike | None = None
) -> Mesh:
    """Prepare the partition of target areas among sites.

    Parameters
    ----------
    positions
        Shape (n, 2), metres, at least one.
    targets
        One polygon or multipolygon for each network, in the same metres; valid and not empty.
    groups
        Shape (n,): the network of each site, numbered from 0 without a gap; None for one network.

    Raises
    ------
    ValueError
        For no site, positions or targets in degrees, and a target that is not a valid polygon with an area.

    Notes
    -----
    Time O(n log n).
    """
    points = checked_positions(positions)
    areas = checked_targets((targets,) if isinstance(targets, BaseGeometry) else targets)
    members = checked_groups(groups, count=len(points))
    if len(areas) != (int(members.max()) + 1 if len(members) else 1):
        raise ValueError(f"every network needs one target area, got {len(areas)}.")
    if not len(points):
        raise ValueError("a target area needs at least one site, got none.")
    vertex_of, group_of = distinct_places(points, members)
    return mesh_from_triangles(points, areas, vertex_of, group_of, None)


def distinct_places(points: Floats, groups: Indices) -> tuple[Indices, Indices]:
    """Number the places of each network, neighbours near each other in memory.

    Returns
    -------
    vertex_of
        Shape (n,): the place of each site.
    group_of
        Shape (v,): the network of each place.
    """
    places, first, vertex_of = np.unique(
        np.column_stack((groups, points)), axis=0, return_index=True, return_inverse=True
    )
    order = np.lexsort((along_curve(points[first]), places[:, 0]))
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return number[vertex_of.ravel()], places[order, 0].astype(np.intp)


def mesh_from_triangles(
    points: Floats, areas: Targets, vertex_of: Indices, group_of: Indices, simplices: Indices | None
) -> Mesh:
    """Build a mesh from its places, and from its triangles where they are known already."""
    origin = np.floor((points.min(axis=0) + points.max(axis=0)) / 2)
    positions = np.empty((len(group_of), 2))
    positions[vertex_of] = points - origin
    reach = _reach(points, group_of[vertex_of], areas)[group_of]
    by_group = np.split(np.argsort(group_of, kind="stable"), np.cumsum(np.bincount(group_of))[:-1])
    if simplices is None:
        simplices = np.concatenate([line[triangulate(positions[line])] for line in by_group])
        simplices = simplices[np.argsort(simplices.min(axis=1, initial=len(positions)), kind="stable")]
    triangles = triangles_of(positions, simplices)
    degrees = np.diff(triangles.ring_first)
    lines = [line for line in by_group if len(line) > 1 and not degrees[line].any()]
    hull, chains = hull_of(triangles, reach), Chains.of(positions, lines, reach)
    return Mesh(
        origin=origin,
        positions=positions,
        vertex_of=vertex_of,
        group_of=group_of,
        targets=areas,
        triangles=triangles,
        hull=hull,
        thorns=thorns_of(triangles),
        chains=chains,
        frontier=frontier_of(triangles, hull, positions, origin, group_of, areas),
    )


def checked_targets(targets: Sequence[BaseGeometry]) -> Targets:
    """Return valid target areas in metres, rings of polygons counterclockwise.

    Raises
    ------
    ValueError
        For anything but valid polygons and multipolygons with an area, and for what looks like degrees.
    """
    for target in targets:
        if target.geom_type not in {"Polygon", "MultiPolygon"} or target.is_empty:
            raise ValueError(f"a target area must be a polygon or multipolygon, got {target.geom_type}.")
        if not target.is_valid:
            raise ValueError(f"a target area must be valid, got {shapely.is_valid_reason(target)}.")
        if looks_like_degrees(shapely.get_coordinates(target)):
            raise ValueError("a target area must be in metres of a projected plane, got what looks like degrees.")
    return tuple(shapely.orient_polygons(shapely.force_2d(target)) for target in targets)


def _reach(points: Floats, members: Indices, areas: Targets) -> Floats:
    """Return a length that passes each target area from anywhere among its network's sites, shape (g,)."""
    bounds = shapely.bounds(np.array(areas, dtype=object))
    low, high = np.fmin(bounds[:, :2], np.inf), np.fmax(bounds[:, 2:], -np.inf)
    np.minimum.at(low, members, points)
    np.maximum.at(high, members, points)
    reach: Floats = 2 * np.hypot(*(high - low).T) + 1
    return reach
