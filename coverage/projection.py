"""Longitude and latitude (WGS-84) into metres of a plane and back: a transverse Mercator through the city's middle.

Krüger's series to the fourth order in the third flattening: exact to well under a millimetre within some hundred
kilometres of the central meridian. Scale error below 4e-5 within 50 km of it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_AXIS_M, _FLATTENING = 6_378_137.0, 1 / 298.257223563  # WGS-84
_N = _FLATTENING / (2 - _FLATTENING)
_ECCENTRICITY = np.sqrt(_FLATTENING * (2 - _FLATTENING))
_RADIUS_M = _AXIS_M / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_FORWARD = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16 + 41 * _N**4 / 180,
    13 * _N**2 / 48 - 3 * _N**3 / 5 + 557 * _N**4 / 1440,
    61 * _N**3 / 240 - 103 * _N**4 / 140,
    49561 * _N**4 / 161280,
)
_INVERSE = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96 - _N**4 / 360,
    _N**2 / 48 + _N**3 / 15 - 437 * _N**4 / 1440,
    17 * _N**3 / 480 - 37 * _N**4 / 840,
    4397 * _N**4 / 161280,
)
_LATITUDE_STEPS = 8
WIDEST_CITY_DEG = 3.0


@dataclass(frozen=True, kw_only=True)
class CityPlane:
    """The plane of one city; (0, 0) is its middle, x points east, y north.

    Parameters
    ----------
    latitude, longitude
        The middle, in degrees of WGS-84.

    Raises
    ------
    ValueError
        For a middle that is not on earth or nearer than 6 degrees to a pole.
    """

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not (-84 <= self.latitude <= 84 and -180 <= self.longitude <= 180):
            raise ValueError(f"the middle of a city can't lie at {self.latitude}, {self.longitude}.")

    @classmethod
    def through(cls, latitudes: ArrayLike, longitudes: ArrayLike) -> "CityPlane":
        """The plane through the middle of the box around these points, rounded to 0.01 degrees."""
        lat, lon = np.asarray(latitudes, dtype=np.float64), np.asarray(longitudes, dtype=np.float64)
        if lat.size == 0:
            raise ValueError("a plane needs at least one point.")
        return cls(
            latitude=round(float(lat.min() + lat.max()) / 2, 2), longitude=round(float(lon.min() + lon.max()) / 2, 2)
        )

    def metres(self, latitudes: ArrayLike, longitudes: ArrayLike) -> Floats:
        """Return positions of shape (n, 2), metres.

        Raises
        ------
        ValueError
            For a point that is not finite or more than three degrees from the middle: not of this city.
        """
        lat, lon = np.asarray(latitudes, dtype=np.float64), np.asarray(longitudes, dtype=np.float64)
        far = ~((np.abs(lat - self.latitude) <= WIDEST_CITY_DEG) & (np.abs(lon - self.longitude) <= WIDEST_CITY_DEG))
        if far.any():
            row = int(np.flatnonzero(far)[0])
            raise ValueError(
                f"point {row} at {lat[row]}, {lon[row]} lies more than {WIDEST_CITY_DEG:g} degrees from the middle of "
                f"the city at {self.latitude}, {self.longitude}."
            )
        east, north = _forward(np.radians(lat), np.radians(lon - self.longitude))
        return np.column_stack((east, north - self._north_of_middle))

    def degrees(self, positions: ArrayLike) -> tuple[Floats, Floats]:
        """Return latitudes and longitudes of positions of shape (n, 2), metres."""
        points = np.asarray(positions, dtype=np.float64)
        lat, lon = _backward(points[:, 0], points[:, 1] + self._north_of_middle)
        return np.degrees(lat), np.degrees(lon) + self.longitude

    @property
    def _north_of_middle(self) -> float:
        return float(_forward(np.radians([self.latitude]), np.zeros(1))[1][0])


def _forward(lat: Floats, lon: Floats) -> tuple[Floats, Floats]:
    """East and north of the point where the meridian meets the equator, metres; angles in radians."""
    sine = np.sin(lat)
    conformal = np.sinh(np.arctanh(sine) - _ECCENTRICITY * np.arctanh(_ECCENTRICITY * sine))
    xi, eta = np.arctan2(conformal, np.cos(lon)), np.arcsinh(np.sin(lon) / np.hypot(conformal, np.cos(lon)))
    north, east = xi.copy(), eta.copy()
    for order, factor in enumerate(_FORWARD, start=1):
        north += factor * np.sin(2 * order * xi) * np.cosh(2 * order * eta)
        east += factor * np.cos(2 * order * xi) * np.sinh(2 * order * eta)
    return _RADIUS_M * east, _RADIUS_M * north


def _backward(east: Floats, north: Floats) -> tuple[Floats, Floats]:
    """Latitude and longitude from the meridian, radians."""
    xi, eta = north / _RADIUS_M, east / _RADIUS_M
    xi_0, eta_0 = xi.copy(), eta.copy()
    for order, factor in enumerate(_INVERSE, start=1):
        xi_0 -= factor * np.sin(2 * order * xi) * np.cosh(2 * order * eta)
        eta_0 -= factor * np.cos(2 * order * xi) * np.sinh(2 * order * eta)
    lon = np.arctan2(np.sinh(eta_0), np.cos(xi_0))
    conformal = np.sin(xi_0) / np.hypot(np.sinh(eta_0), np.cos(xi_0))
    return _geographic_latitude(conformal), lon


def _geographic_latitude(conformal: Floats) -> Floats:
    """Newton's method for tan(latitude), from the tangent of the conformal latitude; quadratic, so few steps do."""
    tangent = conformal / (1 - _ECCENTRICITY**2)
    for _ in range(_LATITUDE_STEPS):
        shift = np.sinh(_ECCENTRICITY * np.arctanh(_ECCENTRICITY * tangent / np.hypot(1, tangent)))
        reached = tangent * np.hypot(1, shift) - shift * np.hypot(1, tangent)
        slope = (1 + (1 - _ECCENTRICITY**2) * tangent**2) / ((1 - _ECCENTRICITY**2) * np.hypot(1, tangent))
        tangent = tangent + (conformal - reached) / np.hypot(1, reached) * slope
    latitude: Floats = np.arctan(tangent)
    return latitude
