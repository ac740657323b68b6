"""The invariants of section 7, checked on a result before anybody sees it."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike

from coverage.engine.divide import divide
from coverage.engine.mesh import Mesh
from coverage.engine.owner import owner_of
from coverage.engine.partition import Areas, heaviest_sites, vertex_weights
from coverage.engine.pieces import piece_areas
from coverage.engine.plane import Floats, Indices, checked_values
from coverage.engine.rank import DEFAULT_RULES, Network, Ranking, RankRules

AREA_ERROR = 1e-9
PIECE_ERROR = 1e-8
SCORE_ERROR = 1e-12
TRIES = 4


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was found wrong: sentences for the staff; none if all is well."""

    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.problems


def verify_ranking(
    network: Network, vacancy: ArrayLike, ranking: Ranking, *, rules: RankRules = DEFAULT_RULES
) -> Verification:
    """Check that ranks are finite, not negative, add up to 1 in each network, and balance (section 7, 1 and 4).

    Notes
    -----
    Detailed balance PR_i T_ij = PR_j T_ji holds for all pairs at once if PR_i (1 - s_i) / (w_i V_i) is the same for
    all of a network: that is what is checked, in O(n).
    """
    shares = checked_values(vacancy, "vacancy", count=len(network.groups), high=1.0)
    scores = ranking.scores
    problems: list[str] = []
    if not (np.isfinite(scores).all() and (scores >= 0).all()):
        problems.append(f"{int((~(scores >= 0)).sum())} ranks are negative or not finite.")
        return Verification(problems=tuple(problems))
    wrong = np.flatnonzero(np.abs(np.bincount(network.groups, weights=scores) - 1) > SCORE_ERROR)
    if wrong.size:
        problems.append(f"the ranks of {wrong.size} networks do not add up to 1, first of network {wrong[0]}.")
    leaving = np.where(network.ignores_vacancy, 1, np.maximum(1 - shares, rules.accuracy))
    flow = scores * leaving
    totals = np.bincount(network.groups, weights=flow), np.bincount(network.groups, weights=network.pull)
    expected = network.pull * (totals[0] / totals[1])[network.groups]
    unbalanced = np.flatnonzero(np.abs(flow - expected) > SCORE_ERROR * totals[0][network.groups])
    if unbalanced.size:
        concerned = np.unique(network.groups[unbalanced])
        problems.append(f"the ranks of {concerned.size} networks are out of balance, first of network {concerned[0]}.")
    return Verification(problems=tuple(problems))


def verify_areas(
    mesh: Mesh, weights: ArrayLike, areas: Areas, *, probes: int = 1000, generator: np.random.Generator
) -> Verification:
    """Check a partition against the invariants 5 to 8 and 11 of section 7.

    Parameters
    ----------
    weights
        Shape (n,): what the areas were made from.
    probes
        How many random points to compare with definition 4.1.

    Notes
    -----
    Areas add up to the target of each network; every cell is valid and overlaps no other; sites are in their cells;
    random points that are farther than twice the tolerance from a border are where the definition puts them; pieces
    of triangles add up. Time O(n log n), a few times that of the partition.
    """
    of_sites = checked_values(weights, "weight", count=mesh.sites)
    problems = [*_wrong_shapes(areas)]
    if not problems:
        problems += _wrong_sums(mesh, areas)
        problems += _overlaps(mesh, areas)
        problems += _lost_sites(mesh, of_sites, areas)
        problems += _wrong_probes(mesh, of_sites, areas, probes, generator)
        problems += _wrong_pieces(mesh, of_sites)
    return Verification(problems=tuple(problems))


def _wrong_shapes(areas: Areas) -> list[str]:
    polygonal = np.isin(shapely.get_type_id(areas.polygons), (3, 6))
    wrong = np.flatnonzero(~(polygonal & shapely.is_valid(areas.polygons)))
    return [f"{wrong.size} areas are not valid polygons, first that of site {wrong[0]}."] if wrong.size else []


def _network_of(mesh: Mesh) -> Indices:
    return mesh.group_of[mesh.vertex_of]


def _wrong_sums(mesh: Mesh, areas: Areas) -> list[str]:
    """Compare with the targets, whose coordinates are known to the resolution only."""
    sums = np.bincount(_network_of(mesh), weights=areas.area_m2, minlength=len(mesh.targets))
    targets = np.array(mesh.targets, dtype=object)
    expected = shapely.area(targets)
    slack = AREA_ERROR * expected + mesh.resolution * shapely.length(targets)
    wrong = np.flatnonzero(np.abs(sums - expected) > slack)
    if not wrong.size:
        return []
    first = wrong[0]
    return [
        f"the areas of {wrong.size} networks do not add up to their target,"
        f" in network {first} {sums[first]:.9g} instead of {expected[first]:.9g} square metres."
    ]


def _overlaps(mesh: Mesh, areas: Areas) -> list[str]:
    """Look for overlaps where borders are not the same point by point, which is where targets cut them."""
    networks = _network_of(mesh)
    lists = np.split(np.argsort(networks, kind="stable"), np.cumsum(np.bincount(networks))[:-1])
    suspects = [members[_unmatched(areas, members)] for members in lists]
    shared, worst = 0.0, -1
    for members in suspects:
        shapes = areas.polygons[members]
        one, other = shapely.STRtree(shapes).query(shapes, predicate="overlaps")
        one, other = one[one < other], other[one < other]
        overlap = shapely.area(shapely.intersection(shapes[one], shapes[other]))
        allowed = (mesh.resolution + AREA_ERROR) * (1 + shapely.length(shapes[one]))
        if (overlap > allowed).any():
            shared += float(overlap.sum())
            worst = int(members[one[np.argmax(overlap - allowed)]])
    return [f"areas overlap by {shared:.3g} square metres, first that of site {worst}."] if worst >= 0 else []


def _unmatched(areas: Areas, members: Indices) -> Indices:
    return np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(areas.polygons[members])))


def _lost_sites(mesh: Mesh, weights: Floats, areas: Areas) -> list[str]:
    """Look for sites inside their target and outside their area; a cell too small for its coordinates may be empty."""
    winners = heaviest_sites(mesh, weights)
    places = shapely.points(mesh.positions + mesh.origin)
    targets = np.array(mesh.targets, dtype=object)
    shapely.prepare(targets)
    inside = shapely.contains(targets[mesh.group_of], places)
    smallest = vertex_weights(mesh, weights) * _shortest_sides(mesh)
    own = areas.polygons[winners]
    empty = shapely.is_empty(own) & (smallest < 1e6 * mesh.resolution)
    away = ~(shapely.distance(own, places) <= 1e3 * mesh.resolution)
    lost = winners[inside & away & ~empty]
    return [f"{lost.size} sites are outside their own area, first site {lost[0]}."] if lost.size else []


def _shortest_sides(mesh: Mesh) -> Floats:
    shortest = np.full(mesh.vertices, np.inf)
    np.minimum.at(shortest, mesh.triangles.corners.ravel(), np.tile(mesh.triangles.lengths.min(axis=0), 3))
    return shortest


def _wrong_probes(mesh: Mesh, weights: Floats, areas: Areas, probes: int, generator: np.random.Generator) -> list[str]:
    """Draw points within areas, large ones more often, and ask the definition about them."""
    sizes = areas.area_m2
    if not probes or sizes.sum() == 0:
        return []
    site = generator.choice(len(sizes), size=TRIES * probes, p=sizes / sizes.sum())
    low_x, low_y, high_x, high_y = shapely.bounds(areas.polygons[site]).T
    points = np.column_stack((generator.uniform(low_x, high_x), generator.uniform(low_y, high_y)))
    shapes = np.asarray(shapely.points(points), dtype=object)
    hit = np.flatnonzero(shapely.contains(areas.polygons[site], shapes))[:probes]
    clear = shapely.distance(shapely.boundary(areas.polygons[site[hit]]), shapes[hit]) > 2 * areas.tolerance
    hit = hit[clear]
    owner = owner_of(mesh, weights, points[hit], networks=_network_of(mesh)[site[hit]])
    wrong = hit[owner != site[hit]]
    if not wrong.size:
        return []
    x, y = points[wrong[0]]
    return [
        f"{wrong.size} of {hit.size} probe points are in another area than the definition says,"
        f" first ({x:.2f}, {y:.2f}) in that of site {site[wrong[0]]}."
    ]


def _wrong_pieces(mesh: Mesh, weights: Floats) -> list[str]:
    triangles = mesh.triangles
    pieces = piece_areas(triangles, divide(triangles, mesh.thorns, vertex_weights(mesh, weights)))
    slack = PIECE_ERROR * (triangles.areas + 1e-3 * triangles.squares.max(axis=0, initial=0))
    wrong = np.flatnonzero((np.abs(pieces.sum(axis=0) - triangles.areas) > slack) | (pieces < -slack).any(axis=0))
    return [f"the pieces of {wrong.size} triangles do not add up."] if wrong.size else []
