"""Exact areas of the pieces of triangles, arcs and all (section 4.5)."""

import numpy as np

from coverage.engine.arcs import Arcs, segment_areas
from coverage.engine.divide import Division, divide
from coverage.engine.mesh import Mesh
from coverage.engine.plane import Floats, Indices
from coverage.engine.points import slot_arcs
from coverage.engine.topology import Triangles


def exact_areas(mesh: Mesh, weights: Floats) -> Floats:
    """Return the area of each place's cell within the hull of its network, no chords involved, shape (v,).

    Parameters
    ----------
    weights
        Shape (v,), positive, as `partition.vertex_weights` returns them.
    """
    pieces = piece_areas(mesh.triangles, divide(mesh.triangles, mesh.thorns, weights))
    areas = np.zeros(mesh.vertices)
    np.add.at(areas, mesh.triangles.corners, pieces)
    return areas


def piece_areas(triangles: Triangles, division: Division) -> Floats:
    """Return the area of each vertex's piece of each triangle, shape (3, m).

    Notes
    -----
    The polygon of the piece's corner points about its vertex, and the segments of its arcs. The three add up to the
    triangle.
    """
    slot, arcs = _simple_arcs(triangles, division)
    bulges = arcs.bulges()
    segments = segment_areas(arcs, bulges)
    areas = np.zeros((3, triangles.count))
    k, t = np.divmod(slot, max(triangles.count, 1))
    for step, sign in ((1, 1), (2, -1)):
        corner = (k + step) % 3
        swept = _swept(triangles, corner, t, arcs.start_x, arcs.start_y, arcs.end_x, arcs.end_y)
        np.add.at(areas, (corner, t), sign * (swept + segments))
    t = np.flatnonzero(division.breacher >= 0)
    k = division.breacher[t].astype(np.intp)
    x, y = division.middle_x[:, t], division.middle_y[:, t]
    areas[k, t] += _swept(triangles, k, t, x[0], y[0], x[1], y[1])
    _add_cut_edges(triangles, division, areas)
    return areas


def _simple_arcs(triangles: Triangles, division: Division) -> tuple[Indices, Arcs]:
    """Return all arcs, cut ones as two, and the slot of each."""
    arcs = slot_arcs(triangles, division)
    cuts = division.cuts
    x, y = triangles.x.ravel(), triangles.y.ravel()
    ends = [
        (x[cuts.x] + t * (x[cuts.z] - x[cuts.x]), y[cuts.x] + t * (y[cuts.z] - y[cuts.x]))
        for t in (cuts.first, cuts.second)
    ]
    whole = Arcs(
        np.concatenate((arcs.start_x, ends[1][0])),
        np.concatenate((arcs.start_y, ends[1][1])),
        np.concatenate((arcs.end_x, arcs.end_x[cuts.z])),
        np.concatenate((arcs.end_y, arcs.end_y[cuts.z])),
        np.concatenate((arcs.curvature, arcs.curvature[cuts.z])),
    )
    whole.end_x[cuts.z], whole.end_y[cuts.z] = ends[0]
    return np.concatenate((np.arange(3 * triangles.count), cuts.z)), whole


def _add_cut_edges(triangles: Triangles, division: Division, areas: Floats) -> None:
    """Add what the light vertex sees of the edge between the two ends of a cut."""
    cuts = division.cuts
    k, t = np.divmod(cuts.y, max(triangles.count, 1))
    x, y = triangles.x.ravel(), triangles.y.ravel()
    side_x, side_y = x[cuts.z] - x[cuts.x], y[cuts.z] - y[cuts.x]
    start_x, start_y = x[cuts.x] + cuts.first * side_x, y[cuts.x] + cuts.first * side_y
    end_x, end_y = x[cuts.x] + cuts.second * side_x, y[cuts.x] + cuts.second * side_y
    np.add.at(areas, (k, t), np.abs(_swept(triangles, k, t, start_x, start_y, end_x, end_y)))


def _swept(
    triangles: Triangles, k: Indices, t: Indices, start_x: Floats, start_y: Floats, end_x: Floats, end_y: Floats
) -> Floats:
    """Return the signed area that the step from start to end sweeps about a corner."""
    x, y = triangles.x[k, t], triangles.y[k, t]
    swept: Floats = ((start_x - x) * (end_y - y) - (start_y - y) * (end_x - x)) / 2
    return swept
