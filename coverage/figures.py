"""What a published picture says of single lots, and of all together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from coverage.bases import city_of, network_sizes, rank_rules
from coverage.engine.city import tick
from coverage.engine.partition import Areas
from coverage.models import CoverageRun
from coverage.runs import Values, areas_of, values_of
from coverage.shown import shown_vacancy
from coverage.vacancy import Basis


@dataclass(frozen=True, kw_only=True)
class LotFigure:
    """One lot in one slot. `share` is its rank as a multiple of the mean of its network; None means not known."""

    lot_id: int
    share: float
    vacancy: float | None
    open_bays: int
    free_bays: int
    area_m2: float
    basis: Basis
    age: timedelta | None

    @property
    def vacancy_shown(self) -> str:
        """In per cent, with few bays not counted out."""
        return shown_vacancy(self.open_bays, self.free_bays)


@dataclass(frozen=True, kw_only=True)
class CityFigure:
    """All lots of one slot together: how many by where their vacancy comes from, and how old readings are."""

    lots: int
    by_basis: dict[Basis, int]
    open_bays: int
    free_bays: int
    middle_age: timedelta | None
    oldest_age: timedelta | None


def figures_of(run: CoverageRun, lot_ids: Iterable[int]) -> dict[int, LotFigure]:
    """The figures of these lots, by lot; those that had no part in the picture are left out."""
    values, rows = values_of(run), {lot_id: row for row, lot_id in enumerate(run.base.lot_ids)}
    shares = shares_of(run, values)
    return {
        lot_id: _figure(values, rows[lot_id], lot_id, share=float(shares[rows[lot_id]]))
        for lot_id in lot_ids
        if lot_id in rows
    }


def shares_of(run: CoverageRun, values: Values) -> NDArray[np.float64]:
    """The rank of each lot as a multiple of the mean of its network, the only one that it may be compared with."""
    shares: NDArray[np.float64] = values.score * network_sizes(run.base)
    return shares


def city_figure(run: CoverageRun) -> CityFigure:
    values = values_of(run)
    ages = values.age_s[~np.isnan(values.age_s)]
    return CityFigure(
        lots=len(values.vacancy),
        by_basis={basis: int((values.basis == basis).sum()) for basis in Basis},
        open_bays=round(float(values.open_bays.sum())),
        free_bays=round(float(values.free_bays.sum())),
        middle_age=timedelta(seconds=float(np.median(ages))) if ages.size else None,
        oldest_age=timedelta(seconds=float(ages.max())) if ages.size else None,
    )


def polygons_of_run(run: CoverageRun) -> Areas:
    """The areas as published; made again where they were thinned out, from vacancies to seven digits."""
    kept = areas_of(run)
    if kept is not None:
        return kept
    rules = rank_rules(run.parameters)
    vacancy = np.clip(values_of(run).vacancy.astype(np.float64), 0, 1)
    return tick(city_of(run.base), vacancy, tolerance=run.parameters["tolerance_m"], rules=rules).areas


def _figure(values: Values, row: int, lot_id: int, *, share: float) -> LotFigure:
    basis, age_s = Basis(int(values.basis[row])), float(values.age_s[row])
    return LotFigure(
        lot_id=lot_id,
        share=share,
        vacancy=None if basis is Basis.CLOSED else float(values.vacancy[row]),
        open_bays=round(float(values.open_bays[row])),
        free_bays=round(float(values.free_bays[row])),
        area_m2=float(values.area_m2[row]),
        basis=basis,
        age=None if np.isnan(age_s) else timedelta(seconds=age_s),
    )
