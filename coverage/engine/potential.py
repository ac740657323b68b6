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
    x, y = np.ascontiguousarray(positions[order].T)
    weights = capability[order]
    sums = np.zeros(len(order))
    work = np.empty((2, BLOCK * BLOCK))
    for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        _add_pairs(sums[low:high], x[low:high], y[low:high], weights[low:high], floor_m, work)
    potential = np.empty_like(sums)
    potential[order] = sums
    return potential


def _add_pairs(sums: Floats, x: Floats, y: Floats, weights: Floats, floor_m: float, work: Floats) -> None:
    count = len(x)
    for low in range(0, count, BLOCK):
        rows = slice(low, min(low + BLOCK, count))
        for left in range(0, low, BLOCK):
            columns = slice(left, left + BLOCK)
            kernel = _inverse_distances(x[rows], y[rows], x[columns], y[columns], floor_m, work)
            sums[rows] += kernel @ weights[columns]
            sums[columns] += weights[rows] @ kernel
        kernel = _inverse_distances(x[rows], y[rows], x[rows], y[rows], floor_m, work)
        np.fill_diagonal(kernel, 0)
        sums[rows] += kernel @ weights[rows]


def _inverse_distances(  # noqa: PLR0917 -- two points' coordinates and where to put the answer
    x: Floats, y: Floats, other_x: Floats, other_y: Floats, floor_m: float, work: Floats
) -> Floats:
    shape = (len(x), len(other_x))
    size = len(x) * len(other_x)
    kernel, square = work[0, :size].reshape(shape), work[1, :size].reshape(shape)
    np.subtract(x[:, None], other_x, out=kernel)
    np.multiply(kernel, kernel, out=kernel)
    np.subtract(y[:, None], other_y, out=square)
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
