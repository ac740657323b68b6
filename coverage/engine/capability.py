"""What a car park can serve before anybody looks at its vacancy: the initial capability (section 2)."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from coverage.engine.plane import Floats, checked_values


class FeeEffect(StrEnum):
    """How capability falls with the fee z: 1 / (1 + z / z0), 1 / max(z / z0, 1), or exp(-z / z0)."""

    HYPERBOLIC = "hyperbolic"
    FREE_COUNTS_AS_ONE = "free_counts_as_one"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True, kw_only=True)
class CapabilityRules:
    """How openness, size and fee make a capability.

    Parameters
    ----------
    fee_effect
        The form in which the fee counts.
    fee_scale
        z0 (or z1), in the currency unit of the fees, > 0.

    Raises
    ------
    ValueError
        For a scale that is not finite and positive, and for an unknown form.
    """

    fee_effect: FeeEffect = FeeEffect.HYPERBOLIC
    fee_scale: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.fee_scale) and self.fee_scale > 0):
            raise ValueError(f"fee_scale must be finite and positive, got {self.fee_scale}.")
        object.__setattr__(self, "fee_effect", FeeEffect(self.fee_effect))


DEFAULT_RULES = CapabilityRules()


def initial_capability(
    openness: ArrayLike, spaces: ArrayLike, fees: ArrayLike, *, rules: CapabilityRules = DEFAULT_RULES
) -> Floats:
    """Return w_i = r_i y_i / (1 + z_i / z0), or one of its alternatives (section 2).

    Parameters
    ----------
    openness
        r, shape (n,), in (0, 1]; 0 is allowed and takes the car park out of the model.
    spaces
        y, shape (n,), >= 0.
    fees
        z, shape (n,), first-hour fee in currency units, >= 0; 0 is free.

    Raises
    ------
    ValueError
        For a number outside its range, NaN and infinity included.
    """
    size = np.ascontiguousarray(spaces, dtype=np.float64)
    count = size.size
    size = checked_values(size, "spaces", count=count)
    opened = checked_values(openness, "openness", count=count, high=1.0)
    fee = checked_values(fees, "fee", count=count) / rules.fee_scale
    match rules.fee_effect:
        case FeeEffect.HYPERBOLIC:
            return opened * size / (1 + fee)
        case FeeEffect.FREE_COUNTS_AS_ONE:
            return opened * size / np.maximum(fee, 1)
        case FeeEffect.EXPONENTIAL:
            return opened * size * np.exp(-fee)
