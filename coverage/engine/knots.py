"""Rings that touch themselves where an arc was cut, taken apart into simple ones (sections 4.4 and 4.6)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

from coverage.engine.divide import Division
from coverage.engine.hull import Hull
from coverage.engine.plane import Indices
from coverage.engine.points import Points
from coverage.engine.rings import Outlines
from coverage.engine.topology import Triangles

Line = list[tuple[float, int]]


@dataclass(frozen=True, eq=False, slots=True)
class Rings:
    """Closed rings by vertex.

    Parameters
    ----------
    owners
        Shape (r,): the vertex of each ring, ascending.
    points
        Shape (p,): numbers in the table of points.
    first
        Shape (r + 1,): where each ring begins.
    """

    owners: Indices
    points: Indices
    first: Indices


def untied_rings(triangles: Triangles, division: Division, hull: Hull, points: Points, outlines: Outlines) -> Rings:
    """Return, for the vertices around cut edges, rings that are simple and share all points with their neighbours.

    Vertices that are not mentioned keep their outline.

    Notes
    -----
    Only edges where the far side of the cut is breached, cut too, or outside can tie a knot: under 1 % of triangles.
    """
    lines, vertices = _cut_lines(triangles, division, hull, points)
    position: dict[int, dict[int, float]] = defaultdict(dict)
    for number, line in enumerate(lines):
        for fraction, point in line:
            position[point][number] = fraction
    owners: list[int] = []
    rings: list[list[int]] = []
    for vertex in sorted(vertices):
        ring = outlines.points[outlines.first[vertex] : outlines.first[vertex + 1]].tolist()
        loops = _simple_loops(list(_with_all_points(ring, lines, position)))
        rings.extend(loops)
        owners.extend([vertex] * len(loops))
    first = np.concatenate(([0], np.cumsum([len(ring) for ring in rings], dtype=np.intp)))
    return Rings(np.array(owners, dtype=np.intp), np.fromiter(chain.from_iterable(rings), np.intp, first[-1]), first)


def _cut_lines(triangles: Triangles, division: Division, hull: Hull, points: Points) -> tuple[list[Line], set[int]]:
    """Return the points on each edge that may tie a knot, by fraction from one end, and the vertices concerned."""
    facing = triangles.across.ravel()
    count = triangles.count
    cuts_of = defaultdict(list)
    for number, corner in enumerate(division.cuts.y.tolist()):
        cuts_of[corner].append(number)
    lines: list[Line] = []
    vertices: set[int] = set()
    done: set[int] = set()
    for corner in cuts_of:
        other = int(facing[corner])
        if corner in done or (
            other >= 0 and division.breacher[other % count] != other // count and other not in cuts_of
        ):
            continue
        done |= {corner, other}
        line = _side(triangles, division, points, corner, cuts_of[corner])
        vertices.update(triangles.corners[:, corner % count].tolist())
        if other >= 0:
            beyond = _side(triangles, division, points, other, cuts_of.get(other, []))
            lines.append(_merged(line, [(1 - fraction, point) for fraction, point in beyond]))
            vertices.update(triangles.corners[:, other % count].tolist())
        else:
            lines.extend((sorted(line), sorted(_far_side(triangles, division, hull, points, corner, cuts_of[corner]))))
    return lines, vertices


def _merged(line: Line, beyond: Line) -> Line:
    known = {point for _, point in line}
    return sorted([*line, *((fraction, point) for fraction, point in beyond if point not in known)])


def _side(triangles: Triangles, division: Division, points: Points, corner: int, cuts: list[int]) -> Line:
    """Return the points on the side opposite to a corner, as seen from its triangle."""
    k, t = divmod(corner, triangles.count)
    after, before = division.weights[(k + 1) % 3, t], division.weights[(k + 2) % 3, t]
    line: Line = []
    if division.breacher[t] == k:
        line.append((float(division.breach[0, t]), points.middles + t))
        line.append((1 - float(division.breach[1, t]), points.middles + triangles.count + t))
    else:
        line.append((float(after / (after + before)), int(triangles.edges[k, t])))
    for number in cuts:
        step = int(triangles.across.ravel()[corner] < 0) * 2 + 1
        first = int(points.cut_first[number])
        line.extend(_fractions(triangles, division, corner, number, (first, first + step)))
    return line


def _fractions(
    triangles: Triangles, division: Division, corner: int, number: int, pair: tuple[int, int]
) -> Iterator[tuple[float, int]]:
    """Give both ends of a cut as fractions from the vertex after the corner."""
    starts_after = division.cuts.x[number] // triangles.count == (corner // triangles.count + 1) % 3
    for fraction, point in zip((division.cuts.first[number], division.cuts.second[number]), pair, strict=True):
        yield (float(fraction) if starts_after else 1 - float(fraction)), point


def _far_side(
    triangles: Triangles, division: Division, hull: Hull, points: Points, corner: int, cuts: list[int]
) -> Line:
    """Return the far ends of the rays from a side of the hull, and of the wedges on both its sides."""
    k, t = divmod(corner, triangles.count)
    sides = len(hull.corners)
    number = int(np.searchsorted(hull.corners, corner))
    after, before = division.weights[(k + 1) % 3, t], division.weights[(k + 2) % 3, t]
    line: Line = [(float(after / (after + before)), points.far + number)]
    for cut in cuts:
        first = int(points.cut_first[cut])
        line.extend(_fractions(triangles, division, corner, cut, (first + 1, first + 2)))
    wedge = points.far + 3 * sides
    start, end = np.flatnonzero(hull.out_of == number)[0], np.flatnonzero(hull.into == number)[0]
    line.append((0.0, int(wedge + 3 * start + hull.wedge_points[start] - 1)))
    line.append((1.0, int(wedge + 3 * end)))
    return line


def _with_all_points(ring: list[int], lines: list[Line], position: dict[int, dict[int, float]]) -> Iterator[int]:
    """Insert into each straight step along a cut edge the points that others have there."""
    for here, after in pairwise(ring):
        yield here
        if here not in position or after not in position:
            continue
        for number in position[here].keys() & position[after].keys():
            start, end = position[here][number], position[after][number]
            between = [point for fraction, point in lines[number] if min(start, end) < fraction < max(start, end)]
            yield from between if start < end else reversed(between)


def _simple_loops(ring: list[int]) -> list[list[int]]:
    """Take a ring apart wherever it comes back to a point; drop steps that are taken back at once."""
    loops: list[list[int]] = []
    path: list[int] = []
    place: dict[int, int] = {}
    for point in [*ring, ring[0]]:
        if point in place:
            start = place[point]
            loop = path[start:]
            for passed in loop[1:]:
                del place[passed]
            del path[start + 1 :]
            if len(loop) > 2:
                loops.append([*loop, point])
        else:
            place[point] = len(path)
            path.append(point)
    return loops
