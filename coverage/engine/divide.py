"""Who owns what inside each triangle: division points, common points, breaches and cuts (sections 4.2 to 4.4)."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from coverage.engine.plane import Floats, Indices
from coverage.engine.topology import Triangles, obtuse_corners


@dataclass(frozen=True, eq=False, slots=True)
class Thorns:
    """The places where an arc may leave its triangle: both sides of each obtuse angle; build with `thorns_of`.

    In the letters of section 4.4 the obtuse angle is at Y. All of shape (2 o,), flat corners but for the last three.
    """

    x: Indices
    y: Indices
    z: Indices
    squared_ratio: Floats
    foot: Floats
    squared_height: Floats


@dataclass(frozen=True, eq=False, slots=True)
class Cuts:
    """Arcs that leave their triangle and come back; all of shape (c,).

    Parameters
    ----------
    x, y, z
        Flat corners, in the letters of section 4.4: the arc X|Y leaves through the edge XZ. Its slot is `z`.
    first, second
        t1 and t2, fractions of XZ from X.
    """

    x: Indices
    y: Indices
    z: Indices
    first: Floats
    second: Floats


@dataclass(frozen=True, eq=False, slots=True)
class Division:
    """How the weights of one moment divide the triangles.

    Parameters
    ----------
    weights
        Shape (3, m).
    breacher
        Shape (m,): the k that owns part of its opposite side, or -1 where the arcs meet in a common point.
    division_x, division_y
        Shape (e,): P of each edge.
    middle_x, middle_y
        Shape (2, m): the common point, twice; or, where k breaches, the ends of what it owns of its opposite side,
        first the one next to k + 1.
    breach
        Shape (2, m): the same two ends as fractions of the side from k + 1 and from k + 2; 0 where there is no breach.
    cuts
        Arcs that leave their triangle.
    """

    weights: Floats
    breacher: NDArray[np.int8]
    division_x: Floats
    division_y: Floats
    middle_x: Floats
    middle_y: Floats
    breach: Floats
    cuts: Cuts


def thorns_of(triangles: Triangles) -> Thorns:
    """Collect what the test for cuts needs and weights do not change."""
    k, t = np.divmod(obtuse_corners(triangles), max(triangles.count, 1))
    y = np.concatenate((k, k)) * triangles.count + np.concatenate((t, t))
    after, before = (k + 1) % 3 * triangles.count + t, (k + 2) % 3 * triangles.count + t
    x, z = np.concatenate((after, before)), np.concatenate((before, after))
    squares = triangles.squares.ravel()
    opposite = squares[y]
    return Thorns(
        x=x,
        y=y,
        z=z,
        squared_ratio=squares[z] / opposite,
        foot=(squares[z] + opposite - squares[x]) / (2 * opposite),
        squared_height=(2 * triangles.areas[np.concatenate((t, t))] / opposite) ** 2,
    )


def divide(triangles: Triangles, thorns: Thorns, weights: Floats) -> Division:
    """Divide every triangle among its three vertices.

    Parameters
    ----------
    weights
        Shape (v,), positive, with a ratio of at most 1e12 within a triangle.

    Notes
    -----
    By the theorem of section 4.3 each triangle has a common point inside, or exactly one breach. Time O(m).
    """
    by_corner = weights[triangles.corners]
    low, high = triangles.ends
    share = weights[low] / (weights[low] + weights[high])
    x, y = _vertex_coordinates(triangles, len(weights))
    breacher = _breachers(triangles.squares, by_corner)
    middle_x, middle_y = np.empty((2, triangles.count)), np.empty((2, triangles.count))
    breach = np.zeros((2, triangles.count))
    _meet(triangles, by_corner, np.flatnonzero(breacher < 0), middle_x, middle_y)
    _cross(triangles, by_corner, breacher, middle_x, middle_y, breach)
    return Division(
        weights=by_corner,
        breacher=breacher,
        division_x=x[low] + (x[high] - x[low]) * share,
        division_y=y[low] + (y[high] - y[low]) * share,
        middle_x=middle_x,
        middle_y=middle_y,
        breach=breach,
        cuts=_cuts(thorns, by_corner, breacher),
    )


def pinned(triangles: Triangles, division: Division, positions: Floats, resolution: float) -> Division:
    """Move points that are nearer to a vertex than coordinates can tell apart onto it, so that its cell is empty.

    Parameters
    ----------
    positions
        Shape (v, 2), metres.
    resolution
        Metres.
    """
    division_x, division_y = division.division_x.copy(), division.division_y.copy()
    for vertex in triangles.ends:
        x, y = positions[vertex].T
        near = np.hypot(division_x - x, division_y - y) < resolution
        division_x[near], division_y[near] = x[near], y[near]
    middle_x, middle_y = division.middle_x.copy(), division.middle_y.copy()
    for x, y in zip(triangles.x, triangles.y, strict=True):
        end, triangle = np.nonzero(np.hypot(middle_x - x, middle_y - y) < resolution)
        middle_x[end, triangle], middle_y[end, triangle] = x[triangle], y[triangle]
    return replace(division, division_x=division_x, division_y=division_y, middle_x=middle_x, middle_y=middle_y)


def _vertex_coordinates(triangles: Triangles, count: int) -> tuple[Floats, Floats]:
    x, y = np.empty(count), np.empty(count)
    x[triangles.corners], y[triangles.corners] = triangles.x, triangles.y
    return x, y


def _breachers(squares: Floats, weights: Floats) -> NDArray[np.int8]:
    """Apply Stewart's criterion to the three corners."""
    breacher = np.full(squares.shape[1], -1, dtype=np.int8)
    weighted = weights * squares
    for k in (2, 1, 0):
        a, b, c = weights[k], weights[(k + 1) % 3], weights[(k + 2) % 3]
        owns = squares[k] * (a * a + b * c) > (b + c) * (weighted[(k + 1) % 3] + weighted[(k + 2) % 3])
        breacher[owns] = k
    return breacher


def _meet(triangles: Triangles, weights: Floats, which: Indices, middle_x: Floats, middle_y: Floats) -> None:
    """Find common points, in barycentric coordinates."""
    squares, area = triangles.squares[:, which], triangles.areas[which]
    scaled = squares * weights[:, which] ** 2
    heron = _area_of_sides(np.sqrt(scaled))
    u = squares * (area * (scaled.sum(axis=0) - 2 * scaled) + heron * (squares.sum(axis=0) - 2 * squares))
    np.maximum(u, 0, out=u)
    u /= u.sum(axis=0)
    x, y = triangles.x[:, which], triangles.y[:, which]
    middle_x[:, which] = x[0] + u[1] * (x[1] - x[0]) + u[2] * (x[2] - x[0])
    middle_y[:, which] = y[0] + u[1] * (y[1] - y[0]) + u[2] * (y[2] - y[0])


def _area_of_sides(sides: Floats) -> Floats:
    """Return the areas of triangles with these sides, shape (3, m), by the stable form of Heron's formula."""
    sides.sort(axis=0)
    c, b, a = sides
    areas: Floats = np.sqrt(np.maximum((a + (b + c)) * (c - (a - b)) * (c + (a - b)) * (a + (b - c)), 0)) / 4
    return areas


def _cross(
    triangles: Triangles,
    weights: Floats,
    breacher: NDArray[np.int8],
    middle_x: Floats,
    middle_y: Floats,
    breach: Floats,
) -> None:
    """Find where the arcs of a breaching vertex A meet the opposite side BC."""
    which = np.flatnonzero(breacher >= 0)
    k = breacher[which].astype(np.intp)
    a, b, c = ((k + step) % 3 * triangles.count + which for step in range(3))
    squares, values, x, y = triangles.squares.ravel(), weights.ravel(), triangles.x.ravel(), triangles.y.ravel()
    opposite = squares[a]
    height = (2 * triangles.areas[which] / opposite) ** 2
    near_b, near_c = squares[c] / opposite, squares[b] / opposite
    foot = (near_b - near_c + 1) / 2
    both = values[b] + values[c]
    sides = ((b, c, near_b, foot), (c, b, near_c, 1 - foot))
    for side, (this, other, ratio, from_this) in enumerate(sides):
        root = np.sqrt(np.maximum((values[a] / values[this]) ** 2 * ratio - height, 0))
        t = np.minimum(ratio / (from_this + root), values[this] / both)
        breach[side, which] = t
        middle_x[side, which] = x[this] + t * (x[other] - x[this])
        middle_y[side, which] = y[this] + t * (y[other] - y[this])


def _cuts(thorns: Thorns, weights: Floats, breacher: NDArray[np.int8]) -> Cuts:
    values = weights.ravel()
    heavy, light = values[thorns.x], values[thorns.y]
    radicand = (light / heavy) ** 2 * thorns.squared_ratio - thorns.squared_height
    which = np.flatnonzero((light < heavy) & (radicand > 0) & (thorns.foot > 0))
    root = np.sqrt(radicand[which])
    which, root = which[thorns.foot[which] > root], root[thorns.foot[which] > root]
    first = thorns.squared_ratio[which] / (thorns.foot[which] + root)
    second = thorns.squared_ratio[which] / (thorns.foot[which] - root)
    x, y, z = thorns.x[which], thorns.y[which], thorns.z[which]
    k, t = np.divmod(z, max(len(breacher), 1))
    real = (second < values[x] / (values[x] + values[z])) & (first < second) & (breacher[t] != k)
    return Cuts(x[real], y[real], z[real], first[real], second[real])
