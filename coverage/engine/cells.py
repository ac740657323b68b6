"""Polygons from outlines, cut by their target areas (sections 4.6 and 8)."""

import numpy as np
import shapely

from coverage.engine.knots import Rings
from coverage.engine.mesh import Mesh
from coverage.engine.plane import Floats, Indices
from coverage.engine.points import Points
from coverage.engine.rings import Outlines
from coverage.engine.shapes import EMPTY, Polygons, polygonal_parts


def polygons_of(mesh: Mesh, points: Points, outlines: Outlines, untied: Rings) -> Polygons:
    """Return the cells of vertices that have triangles, not yet cut, in the coordinates of the sites; None elsewhere.

    Parameters
    ----------
    untied
        The rings of vertices whose outline touches itself.
    """
    polygons = np.full(mesh.vertices, None, dtype=object)
    used = np.flatnonzero(np.diff(outlines.first))
    first = np.concatenate((outlines.first[used], outlines.first[-1] + untied.first))
    offsets = (first, np.arange(len(first)))
    coordinates = _coordinates(mesh.origin, points, np.concatenate((outlines.points, untied.points)))
    shapes = shapely.from_ragged_array(shapely.GeometryType.POLYGON, coordinates, offsets)
    shapes[shapely.area(shapes) == 0] = EMPTY
    polygons[used] = shapes[: len(used)]
    parts = shapes[len(used) :]
    polygons[untied.owners] = parts
    several = np.flatnonzero(np.bincount(untied.owners)[untied.owners] > 1) if len(parts) else untied.owners
    owners, number = np.unique(untied.owners[several], return_inverse=True)
    polygons[owners] = shapely.multipolygons(parts[several], indices=number)
    return polygons


def _coordinates(origin: Floats, points: Points, which: Indices) -> Floats:
    coordinates = np.empty((len(which), 2))
    np.add(np.take(points.x, which), origin[0], out=coordinates[:, 0])
    np.add(np.take(points.y, which), origin[1], out=coordinates[:, 1])
    return coordinates


def strips_of(mesh: Mesh, weights: Floats) -> Polygons:
    """Return the cells of the vertices of all chains, not yet cut."""
    rings = mesh.chains.strips(mesh.positions, weights) + mesh.origin
    offsets = (np.arange(0, 5 * len(rings) + 1, 5), np.arange(len(rings) + 1))
    return shapely.from_ragged_array(shapely.GeometryType.POLYGON, rings.reshape(-1, 2), offsets)


def repaired(polygons: Polygons) -> Polygons:
    """Return valid polygons for cells smaller than the resolution of their coordinates; may be empty."""
    return polygonal_parts(shapely.make_valid(polygons))


def cut_by_targets(mesh: Mesh, polygons: Polygons) -> Polygons:
    """Return the service areas of all vertices: cells within their target areas."""
    frontier = mesh.frontier
    areas = np.full(mesh.vertices, EMPTY, dtype=object)
    areas[frontier.inside] = polygons[frontier.inside]
    alone = np.flatnonzero(np.bincount(mesh.group_of)[mesh.group_of] == 1)
    areas[alone] = [mesh.targets[group] for group in mesh.group_of[alone]]
    shapes = polygons[frontier.touching]
    cut = np.flatnonzero(~shapely.covers(frontier.pieces, shapes))
    shapes[cut] = shapely.intersection(shapes[cut], frontier.pieces[cut])
    areas[frontier.touching] = polygonal_parts(shapes)
    return areas
