"""The potential V: how much capability is near a place (sections 3.1 and 3.5)."""

import numpy as np

from coverage.engine.plane import Floats, Indices

BLOCK = 128


def potential_between(positions: Floats, capability: Floats, *, groups: Indices, floor_m: float) -> Floats:
    """Return V_i, the sum over k != i of the same group of w_k / max(|x_i - x_k|, floor_m), shape (n,).

    Notes
    -----
    Exact, every pair once, in square blocks that stay in the processor's cache: time O(sum of squares of the sizes),
    memory O(n).
    """
    order = np.argsort(groups, kind="stable")
    bounds = np.concatenate(([0], np.cumsum(np.bincount(groups))))
    points = np.ascontiguousarray(positions[order].T)
    weights = capability[order]
    sums = np.zeros(len(order))
    work = np.empty((2, BLOCK * BLOCK))
    for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        _add_pairs(sums[low:high], points[:, low:high], weights[low:high], floor_m, work)
    potential = np.empty_like(sums)
    potential[order] = sums
    return potential


def _add_pairs(sums: Floats, points: Floats, weights: Floats, floor_m: float, work: Floats) -> None:
    for low in range(0, len(sums), BLOCK):
        rows = slice(low, low + BLOCK)
        for left in range(0, low, BLOCK):
            columns = slice(left, left + BLOCK)
            kernel = _inverse_distances(points[:, rows], points[:, columns], floor_m, work)
            sums[rows] += kernel @ weights[columns]
            sums[columns] += weights[rows] @ kernel
        kernel = _inverse_distances(points[:, rows], points[:, rows], floor_m, work)
        np.fill_diagonal(kernel, 0)
        sums[rows] += kernel @ weights[rows]


def _inverse_distances(points: Floats, others: Floats, floor_m: float, work: Floats) -> Floats:
    """Fill one of the two blocks of `work` with 1 / d, and return it."""
    shape = points.shape[1], others.shape[1]
    kernel: Floats = work[0, : shape[0] * shape[1]].reshape(shape)
    square: Floats = work[1, : shape[0] * shape[1]].reshape(shape)
    np.subtract(points[0, :, None], others[0], out=kernel)
    np.multiply(kernel, kernel, out=kernel)
    np.subtract(points[1, :, None], others[1], out=square)
    np.multiply(square, square, out=square)
    np.add(kernel, square, out=kernel)
    np.maximum(kernel, floor_m * floor_m, out=kernel)
    np.sqrt(kernel, out=kernel)
    np.reciprocal(kernel, out=kernel)
    return kernel


def potential_change(positions: Floats, site: int, change: float, *, groups: Indices, floor_m: float) -> Floats:
    """Return what V gains everywhere when the capability of one site rises by `change`, shape (n,), in O(n)."""
    distance = np.hypot(*(positions - positions[site]).T)
    gain = np.where(groups == groups[site], change / np.maximum(distance, floor_m), 0.0)
    gain[site] = 0.0
    return gain
