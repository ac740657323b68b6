"""Weighted mean shift with a flat kernel, all points moving together (section 5)."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from coverage.engine.plane import Floats, Indices, checked_positions, checked_values

MET_M = 1e-7
SKIN = 0.1


class NotConvergedError(RuntimeError):
    """Points were still moving after the largest number of steps."""


@dataclass(frozen=True, kw_only=True)
class ClusterRules:
    """How far points see each other, and when they have come to rest.

    Parameters
    ----------
    radius_m
        R, metres, > 0.
    tol
        Steps in which no point moves this far are the end, metres, > 0.
    max_iter
        Largest number of steps.

    Raises
    ------
    ValueError
        For a value outside its range.
    """

    radius_m: float = 220.0
    tol: float = 1e-3
    max_iter: int = 10_000

    def __post_init__(self) -> None:
        if not (math.isfinite(self.radius_m) and self.radius_m > 0):
            raise ValueError(f"radius_m must be finite and positive, got {self.radius_m}.")
        if not (math.isfinite(self.tol) and self.tol > 0):
            raise ValueError(f"tol must be finite and positive, got {self.tol}.")
        if self.max_iter < 1:
            raise ValueError(f"max_iter must be at least 1, got {self.max_iter}.")


DEFAULT_RULES = ClusterRules()


@dataclass(frozen=True, eq=False, slots=True)
class Clusters:
    """Which car parks belong together.

    Parameters
    ----------
    labels
        Shape (n,): number of the cluster, from 0 in order of first appearance.
    places
        Shape (c, 2): where each cluster's points met, metres; more than the radius apart.
    steps
        How many times the points moved by at least `tol`.
    """

    labels: Indices
    places: Floats
    steps: int


@dataclass(eq=False, slots=True)
class _Crowd:
    """The points that have not met yet; changed in place."""

    places: Floats
    weights: Floats
    node_of: Indices
    pairs: Indices = field(default_factory=lambda: np.empty((0, 2), dtype=np.intp))
    drift: float = math.inf


def cluster_sites(positions: ArrayLike, weights: ArrayLike, *, rules: ClusterRules = DEFAULT_RULES) -> Clusters:
    """Let every point move to the weighted mean of those around it until all who see each other have met.

    Parameters
    ----------
    positions
        Shape (n, 2), metres.
    weights
        Shape (n,), >= 0: initial capabilities; all zero count as equal. Points without weight follow the others.

    Raises
    ------
    ValueError
        For positions in degrees, and weights that are negative or not finite.
    NotConvergedError
        If points still move after `max_iter` steps.

    Notes
    -----
    Points that have met move as one, with the sum of their weights; a list of pairs within 1.1 R serves until a point
    has moved by 0.05 R. Neither changes the result. Points that see each other when all have come to rest, which
    takes weights of very different size, are taken together and go on from their mean. O(pairs) for each step.
    Not what textbooks call mean shift today, but what [mean-shift] first described.
    """
    points = checked_positions(positions)
    values = checked_values(weights, "weight", count=len(points))
    if not len(points):
        return Clusters(np.empty(0, dtype=np.intp), points, 0)
    values = values / values.max() if values.max() > 0 else np.ones(len(points))
    crowd = _Crowd(points - points.mean(axis=0), np.maximum(values, 1e-300), np.arange(len(points)))
    steps = 0
    while True:
        shift = _step(crowd, rules)
        if shift < rules.tol:
            if not len(_seeing(crowd, rules)):
                break
            _merge(crowd, _seeing(crowd, rules))
            crowd.drift = math.inf
            continue
        steps += 1
        if steps > rules.max_iter:
            raise NotConvergedError(f"points still moved by {shift:.3g} m after {rules.max_iter} steps.")
    _, first, labels = np.unique(crowd.node_of, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    places = crowd.places[np.unique(crowd.node_of)][order] + points.mean(axis=0)
    return Clusters(number[labels], places, steps)


def _step(crowd: _Crowd, rules: ClusterRules) -> float:
    """Move all points once; return the largest displacement."""
    _list_pairs(crowd, rules)
    seeing = _seeing(crowd, rules)
    if not len(seeing):
        return 0.0
    active, local = np.unique(seeing, return_inverse=True)
    local = local.reshape(-1, 2)
    weight = crowd.weights[active]
    offset = crowd.places[seeing[:, 1]] - crowd.places[seeing[:, 0]]
    total, push = weight.copy(), np.zeros((2, len(active)))
    for here, there, sign in ((0, 1, 1.0), (1, 0, -1.0)):
        pull = weight[local[:, there]]
        total += np.bincount(local[:, here], weights=pull, minlength=len(active))
        for axis in (0, 1):
            push[axis] += np.bincount(local[:, here], weights=sign * pull * offset[:, axis], minlength=len(active))
    move = (push / total).T
    crowd.places[active] += move
    shift = float(np.sqrt((move**2).sum(axis=1).max()))
    crowd.drift += shift
    _merge(crowd, seeing[_distance(crowd, seeing) <= MET_M])
    return shift


def _distance(crowd: _Crowd, pairs: Indices) -> Floats:
    offset = crowd.places[pairs[:, 1]] - crowd.places[pairs[:, 0]]
    distance: Floats = np.sqrt((offset * offset).sum(axis=1))
    return distance


def _list_pairs(crowd: _Crowd, rules: ClusterRules) -> None:
    """Make the list of pairs again once points have moved too far for it."""
    if 2 * crowd.drift <= SKIN * rules.radius_m:
        return
    alive = np.unique(crowd.node_of)
    found = cKDTree(crowd.places[alive]).query_pairs((1 + SKIN) * rules.radius_m, output_type="ndarray")
    crowd.pairs = alive[found].reshape(-1, 2)
    crowd.drift = 0.0


def _seeing(crowd: _Crowd, rules: ClusterRules) -> Indices:
    return crowd.pairs[_distance(crowd, crowd.pairs) <= rules.radius_m]


def _merge(crowd: _Crowd, pairs: Indices) -> None:
    """Make one point of those that have met."""
    if not len(pairs):
        return
    count = len(crowd.places)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)
    weight = np.bincount(component, weights=crowd.weights)
    mean = [np.bincount(component, weights=crowd.weights * crowd.places[:, axis]) / weight for axis in (0, 1)]
    met = np.flatnonzero(np.bincount(component) > 1)
    crowd.places[first[met]] = np.column_stack(mean)[met]
    crowd.weights[first[met]] = weight[met]
    into = first[component]
    crowd.node_of = into[crowd.node_of]
    crowd.pairs = into[crowd.pairs]
    crowd.pairs = np.unique(np.sort(crowd.pairs[crowd.pairs[:, 0] != crowd.pairs[:, 1]], axis=1), axis=0)
