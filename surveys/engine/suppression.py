"""Which cells of a table must not be shown, so that nobody is known by a number."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST_SHOWN = 5


def suppressed(counts: NDArray[np.integer[Any]], *, fewest: int = FEWEST_SHOWN) -> NDArray[np.bool_]:
    """Mark the cells to hide when row sums, column sums and the total are shown.

    Parameters
    ----------
    counts : shape (rows, columns), people, not negative.
    fewest : the smallest group that may be shown, at least 1.

    Returns
    -------
    True where a cell is hidden, of the same shape.

    Raises
    ------
    ValueError
        If the table is not a plane or a count is negative.

    Notes
    -----
    First every cell of 1 to `fewest` - 1 people. A row or column with a single hidden cell would give it away by
    subtraction, so its smallest shown cell that is not zero is hidden too (the first of equals), zeros only where
    nothing else is left; repeated until no row or column has just one hidden cell. A row of a single cell can't be
    helped by a second and stays hidden alone: whoever shows its sum must hide that as well. At most one pass per cell.
    """
    table = np.asarray(counts)
    if table.ndim != 2 or (table < 0).any() or fewest < 1:
        raise ValueError(f"a table of counts is needed, got shape {table.shape}, fewest {fewest}")
    hidden = (table > 0) & (table < fewest)
    changed = 1
    while changed:
        changed = sum(_hide_second(table[row], hidden[row]) for row in range(table.shape[0]))
        changed += sum(_hide_second(table[:, column], hidden[:, column]) for column in range(table.shape[1]))
    return hidden


def _hide_second(counts: NDArray[np.integer[Any]], hidden: NDArray[np.bool_]) -> bool:
    """Hide a second cell of a line where just one is hidden; `hidden` is a view of the caller's own mask."""
    if hidden.sum() != 1 or hidden.size < 2:
        return False
    shown = np.flatnonzero(~hidden)
    taken = shown[counts[shown] > 0]
    candidates = taken if taken.size else shown
    hidden[candidates[np.argmin(counts[candidates])]] = True
    return True
