"""Who gains and who loses by a what-if: by district and by lot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coverage.shown import hectares_a_bay
from coverage.whatif import Outcome, Side


@dataclass(frozen=True, kw_only=True)
class Sums:
    """A district before or after."""

    lots: int
    open_bays: float
    free_bays: float
    area_m2: float

    @property
    def hectares_a_bay(self) -> float:
        """A lower bound where the free bays are few."""
        return hectares_a_bay(self.area_m2, self.free_bays)


@dataclass(frozen=True, kw_only=True)
class DistrictDifference:
    """A district gains where each of its free bays has less ground to serve than before."""

    district_id: int
    before: Sums
    after: Sums

    @property
    def percent(self) -> float:
        """By how much the ground for each free bay changes; below nothing is a gain."""
        was = self.before.hectares_a_bay
        return 100 * (self.after.hectares_a_bay / was - 1) if was else 0.0


@dataclass(frozen=True, kw_only=True)
class LotDifference:
    """A lot whose ground changes; `was_m2` is None for a new one, `is_m2` for one that is gone."""

    lot_id: int
    was_m2: float | None
    is_m2: float | None
    is_changed: bool

    @property
    def gain_m2(self) -> float:
        return (self.is_m2 or 0.0) - (self.was_m2 or 0.0)


def districts_of(outcome: Outcome, district_of: Mapping[int, int]) -> list[DistrictDifference]:
    """Every district of the city; a new lot belongs to that of its nearest neighbour."""
    home = dict(district_of) | {added: district_of[near] for added, near in outcome.near.items()}
    before, after = _sums(outcome.before, home), _sums(outcome.after, home)
    nothing = Sums(lots=0, open_bays=0.0, free_bays=0.0, area_m2=0.0)
    found = [
        DistrictDifference(district_id=key, before=before.get(key, nothing), after=after.get(key, nothing))
        for key in sorted(set(before) | set(after))
    ]
    return sorted(found, key=lambda one: (one.percent, one.district_id))


def lots_of(outcome: Outcome, *, most: int) -> tuple[list[LotDifference], list[LotDifference]]:
    """The lots that gain most ground, and those that lose most."""
    was = dict(zip(outcome.before.sites.lot_ids.tolist(), outcome.before.moment.areas.area_m2.tolist(), strict=True))
    now = dict(zip(outcome.after.sites.lot_ids.tolist(), outcome.after.moment.areas.area_m2.tolist(), strict=True))
    found = [
        LotDifference(lot_id=key, was_m2=was.get(key), is_m2=now.get(key), is_changed=key in outcome.changed)
        for key in sorted(set(was) | set(now))
    ]
    gaining = sorted((one for one in found if one.gain_m2 > 1), key=lambda one: -one.gain_m2)
    losing = sorted((one for one in found if one.gain_m2 < -1), key=lambda one: one.gain_m2)
    return gaining[:most], losing[:most]


def ground_that_changes_m2(outcome: Outcome) -> float:
    """How much ground at least is served by another lot than before."""
    gaining, _losing = lots_of(outcome, most=len(outcome.before.sites.lot_ids) + len(outcome.after.sites.lot_ids))
    return sum(one.gain_m2 for one in gaining)


def _sums(side: Side, home: Mapping[int, int]) -> dict[int, Sums]:
    rows: dict[int, list[int]] = {}
    for row, lot_id in enumerate(side.sites.lot_ids.tolist()):
        if lot_id in home:
            rows.setdefault(home[lot_id], []).append(row)
    areas = side.moment.areas.area_m2
    return {key: _sum(side, areas, members) for key, members in rows.items()}


def _sum(side: Side, areas: NDArray[np.float64], rows: Iterable[int]) -> Sums:
    members = np.array(list(rows), dtype=np.intp)
    return Sums(
        lots=len(members),
        open_bays=float(side.sites.open_bays[members].sum()),
        free_bays=float(side.sites.free_bays[members].sum()),
        area_m2=float(areas[members].sum()),
    )
