"""Questions about pictures: the newest, that of a slot, a lot's day, and what is late or went wrong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import shapely
from django.db.models import Exists, OuterRef, QuerySet
from numpy.typing import NDArray

from coverage import bases, services
from coverage.engine import city as engine
from coverage.engine.partition import Areas
from coverage.models import CoverageBase, CoverageRun
from coverage.projection import CityPlane
from coverage.runs import Values, areas_of, values_of
from coverage.vacancy import SLOT, Basis
from parking_share.spaces.models import Lot

ALERTED_FOR, MOST_ALERTS = timedelta(days=1), 5
_HEAVY = ("areas", "paint", "base__arrays", "base__clusters", "base__mesh")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A published run and what it says of each lot, in the order of `lot_ids`, ascending."""

    run: CoverageRun
    lot_ids: NDArray[np.int64]
    values: Values

    @property
    def ends_at(self) -> datetime:
        return self.run.slot_starts_at + SLOT

    def age(self, now: datetime) -> timedelta:
        """How long ago the slot ended that the picture shows."""
        return now - self.ends_at

    def row_of(self, lot_id: int) -> int | None:
        row = int(np.searchsorted(self.lot_ids, lot_id))
        return row if row < len(self.lot_ids) and self.lot_ids[row] == lot_id else None

    def rows_of(self, lot_ids: Iterable[int]) -> NDArray[np.intp]:
        """Where these lots stand; those that are not in the picture are left out."""
        return np.flatnonzero(np.isin(self.lot_ids, np.fromiter(lot_ids, dtype=np.int64)))


@dataclass(frozen=True, kw_only=True)
class LotSlot:
    """One lot in one slot. `strength` is its rank as a multiple of the average lot of its network."""

    starts_at: datetime
    strength: float
    area_m2: float
    open_bays: float
    free_bays: float
    basis: Basis
    age: timedelta | None

    @property
    def vacancy(self) -> float | None:
        """None where the lot was closed: closed is not full."""
        return None if self.basis == Basis.CLOSED else min(self.free_bays / self.open_bays, 1.0)

    @property
    def is_estimated(self) -> bool:
        return self.basis in {Basis.PROFILE, Basis.PRIOR}


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Something that staff must know before they trust a map."""

    city: str
    slot_starts_at: datetime
    complaint: str

    @property
    def ends_at(self) -> datetime:
        return self.slot_starts_at + SLOT

    @property
    def is_late(self) -> bool:
        """The picture is missing; otherwise it was refused by the checks."""
        return not self.complaint


def published_runs(city: str) -> QuerySet[CoverageRun]:
    """The pictures of a city with the numbers of its lots, without what is heavy."""
    published = CoverageRun.objects.filter(city=city, status=CoverageRun.Status.PUBLISHED)
    return published.select_related("base").defer(*_HEAVY)


def newest_picture(city: str, *, until: datetime | None = None) -> Picture | None:
    """The newest picture of a slot that begins by `until`."""
    runs = published_runs(city)
    if until is not None:
        runs = runs.filter(slot_starts_at__lte=until)
    run = runs.order_by("-slot_starts_at").first()
    return None if run is None else picture_of(run)


def picture_at(city: str, slot_starts_at: datetime) -> Picture | None:
    """The picture of exactly this slot."""
    run = published_runs(city).filter(slot_starts_at=slot_starts_at).first()
    return None if run is None else picture_of(run)


def picture_of(run: CoverageRun) -> Picture:
    return Picture(run=run, lot_ids=np.array(run.base.lot_ids, dtype=np.int64), values=values_of(run))


def polygons_of(picture: Picture) -> Areas:
    """The service areas in the plane of their base: as they were kept, or made again once they were thinned out."""
    kept = CoverageRun.objects.only("areas").get(pk=picture.run.pk)
    found = areas_of(kept)
    if found is not None:
        return found
    parameters = picture.run.parameters
    prepared = bases.city_of(CoverageBase.objects.get(pk=picture.run.base_id))
    rules = bases.rank_rules(parameters)
    return engine.tick(
        prepared, picture.values.vacancy.astype(np.float64), tolerance=parameters["tolerance_m"], rules=rules
    ).areas


def in_degrees(shapes: NDArray[np.object_], base: CoverageBase) -> NDArray[np.object_]:
    """Shapes of a base's plane in WGS-84, longitude first, outer rings counterclockwise as RFC 7946 asks."""
    plane = CityPlane(latitude=base.plane_latitude, longitude=base.plane_longitude)

    def unprojected(points: NDArray[np.float64]) -> NDArray[np.float64]:
        latitudes, longitudes = plane.degrees(points)
        return np.column_stack((longitudes, latitudes))

    turned: NDArray[np.object_] = shapely.orient_polygons(shapely.transform(shapes, unprojected))
    return turned


def day_of_lot(lot: Lot, *, begins: datetime, ends: datetime) -> list[LotSlot]:
    """What the pictures of [begins, ends) say of a lot, the earliest first; slots without a picture are absent.

    One query for the pictures and one for what they stand on, which is read once, however many pictures there are.
    """
    runs = CoverageRun.objects.filter(city=lot.district.city, status=CoverageRun.Status.PUBLISHED)
    of_day = runs.filter(slot_starts_at__gte=begins, slot_starts_at__lt=ends)
    used = CoverageBase.objects.filter(pk__in=of_day.values("base_id")).only("lot_ids", "clusters", "parameters")
    places = {base.pk: _place_in(base, lot.pk) for base in used}
    wanted = of_day.only("base_id", "slot_starts_at", "values").order_by("slot_starts_at")
    return list(_slots_of(wanted.iterator(chunk_size=16), places))


def _slots_of(runs: Iterable[CoverageRun], places: Mapping[int, tuple[int | None, float]]) -> Iterator[LotSlot]:
    for run in runs:
        row, members = places.get(run.base_id, (None, 0.0))  # what was published meanwhile waits for the next look
        if row is not None:
            yield lot_slot(run, values_of(run), row, members=members)


def slot_of_lot(picture: Picture, row: int) -> LotSlot:
    """What a picture says of the lot in this row."""
    base = CoverageBase.objects.only("lot_ids", "clusters", "parameters").get(pk=picture.run.base_id)
    _row, members = _place_in(base, int(picture.lot_ids[row]))
    return lot_slot(picture.run, picture.values, row, members=members)


def lot_slot(run: CoverageRun, values: Values, row: int, *, members: float) -> LotSlot:
    """What a picture says of the lot in this row, whose network has so many members."""
    seconds = float(values.age_s[row])
    return LotSlot(
        starts_at=run.slot_starts_at,
        strength=float(values.score[row]) * members,
        area_m2=float(values.area_m2[row]),
        open_bays=float(values.open_bays[row]),
        free_bays=float(values.free_bays[row]),
        basis=Basis(int(values.basis[row])),
        age=None if np.isnan(seconds) else timedelta(seconds=seconds),
    )


def _place_in(base: CoverageBase, lot_id: int) -> tuple[int | None, float]:
    """Where a lot stands in a base, and how many lots its network has."""
    ids = base.lot_ids
    row = int(np.searchsorted(ids, lot_id))
    if row >= len(ids) or ids[row] != lot_id:
        return None, 0.0
    return row, float(bases.network_sizes(base)[row])


def alerts_for(cities: Sequence[str], *, now: datetime) -> list[Alert]:
    """Cities whose newest picture is late, and the newest slots of the last day that the checks refused till now.

    A slot is tried again as long as the job looks back at it: it is told once, and not at all once it is published.
    """
    late = set(services.late_cities(now=now)) & set(cities)
    missing = services.newest_due_slot(now - services.LATE_AFTER)
    runs = CoverageRun.objects.filter(city__in=cities, slot_starts_at__gte=now - ALERTED_FOR)
    good = runs.filter(
        city=OuterRef("city"), slot_starts_at=OuterRef("slot_starts_at"), status=CoverageRun.Status.PUBLISHED
    )
    tried = runs.filter(~Exists(good), status=CoverageRun.Status.REFUSED)
    refused = tried.order_by("-slot_starts_at", "city", "-pk").distinct("slot_starts_at", "city")
    return [
        *(Alert(city=city, slot_starts_at=missing, complaint="") for city in sorted(late)),
        *(
            Alert(city=city, slot_starts_at=slot, complaint=complaint)
            for city, slot, complaint in refused.values_list("city", "slot_starts_at", "complaint")[:MOST_ALERTS]
        ),
    ]


def names_of(lot_ids: Iterable[int]) -> Mapping[int, Lot]:
    """The lots by id, with their districts."""
    return Lot.objects.filter(pk__in=list(lot_ids)).select_related("district").in_bulk()
