"""Shares of a whole: their uncertainty, and how they are rounded."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from scipy.special import ndtri

HUNDREDTHS = 10_000  # units of 0.01 per cent in a whole


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A closed interval of shares between 0 and 1."""

    low: float
    high: float


def wilson_interval(count: float, base: float, *, confidence: float = 0.95) -> Interval:
    """Wilson's score interval for a share.

    Parameters
    ----------
    count : of those asked, how many; between 0 and `base`. Weighted counts are allowed.
    base : how many were asked, at least 0; for weighted data the effective number.
    confidence : probability of coverage, between 0 and 1, both excluded.

    Returns
    -------
    The interval; from 0 to 1 where nobody was asked, because then nothing is known.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Notes
    -----
    [wilson1927]: the shares that a score test does not reject; unlike the usual interval it stays inside 0 and 1 and
    does not shrink to a point at 0 or 1. No continuity correction.
    """
    if not 0 <= count <= base:
        raise ValueError(f"count must lie between 0 and the base, got {count} of {base}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    if base == 0:
        return Interval(low=0.0, high=1.0)
    z = float(ndtri((1 + confidence) / 2))
    share, pull = count / base, z * z / base
    middle = share + pull / 2
    half = z * math.sqrt(share * (1 - share) / base + pull / (4 * base))
    low, high = (middle - half) / (1 + pull), (middle + half) / (1 + pull)
    return Interval(low=0.0 if count == 0 else max(low, 0.0), high=1.0 if count == base else min(high, 1.0))


def largest_remainder(counts: Sequence[float], *, units: int = HUNDREDTHS) -> list[int]:
    """Distribute whole units in proportion to counts, so that they add up.

    Parameters
    ----------
    counts : non-negative, finite.
    units : how many units the whole has, at least 0; 10,000 are hundredths of a per cent.

    Returns
    -------
    Units per count, adding up to `units`; all zero where all counts are.

    Raises
    ------
    ValueError
        If a count is negative or not finite, or `units` is negative.

    Notes
    -----
    Hamilton's method. Every count first gets the whole part of its quota; what is left goes to the largest remainders,
    among equal ones to the earliest. Computed in fractions, so no two machines disagree. O(n log n).
    """
    if units < 0 or any(not (math.isfinite(count) and count >= 0) for count in counts):
        raise ValueError(f"counts must be finite and not negative, units at least 0; got {list(counts)}, {units}")
    exact = [Fraction(count) for count in counts]
    total = sum(exact)
    if not total:
        return [0] * len(exact)
    quotas = [count * units / total for count in exact]
    given = [math.floor(quota) for quota in quotas]
    by_remainder = sorted(range(len(quotas)), key=lambda place: (given[place] - quotas[place], place))
    for place in by_remainder[: units - sum(given)]:
        given[place] += 1
    return given


def percent(count: int, base: int, *, decimals: int = 2) -> Decimal:
    """A share in per cent, each rounded by itself, half up, as printed tables do.

    Raises ValueError if `base` is not positive or `count` negative.
    """
    if base <= 0 or count < 0:
        raise ValueError(f"a percentage needs a count of at least 0 and a positive base, got {count} of {base}")
    return (Decimal(count) * 100 / Decimal(base)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
