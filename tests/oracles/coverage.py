"""The definitions of the coverage model, transcribed word by word; slow, and shares nothing with the engine."""

import math
from fractions import Fraction
from itertools import combinations

import numpy as np

Point = tuple[float, float]
Triangle = tuple[int, int, int]


def stationary_by_iteration(
    positions: list[Point], w: list[float], q: list[float], *, d0: float = 10.0, delta: float = 0.01, tol: float = 1e-14
) -> list[float]:
    """Build T (section 3.1) and repeat PR = T^t PR from the uniform start."""
    t = transition_matrix(positions, w, q, d0=d0, delta=delta)
    pr = np.full(len(w), 1 / len(w))
    for _ in range(200_000):
        new = t.T @ pr
        if np.abs(new - pr).max() < tol:
            return list(new)
        pr = new
    raise RuntimeError("the iteration does not converge")


def transition_matrix(
    positions: list[Point], w: list[float], q: list[float], *, d0: float = 10.0, delta: float = 0.01
) -> np.ndarray:
    n = len(w)
    t = np.zeros((n, n))
    for i in range(n):
        s = min(q[i], 1 - delta)
        v = sum(w[k] / max(distance(positions[i], positions[k]), d0) for k in range(n) if k != i)
        for j in range(n):
            t[i, j] = s if i == j else (1 - s) * (w[j] / max(distance(positions[i], positions[j]), d0)) / v
    return t


def distance(a: Point, b: Point) -> float:
    return math.hypot(a[0] - b[0], a[1] - b[1])


def delaunay(points: list[Point]) -> list[Triangle]:
    """All triples whose circle has no other point inside; exact. Points on a circle give overlapping triangles."""
    exact = [(Fraction(x), Fraction(y)) for x, y in points]
    found = []
    for i, j, k in combinations(range(len(points)), 3):
        a, b, c = exact[i], exact[j], exact[k]
        turn = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if turn == 0:
            continue
        if turn < 0:
            b, c = c, b
        if not any(_in_circle(a, b, c, exact[m]) > 0 for m in range(len(points)) if m not in {i, j, k}):
            found.append((i, j, k))
    return found


def _in_circle(a, b, c, d):
    rows = [(p[0] - d[0], p[1] - d[1], (p[0] - d[0]) ** 2 + (p[1] - d[1]) ** 2) for p in (a, b, c)]
    (ax, ay, a2), (bx, by, b2), (cx, cy, c2) = rows
    return ax * (by * c2 - b2 * cy) - ay * (bx * c2 - b2 * cx) + a2 * (bx * cy - by * cx)


def owners(
    points: list[Point], weights: list[float], triangles: list[Triangle], x: Point, *, blur: float = 1e-9
) -> set[int]:
    """Definition 4.1. All that own x up to rounding: one, but on a border."""
    holding = [t for t in triangles if all(side <= blur for side in _beyond(points, t, x))]
    if not holding:
        edges = [pair for t in triangles for pair in combinations(t, 2)]
        hull = [pair for pair in edges if edges.count(pair) == 1]
        feet = [(_nearest_on(points[a], points[b], x), (a, b)) for a, b in hull]
        shortest = min(distance(foot, x) for foot, _ in feet)
        near = [(foot, pair) for foot, pair in feet if distance(foot, x) <= shortest + blur]
        return {
            owner
            for foot, pair in near
            for t in triangles
            if set(pair) <= set(t)
            for owner in _least(points, weights, t, foot, blur)
        }
    return {owner for t in holding for owner in _least(points, weights, t, x, blur)}


def _beyond(points: list[Point], triangle: Triangle, x: Point) -> list[float]:
    """How far x is beyond each side of a triangle."""
    a, b, c = (points[i] for i in triangle)
    if (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) < 0:
        b, c = c, b
    return [
        -((q[0] - p[0]) * (x[1] - p[1]) - (q[1] - p[1]) * (x[0] - p[0])) / distance(p, q)
        for p, q in ((a, b), (b, c), (c, a))
    ]


def _nearest_on(a: Point, b: Point, x: Point) -> Point:
    t = ((x[0] - a[0]) * (b[0] - a[0]) + (x[1] - a[1]) * (b[1] - a[1])) / distance(a, b) ** 2
    t = min(max(t, 0.0), 1.0)
    return a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])


def _least(points: list[Point], weights: list[float], triangle: Triangle, x: Point, blur: float) -> set[int]:
    values = {i: distance(points[i], x) / weights[i] for i in triangle}
    least = min(values.values())
    return {i for i in triangle if values[i] * weights[i] <= least * weights[i] + blur}


def mean_shift(
    positions: list[Point], w: list[float], *, radius: float = 220.0, tol: float = 1e-3
) -> tuple[list[int], int]:
    """Section 5, all points together; labels by first appearance, and the number of moves."""
    places = list(positions)
    steps = 0
    while True:
        moved = []
        for here in places:
            near = [j for j, there in enumerate(places) if distance(there, here) <= radius]
            total = sum(w[j] for j in near)
            x, y = (sum(w[j] * places[j][axis] for j in near) / total for axis in (0, 1))
            moved.append((x, y))
        shift = max(distance(new, old) for new, old in zip(moved, places, strict=True))
        places = moved
        if shift < tol:
            break
        steps += 1
    labels: list[int] = []
    for i, here in enumerate(places):
        same = [labels[j] for j in range(i) if distance(places[j], here) <= radius / 2]
        labels.append(same[0] if same else max(labels, default=-1) + 1)
    return labels, steps
