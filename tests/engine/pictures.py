"""Lots as pictures: one row per space, ``.`` free and ``#`` occupied, one character per slot."""

import numpy as np
from numpy.typing import NDArray

from allocation.engine.request import Request
from allocation.engine.rules import Rules
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation

RULES = Rules()


def free_in(*rows: str) -> NDArray[np.bool_]:
    return np.array([[mark == "." for mark in row] for row in rows])


def occupied(*rows: str) -> LotState:
    return LotState.from_free(free_in(*rows))


def picture(state: LotState) -> tuple[str, ...]:
    return tuple("".join("." if free else "#" for free in row) for row in state.free)


def only(*spaces: int, of: int) -> NDArray[np.bool_]:
    return np.isin(np.arange(of), spaces)


def flat(slots: int, rules: Rules = RULES, *, importance: float = 1.0, rate: float = 1.0) -> Valuation:
    return Valuation.of(np.full(slots, importance), np.full(slots, rate), rules=rules)


def wish(start: int, end: int, **more: object) -> Request:
    return Request(start=start, end=end, **more)  # type: ignore[arg-type]
