"""What fragments and periods are worth: tables that turn a placement into a few lookups."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from allocation.engine.rules import Rules
from allocation.engine.state import MOST_SLOTS, Lengths

ROUNDING = 1e-9

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Valuation:
    """Lookup tables over one horizon; build it with `of`.

    Parameters
    ----------
    rules
        The rules that the tables were made with.
    fragmentation
        Shape (slots + 1,): ``f`` of a fragment by its length in slots.
    importance_before, rate_before
        Shape (slots + 1,): sums of ``g`` and of ``w`` over all slots before a slot.
    worth_tie
        Amounts that differ by no more than this are equal.
    """

    rules: Rules
    fragmentation: Values
    importance_before: Values
    rate_before: Values
    worth_tie: float

    @classmethod
    def of(cls, importance: Values, rates: Values, *, rules: Rules) -> Self:
        """Tabulate the value of every fragment and period of a horizon.

        Parameters
        ----------
        importance
            Shape (slots,), in [0, 1]: ``g(t)``.
        rates
            Shape (slots,), finite, >= 0: ``w(t)``, money per hour.
        rules
            Gives ``T_mode``, the length of a slot and the weights.

        Raises
        ------
        ValueError
            For arrays of different or impossible lengths, or values outside their range.

        Notes
        -----
        Equations 1 and 8: ``f(T) = T_mode / T`` with ``f(0) = 0`` for no fragment. O(slots).
        """
        if importance.ndim != 1 or not 1 <= importance.size <= MOST_SLOTS:
            raise ValueError(f"importance must have 1 to {MOST_SLOTS} entries in one row, got {importance.shape}.")
        if rates.shape != importance.shape:
            raise ValueError(f"rates must be as long as importance ({importance.size}), got {rates.shape}.")
        if not (np.isfinite(importance).all() and importance.min() >= 0 and importance.max() <= 1):
            raise ValueError(f"importance must be in [0, 1], got {importance.min()} to {importance.max()}.")
        if not (np.isfinite(rates).all() and rates.min() >= 0):
            raise ValueError(f"rates must be finite and not negative, got {rates.min()} to {rates.max()}.")
        fragmentation = np.zeros(importance.size + 1)
        minutes = np.arange(1, importance.size + 1) * rules.slot_minutes
        fragmentation[1:] = rules.mode_hours * 60 / minutes
        return cls(
            rules=rules,
            fragmentation=fragmentation,
            importance_before=np.concatenate(([0.0], np.cumsum(importance))),
            rate_before=np.concatenate(([0.0], np.cumsum(rates))),
            worth_tie=ROUNDING * float(rates.max()),
        )

    @property
    def peak_rate(self) -> float:
        """The highest ``w``, money per hour."""
        return self.worth_tie / ROUNDING

    @property
    def slots(self) -> int:
        return self.importance_before.size - 1

    def check_slots(self, slots: int) -> None:
        """Refuse to value a lot over another horizon."""
        if slots != self.slots:
            raise ValueError(f"the valuation covers {self.slots} slots, the lot's state {slots}.")

    def fragmentation_of(self, left: Lengths, right: Lengths) -> Values:
        """Return the fragmentation of both fragments together (eq. 9)."""
        total: Values = self.fragmentation[left] + self.fragmentation[right]
        return total

    def costs(self, start: int, end: int | NDArray[np.int16], left: Lengths, right: Lengths) -> Values:
        """Return the sustainability cost of placements that leave these fragments (eq. 6).

        Parameters
        ----------
        start, end
            The period; `end` may be an array that broadcasts with `right`.
        left, right
            Lengths of the fragments before and after, in slots.
        """
        fragmentation_weight, importance_weight = self.rules.weights
        importance = _beside(self.importance_before, start, end, left, right)
        return fragmentation_weight * self.fragmentation_of(left, right) + importance_weight * importance

    def net_worth(self, start: int, end: int, left: Lengths, right: Lengths) -> Values:
        """Return the revenue of a period less that of the fragments it leaves (eq. 4), in slot units."""
        revenue = self.rate_before[end] - self.rate_before[start]
        worth: Values = revenue - _beside(self.rate_before, start, end, left, right)
        return worth


def _beside(before: Values, start: int, end: int | NDArray[np.int16], left: Lengths, right: Lengths) -> Values:
    total: Values = before[start] - before[start - left] + before[end + right] - before[end]
    return total
