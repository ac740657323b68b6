"""Arrays for a map that is painted by definition 4.1 itself, triangle by triangle, on the reader's graphics card."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from coverage.engine.curve import along_curve
from coverage.engine.mesh import Mesh
from coverage.engine.pack import to_bytes
from coverage.engine.partition import LIGHTEST, vertex_weights
from coverage.engine.plane import Floats, Indices, checked_positions, checked_values

CENTIMETRE = 0.01
LIGHTEST_LEVEL = 65535
UNKNOWN_VACANCY = 255
MOST_VACANCY = 200
STEP_ERROR = 1e-4


@dataclass(frozen=True, eq=False, slots=True)
class PaintedMesh:
    """The static part of a painted map, once for as long as the car parks stay.

    Parameters
    ----------
    origin
        Shape (2,): metres, in the coordinates of the sites.
    places
        Shape (v, 2), int32: distinct places, centimetres from `origin`, near ones near each other in the table.
    triangles
        Shape (m, 3), int32: counterclockwise.
    strips
        Shape (h, 3), int32: the sides of the hull, counterclockwise around it, and the third vertex of the triangle
        behind each. Outside, a point has the owner of the nearest point of the hull, which may be that vertex.
    reach
        Shape (h,), int32: how far the target area goes beyond each side, centimetres, along the normal.
    wedge_reach
        Shape (h,), int32: how far it goes beyond the vertex where each side starts.
    place_of
        Shape (n,), int32: the place of each site.
    """

    origin: Floats
    places: NDArray[np.int32]
    triangles: NDArray[np.int32]
    strips: NDArray[np.int32]
    reach: NDArray[np.int32]
    wedge_reach: NDArray[np.int32]
    place_of: NDArray[np.int32]


def quantised(positions: ArrayLike) -> Floats:
    """Return positions rounded to whole centimetres: do so before `build_mesh`, so that map and polygons agree.

    Raises
    ------
    ValueError
        As `checked_positions`.
    """
    rounded: Floats = np.round(checked_positions(positions) / CENTIMETRE) * CENTIMETRE
    return rounded


def painted_mesh(mesh: Mesh) -> PaintedMesh:
    """Return what a browser needs of a mesh.

    Raises
    ------
    ValueError
        For several networks, for a mesh without triangles, and for positions that are not whole centimetres.
    """
    if len(mesh.targets) != 1 or not mesh.triangles.count:
        raise ValueError(f"a painted map has one network with triangles, got {len(mesh.targets)} networks.")
    centimetres = np.round(mesh.positions / CENTIMETRE)
    if np.abs(centimetres * CENTIMETRE - mesh.positions).max() > mesh.resolution:
        raise ValueError(f"positions must be whole centimetres, got {mesh.positions[0].tolist()}; quantise them first.")
    order = np.argsort(along_curve(centimetres), kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    strips, reach, wedge_reach = _outside(mesh)
    return PaintedMesh(
        origin=mesh.origin,
        places=centimetres[order].astype(np.int32),
        triangles=_in_order(number[mesh.triangles.corners.T]),
        strips=number[strips].astype(np.int32),
        reach=reach,
        wedge_reach=wedge_reach,
        place_of=number[mesh.vertex_of].astype(np.int32),
    )


def _in_order(triangles: Indices) -> NDArray[np.int32]:
    """Turn each triangle to begin with its lowest vertex, and sort them: small differences compress well."""
    lowest = np.argmin(triangles, axis=1)
    turned = np.take_along_axis(triangles, (lowest[:, None] + np.arange(3)) % 3, axis=1)
    ordered: NDArray[np.int32] = turned[np.lexsort(turned.T[::-1])].astype(np.int32)
    return ordered


def _outside(mesh: Mesh) -> tuple[Indices, NDArray[np.int32], NDArray[np.int32]]:
    """Return the sides of the hull in order, and how far the target area goes beyond them and their first vertices."""
    triangles, hull = mesh.triangles, mesh.hull
    k, t = np.divmod(hull.corners, triangles.count)
    starts, ends = triangles.corners[(k + 1) % 3, t], triangles.corners[(k + 2) % 3, t]
    at = dict(zip(starts.tolist(), range(len(starts)), strict=True))
    path = [0]
    while (following := at[int(ends[path[-1]])]) != 0:
        path.append(following)
    strips = np.column_stack((starts, ends, triangles.corners[k, t]))[path]
    border = shapely.get_coordinates(mesh.targets[0]) - mesh.origin
    start, end = mesh.positions[strips[:, 0]], mesh.positions[strips[:, 1]]
    along = (end - start) / np.hypot(*(end - start).T)[:, None]
    reach, wedge_reach = np.zeros(len(strips)), np.zeros(len(strips))
    for number in range(len(strips)):
        offset = border - start[number]
        beyond = offset[:, 0] * along[number, 1] - offset[:, 1] * along[number, 0]
        reach[number] = max(float(beyond.max()), 0.0)
        wedge_reach[number] = float(np.hypot(*offset.T).max())
    return strips, _centimetres(reach), _centimetres(wedge_reach)


def _centimetres(metres: Floats) -> NDArray[np.int32]:
    whole: NDArray[np.int32] = np.ceil(metres / CENTIMETRE).astype(np.int32)
    return whole


def painted_mesh_to_bytes(painted: PaintedMesh) -> bytes:
    """Pack a painted mesh as differences of neighbours, which takes about 8 bytes a car park.

    Notes
    -----
    Decoding: a signed number s is stored as 2 s, or -2 s - 1 where it is negative. `places` and the first column of
    `triangles` are running sums; the other two columns are differences from the first. Sites come in the order of
    their places (`site_order`), `sites_at` of them at each.
    """
    places = np.diff(painted.places, axis=0, prepend=np.zeros((1, 2), dtype=np.int32))
    first, second, third = painted.triangles.T
    corners = np.stack((np.diff(first, prepend=np.int32(0)), second - first, third - first))
    return to_bytes(
        {
            "origin": painted.origin,
            "places": _folded(np.ascontiguousarray(places.T)),
            "triangles": _folded(corners),
            "strips": painted.strips,
            "reach": painted.reach,
            "wedge_reach": painted.wedge_reach,
            "sites_at": np.bincount(painted.place_of, minlength=len(painted.places)).astype(np.uint16),
        }
    )


def _folded(numbers: NDArray[np.int32]) -> NDArray[np.uint32]:
    """Make small negative numbers small."""
    return ((numbers.astype(np.int64) << 1) ^ (numbers.astype(np.int64) >> 63)).astype(np.uint32)


def site_order(painted: PaintedMesh) -> Indices:
    """Return the sites in the order of their places: the order of lots and vacancies that a painted map expects."""
    return np.argsort(painted.place_of, kind="stable")


def weight_levels(mesh: Mesh, painted: PaintedMesh, weights: ArrayLike) -> NDArray[np.uint16]:
    """Return the weight of each place of a painted map on a logarithmic scale, shape (v,).

    Parameters
    ----------
    weights
        Shape (n,), >= 0, as for `service_areas`.

    Returns
    -------
    0 for the largest, 65535 for 1e-12 of it: ``weight = 1e-12 ** (level / 65535)``, within 0.022 %.
    """
    values = vertex_weights(mesh, checked_values(weights, "weight", count=mesh.sites))
    levels = np.empty(mesh.vertices, dtype=np.uint16)
    levels[painted.place_of] = np.round(np.log(values) / np.log(LIGHTEST) * LIGHTEST_LEVEL)[mesh.vertex_of]
    return levels


def weights_of_levels(levels: NDArray[np.uint16]) -> Floats:
    """Return the weights that a browser computes from levels."""
    weights: Floats = LIGHTEST ** (levels / LIGHTEST_LEVEL)
    return weights


def vacancy_levels(vacancy: ArrayLike) -> NDArray[np.uint8]:
    """Return vacancy rates in steps of half a percent, 0 to 200; 255 where they are not known (NaN).

    Raises
    ------
    ValueError
        For a rate outside [0, 1].

    Notes
    -----
    Rounded down, so that a rate stays in its class wherever classes begin at whole half percents; what lies a rounding
    error of 32-bit floats below a step counts as that step.
    """
    rates = np.asarray(vacancy, dtype=np.float64)
    known = ~np.isnan(rates)
    checked_values(rates[known], "vacancy", count=int(known.sum()), high=1.0)
    return np.where(known, np.floor(np.where(known, rates, 0) * MOST_VACANCY + STEP_ERROR), UNKNOWN_VACANCY).astype(
        np.uint8
    )


def slot_to_bytes(levels: NDArray[np.uint16], vacancy: NDArray[np.uint8]) -> bytes:
    """Pack what changes every 15 minutes: weights by place, and vacancies of the sites in the order of their places."""
    return to_bytes({"weights": levels, "vacancy": vacancy})
