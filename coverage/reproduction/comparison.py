"""What the paper says of its district, beside what the same model says of ours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coverage.engine.city import City, Moment, cluster_areas, nested_city, tick
from coverage.engine.cluster import Clusters, cluster_sites
from coverage.engine.mesh import build_mesh
from coverage.engine.partition import Areas, service_areas
from coverage.engine.rank import rank
from coverage.engine.shapes import Polygons
from coverage.engine.verify import verify_areas
from coverage.reproduction.districts import StudyDistrict, Use
from coverage.reproduction.unbounded import enclosed_among, enclosed_without_bounds

HOURS = (3, 8, 12, 19)
WANTED_MEMBERS = 11
FEW = 0.05


@dataclass(frozen=True, kw_only=True)
class Line:
    """One statement of the paper; `agrees` is None where nothing is claimed, only a number given."""

    what: str
    paper: str
    ours: str
    agrees: bool | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """A district with all that its figures and lines are made from; `members` is the small network of figs. 4 to 6."""

    district: StudyDistrict
    clusters: Clusters
    cluster_grounds: Polygons
    by_capability: Areas
    city: City
    members: NDArray[np.intp]
    enclosed: NDArray[np.intp]
    enclosed_unbounded: NDArray[np.intp]

    def moment(self, *, hour: float, is_day_off: bool) -> Moment:
        return tick(self.city, self.district.vacancy(hour=hour, is_day_off=is_day_off))

    def ranks(self, *, hour: float, is_day_off: bool) -> NDArray[np.float64]:
        """Ranks alone, which is all that a curve needs."""
        return rank(self.city.network, self.district.vacancy(hour=hour, is_day_off=is_day_off)).scores


def study_of(district: StudyDistrict) -> Study:
    """Cluster the district as the paper does, and divide it with and without bounds."""
    clusters = cluster_sites(district.positions, district.capability)
    mesh = build_mesh(district.positions, district.target)
    by_capability = service_areas(mesh, district.capability)
    return Study(
        district=district,
        clusters=clusters,
        cluster_grounds=cluster_areas(mesh, district.capability, clusters.labels),
        by_capability=by_capability,
        city=nested_city(district.positions, district.capability, district.target, labels=clusters.labels),
        members=_small_network(district, clusters),
        enclosed=enclosed_among(by_capability.polygons, district.target),
        enclosed_unbounded=enclosed_without_bounds(district.positions, district.capability),
    )


def lines_of(study: Study) -> list[Line]:
    """Every statement of the paper's figures 3, 5, 6 and 7 that can be checked on another district."""
    sizes = np.bincount(study.clusters.labels)
    lots = len(study.district.positions)
    return [
        Line(what="car parks", paper="1096", ours=str(lots), agrees=None),
        Line(what="clusters at 220 m (fig. 3)", paper="141", ours=str(len(sizes)), agrees=None),
        Line(what="car parks of a cluster (fig. 3)", paper="1 to 29", ours=f"1 to {sizes.max()}", agrees=None),
        _no_more_than_fifty(sizes),
        *_lines_of_the_day(study),
        _enclosed_unbounded(study, lots),
        Line(
            what="car parks enclosed by one other, with bounds (fig. 7b)",
            paper="none",
            ours=str(len(study.enclosed)),
            agrees=len(study.enclosed) == 0,
        ),
        _verified(study),
    ]


def areas_by_use(study: Study, *, hour: float, is_day_off: bool) -> dict[Use, float]:
    """Share of the small network's ground that each kind of car park serves."""
    areas = study.moment(hour=hour, is_day_off=is_day_off).areas.area_m2[study.members]
    uses = study.district.uses[study.members]
    return {use: float(areas[uses == use].sum() / areas.sum()) for use in Use}


def _no_more_than_fifty(sizes: NDArray[np.intp]) -> Line:
    return Line(
        what="no cluster of more than fifty", paper="yes", ours=f"largest {sizes.max()}", agrees=bool(sizes.max() <= 50)
    )


def _lines_of_the_day(study: Study) -> Sequence[Line]:
    """The sentences about figs. 5 and 6: who serves more ground when."""
    work = {hour: areas_by_use(study, hour=hour, is_day_off=False) for hour in HOURS}
    off = {hour: areas_by_use(study, hour=hour, is_day_off=True) for hour in HOURS}
    return [
        _smaller("homes serve less at 3:00 than at 12:00 on working days (fig. 6)", work, 3, work, 12, Use.RESIDENTIAL),
        _smaller("offices serve less at 12:00 on working days than on days off", work, 12, off, 12, Use.OFFICE),
        _smaller("offices serve less at 8:00 on working days than on days off", work, 8, off, 8, Use.OFFICE),
        _smaller("shops serve less at 12:00 on days off than on working days", off, 12, work, 12, Use.COMMERCIAL),
    ]


def _smaller(
    what: str,
    one: dict[int, dict[Use, float]],
    hour: int,
    other: dict[int, dict[Use, float]],
    other_hour: int,
    use: Use,
) -> Line:
    low, high = one[hour][use], other[other_hour][use]
    return Line(what=what, paper="yes", ours=f"{low:.0%} and {high:.0%} of the ground", agrees=low < high)


def _enclosed_unbounded(study: Study, lots: int) -> Line:
    count = len(study.enclosed_unbounded)
    return Line(
        what="car parks enclosed by one other, without bounds (fig. 7a)",
        paper="many",
        ours=f"{count} of {lots}",
        agrees=count > FEW * lots,
    )


def _verified(study: Study) -> Line:
    """No gap and no overlap, in the partition of figure 7b and in the small network of noon."""
    noon = study.moment(hour=12, is_day_off=False)
    found = verify_areas(study.city.mesh, noon.ranking.scores, noon.areas, generator=np.random.default_rng(0))
    ours = "verified" if found.passed else " ".join(found.problems)
    return Line(what="neither gaps nor overlaps", paper="yes", ours=ours, agrees=found.passed)


def _small_network(district: StudyDistrict, clusters: Clusters) -> NDArray[np.intp]:
    """The cluster that is most like the paper's figure 4: eleven car parks, and all three kinds among them."""
    best: tuple[int, int, int] | None = None
    for label, size in enumerate(np.bincount(clusters.labels).tolist()):
        kinds = len(np.unique(district.uses[clusters.labels == label]))
        candidate = (-kinds, abs(size - WANTED_MEMBERS), label)
        if best is None or candidate < best:
            best = candidate
    return np.flatnonzero(clusters.labels == (best or (0, 0, 0))[2])
