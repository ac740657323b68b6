"""Stage two: the final spaces of all requests that start in one slot (the paper's algorithm 2)."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from allocation.engine.request import Tentative
from allocation.engine.state import Bounds, LotState, Mask
from allocation.engine.valuation import Valuation, Values


def assign_spaces(state: LotState, held: Sequence[Tentative], valuation: Valuation, *, slot: int) -> tuple[int, ...]:
    """Give the requests that start in a slot the spaces that leave the least sustainability cost in sum.

    Parameters
    ----------
    state
        The lot with every tentative placement in it; not changed.
    held
        The accepted requests that start in `slot`, each with its tentative space, all different.
    valuation
        Tables over the same horizon as `state`.
    slot
        The slot that begins.

    Returns
    -------
    spaces
        The final space of every request, in the order of `held`.

    Raises
    ------
    ValueError
        If a request starts in another slot, two hold one space, one does not hold its space in `state`,
        or the valuation covers another horizon.

    Notes
    -----
    Equations 6 and 7. All requests overlap, so a space takes at most one of them, and its cost depends on that
    one alone: a linear assignment problem, where the paper enumerates ``spaces ** requests`` plans
    [crouse2016]. The tentative spaces are one solution, so there always is an answer; for that, a request's own
    space counts as eligible whatever its mask says. Of plans that cost the same, any one may be
    returned, but always the same one. O(requests² · spaces).
    """
    valuation.check_slots(state.slots)
    _check_held(held, slot)
    if not held:
        return ()
    costs = assignment_costs(state, held, valuation, slot=slot)
    _, spaces = linear_sum_assignment(costs)
    return tuple(int(space) for space in spaces)


def assignment_costs(state: LotState, held: Sequence[Tentative], valuation: Valuation, *, slot: int) -> Values:
    """Return what each request costs in each space, as `assign_spaces` prices it.

    Returns
    -------
    costs
        Shape (requests, spaces): infinite where a request does not fit.

    Notes
    -----
    Equation 6, taken apart: all but the fragment after the request depends on the request or on the space alone.
    """
    run_start, run_end = _runs_without(state, held, slot)
    ends = np.array([[one.request.end] for one in held], dtype=np.int16)
    fits = run_end >= ends
    _exclude(fits, state, held)
    left = slot - np.maximum(run_start, min(valuation.rules.clipped_at(slot), slot))
    fragmentation_weight, importance_weight = valuation.rules.weights
    fragments, before = fragmentation_weight * valuation.fragmentation, importance_weight * valuation.importance_before
    of_space = fragments[left] + before[slot] - before[slot - left] + before[run_end]
    costs: Values = fragments[np.where(fits, run_end - ends, 0)] + of_space
    costs -= before[ends]
    costs[~fits] = np.inf
    return costs


def _check_held(held: Sequence[Tentative], slot: int) -> None:
    for one in held:
        if one.request.start != slot:
            raise ValueError(f"a request that starts in slot {one.request.start} has no part in slot {slot}.")
    if len({one.space for one in held}) < len(held):
        raise ValueError(f"two requests hold one space: {sorted(one.space for one in held)}.")


def _runs_without(state: LotState, held: Sequence[Tentative], slot: int) -> tuple[Bounds, Bounds]:
    """Return the bounds of every space's free run around the slot as if nothing of `held` were placed."""
    run_start, run_end = state.run_start[slot].copy(), state.run_end[slot].copy()
    for one in held:
        run_start[one.space], run_end[one.space] = state.run_without(one.space, slot, one.request.end)
    return run_start, run_end


def _exclude(fits: Mask, state: LotState, held: Sequence[Tentative]) -> None:
    """Let nobody fit outside their mask, but for the space they were promised."""
    for row, one in enumerate(held):
        if one.request.eligible is not None:
            state.check_mask(one.request.eligible)
            fits[row] &= one.request.eligible | (np.arange(state.spaces) == one.space)
