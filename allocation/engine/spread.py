"""How evenly something is spread over people."""

import numpy as np

from allocation.engine.valuation import Values


def gini(amounts: Values) -> float:
    """Return the Gini coefficient: 0 where all have the same, towards 1 where one has all.

    Parameters
    ----------
    amounts
        Shape (people,), >= 0.

    Returns
    -------
    coefficient
        0 for nobody, and where nobody has anything.

    Raises
    ------
    ValueError
        For a negative amount.
    """
    _check(amounts)
    total = float(amounts.sum())
    if total == 0:
        return 0.0
    rank = np.arange(1, amounts.size + 1)
    return float(2 * (rank @ np.sort(amounts)) / (amounts.size * total) - (amounts.size + 1) / amounts.size)


def shares_by_group(amounts: Values, *, most_groups: int = 5, fewest_people: int = 5) -> tuple[float, ...]:
    """Return what share of everything each group has, from those who have least to those who have most.

    Parameters
    ----------
    amounts
        Shape (people,), >= 0.
    most_groups
        Into how many groups of nearly the same size people are put if there are enough.
    fewest_people
        Groups of fewer people are merged.

    Returns
    -------
    shares
        Together 1; empty where there are too few people for one group, or where nobody has anything.
    """
    _check(amounts)
    groups, total = min(most_groups, amounts.size // fewest_people), float(amounts.sum())
    if groups == 0 or total == 0:
        return ()
    return tuple(float(part.sum()) / total for part in np.array_split(np.sort(amounts), groups))


def _check(amounts: Values) -> None:
    if amounts.ndim != 1 or not (np.isfinite(amounts).all() and (amounts >= 0).all()):
        raise ValueError("amounts must be finite and not negative, in one row.")
