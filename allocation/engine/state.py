"""Which spaces of a lot are free when: the bounds of every free run, slot by slot."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

MOST_SLOTS = int(np.iinfo(np.int16).max)

Bounds = NDArray[np.int16]
Lengths = NDArray[np.int16]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]


@dataclass(eq=False, slots=True)
class LotState:
    """The free runs of all spaces of a lot; build it with `from_free`.

    Unlike the rest of the engine this object is changed in place, by `place` and `lift`: a policy makes
    thousands of decisions on one state. Work on a `copy` to try something.

    Parameters
    ----------
    run_start, run_end
        Shape (slots, spaces): first slot of the free run around a slot, and the slot after its last.
        Both are 0 where the space is occupied. Slot-major, so that one slot's values are contiguous.

    Notes
    -----
    `free_for` and `fragments` read one or two contiguous columns: O(spaces), whatever the history.
    `place` and `lift` rewrite the run they touch: O(length of the run).
    """

    run_start: Bounds
    run_end: Bounds

    @classmethod
    def from_free(cls, free: Mask) -> Self:
        """Find the free runs.

        Parameters
        ----------
        free
            Shape (spaces, slots): whether the space can be sold in that slot. 1 to 32767 slots; there may be
            no spaces.

        Raises
        ------
        ValueError
            For an array of another type or shape.
        """
        if free.dtype != np.bool_ or free.ndim != 2:
            raise ValueError(f"free must be a two-dimensional array of bool, got {free.ndim}-d {free.dtype}.")
        slots = free.shape[1]
        if not 1 <= slots <= MOST_SLOTS:
            raise ValueError(f"a horizon has 1 to {MOST_SLOTS} slots, got {slots}.")
        by_slot = np.ascontiguousarray(free.T)
        wall = np.zeros((1, by_slot.shape[1]), dtype=np.bool_)
        begins = by_slot & ~np.concatenate((wall, by_slot[:-1]))
        ends = by_slot & ~np.concatenate((by_slot[1:], wall))
        slot = np.arange(slots, dtype=np.int16)[:, None]
        run_start = np.maximum.accumulate(np.where(begins, slot, np.int16(0)), axis=0)
        stops = np.where(ends, slot + np.int16(1), np.int16(slots))
        run_end = np.ascontiguousarray(np.minimum.accumulate(stops[::-1], axis=0)[::-1])
        run_start[~by_slot] = 0
        run_end[~by_slot] = 0
        return cls(run_start, run_end)

    @property
    def slots(self) -> int:
        return int(self.run_end.shape[0])

    @property
    def spaces(self) -> int:
        return int(self.run_end.shape[1])

    @property
    def free(self) -> Mask:
        """Shape (spaces, slots): whether the space is free in that slot."""
        return self.run_end.T > 0

    def copy(self) -> Self:
        return type(self)(self.run_start.copy(), self.run_end.copy())

    def free_for(self, start: int, end: int, eligible: Mask | None = None) -> Mask:
        """Return a mask of shape (spaces,): free during all of ``[start, end)``, and eligible."""
        self._check_period(start, end)
        free: Mask = self.run_end[start] >= end
        if eligible is None:
            return free
        self.check_mask(eligible)
        return free & eligible

    def check_mask(self, eligible: Mask) -> None:
        """Refuse a mask that was made for another number of spaces."""
        if eligible.shape != (self.spaces,):
            raise ValueError(f"eligible must have one entry for each of {self.spaces} spaces, got {eligible.shape}.")

    def fragments(self, spaces: Indices, start: int, end: int, *, since: int = 0) -> tuple[Lengths, Lengths]:
        """Return what placing ``[start, end)`` would leave of the free run: lengths before and after, in slots.

        Parameters
        ----------
        spaces
            Shape (k,): numbers of spaces that are free for the period.
        since
            The run is cut off before this slot.

        Returns
        -------
        left, right
            Shape (k,), each 0 where nothing is left on that side.
        """
        run_start = self.run_start[start, spaces]
        left = start - (np.maximum(run_start, min(since, start)) if since > 0 else run_start)
        return left, self.run_end[start, spaces] - end

    def runs(self, spaces: Indices | None = None) -> Iterator[tuple[int, int, int]]:
        """Yield every free run, or those of some spaces, as ``(space, start, end)``, by space and then by time."""
        run_start = self.run_start if spaces is None else self.run_start[:, spaces]
        run_end = self.run_end if spaces is None else self.run_end[:, spaces]
        slot = np.arange(self.slots, dtype=np.int16)[:, None]
        column, start = np.nonzero(((run_start == slot) & (run_end > 0)).T)
        space = column if spaces is None else spaces[column]
        yield from zip(space.tolist(), start.tolist(), run_end[start, column].tolist(), strict=True)

    def run_without(self, space: int, start: int, end: int) -> tuple[int, int]:
        """Return the free run that would be around ``[start, end)`` if what occupies it were lifted.

        Raises
        ------
        ValueError
            If the space is free in a slot of the period.
        """
        self._check_space(space)
        self._check_period(start, end)
        if self.run_end[start:end, space].any():
            raise ValueError(f"space {space} is not occupied during all of [{start}, {end}).")
        free_before = start > 0 and self.run_end[start - 1, space] > 0
        free_after = end < self.slots and self.run_end[end, space] > 0
        return (
            int(self.run_start[start - 1, space]) if free_before else start,
            int(self.run_end[end, space]) if free_after else end,
        )

    def place(self, space: int, start: int, end: int) -> None:
        """Occupy ``[start, end)`` of a space, in place.

        Raises
        ------
        ValueError
            If the space is not free during the whole period.
        """
        self._check_space(space)
        self._check_period(start, end)
        left, right = int(self.run_start[start, space]), int(self.run_end[start, space])
        if right < end:
            raise ValueError(f"space {space} is not free during all of [{start}, {end}).")
        self.run_end[left:start, space] = start
        self.run_start[end:right, space] = end
        self.run_start[start:end, space] = 0
        self.run_end[start:end, space] = 0

    def lift(self, space: int, start: int, end: int) -> None:
        """Free ``[start, end)`` of a space again, in place: the exact inverse of `place`.

        Raises
        ------
        ValueError
            If the space is free in a slot of the period.
        """
        left, right = self.run_without(space, start, end)
        self.run_start[left:right, space] = left
        self.run_end[left:right, space] = right

    def _check_space(self, space: int) -> None:
        if not 0 <= space < self.spaces:
            raise ValueError(f"there is no space {space} among {self.spaces}.")

    def _check_period(self, start: int, end: int) -> None:
        if not 0 <= start < end <= self.slots:
            raise ValueError(f"[{start}, {end}) is not a period within {self.slots} slots.")
