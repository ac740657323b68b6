"""The table of points that all outlines share: every arc is sampled once (sections 4.5 and 4.6)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coverage.engine.arcs import Arcs, chords_of, inner_points
from coverage.engine.divide import Division
from coverage.engine.hull import Hull
from coverage.engine.plane import Floats, Indices
from coverage.engine.topology import Triangles

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Points:
    """All points of all outlines, each once, and where they are in the table.

    Parameters
    ----------
    x, y
        Shape (p,): first the division point of each edge, then the two middles of each triangle, the points of the
        arcs slot by slot, and the far points of the hull: of division points, of first and second middles, of wedges.
    middles, arcs, far
        Where those parts begin.
    slot_first
        Shape (3 m + 1,): where in the part of the arcs each slot begins. Slot k of a triangle is the arc between the
        vertices k + 1 and k + 2, from its division point inwards.
    cut_first
        Shape (c,): where t1 of each cut is in the table; its far points, if any, and t2 follow it.
    """

    x: Floats
    y: Floats
    middles: int
    arcs: int
    far: int
    slot_first: Indices
    cut_first: Indices


def slot_arcs(triangles: Triangles, division: Division) -> Arcs:
    """Return the arc of each slot, shape (3 m,), cuts left aside; where there is none, end and start are the same.

    Notes
    -----
    Curvature (w_q^2 - w_p^2) / (w_p w_q |pq|) for the slot between p = k + 1 and q = k + 2: the arc starts along the
    normal of the side, which it has on its left, and turns towards the lighter of the two.
    """
    start_x, start_y = division.division_x[triangles.edges], division.division_y[triangles.edges]
    end_x, end_y = np.tile(division.middle_x[0], (3, 1)), np.tile(division.middle_y[0], (3, 1))
    for k in range(3):
        here = np.flatnonzero(division.breacher == k)
        end_x[k, here], end_y[k, here] = start_x[k, here], start_y[k, here]
        end_x[(k + 1) % 3, here] = division.middle_x[1, here]
        end_y[(k + 1) % 3, here] = division.middle_y[1, here]
    p, q = division.weights[[1, 2, 0]], division.weights[[2, 0, 1]]
    curvature = (q / p - p / q) / triangles.lengths
    return Arcs(start_x.ravel(), start_y.ravel(), end_x.ravel(), end_y.ravel(), curvature.ravel())


def place_points(triangles: Triangles, division: Division, hull: Hull, *, tolerance: float) -> Points:
    """Sample every arc once and lay out the table of points.

    Parameters
    ----------
    tolerance
        Largest distance between an arc and its chords, metres.
    """
    arcs = slot_arcs(triangles, division)
    cuts = division.cuts
    cut_x, cut_y = _cut_points(triangles, division)
    rest = Arcs(cut_x[1], cut_y[1], arcs.end_x[cuts.z], arcs.end_y[cuts.z], arcs.curvature[cuts.z])
    arcs.end_x[cuts.z], arcs.end_y[cuts.z] = cut_x[0], cut_y[0]
    bulges, rest_bulges = arcs.bulges(), rest.bulges()
    chords = chords_of(arcs, bulges, tolerance=tolerance)
    rest_chords = chords_of(rest, rest_bulges, tolerance=tolerance)
    outside = triangles.across.ravel()[cuts.y] < 0
    lengths = chords - 1
    lengths[cuts.z] += rest_chords + 1 + 2 * outside
    slot_first = np.concatenate(([0], np.cumsum(lengths)))
    edges, arcs_begin = len(division.division_x), len(division.division_x) + 2 * triangles.count
    far = arcs_begin + int(slot_first[-1])
    x, y = np.empty((2, far + 3 * len(hull.corners) + hull.wedge_x.size))
    x[:edges], y[:edges] = division.division_x, division.division_y
    x[edges:arcs_begin], y[edges:arcs_begin] = division.middle_x.ravel(), division.middle_y.ravel()
    slot, within, inner_x, inner_y = inner_points(arcs, bulges, chords)
    place = arcs_begin + slot_first[slot] + within
    x[place], y[place] = inner_x, inner_y
    _place_far(x, y, far, division, hull, triangles)
    points = Points(x, y, edges, arcs_begin, far, slot_first, arcs_begin + slot_first[cuts.z] + chords[cuts.z] - 1)
    _place_cuts(points, cut_x, cut_y, outside, hull, cuts.y)
    cut, within, inner_x, inner_y = inner_points(rest, rest_bulges, rest_chords)
    place = points.cut_first[cut] + 2 + 2 * outside[cut] + within
    x[place], y[place] = inner_x, inner_y
    return points


def _cut_points(triangles: Triangles, division: Division) -> tuple[Floats, Floats]:
    """Return the ends of each cut on its edge, each of shape (2, c)."""
    cuts = division.cuts
    fractions = np.stack((cuts.first, cuts.second))
    x, y = triangles.x.ravel(), triangles.y.ravel()
    return x[cuts.x] + fractions * (x[cuts.z] - x[cuts.x]), y[cuts.x] + fractions * (y[cuts.z] - y[cuts.x])


def _place_far(x: Floats, y: Floats, far: int, division: Division, hull: Hull, triangles: Triangles) -> None:
    """Lay out the far ends of the hull's rays."""
    sides, t = len(hull.corners), hull.corners % max(triangles.count, 1)
    edge = triangles.edges.ravel()[hull.corners]
    for table, out, division_of, middle, wedge in (
        (x, hull.out_x, division.division_x, division.middle_x, hull.wedge_x),
        (y, hull.out_y, division.division_y, division.middle_y, hull.wedge_y),
    ):
        table[far : far + sides] = division_of[edge] + out
        table[far + sides : far + 3 * sides] = (middle[:, t] + out).ravel()
        table[far + 3 * sides :] = wedge.ravel()


def _place_cuts(points: Points, cut_x: Floats, cut_y: Floats, outside: Mask, hull: Hull, facing: Indices) -> None:
    """Lay out t1, t2 and, on the hull, their far points between them."""
    points.x[points.cut_first], points.y[points.cut_first] = cut_x[0], cut_y[0]
    second = points.cut_first + 1 + 2 * outside
    points.x[second], points.y[second] = cut_x[1], cut_y[1]
    which = np.flatnonzero(outside)
    side = np.searchsorted(hull.corners, facing[which])
    for end in (0, 1):
        place = points.cut_first[which] + 1 + end
        points.x[place] = cut_x[end, which] + hull.out_x[side]
        points.y[place] = cut_y[end, which] + hull.out_y[side]
