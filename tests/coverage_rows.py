"""A synthetic city in the database, with a ragged coast, lakes and an island, and pictures of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from benchmarks.coverage_city import synthetic_city
from coverage import runs
from coverage.models import CoverageRun
from coverage.outlines import keep_outline
from coverage.projection import CityPlane
from parking_share import clock
from parking_share.spaces.datum import Datum
from parking_share.spaces.models import AccessClass, District, LandUse, Lot
from sensors.models import OccupancySlot

MIDDLE = CityPlane(latitude=22.55, longitude=114.11)
SLOT = timedelta(minutes=15)
_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class CityRows:
    name: str
    district: District
    lots: Sequence[Lot]


def make_city(*, lots: int, name: str = "") -> CityRows:
    """Public lots on synthetic ground, and its outline."""
    city = name or f"City {next(_numbers)}"
    drawn = synthetic_city(lots)
    generator = np.random.default_rng(lots)
    district = District.objects.create(city=city, name="Middle")
    public = AccessClass.objects.get(code="PUBLIC")
    bays = np.ceil(generator.lognormal(4.2, 0.8, size=lots)).astype(int)
    fees = generator.choice([0, 500, 1000, 1500], size=lots)
    rows = Lot.objects.bulk_create(
        Lot(
            district=district,
            name=f"{city} {number}",
            latitude=latitude,
            longitude=longitude,
            access_class=public,
            land_use=LandUse.PUBLIC,
            capacity=int(bays[number]),
            peak_rate_cents=int(fees[number]),
        )
        for number, (latitude, longitude) in enumerate(zip(*MIDDLE.degrees(drawn.positions), strict=True))
    )
    outline = shapely.transform(drawn.area, lambda points: np.column_stack(MIDDLE.degrees(points)[::-1]))
    keep_outline(city=city, outline=_valid(outline), datum=Datum.WGS84, source="synthetic", now=clock.now())
    return CityRows(name=city, district=district, lots=rows)


def publish(city: CityRows, slots: Sequence[datetime], *, seen: float = 0.7) -> list[CoverageRun]:
    """Pictures of these slots, each with new readings of a share of the lots."""
    made = []
    for starts_at in slots:
        generator = np.random.default_rng(int(starts_at.timestamp()))
        used = generator.beta(1.6, 1.2, size=len(city.lots))
        OccupancySlot.objects.bulk_create(
            OccupancySlot(
                lot=lot,
                starts_at=starts_at,
                source=OccupancySlot.Source.COUNTER,
                rolled_at=starts_at + SLOT,
                mean_occupied=float(share * (lot.capacity or 0)),
                most_occupied=lot.capacity,
                bays=lot.capacity,
                newest_reading_at=starts_at + SLOT - timedelta(minutes=2),
            )
            for lot, share in zip(city.lots, used, strict=True)
            if generator.random() < seen
        )
        run = runs.compute_slot(city.name, slot_starts_at=starts_at, now=clock.now(), is_backfill=True)
        assert run is not None
        assert run.status == CoverageRun.Status.PUBLISHED, run.complaint
        made.append(run)
    return made


def _valid(outline: BaseGeometry) -> BaseGeometry:
    made: BaseGeometry = shapely.make_valid(outline)
    return made
