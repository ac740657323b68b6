"""Sites and areas that several tests look at."""

import numpy as np
import shapely
from hypothesis import strategies as st

from coverage.engine.mesh import Mesh, build_mesh
from coverage.engine.partition import Areas, service_areas

SQUARE = shapely.box(-10, -10, 110, 110)
HOLED = shapely.MultiPolygon(
    [
        shapely.Polygon(
            [(-30, -30), (130, -40), (150, 120), (60, 50), (-20, 140)], [[(20, 20), (40, 22), (30, 40), (22, 35)]]
        ),
        shapely.box(160, 0, 190, 40),
    ]
)
GENERATOR = 20261121

# The source prints 40.0083904 for the second area of the last triangle; its three would then exceed 720 by 3e-7.
WORKED = {
    "common point": ([(0, 0), (4, 0), (0, 3)], [1, 1.2, 1.1], [2.4976891804, 1.8163537448, 1.6859570749]),
    "breach": ([(0, 0), (1, 0), (0.5, 3**0.5 / 2)], [2, 1, 1], [0.2919878331, 0.0705124344, 0.0705124344]),
    "breach and cut": (
        [(0, 0), (160, 0), (45, 9)],
        [1, 0.25, 0.45],
        [306.6152300, 40.0083901, 373.3763799],
    ),
}


def divided(positions, weights, target=SQUARE, *, tolerance: float = 0.01) -> tuple[Mesh, Areas]:
    mesh = build_mesh(positions, target)
    return mesh, service_areas(mesh, weights, tolerance=tolerance)


def scattered(count: int, *, seed: int = GENERATOR, width: float = 100.0, height: float = 100.0):
    """Random sites, two decimals."""
    return np.round(np.random.default_rng(seed).uniform(size=(count, 2)) * (width, height), 2)


def uneven(count: int, *, seed: int = GENERATOR, spread: float = 1.0):
    """Random weights, log-normal."""
    return np.exp(np.random.default_rng((seed, 1)).normal(0, spread, count))


@st.composite
def networks(draw, *, least: int = 3, most: int = 8):
    """Distinct sites in general position and their weights, some of thin shape, some of very different weight."""
    count = draw(st.integers(least, most))
    seed = draw(st.integers(0, 2**32 - 1))
    height = draw(st.sampled_from([100.0, 30.0, 8.0]))
    spread = draw(st.sampled_from([0.0, 0.3, 1.0, 2.5]))
    return scattered(count, seed=seed, height=height), uneven(count, seed=seed, spread=spread)
