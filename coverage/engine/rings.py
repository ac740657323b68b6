"""From a division to the outline of each cell, without a union of polygons (section 4.6)."""

from dataclasses import dataclass

import numpy as np

from coverage.engine.divide import Division
from coverage.engine.hull import Hull
from coverage.engine.plane import Indices
from coverage.engine.points import Points
from coverage.engine.topology import Triangles


@dataclass(frozen=True, eq=False, slots=True)
class Outlines:
    """Closed rings of points, one for each vertex that has triangles.

    Parameters
    ----------
    points
        Shape (r,): numbers in the table of points.
    first
        Shape (v + 1,): where each vertex's ring begins; a vertex without triangles has an empty one.
    """

    points: Indices
    first: Indices


def join_rings(triangles: Triangles, division: Division, hull: Hull, points: Points) -> Outlines:
    """Join the outer paths of each vertex's pieces in their fixed order.

    Notes
    -----
    A corner of vertex v between the sides to b and c contributes: the division point of vb, unless it is breached from
    both sides; the arc v|b inwards; the common point, or where v breaches bc what it owns of it with the other side's
    points in between, or where another breaches v's own end of that side; the arc v|c outwards. Vertices of the hull
    end with their far points. Scatters only: O(points).
    """
    count, breacher = triangles.count, division.breacher
    owned = np.stack([breacher == k for k in range(3)])
    emitted = np.zeros(triangles.ends.shape[1], dtype=bool)
    emitted[triangles.edges[~owned]] = True
    head_edge = triangles.edges[[2, 0, 1]]
    head = emitted[head_edge]
    slots = np.diff(points.slot_first).reshape(3, -1)
    inwards, outwards = slots[[2, 0, 1]], slots[[1, 2, 0]]
    breaches = _breach_inserts(triangles, division, hull, points)
    extra = np.zeros((3, count), dtype=np.intp)
    extra.ravel()[breaches.corners] = 1 + breaches.counts
    first, begins, body = _layout(triangles, hull, head + inwards + 1 + extra + outwards, emitted)
    ids = np.empty(first[-1], dtype=np.intp)
    ids[begins[head]] = head_edge[head]
    arcs_begin = begins + head
    middle = arcs_begin + inwards
    ids[middle] = points.middles + np.arange(count) + count * owned[[1, 2, 0]]
    breaches.write(ids, middle.ravel()[breaches.corners] + 1)
    number = np.arange(points.far - points.arcs)
    ids[_repeat(arcs_begin[[1, 2, 0]].ravel() - points.slot_first[:-1], slots) + number] = points.arcs + number
    last = (middle + extra + outwards)[[2, 0, 1]].ravel()
    ids[_repeat(last + points.slot_first[:-1], slots) - number] = points.arcs + number
    _write_outside(ids, first[hull.vertices] + body[hull.vertices], triangles, division, hull, points)
    used = np.flatnonzero(body)
    ids[first[used + 1] - 1] = ids[first[used]]
    return Outlines(ids, first)


def _repeat(values: Indices, slots: Indices) -> Indices:
    return np.repeat(values, slots.ravel())


def _layout(triangles: Triangles, hull: Hull, lengths: Indices, emitted: Indices) -> tuple[Indices, Indices, Indices]:
    """Return where rings begin, where the part of each corner begins, and how long the rings are without ends."""
    in_order = lengths.ravel()[triangles.ring]
    ends = np.concatenate(([0], np.cumsum(in_order)))
    body = np.diff(ends[triangles.ring_first])
    full = body + (body > 0)
    into_edge = triangles.edges.ravel()[hull.corners[hull.into]]
    full[hull.vertices] += emitted[into_edge] + hull.wedge_points + 2
    first = np.concatenate(([0], np.cumsum(full)))
    shift = np.repeat(first[:-1] - ends[triangles.ring_first[:-1]], np.diff(triangles.ring_first))
    begins = np.empty_like(in_order)
    begins[triangles.ring] = ends[:-1] + shift
    return first, begins.reshape(lengths.shape), body


@dataclass(frozen=True, eq=False, slots=True)
class _Inserts:
    """For each breaching corner, up to two points within what it owns of its opposite side, and that part's end."""

    corners: Indices
    first: Indices
    second: Indices
    last: Indices

    @property
    def counts(self) -> Indices:
        return (self.first >= 0).astype(np.intp) + (self.second >= 0)

    def write(self, ids: Indices, place: Indices) -> None:
        for points in (self.first, self.second, self.last):
            present = points >= 0
            ids[place[present]] = points[present]
            place = place + present


def _breach_inserts(triangles: Triangles, division: Division, hull: Hull, points: Points) -> _Inserts:
    """Find the points of the far side within each breach, so that neighbours share all their points."""
    count = max(triangles.count, 1)
    t = np.flatnonzero(division.breacher >= 0)
    corners = division.breacher[t].astype(np.intp) * count + t
    facing = triangles.across.ravel()[corners]
    k, other = np.divmod(facing, count)
    mutual = (facing >= 0) & (division.breacher[other] == k)
    edge = triangles.edges.ravel()[corners]
    first = np.where(mutual, np.where(division.breach[1, other] > division.breach[0, t], 1, -1), edge)
    first = np.where(mutual & (first > 0), points.middles + count + other, first)
    second = np.where(mutual & (division.breach[0, other] > division.breach[1, t]), points.middles + other, -1)
    outside = np.flatnonzero(facing < 0)
    side = np.searchsorted(hull.corners, corners[outside])
    first[outside] = points.far + len(hull.corners) + side
    second[outside] = points.far + 2 * len(hull.corners) + side
    return _Inserts(corners, first, second, points.middles + count + t)


def _write_outside(
    ids: Indices, place: Indices, triangles: Triangles, division: Division, hull: Hull, points: Points
) -> None:
    """End the ring of each vertex of the hull: along one ray, around its wedge, back along the other."""
    k, t = np.divmod(hull.corners, max(triangles.count, 1))
    sides = len(hull.corners)
    is_breached = division.breacher[t] == k
    edge = triangles.edges.ravel()[hull.corners]
    far = points.far + np.arange(sides)
    end_in, end_out = np.where(is_breached, far + 2 * sides, far), np.where(is_breached, far + sides, far)
    inner = np.flatnonzero(~is_breached[hull.into])
    ids[place[inner]] = edge[hull.into[inner]]
    place = place + ~is_breached[hull.into]
    ids[place] = end_in[hull.into]
    wedge = points.far + 3 * sides + 3 * np.arange(len(hull.vertices))
    for number in range(3):
        present = np.flatnonzero(hull.wedge_points > number)
        ids[place[present] + 1 + number] = wedge[present] + number
    ids[place + 1 + hull.wedge_points] = end_out[hull.out_of]
