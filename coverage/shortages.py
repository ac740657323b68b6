"""Where bays are short: how much ground each lot serves for every free bay, and how fast that grows.

The shortage of a lot is its service area over its free bays, in hectares for each bay; free bays count as at least
five, so that the list tells no smaller number. Its growth is the shortage over that of an hour before. A lot that is
closed serves nobody and is not in the list; where no ground is known an hour before, no growth is.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from coverage.selectors import Picture, picture_at
from coverage.shown import FEWEST_SHOWN, SQUARE_METRES_A_HECTARE
from coverage.vacancy import Basis

GROWTH_OVER = timedelta(hours=1)


class Order(StrEnum):
    LARGEST = "largest"
    FASTEST = "fastest"


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """A lot that is short of bays; `growth` is None where the hour before is not known."""

    lot_id: int
    area_m2: float
    open_bays: float
    free_bays: float
    hectares_a_bay: float
    growth: float | None
    basis: Basis


def shortages_in(
    picture: Picture, *, lot_ids: Collection[int], order: Order = Order.LARGEST, most: int | None = None
) -> list[Shortage]:
    """The open lots among these, the shortest of bays first, or those where it grows fastest. One query."""
    values, rows = picture.values, picture.rows_of(lot_ids)
    rows = rows[(values.basis[rows] != Basis.CLOSED) & (values.area_m2[rows] > 0)]
    level = _hectares_a_bay(picture)[rows]
    growth = _growth(picture, rows, level)
    key = level if order == Order.LARGEST else np.where(np.isnan(growth), -np.inf, growth)
    ranked = np.lexsort((picture.lot_ids[rows], -level, -key))[:most]
    return [
        Shortage(
            lot_id=int(picture.lot_ids[rows[place]]),
            area_m2=float(values.area_m2[rows[place]]),
            open_bays=float(values.open_bays[rows[place]]),
            free_bays=float(values.free_bays[rows[place]]),
            hectares_a_bay=float(level[place]),
            growth=None if np.isnan(growth[place]) else float(growth[place]),
            basis=Basis(int(values.basis[rows[place]])),
        )
        for place in ranked.tolist()
    ]


def _hectares_a_bay(picture: Picture) -> NDArray[np.float64]:
    free = np.maximum(picture.values.free_bays.astype(np.float64), FEWEST_SHOWN)
    level: NDArray[np.float64] = picture.values.area_m2 / SQUARE_METRES_A_HECTARE / free
    return level


def _growth(picture: Picture, rows: NDArray[np.intp], level: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ratio to an hour before, shape of `rows`; NaN where that is not known."""
    growth = np.full(len(rows), np.nan)
    earlier = picture_at(picture.run.city, picture.run.slot_starts_at - GROWTH_OVER)
    if earlier is None or not len(rows):
        return growth
    before = np.minimum(np.searchsorted(earlier.lot_ids, picture.lot_ids[rows]), len(earlier.lot_ids) - 1)
    was = _hectares_a_bay(earlier)[before]
    known = (earlier.lot_ids[before] == picture.lot_ids[rows]) & (was > 0) & (earlier.values.basis[before] != 0)
    growth[known] = level[known] / was[known]
    return growth
