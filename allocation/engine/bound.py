"""The best that anybody could do who knew all requests beforehand."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from allocation.engine.program import Limits, Packing, pack
from allocation.engine.request import Request
from allocation.engine.state import LotState, Mask
from allocation.engine.valuation import Valuation, Values


class Objective(StrEnum):
    """What is to be greatest."""

    REVENUE = "revenue"
    COUNT = "count"


def clairvoyant_bound(
    free: Mask,
    requests: Sequence[Request],
    valuation: Valuation,
    *,
    objective: Objective,
    limits: Limits | None = None,
) -> Packing:
    """Choose the requests that together earn most, or the most requests.

    Parameters
    ----------
    free
        Shape (spaces, slots): whether the space can be sold in that slot.
    requests
        All of the day.
    valuation
        Gives the rates; over the same horizon.
    objective
        Revenue is in slot units, as everywhere.
    limits
        When to give up; by default never.

    Returns
    -------
    packing
        Proved optimal unless a limit was reached. No policy earns, or accepts, more in either mode.

    Raises
    ------
    ValueError
        If horizons, masks or periods do not fit together.
    """
    state = LotState.from_free(free)
    valuation.check_slots(state.slots)
    return pack(state, requests, worth_of(requests, valuation, objective), all_of_them=False, limits=limits)


def worth_of(requests: Sequence[Request], valuation: Valuation, objective: Objective) -> Values:
    """Return what accepting each request adds to an objective."""
    if objective is Objective.COUNT:
        return np.ones(len(requests))
    rates = valuation.rate_before
    return np.array([rates[one.end] - rates[one.start] for one in requests])
