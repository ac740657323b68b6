"""What a browser needs besides the mesh to draw a map: where the plane lies, where the ground ends, the lots."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from coverage.bases import city_of
from coverage.engine.city import City
from coverage.engine.mesh import Mesh
from coverage.engine.pack import to_bytes
from coverage.engine.paint import CENTIMETRE, painted_mesh, site_order
from coverage.models import CoverageBase
from coverage.projection import CityPlane


def plane_of(base: CoverageBase) -> CityPlane:
    return CityPlane(latitude=base.plane_latitude, longitude=base.plane_longitude)


def can_be_painted(mesh: Mesh) -> bool:
    """Whether there is a mesh to paint on: one network, and enough lots for a triangle."""
    return len(mesh.targets) == 1 and bool(mesh.triangles.count)


def painted_order(mesh: Mesh) -> NDArray[np.intp]:
    """The sites in the order in which a slot's vacancies are sent."""
    return site_order(painted_mesh(mesh)) if can_be_painted(mesh) else np.arange(mesh.sites)


def ground_to_bytes(city: City, *, plane: CityPlane, lot_ids: Sequence[int]) -> bytes:
    """Pack the middle of the plane, the rings of the target area and the lots in the order of a slot's vacancies.

    Points of rings are whole centimetres from the mesh's origin, as running sums over all rings; a ring's last point,
    which repeats its first, is left out. Rings of parts and of holes come one after the other: a point belongs to the
    ground where it is inside of an odd number of them.
    """
    target = shapely.union_all(list(city.mesh.targets)) if len(city.mesh.targets) > 1 else city.mesh.targets[0]
    rings = [shapely.get_coordinates(ring)[:-1] for ring in shapely.get_rings(shapely.get_parts(target))]
    points = np.round((np.concatenate(rings) - city.mesh.origin) / CENTIMETRE).astype(np.int32)
    steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), dtype=np.int32))
    return to_bytes(
        {
            "plane": np.array([plane.latitude, plane.longitude]),
            "ring_lengths": np.array([len(ring) for ring in rings], dtype=np.int32),
            "rings": np.ascontiguousarray(steps.T).astype(np.int32),
            "lots": np.array(lot_ids, dtype=np.int32)[painted_order(city.mesh)],
        }
    )


def ground_of_base(base: CoverageBase) -> bytes:
    """The ground of a stored base; computed from its arrays, so ask once and keep it."""
    return ground_to_bytes(city_of(base), plane=plane_of(base), lot_ids=base.lot_ids)
