"""The districts that the paper's figures are drawn on: one that is invented, and the real one where its table is there.

The paper prints no table of its 1,096 car parks. Ours are clumped as a city's are; kinds, sizes, fees and the hours of
use are invented, with the same seed each time.
"""

import csv
import gzip
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from coverage.engine.capability import initial_capability
from coverage.engine.paint import quantised
from coverage.projection import CityPlane
from parking_share.spaces.datum import Datum, to_wgs84

Floats = NDArray[np.float64]

SEED, LOTS, AREA_KM2 = 20200901, 1_096, 79.0
CLUMP, CLUMP_RADIUS_M, MARGIN_M = 5, 130.0, 500.0
REAL_DISTRICT = "罗湖"


class Use(IntEnum):
    """The three kinds of car parks of the paper's figure 4."""

    RESIDENTIAL = 0
    COMMERCIAL = 1
    OFFICE = 2


# Per cent of bays in use by hour, 0 to 23, on working days and on days off: invented after what counters usually show
_IN_USE = {
    (Use.RESIDENTIAL, False): "95 95 95 95 95 95 92 80 62 50 46 44 45 44 43 44 47 55 66 76 83 88 92 94",
    (Use.RESIDENTIAL, True): "95 95 95 95 95 95 95 93 90 84 78 74 72 70 68 66 67 70 74 79 84 89 92 94",
    (Use.COMMERCIAL, False): "10 8 8 8 8 8 10 14 20 30 42 55 64 60 52 50 54 62 76 82 74 50 28 15",
    (Use.COMMERCIAL, True): "14 10 8 8 8 8 10 15 26 48 72 90 97 95 93 94 95 96 97 96 88 66 38 20",
    (Use.OFFICE, False): "12 10 10 10 10 10 14 34 66 86 92 93 84 88 92 90 86 72 48 32 24 19 16 13",
    (Use.OFFICE, True): "10 10 10 10 10 10 10 12 16 20 23 24 22 22 23 22 20 17 15 14 13 12 11 10",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyDistrict:
    """Car parks of shape (n,) in a plane of metres, and the ground that they divide."""

    name: str
    positions: Floats
    uses: NDArray[np.intp]
    capability: Floats
    target: BaseGeometry
    steadiness: Floats

    def vacancy(self, *, hour: float, is_day_off: bool) -> Floats:
        """Shares of free bays at an hour; each lot is a little fuller or emptier than its kind."""
        low, share = int(hour) % 24, hour % 1
        used = np.empty(len(self.uses))
        for use in Use:
            curve = [int(percent) / 100 for percent in _IN_USE[use, is_day_off].split()]
            used[self.uses == use] = (1 - share) * curve[low] + share * curve[(low + 1) % 24]
        free: Floats = np.clip(1 - used * self.steadiness, 0.0, 1.0)
        return free


def synthetic_district(*, lots: int = LOTS, seed: int = SEED) -> StudyDistrict:
    """A district as large and as dense as the paper's."""
    generator = np.random.default_rng(seed)
    radius = np.sqrt(lots / LOTS * AREA_KM2 / np.pi) * 1000
    angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    rough = 1 + 0.08 * np.sin(3 * angle + 1) + 0.06 * np.sin(7 * angle)
    outline = np.column_stack((1.35 * radius * rough * np.cos(angle), radius / 1.35 * rough * np.sin(angle)))
    target = shapely.Polygon(outline)
    positions = np.empty((0, 2))
    centres = _within(generator, target, lots // CLUMP + 1)
    while len(positions) < lots:
        centre = centres[generator.integers(len(centres), size=lots)]
        drawn = centre + CLUMP_RADIUS_M * generator.lognormal(0, 0.3, size=(lots, 1)) * generator.normal(size=(lots, 2))
        positions = np.concatenate((positions, drawn[shapely.contains_xy(target, drawn)]))[:lots]
    uses = generator.choice([int(use) for use in Use], size=lots, p=[0.45, 0.25, 0.3])
    return _district("synthetic", quantised(positions), uses, np.full(lots, np.nan), target, generator)


def real_district(table: Path, *, seed: int = SEED) -> StudyDistrict:
    """The car parks of Luohu in a Baidu place search of 2018: BD-09, most without a number of bays."""
    with gzip.open(table, "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["district"] == REAL_DISTRICT]
    if not rows:
        raise ValueError(f"{table.name} holds no car park of {REAL_DISTRICT}.")
    places = [to_wgs84(float(row["lat_bd09"]), float(row["lon_bd09"]), datum=Datum.BD09) for row in rows]
    latitudes, longitudes = zip(*places, strict=True)
    plane = CityPlane.through(latitudes, longitudes)
    positions = quantised(plane.metres(latitudes, longitudes))
    target = shapely.MultiPoint(positions).convex_hull.buffer(MARGIN_M, quad_segs=16)
    uses = np.array([_use_of(row["type_reading"]) for row in rows], dtype=np.intp)
    bays = np.array([float(row["capacity"] or "nan") for row in rows])
    return _district("luohu", positions, uses, bays, target, np.random.default_rng(seed))


def _use_of(reading: str) -> int:
    if "residential" in reading:
        return Use.RESIDENTIAL
    return Use.OFFICE if "office" in reading else Use.COMMERCIAL


def _district(
    name: str,
    positions: Floats,
    uses: NDArray[np.intp],
    bays: Floats,
    target: BaseGeometry,
    generator: np.random.Generator,
) -> StudyDistrict:
    """What is not known is drawn: bays, first-hour fees by kind, and how much each lot differs from its kind."""
    count = len(positions)
    size = np.where(np.isnan(bays), np.ceil(generator.lognormal(4.6, 0.9, size=count)), bays)
    openness = np.choose(uses, [0.3, 0.9, 0.5])
    fees = np.choose(uses, [5.0, 10.0, 10.0]) + generator.integers(0, 3, size=count) * 2.5
    return StudyDistrict(
        name=name,
        positions=positions,
        uses=uses,
        capability=initial_capability(openness, np.maximum(size, 1), fees),
        target=target,
        steadiness=generator.uniform(0.85, 1.05, size=count),
    )


def _within(generator: np.random.Generator, area: BaseGeometry, count: int) -> Floats:
    low_x, low_y, high_x, high_y = area.bounds
    places = np.empty((0, 2))
    while len(places) < count:
        drawn = generator.uniform((low_x, low_y), (high_x, high_y), size=(count, 2))
        places = np.concatenate((places, drawn[shapely.contains_xy(area, drawn)]))[:count]
    return places
