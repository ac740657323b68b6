"""The bounded weighted Voronoi partition of one moment (section 4)."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike

from coverage.engine.cells import cut_by_targets, polygons_of, repaired, strips_of
from coverage.engine.divide import Division, divide, pinned
from coverage.engine.knots import untied_rings
from coverage.engine.mesh import Mesh
from coverage.engine.plane import Floats, Indices, checked_values
from coverage.engine.points import place_points
from coverage.engine.rings import join_rings
from coverage.engine.shapes import EMPTY, Polygons

LIGHTEST = 1e-12
TINY = 1e3


@dataclass(frozen=True, eq=False, slots=True)
class Areas:
    """Service areas of one moment.

    Parameters
    ----------
    polygons
        Shape (n,): a valid polygon or multipolygon for each site, in the coordinates of the sites; an empty polygon
        where nothing is left.
    tolerance
        Largest distance between a border and the arc it stands for, metres.
    """

    polygons: Polygons
    tolerance: float

    @property
    def area_m2(self) -> Floats:
        """Shape (n,): areas of the polygons, square metres."""
        areas: Floats = shapely.area(self.polygons)
        return areas


def service_areas(mesh: Mesh, weights: ArrayLike, *, tolerance: float = 0.5) -> Areas:
    """Divide the target areas among the sites.

    Parameters
    ----------
    weights
        Shape (n,), >= 0: ranks, or capabilities for the static map. Only ratios within a network matter.
    tolerance
        Largest distance between a border and the arc it stands for, metres, > 0.

    Raises
    ------
    ValueError
        For weights that are negative or not finite, and a tolerance that is not positive.

    Notes
    -----
    Weights are raised to 1e-12 of their network's largest; all zero count as equal. Of sites at one place the heaviest
    gets the area, of equals the first. Neighbours share every point of their common border. Time O(n + points).
    """
    if not (np.isfinite(tolerance) and tolerance > 0):
        raise ValueError(f"tolerance must be finite and positive, got {tolerance}.")
    of_sites = checked_values(weights, "weight", count=mesh.sites)
    cells = uncut_cells(mesh, vertex_weights(mesh, of_sites), tolerance=tolerance)
    areas = cut_by_targets(mesh, cells)
    if mesh.sites == mesh.vertices:
        return Areas(areas[mesh.vertex_of], tolerance)
    polygons = np.full(mesh.sites, EMPTY, dtype=object)
    winners = heaviest_sites(mesh, of_sites)
    polygons[winners] = areas[mesh.vertex_of[winners]]
    return Areas(polygons, tolerance)


def vertex_weights(mesh: Mesh, weights: Floats) -> Floats:
    """Return the weight of each place, within [1e-12, 1] of its network's largest, shape (v,)."""
    places = np.zeros(mesh.vertices)
    np.maximum.at(places, mesh.vertex_of, weights)
    largest = np.zeros(len(mesh.targets))
    np.maximum.at(largest, mesh.group_of, places)
    places[largest[mesh.group_of] == 0] = 1
    largest[largest == 0] = 1
    return np.maximum(places / largest[mesh.group_of], LIGHTEST)


def heaviest_sites(mesh: Mesh, weights: Floats) -> Indices:
    """Return the site that gets each place's area, shape (v,): the heaviest, of equals the first."""
    order = np.lexsort((np.arange(mesh.sites), -weights, mesh.vertex_of))
    _, first = np.unique(mesh.vertex_of[order], return_index=True)
    return order[first]


def uncut_cells(mesh: Mesh, weights: Floats, *, tolerance: float) -> Polygons:
    """Return the cell of each place before the target area cuts it, shape (v,); None for a place alone in its network.

    Parameters
    ----------
    weights
        Shape (v,), as `vertex_weights` returns them.

    Notes
    -----
    A cell smaller than the resolution of its coordinates is empty; one not much larger is repaired if it is not valid.
    """
    division = divide(mesh.triangles, mesh.thorns, weights)
    tiny = _tiny_triangles(mesh, division)
    if tiny.size:
        division = pinned(mesh.triangles, division, mesh.positions, mesh.resolution)
    points = place_points(mesh.triangles, division, mesh.hull, tolerance=tolerance)
    outlines = join_rings(mesh.triangles, division, mesh.hull, points)
    untied = untied_rings(mesh.triangles, division, mesh.hull, points, outlines)
    cells = polygons_of(mesh, points, outlines, untied)
    suspects = np.unique(mesh.triangles.corners[:, tiny])
    wrong = suspects[~shapely.is_valid(cells[suspects])]
    cells[wrong] = repaired(cells[wrong])
    cells[mesh.chains.vertices] = strips_of(mesh, weights)
    return cells


def _tiny_triangles(mesh: Mesh, division: Division) -> Indices:
    """Return the triangles where a vertex owns hardly more than coordinates can tell apart."""
    share = division.weights.min(axis=0) / division.weights.max(axis=0)
    return np.flatnonzero(mesh.triangles.lengths.min(axis=0) * share < TINY * mesh.resolution)
