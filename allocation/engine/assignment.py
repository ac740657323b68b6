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
    run_start, run_end = _runs_without(state, held, slot)
    eligible = _eligibility(state, held)
    since = valuation.rules.clipped_at(slot)
    costs = _cost_matrix(np.maximum(run_start, min(since, slot)), run_end, eligible, held, valuation)
    _, spaces = linear_sum_assignment(costs)
    return tuple(int(space) for space in spaces)


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


def _eligibility(state: LotState, held: Sequence[Tentative]) -> Mask:
    eligible = np.ones((len(held), state.spaces), dtype=np.bool_)
    for row, one in zip(eligible, held, strict=True):
        if one.request.eligible is not None:
            state.check_mask(one.request.eligible)
            row[:] = one.request.eligible
            row[one.space] = True
    return eligible


def _cost_matrix(
    run_start: Bounds, run_end: Bounds, eligible: Mask, held: Sequence[Tentative], valuation: Valuation
) -> Values:
    slot = held[0].request.start
    ends = np.array([[one.request.end] for one in held], dtype=np.int16)
    fits = (run_end >= ends) & eligible
    left = np.where(fits, np.int16(slot) - run_start, np.int16(0))
    right = np.where(fits, run_end - ends, np.int16(0))
    return np.where(fits, valuation.costs(slot, ends, left, right), np.inf)
