"""Clusters of a city: car parks that a driver can walk between, and the ground that each cluster serves."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from coverage import bases
from coverage.engine.city import cluster_areas
from coverage.engine.mesh import Mesh, build_mesh
from coverage.models import CoverageBase, Mode
from coverage.selectors import Picture, in_degrees
from coverage.shown import hectares_a_bay
from coverage.statistics import Totals, totals_by


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster in a picture; `largest` is the lot with the largest capability."""

    number: int
    lot_ids: frozenset[int]
    totals: Totals
    largest: int

    @property
    def hectares_a_bay(self) -> float:
        return hectares_a_bay(self.totals.area_m2, self.totals.free_bays)


def clusters_in(picture: Picture) -> list[Cluster]:
    """The clusters of a picture, the ones with most lots first."""
    base = CoverageBase.objects.get(pk=picture.run.base_id)
    labels, capability = bases.clusters_of(base), bases.city_of(base).network.capability
    order = np.lexsort((np.arange(len(labels)), -capability, labels))
    begins = np.unique(labels[order], return_index=True)[1]
    members = np.split(picture.lot_ids[order], begins[1:])
    totals = totals_by(picture, dict(zip(picture.lot_ids.tolist(), labels.tolist(), strict=True)))
    found = [
        Cluster(
            number=number,
            lot_ids=frozenset(theirs.tolist()),
            totals=totals[number],
            largest=int(theirs[0]),
        )
        for number, theirs in enumerate(members)
    ]
    return sorted(found, key=lambda cluster: (-cluster.totals.lots, cluster.number))


def cluster_polygons(base: CoverageBase) -> NDArray[np.object_]:
    """The ground of each cluster in WGS-84: the union of its members' areas by capability alone; may be empty."""
    city, labels = bases.city_of(base), bases.clusters_of(base).astype(np.intp)
    if base.parameters["mode"] == Mode.NESTED:
        return in_degrees(np.array(city.mesh.targets, dtype=object), base)
    tolerance = base.parameters["tolerance_m"]
    grounds = cluster_areas(city.mesh, city.network.capability, labels, tolerance=tolerance)
    return in_degrees(grounds, base)


def colours_of(shapes: NDArray[np.object_]) -> list[int]:
    """A small number for each shape, another than those of the neighbours before it: for colours of a map."""
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    neighbours: list[list[int]] = [[] for _shape in shapes]
    for here, there in zip(one.tolist(), other.tolist(), strict=True):
        if there < here:
            neighbours[here].append(there)
    colours: list[int] = []
    for before in neighbours:
        taken = {colours[there] for there in before}
        colours.append(next(colour for colour in range(len(before) + 1) if colour not in taken))
    return colours


def district_polygons(base: CoverageBase, district_of: dict[int, int]) -> dict[int, BaseGeometry]:
    """The ground that the lots of each district serve by capability alone, in WGS-84."""
    city = bases.city_of(base)
    districts = sorted(set(district_of.values()))
    number = {district: place for place, district in enumerate(districts)}
    labels = np.array([number[district_of[lot_id]] for lot_id in base.lot_ids], dtype=np.intp)
    grounds = cluster_areas(
        _one_network(city.mesh), city.network.capability, labels, tolerance=base.parameters["tolerance_m"]
    )
    return dict(zip(districts, in_degrees(grounds, base).tolist(), strict=True))


def _one_network(mesh: Mesh) -> Mesh:
    """The same lots and ground as one network."""
    if len(mesh.targets) == 1:
        return mesh
    ground = shapely.union_all(np.array(mesh.targets, dtype=object))
    return build_mesh(mesh.positions[mesh.vertex_of] + mesh.origin, ground)
