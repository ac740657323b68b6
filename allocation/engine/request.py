"""What is asked of a lot, and what is answered."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray


class Reason(StrEnum):
    """Why a request was declined."""

    NO_FREE_SPACE = "no_free_space"
    FRAGMENTS_OUTWEIGH_REVENUE = "fragments_outweigh_revenue"
    EXPECTED_DEMAND_OUTWEIGHS_REVENUE = "expected_demand_outweighs_revenue"


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Request:
    """A wish for one space during ``[start, end)``.

    Parameters
    ----------
    start, end
        Slot indices ``s_j`` and ``e_j`` of the horizon, ``0 <= start < end``.
    requested_at
        Slot in which the request is made, at most `start`; may lie before the horizon.
    eligible
        Shape (spaces,), bool: the spaces that may be used. None stands for all.

    Raises
    ------
    ValueError
        For a period that is empty or starts before the horizon or before the request is made, and for a
        mask that is not a one-dimensional array of bool.
    """

    start: int
    end: int
    requested_at: int = 0
    eligible: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.start < 0:
            raise ValueError(f"start must not be negative, got {self.start}.")
        if self.end <= self.start:
            raise ValueError(f"end must be greater than start ({self.start}), got {self.end}.")
        if self.requested_at > self.start:
            raise ValueError(f"requested_at must not be after start ({self.start}), got {self.requested_at}.")
        mask = self.eligible
        if mask is not None and (mask.dtype != np.bool_ or mask.ndim != 1):
            raise ValueError(f"eligible must be a one-dimensional array of bool, got {mask.ndim}-d {mask.dtype}.")


@dataclass(frozen=True, slots=True)
class Move:
    """A hold that goes to another space."""

    key: int
    from_space: int
    to_space: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request: the tentative space, or the reason why there is none.

    An answer with a space may ask for `moves`, to be made all at once before the request is placed.
    """

    space: int | None
    reason: Reason | None = None
    moves: tuple[Move, ...] = ()

    @classmethod
    def accepted_at(cls, space: int, moves: tuple[Move, ...] = ()) -> Self:
        return cls(space, moves=moves)

    @classmethod
    def declined(cls, reason: Reason) -> Self:
        return cls(None, reason)


@dataclass(frozen=True, slots=True)
class Tentative:
    """An accepted request and the space that is held for it."""

    request: Request
    space: int
