"""What a browser needs besides the mesh to draw a map: where the plane lies, where the ground ends, the lots."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from coverage.bases import city_of
from coverage.engine.city import City
from coverage.engine.curve import along_curve
from coverage.engine.mesh import Mesh
from coverage.engine.pack import from_bytes, to_bytes
from coverage.engine.paint import CENTIMETRE
from coverage.models import CoverageBase
from coverage.projection import CityPlane


def plane_of(base: CoverageBase) -> CityPlane:
    return CityPlane(latitude=base.plane_latitude, longitude=base.plane_longitude)


def can_be_painted(mesh: Mesh) -> bool:
    """Whether there is a mesh to paint on: one network, and enough lots for a triangle."""
    return len(mesh.targets) == 1 and bool(mesh.triangles.count)


def painted_order(mesh: Mesh) -> NDArray[np.intp]:
    """The sites in the order in which a slot's vacancies are sent."""
    return _order(mesh.positions, mesh.vertex_of) if can_be_painted(mesh) else np.arange(mesh.sites)


def ground_to_bytes(city: City, *, plane: CityPlane, lot_ids: Sequence[int]) -> bytes:
    """Pack the middle of the plane, the rings of the target area and the lots in the order of a slot's vacancies.

    Points of rings are whole centimetres from the mesh's origin, as running sums over all rings; a ring's last point,
    which repeats its first, is left out. Rings of parts and of holes come one after the other: a point belongs to the
    ground where it is inside of an odd number of them.
    """
    mesh = city.mesh
    lots = np.array(lot_ids, dtype=np.int32)[painted_order(mesh)]
    return _packed(mesh.targets, origin=mesh.origin, plane=plane, lots=lots)


def ground_of_base(base: CoverageBase) -> bytes:
    """The ground of a stored base; taken from its arrays, as putting its mesh together takes ten times as long."""
    lots = np.array(base.lot_ids, dtype=np.int32)
    if not base.mesh:
        return ground_to_bytes(city_of(base), plane=plane_of(base), lot_ids=base.lot_ids)
    arrays, origin = from_bytes(bytes(base.arrays)), from_bytes(bytes(base.mesh))["origin"]
    _, first = np.unique(arrays["vertex_of"], return_index=True)
    order = _order(arrays["positions"][first] - origin, arrays["vertex_of"])
    target = shapely.from_wkb(arrays["targets"].tobytes())
    return _packed([target], origin=origin, plane=plane_of(base), lots=lots[order])


def _order(positions: NDArray[np.float64], vertex_of: NDArray[np.intp]) -> NDArray[np.intp]:
    """As `site_order` of the painted mesh of these places."""
    along = np.argsort(along_curve(np.round(positions / CENTIMETRE)), kind="stable")
    number = np.empty_like(along)
    number[along] = np.arange(len(along))
    return np.argsort(number[vertex_of], kind="stable")


def _packed(
    targets: Sequence[BaseGeometry], *, origin: NDArray[np.float64], plane: CityPlane, lots: NDArray[np.int32]
) -> bytes:
    target = shapely.union_all(list(targets)) if len(targets) > 1 else targets[0]
    rings = [shapely.get_coordinates(ring)[:-1] for ring in shapely.get_rings(shapely.get_parts(target))]
    points = np.round((np.concatenate(rings) - origin) / CENTIMETRE).astype(np.int32)
    steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), dtype=np.int32))
    return to_bytes(
        {
            "plane": np.array([plane.latitude, plane.longitude]),
            "ring_lengths": np.array([len(ring) for ring in rings], dtype=np.int32),
            "rings": np.ascontiguousarray(steps.T).astype(np.int32),
            "lots": lots,
        }
    )
