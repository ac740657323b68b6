"""A Delaunay triangulation that cannot go wrong: sweep, then flip, with exact predicates (section 4.7).

Slow (about 50 microseconds a point) and only called where Qhull's answer is not a triangulation of all points.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import numpy as np

from coverage.engine.plane import Floats, Indices

Point = tuple[float, float]
Edge = tuple[int, int]

ORIENTATION_ERROR = 4e-16
CIRCLE_ERROR = 2e-15


def orientation(a: Point, b: Point, c: Point) -> int:
    """Return 1 where a, b, c turn left, -1 where they turn right, 0 on a line; exact."""
    left, right = (b[0] - a[0]) * (c[1] - a[1]), (b[1] - a[1]) * (c[0] - a[0])
    if abs(left - right) > ORIENTATION_ERROR * (abs(left) + abs(right)):
        return 1 if left > right else -1
    (ax, ay), (bx, by), (cx, cy) = (tuple(map(Fraction, point)) for point in (a, b, c))
    exact = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    return (exact > 0) - (exact < 0)


def in_circle(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Tell whether d is strictly inside the circle through a, b, c, which turn left; exact."""
    ax, ay, bx, by, cx, cy = a[0] - d[0], a[1] - d[1], b[0] - d[0], b[1] - d[1], c[0] - d[0], c[1] - d[1]
    a2, b2, c2 = ax * ax + ay * ay, bx * bx + by * by, cx * cx + cy * cy
    value = a2 * (bx * cy - by * cx) + b2 * (cx * ay - cy * ax) + c2 * (ax * by - ay * bx)
    size = a2 * (abs(bx * cy) + abs(by * cx)) + b2 * (abs(cx * ay) + abs(cy * ax)) + c2 * (abs(ax * by) + abs(ay * bx))
    if abs(value) > CIRCLE_ERROR * size:
        return value > 0
    dx, dy = Fraction(d[0]), Fraction(d[1])
    (px, py), (qx, qy), (rx, ry) = ((Fraction(x) - dx, Fraction(y) - dy) for x, y in (a, b, c))
    return (
        (px * px + py * py) * (qx * ry - qy * rx)
        + (qx * qx + qy * qy) * (rx * py - ry * px)
        + (rx * rx + ry * ry) * (px * qy - py * qx)
    ) > 0


def exact_delaunay(positions: Floats) -> Indices:
    """Triangulate distinct points.

    Returns
    -------
    Shape (m, 3), counterclockwise, in a fixed order; empty where all points are on a line.
    """
    points: list[Point] = [(float(x), float(y)) for x, y in positions]
    apexes = _sweep(points)
    _flip(points, apexes)
    triangles = {_smallest_first(a, b, c) for (a, b), c in apexes.items()}
    return np.array(sorted(triangles), dtype=np.intp).reshape(-1, 3)


def _smallest_first(a: int, b: int, c: int) -> tuple[int, int, int]:
    return min((a, b, c), (b, c, a), (c, a, b))


def _sweep(points: list[Point]) -> dict[Edge, int]:
    """Return any triangulation, as the apex to the left of every directed edge."""
    order = sorted(range(len(points)), key=points.__getitem__)
    apexes: dict[Edge, int] = {}
    flat, rest = _leading_line(points, order)
    if not rest:
        return apexes
    tip = rest[0]
    if orientation(points[flat[0]], points[flat[1]], points[tip]) < 0:
        flat = flat[::-1]
    for a, b in pairwise(flat):
        _add(apexes, a, b, tip)
    hull = [*flat, tip]
    for new in rest[1:]:
        hull = _grow(points, apexes, hull, new)
    return apexes


def _leading_line(points: list[Point], order: list[int]) -> tuple[list[int], list[int]]:
    for count in range(2, len(order)):
        if orientation(points[order[0]], points[order[1]], points[order[count]]) != 0:
            return order[:count], order[count:]
    return order, []


def _grow(points: list[Point], apexes: dict[Edge, int], hull: list[int], new: int) -> list[int]:
    """Join a point to every hull edge that it sees; return the new hull, counterclockwise."""
    count = len(hull)
    sees = [orientation(points[hull[i]], points[hull[(i + 1) % count]], points[new]) < 0 for i in range(count)]
    first = next(i for i in range(count) if sees[i] and not sees[i - 1])
    turned = hull[first:] + hull[:first]
    seen = 0
    while seen < count and sees[(first + seen) % count]:
        _add(apexes, turned[(seen + 1) % count], turned[seen], new)
        seen += 1
    return [turned[0], new, *turned[seen:]]


def _add(apexes: dict[Edge, int], a: int, b: int, c: int) -> None:
    apexes[a, b], apexes[b, c], apexes[c, a] = c, a, b


def _flip(points: list[Point], apexes: dict[Edge, int]) -> None:
    """Flip edges whose two triangles' circles are not empty, until there are none."""
    waiting = [edge for edge in sorted(apexes) if edge[0] < edge[1]]
    while waiting:
        a, b = waiting.pop()
        c, d = apexes.get((a, b)), apexes.get((b, a))
        if c is None or d is None or not in_circle(points[a], points[b], points[c], points[d]):
            continue
        del apexes[a, b], apexes[b, a]
        _add(apexes, a, d, c)
        _add(apexes, d, b, c)
        waiting.extend(_sides(a, d, b, c))


def _sides(*corners: int) -> Iterator[Edge]:
    return zip(corners, corners[1:] + corners[:1], strict=True)
