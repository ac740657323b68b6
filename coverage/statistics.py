"""Pictures by district or by cluster: sums over lots, computed with arrays."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from coverage.selectors import Picture
from coverage.shown import hectares_a_bay
from coverage.vacancy import Basis

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Sums over some lots of a picture; `age` is the median age of what was read, None where nothing was."""

    lots: int
    open_bays: float
    free_bays: float
    area_m2: float
    seen: int
    booked: int
    estimated: int
    closed: int
    age: timedelta | None

    @property
    def hectares_a_bay(self) -> float:
        """Ground for each free bay; a lower bound where free bays are few."""
        return hectares_a_bay(self.area_m2, self.free_bays)


def totals_of(picture: Picture, rows: NDArray[np.intp]) -> Totals:
    """Sums over the lots that stand in these rows."""
    values = picture.values
    basis, ages = values.basis[rows], values.age_s[rows]
    read = ages[~np.isnan(ages)]
    return Totals(
        lots=len(rows),
        open_bays=float(values.open_bays[rows].sum(dtype=np.float64)),
        free_bays=float(values.free_bays[rows].sum(dtype=np.float64)),
        area_m2=float(values.area_m2[rows].sum()),
        seen=int((basis == Basis.SEEN).sum()),
        booked=int((basis == Basis.BOOKINGS).sum()),
        estimated=int(np.isin(basis, (Basis.PROFILE, Basis.PRIOR)).sum()),
        closed=int((basis == Basis.CLOSED).sum()),
        age=timedelta(seconds=float(np.median(read))) if read.size else None,
    )


def totals_by(picture: Picture, group_of: Mapping[int, Key]) -> dict[Key, Totals]:
    """Sums by group; lots without a group are left out."""
    rows: dict[Key, list[int]] = {}
    for row, lot_id in enumerate(picture.lot_ids.tolist()):
        if lot_id in group_of:
            rows.setdefault(group_of[lot_id], []).append(row)
    return {key: totals_of(picture, np.array(members, dtype=np.intp)) for key, members in rows.items()}
