"""Weights that make a sample agree with known margins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.floating[Any]]


class NotConvergedError(RuntimeError):
    """The margins were not met within the allowed rounds."""


@dataclass(frozen=True, kw_only=True)
class Raking:
    """One weight per cell; weights average 1 over the sample, empty cells have 0.

    `effective_number` is that of [kish1965]: how large an unweighted sample would be as precise.
    """

    weights: Cells
    rounds: int
    effective_number: float
    design_effect: float


def rake(counts: Cells, margins: Sequence[Cells], *, tol: float = 1e-10, max_iter: int = 1_000) -> Raking:
    """Fit cell weights by iterative proportional fitting.

    Parameters
    ----------
    counts : how many responses each cell of the joint table has; one axis per margin, not negative, not all zero.
    margins : for every axis the known share of each category, not negative, adding up to 1.
    tol : largest difference allowed between a weighted share and its margin.
    max_iter : rounds over all axes.

    Returns
    -------
    Weights such that for every axis the weighted shares equal the margin within `tol`.

    Raises
    ------
    ValueError
        If shapes do not fit, a margin does not add up to 1, or asks for people of a category that nobody is in.
    NotConvergedError
        If the margins contradict each other given the empty cells.

    Notes
    -----
    [deming1940]. Each round multiplies along one axis after the other. Odds ratios of the counts are kept, so what the
    sample says about associations stays. O(rounds · cells · axes).
    """
    table = np.asarray(counts, dtype=float)
    targets = [np.asarray(margin, dtype=float) for margin in margins]
    _refuse_nonsense(table, targets)
    total, fitted = table.sum(), table / table.sum()
    for round_number in range(1, max_iter + 1):
        for axis, target in enumerate(targets):
            present = _share_along(fitted, axis)
            factor = np.divide(target, present, out=np.zeros_like(target), where=present > 0)
            fitted = fitted * factor.reshape([-1 if other == axis else 1 for other in range(fitted.ndim)])
        if all(np.abs(_share_along(fitted, axis) - target).max() <= tol for axis, target in enumerate(targets)):
            weights = np.divide(fitted * total, table, out=np.zeros_like(table), where=table > 0)
            effective = total**2 / float((table * weights**2).sum())
            return Raking(
                weights=weights, rounds=round_number, effective_number=effective, design_effect=total / effective
            )
    raise NotConvergedError(f"margins are not met within {tol} after {max_iter} rounds")


def _share_along(table: Cells, axis: int) -> Cells:
    others = tuple(other for other in range(table.ndim) if other != axis)
    summed: Cells = table.sum(axis=others)
    return summed


def _refuse_nonsense(table: Cells, targets: list[Cells]) -> None:
    if table.ndim != len(targets) or table.shape != tuple(target.size for target in targets):
        raise ValueError(f"one margin per axis is needed: table {table.shape}, {[t.size for t in targets]}")
    if not np.isfinite(table).all() or (table < 0).any() or table.sum() <= 0:
        raise ValueError("counts must be finite, not negative and not all zero")
    for axis, target in enumerate(targets):
        if not np.isfinite(target).all() or (target < 0).any() or abs(target.sum() - 1) > 1e-9:
            raise ValueError(f"margin {axis} must be shares that add up to 1, got {target.tolist()}")
        missing = (target > 0) & (_share_along(table, axis) == 0)
        if missing.any():
            raise ValueError(f"margin {axis} wants people of category {int(np.argmax(missing))}, which nobody is in")
