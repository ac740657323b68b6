"""A synthetic city of car parks in metres, to measure with: clumped lots, a coast line, lakes, an island."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from coverage.engine.capability import initial_capability

SEED = 20261121
LOTS_PER_SQUARE_KM = 14.0
CLUMP_SIZE, CLUMP_RADIUS_M = 5, 130.0
EXPANDED = 1.6


@dataclass(frozen=True, eq=False)
class City:
    """`lots` places, their capability, and the city's area; `vacancy` draws one moment."""

    positions: NDArray[np.float64]
    capability: NDArray[np.float64]
    area: BaseGeometry

    def vacancy(self, moment: int) -> NDArray[np.float64]:
        """Return the vacancy rates of a moment, the same for the same number."""
        generator = np.random.default_rng((SEED, moment))
        return generator.beta(1.2, 1.6, size=len(self.positions))


def synthetic_city(lots: int, *, seed: int = SEED) -> City:
    """Return a city with the density of the paper's district: 1,096 lots on 79 square kilometres."""
    generator = np.random.default_rng(seed)
    area = _outline(generator, np.sqrt(lots / LOTS_PER_SQUARE_KM / np.pi) * 1000)
    centres = _scattered(generator, area, lots // CLUMP_SIZE + 1)
    positions = np.empty((0, 2))
    while len(positions) < lots:
        centre = centres[generator.integers(len(centres), size=lots)]
        spread = CLUMP_RADIUS_M * generator.lognormal(0, 0.3, size=(lots, 1))
        drawn = np.round(centre + spread * generator.normal(size=(lots, 2)), 2)
        positions = np.concatenate((positions, drawn[shapely.contains_xy(area, drawn)]))[:lots]
    capability = initial_capability(
        generator.choice([1.0, 0.6, 0.3], size=lots, p=[0.4, 0.3, 0.3]),
        np.ceil(generator.lognormal(4.6, 0.9, size=lots)),
        generator.choice([0.0, 5.0, 10.0, 15.0], size=lots, p=[0.1, 0.5, 0.3, 0.1]),
    )
    return City(positions, capability, area)


def _outline(generator: np.random.Generator, radius: float) -> BaseGeometry:
    angle = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    waves = sum(
        generator.normal() / order * np.cos(order * angle + generator.uniform(0, 2 * np.pi)) for order in range(2, 30)
    )
    distance = radius * (1.03 + 0.13 * waves)
    coast = np.column_stack((EXPANDED * distance * np.cos(angle), distance / EXPANDED * np.sin(angle)))
    land = shapely.make_valid(shapely.Polygon(coast))
    lakes = [
        shapely.Point(*place).buffer(radius * 0.06) for place in ((-0.5 * radius, 0.1 * radius), (0.6 * radius, 0))
    ]
    island = shapely.Point(0, -1.2 * radius).buffer(radius * 0.15)
    return shapely.union(shapely.difference(land, shapely.union_all(lakes)), island)


def _scattered(generator: np.random.Generator, area: BaseGeometry, count: int) -> NDArray[np.float64]:
    low_x, low_y, high_x, high_y = area.bounds
    places = np.empty((0, 2))
    while len(places) < count:
        drawn = generator.uniform((low_x, low_y), (high_x, high_y), size=(count, 2))
        places = np.concatenate((places, drawn[shapely.contains_xy(area, drawn)]))[:count]
    return places
