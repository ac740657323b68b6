"""Chinese map datums to WGS-84 and back: pure functions over degrees.

Maps published in China carry GCJ-02 positions, a few hundred metres off WGS-84; Baidu adds another offset (BD-09).
The forward formulas are the published ones; an inverse is found by fixed-point iteration, so that a round trip comes
back. Points are (latitude, longitude).
"""

import math
from collections.abc import Callable
from enum import StrEnum

from django.utils.translation import gettext as _

from parking_share.errors import DomainError

Point = tuple[float, float]


class Datum(StrEnum):
    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"


class OutsideChinaRefused(DomainError):
    code = "datum_outside_china"


SOUTH, NORTH, WEST, EAST = 0.8293, 55.8271, 72.004, 137.8347
SHIFTED_BY_AT_MOST = 0.03  # degrees; a shifted point may lie a little outside the box that its original lies in

# The ellipsoid of Krasovsky (1940), on which the shift is defined
_SEMI_MAJOR_AXIS_M = 6_378_245.0
_ECCENTRICITY_SQUARED = 0.006_693_421_622_965_943_23
_ORIGIN: Point = (35.0, 105.0)
_BAIDU_SHIFT: Point = (0.006, 0.0065)
_BAIDU_WAVES = math.pi * 3000 / 180
_TOLERANCE, _MOST_ROUNDS = 1e-11, 60


def is_in_china(latitude: float, longitude: float, *, margin: float = 0.0) -> bool:
    """Whether a point lies in the box within which the shift is applied. The box is larger than the country."""
    return SOUTH - margin <= latitude <= NORTH + margin and WEST - margin <= longitude <= EAST + margin


def to_wgs84(latitude: float, longitude: float, *, datum: Datum) -> Point:
    """Return a position of the given datum in WGS-84.

    Raises OutsideChinaRefused for a position that no Chinese map can have.
    """
    if datum == Datum.WGS84:
        return latitude, longitude
    if not is_in_china(latitude, longitude, margin=SHIFTED_BY_AT_MOST):
        raise OutsideChinaRefused(
            _(
                "%(latitude).5f, %(longitude).5f lies outside China, where %(datum)s is not used. "
                "Look whether the columns are swapped, or name another datum."
            )
            % {"latitude": latitude, "longitude": longitude, "datum": datum.value.upper()}
        )
    point = (latitude, longitude)
    return gcj02_to_wgs84(bd09_to_gcj02(point) if datum == Datum.BD09 else point)


def from_wgs84(latitude: float, longitude: float, *, datum: Datum) -> Point:
    """Return a WGS-84 position in the given datum; outside China all three are the same."""
    if datum == Datum.WGS84 or not is_in_china(latitude, longitude):
        return latitude, longitude
    shifted = wgs84_to_gcj02((latitude, longitude))
    return gcj02_to_bd09(shifted) if datum == Datum.BD09 else shifted


def wgs84_to_gcj02(point: Point) -> Point:
    """Shift a point; it must lie in China."""
    latitude, longitude = point
    north_m, east_m = _shift_m(latitude - _ORIGIN[0], longitude - _ORIGIN[1])
    sine = math.sin(math.radians(latitude))
    flattened = 1 - _ECCENTRICITY_SQUARED * sine * sine
    metres_per_radian_north = _SEMI_MAJOR_AXIS_M * (1 - _ECCENTRICITY_SQUARED) / flattened**1.5
    metres_per_radian_east = _SEMI_MAJOR_AXIS_M / math.sqrt(flattened) * math.cos(math.radians(latitude))
    return (
        latitude + math.degrees(north_m / metres_per_radian_north),
        longitude + math.degrees(east_m / metres_per_radian_east),
    )


def gcj02_to_wgs84(point: Point) -> Point:
    return _inverse(wgs84_to_gcj02, point)


def gcj02_to_bd09(point: Point) -> Point:
    """Push the point outward, turn it a little, add a constant: in polar coordinates of degrees, as published."""
    latitude, longitude = point
    radius = math.hypot(longitude, latitude) + 0.00002 * math.sin(latitude * _BAIDU_WAVES)
    angle = math.atan2(latitude, longitude) + 0.000003 * math.cos(longitude * _BAIDU_WAVES)
    return radius * math.sin(angle) + _BAIDU_SHIFT[0], radius * math.cos(angle) + _BAIDU_SHIFT[1]


def bd09_to_gcj02(point: Point) -> Point:
    return _inverse(gcj02_to_bd09, point)


def _shift_m(north: float, east: float) -> Point:
    """The published polynomial and waves: metres north and east, from degrees off the origin."""
    root = math.sqrt(abs(east))
    ripple = _waves(east, (20.0, 6.0), (20.0, 2.0))
    northward = -100.0 + 2.0 * east + 3.0 * north + 0.2 * north * north + 0.1 * east * north + 0.2 * root
    northward += ripple + _waves(north, (20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30))
    eastward = 300.0 + east + 2.0 * north + 0.1 * east * east + 0.1 * east * north + 0.1 * root
    eastward += ripple + _waves(east, (20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))
    return northward, eastward


def _waves(degrees: float, *waves: tuple[float, float]) -> float:
    """Two thirds of a sum of sines, each with its amplitude in metres and its frequency."""
    return sum(amplitude * math.sin(frequency * degrees * math.pi) for amplitude, frequency in waves) * 2 / 3


def _inverse(forward: Callable[[Point], Point], image: Point) -> Point:
    """Find the point that `forward` sends to `image`; the shift varies slowly, so each round gains two digits."""
    latitude, longitude = image
    for _round in range(_MOST_ROUNDS):
        found = forward((latitude, longitude))
        miss = image[0] - found[0], image[1] - found[1]
        latitude, longitude = latitude + miss[0], longitude + miss[1]
        if max(abs(miss[0]), abs(miss[1])) < _TOLERANCE:
            return latitude, longitude
    raise ArithmeticError(f"no point is shifted to {image} after {_MOST_ROUNDS} rounds.")
