"""Whether two questions go together."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

FEWEST_EXPECTED = 5.0  # below this the approximation by chi-square is usually not trusted

Table = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Association:
    """Pearson's test of independence, and how strong the dependence is.

    `p_value` and `cramers_v` lie between 0 and 1; `is_doubtful` says that an expected count is below five.
    """

    chi_square: float
    degrees_of_freedom: int
    p_value: float
    cramers_v: float
    smallest_expected: float

    @property
    def is_doubtful(self) -> bool:
        return self.smallest_expected < FEWEST_EXPECTED


def association(counts: Table) -> Association | None:
    """Test the independence of rows and columns.

    Parameters
    ----------
    counts : shape (rows, columns), finite, not negative; weighted counts should be scaled to the effective number.

    Returns
    -------
    None where fewer than two rows or columns hold anything: then there is nothing to test.

    Raises
    ------
    ValueError
        If the table is not a plane of finite, non-negative numbers.

    Notes
    -----
    Pearson's statistic without Yates' correction, also for 2 x 2. Empty rows and columns are left out; they say nothing
    and would divide by zero. Cramér's V is sqrt(chi² / (n · (min(r, c) - 1))), without correction for bias
    [cramer1946]. O(rows · columns).
    """
    table = np.asarray(counts, dtype=float)
    if table.ndim != 2 or not np.isfinite(table).all() or (table < 0).any():
        raise ValueError(f"a table of finite, non-negative numbers is needed, got shape {table.shape}")
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    rows, columns = table.shape
    if rows < 2 or columns < 2:
        return None
    total = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    chi_square = float(((table - expected) ** 2 / expected).sum())
    freedom = (rows - 1) * (columns - 1)
    return Association(
        chi_square=chi_square,
        degrees_of_freedom=freedom,
        p_value=float(chdtrc(freedom, chi_square)),
        cramers_v=min(math.sqrt(chi_square / (total * (min(rows, columns) - 1))), 1.0),
        smallest_expected=float(expected.min()),
    )
