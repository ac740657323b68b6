"""Positions in a plane of metres: what every function of the engine asks of them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

WIDEST_CITY_DEG = 2.0
LARGEST_COORDINATE = 1e9


def checked_positions(positions: ArrayLike) -> Floats:
    """Return positions of sites as an array of shape (n, 2), metres.

    Raises
    ------
    ValueError
        For another shape, for a coordinate that is not finite or beyond 1e9 m, and for what looks like degrees.
    """
    points = checked_points(positions)
    if looks_like_degrees(points):
        raise ValueError(
            f"positions must be metres of a projected plane, got what looks like degrees: {points[0].tolist()}."
        )
    return points


def checked_points(positions: ArrayLike) -> Floats:
    """Return any points as an array of shape (n, 2).

    Raises
    ------
    ValueError
        For another shape, and for a coordinate that is not finite or beyond 1e9.
    """
    points = np.ascontiguousarray(positions, dtype=np.float64)
    if points.size == 0:
        points = points.reshape(0, 2)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"positions must have shape (n, 2), got {points.shape}.")
    wrong = np.flatnonzero(~(np.abs(points) <= LARGEST_COORDINATE).all(axis=1))
    if wrong.size:
        raise ValueError(
            f"position {wrong[0]} must be finite and within {LARGEST_COORDINATE:.0e} m,"
            f" got {points[wrong[0]].tolist()}."
        )
    return points


def looks_like_degrees(points: Floats) -> bool:
    """Tell whether points can hardly be anything but longitude and latitude of one city.

    Notes
    -----
    All within the bounds of longitude and latitude, spread over at most two units, farther from the origin than twice
    that, and not whole numbers. A drawing of a few metres near its own origin is none of this.
    """
    if len(points) < 2 or (np.abs(points) > (180.0, 90.0)).any():
        return False
    low, high = points.min(axis=0), points.max(axis=0)
    spread = float((high - low).max())
    away = float(np.hypot(*(low + high) / 2))
    return 0 < spread <= WIDEST_CITY_DEG and away > 2 * spread and bool((points != np.round(points)).any())


def checked_values(values: ArrayLike, name: str, *, count: int, low: float = 0.0, high: float = np.inf) -> Floats:
    """Return one finite number for each of `count` sites, each in [low, high].

    Raises
    ------
    ValueError
        For another shape, and for the first number outside the range, NaN and infinity included.
    """
    numbers = np.ascontiguousarray(values, dtype=np.float64)
    if numbers.shape != (count,):
        raise ValueError(f"{name} must have one entry for each of {count} sites, got shape {numbers.shape}.")
    wrong = np.flatnonzero(~((numbers >= low) & (numbers <= high) & np.isfinite(numbers)))
    if wrong.size:
        limits = f"in [{low:g}, {high:g}]" if np.isfinite(high) else f"finite and at least {low:g}"
        raise ValueError(f"{name} {wrong[0]} must be {limits}, got {numbers[wrong[0]]}.")
    return numbers


def checked_groups(groups: ArrayLike | None, *, count: int) -> Indices:
    """Return the number of the network of each site, all 0 where `groups` is None.

    Raises
    ------
    ValueError
        For another shape, and unless the numbers are 0 to g - 1, each of them used.
    """
    if groups is None:
        return np.zeros(count, dtype=np.intp)
    numbers = np.ascontiguousarray(groups, dtype=np.intp)
    if numbers.shape != (count,):
        raise ValueError(f"groups must have one entry for each of {count} sites, got shape {numbers.shape}.")
    if count and (numbers.min() < 0 or (np.bincount(numbers) == 0).any()):
        raise ValueError(f"groups must be numbered from 0 without a gap, got {np.unique(numbers)[:5].tolist()} ...")
    return numbers
