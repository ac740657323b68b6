"""Where a request can go, and what that costs."""

import numpy as np

from allocation.engine.request import Request
from allocation.engine.state import Indices, LotState
from allocation.engine.valuation import ROUNDING, Valuation, Values


def free_spaces(state: LotState, request: Request) -> Indices:
    """Return the numbers of the eligible spaces that are free for the whole period, ascending."""
    return np.flatnonzero(state.free_for(request.start, request.end, request.eligible))


def placement_costs(state: LotState, request: Request, valuation: Valuation) -> Values:
    """Cost every space for a request.

    Returns
    -------
    costs
        Shape (spaces,): the sustainability cost of placing the request there, infinite where the space is
        not free for the whole period or not eligible.

    Raises
    ------
    ValueError
        If the valuation covers another horizon or the request does not lie within it.

    Notes
    -----
    Equation 6. O(spaces).
    """
    costs = np.full(state.spaces, np.inf)
    spaces = free_spaces(state, request)
    costs[spaces] = _costs_at(spaces, state, request, valuation)
    return costs


def cheapest_free_space(state: LotState, request: Request, valuation: Valuation) -> int | None:
    """Find the eligible free space of least sustainability cost.

    Returns
    -------
    space
        Its number, or None if no eligible space is free for the whole period.

    Raises
    ------
    ValueError
        If the valuation covers another horizon or the request does not lie within it.

    Notes
    -----
    Of spaces that cost the same, the lowest-numbered. O(spaces).
    """
    spaces = free_spaces(state, request)
    if not spaces.size:
        return None
    costs = _costs_at(spaces, state, request, valuation)
    return int(spaces[np.argmax(costs <= costs.min() + ROUNDING)])


def _costs_at(spaces: Indices, state: LotState, request: Request, valuation: Valuation) -> Values:
    valuation.check_slots(state.slots)
    since = valuation.rules.clipped_at(request.requested_at)
    left, right = state.fragments(spaces, request.start, request.end, since=since)
    return valuation.costs(request.start, request.end, left, right)
