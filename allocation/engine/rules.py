"""The numbers that a car park's operator chooses."""

import math
from dataclasses import dataclass
from enum import StrEnum

SLOT_MINUTES = (5, 10, 15)
LONGEST_MODE_H = 8760.0


class Horizon(StrEnum):
    """How far back a fragment reaches: the whole free run, or what can still be sold of it."""

    WHOLE_DAY = "whole_day"
    FROM_NOW_ON = "from_now_on"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Parameters of both stages; refuses values outside their range.

    Parameters
    ----------
    threshold
        Fragmentation up to which a placement counts as harmless, >= 0 (eq. 5.4).
    weights
        ``(a1, a2)``: weight of fragmentation and of importance, each in [0, 1], together 1 (eq. 6).
    mode_hours
        ``T_mode``, the most frequent parking duration in hours, in (0, 8760] (eq. 1).
    slot_minutes
        Length of a slot in minutes: 5, 10 or 15.
    horizon
        Whether the time before now counts as a fragment.

    Raises
    ------
    ValueError
        For a value outside its range.
    """

    threshold: float = 1.5
    weights: tuple[float, float] = (0.7, 0.3)
    mode_hours: float = 3.0
    slot_minutes: int = 15
    horizon: Horizon = Horizon.WHOLE_DAY

    def __post_init__(self) -> None:
        if not (math.isfinite(self.threshold) and self.threshold >= 0):
            raise ValueError(f"threshold must be finite and not negative, got {self.threshold}.")
        if len(self.weights) != 2 or not all(0 <= weight <= 1 for weight in self.weights):
            raise ValueError(f"weights must be two numbers in [0, 1], got {self.weights}.")
        if not math.isclose(sum(self.weights), 1.0, abs_tol=1e-9):
            raise ValueError(f"weights must add up to 1, got {self.weights}.")
        if not 0 < self.mode_hours <= LONGEST_MODE_H:
            raise ValueError(f"mode_hours must be in (0, {LONGEST_MODE_H:.0f}], got {self.mode_hours}.")
        if self.slot_minutes not in SLOT_MINUTES:
            raise ValueError(f"slot_minutes must be one of {SLOT_MINUTES}, got {self.slot_minutes}.")
        object.__setattr__(self, "horizon", Horizon(self.horizon))

    def clipped_at(self, slot: int) -> int:
        """Return the first slot that may belong to a fragment when it is now `slot`."""
        return max(slot, 0) if self.horizon is Horizon.FROM_NOW_ON else 0
