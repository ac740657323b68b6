"""From car parks to ranks and service areas, as one network or as one for each cluster (section 6)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike
from shapely.geometry.base import BaseGeometry

from coverage.engine import cluster, rank
from coverage.engine.mesh import Mesh, build_mesh, distinct_places, mesh_from_triangles
from coverage.engine.partition import Areas, service_areas, uncut_cells, vertex_weights
from coverage.engine.plane import Indices, checked_positions, checked_values
from coverage.engine.shapes import EMPTY, Polygons, polygonal_parts


@dataclass(frozen=True, eq=False, slots=True)
class City:
    """All that changes only with positions, sizes or fees; build it with `flat_city` or `nested_city`.

    Parameters
    ----------
    network
        Capabilities and potentials.
    mesh
        Triangulations and target areas; as many networks as `network` has.
    """

    network: rank.Network
    mesh: Mesh


@dataclass(frozen=True, eq=False, slots=True)
class Moment:
    """Ranks and service areas of one moment."""

    ranking: rank.Ranking
    areas: Areas


def flat_city(
    positions: ArrayLike,
    capability: ArrayLike,
    target: BaseGeometry,
    *,
    rules: rank.RankRules = rank.DEFAULT_RULES,
) -> City:
    """Prepare a city as one network.

    Parameters
    ----------
    positions
        Shape (n, 2), metres.
    capability
        w, shape (n,), >= 0.
    target
        The city's area in the same metres.

    Raises
    ------
    ValueError
        As `network_of` and `build_mesh`.
    """
    return City(rank.network_of(positions, capability, rules=rules), build_mesh(positions, target))


def nested_city(
    positions: ArrayLike,
    capability: ArrayLike,
    target: BaseGeometry,
    *,
    labels: ArrayLike | None = None,
    tolerance: float = 0.5,
    rules: rank.RankRules = rank.DEFAULT_RULES,
) -> City:
    """Prepare a city as one network for each cluster, each within its own area.

    Parameters
    ----------
    labels
        Shape (n,): the cluster of each car park, numbered from 0; None to find them with `cluster_sites`.
    tolerance
        Largest distance between a border of a cluster's area and the arc it stands for, metres.

    Raises
    ------
    ValueError
        As `network_of` and `build_mesh`.
    NotConvergedError
        As `cluster_sites`.

    Notes
    -----
    A cluster's area is the union of its members' cells in the partition by capability.
    """
    points = checked_positions(positions)
    found = cluster.cluster_sites(points, capability).labels if labels is None else labels
    members = np.asarray(found, dtype=np.intp)
    network = rank.network_of(points, capability, groups=members, rules=rules)
    areas = cluster_areas(build_mesh(points, target), network.capability, members, tolerance=tolerance)
    mesh = mesh_from_triangles(points, tuple(areas), *distinct_places(points, members), None)
    return City(network, mesh)


def cluster_areas(mesh: Mesh, capability: ArrayLike, labels: Indices, *, tolerance: float = 0.5) -> Polygons:
    """Return the area of each cluster, shape (c,): the union of its members' cells; may be empty.

    Parameters
    ----------
    mesh
        The whole city as one network.
    capability
        w, shape (n,), >= 0.
    labels
        Shape (n,): the cluster of each site, numbered from 0 without a gap.
    """
    weights = vertex_weights(mesh, checked_values(capability, "capability", count=mesh.sites))
    clusters = int(labels.max()) + 1
    if mesh.vertices == 1:
        return np.array([mesh.targets[0], *[EMPTY] * (clusters - 1)], dtype=object)
    cells = uncut_cells(mesh, weights, tolerance=tolerance)
    cluster_of = np.empty(mesh.vertices, dtype=np.intp)
    cluster_of[mesh.vertex_of[::-1]] = labels[::-1]
    concerned = np.zeros(clusters, dtype=bool)
    concerned[cluster_of[~mesh.frontier.inside]] = True
    areas = np.full(clusters, EMPTY, dtype=object)
    order = np.argsort(cluster_of, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(cluster_of[order])) + 1):
        areas[cluster_of[members[0]]] = shapely.coverage_union_all(cells[members])
    shapely.prepare(mesh.targets[0])
    areas[concerned] = shapely.intersection(areas[concerned], mesh.targets[0])
    return polygonal_parts(areas)


def tick(
    city: City, vacancy: ArrayLike, *, tolerance: float = 0.5, rules: rank.RankRules = rank.DEFAULT_RULES
) -> Moment:
    """Rank car parks by their vacancy of this moment and divide the city among them.

    Parameters
    ----------
    vacancy
        q, shape (n,), in [0, 1].
    tolerance
        Largest distance between a border and the arc it stands for, metres.

    Raises
    ------
    ValueError
        For a vacancy outside [0, 1].
    """
    ranking = rank.rank(city.network, vacancy, rules=rules)
    return Moment(ranking, service_areas(city.mesh, ranking.scores, tolerance=tolerance))


def part_of(city: City, clusters: Sequence[int]) -> tuple[City, Indices]:
    """Return the part of a nested city that these networks make, and which sites it has, ascending.

    Notes
    -----
    Networks do not know each other, so a tick of the part gives exactly these sites' ranks and areas.
    """
    mesh, network = city.mesh, city.network
    number = np.full(len(mesh.targets), -1)
    number[np.asarray(clusters, dtype=np.intp)] = np.arange(len(clusters))
    sites = np.flatnonzero(number[network.groups] >= 0)
    groups = number[network.groups[sites]]
    part = rank.network_with(network.capability[sites], network.potential[sites], groups)
    vertices, vertex_of = np.unique(mesh.vertex_of[sites], return_inverse=True)
    new_number = np.full(mesh.vertices, -1)
    new_number[vertices] = np.arange(len(vertices))
    corners = new_number[mesh.triangles.corners.T]
    points = mesh.positions[mesh.vertex_of[sites]] + mesh.origin
    targets = tuple(mesh.targets[cluster_number] for cluster_number in clusters)
    simplices = corners[(corners >= 0).all(axis=1)]
    return City(
        part, mesh_from_triangles(points, targets, vertex_of, number[mesh.group_of[vertices]], simplices)
    ), sites
