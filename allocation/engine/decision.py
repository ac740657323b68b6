"""Stage one: whether to accept a request (the paper's algorithm 1)."""

import numpy as np

from allocation.engine.placement import free_spaces
from allocation.engine.request import Decision, Reason, Request
from allocation.engine.state import LotState
from allocation.engine.valuation import ROUNDING, Valuation


def decide_request(state: LotState, request: Request, valuation: Valuation) -> Decision:
    """Accept a request if some space is left usable, or if it earns more than the fragments it leaves.

    Parameters
    ----------
    state
        The lot as it is; not changed.
    request
        What is asked for.
    valuation
        Tables over the same horizon as `state`.

    Returns
    -------
    decision
        The tentative space, or the reason for declining.

    Raises
    ------
    ValueError
        If the valuation covers another horizon, the request does not lie within it, or its mask has
        another number of spaces.

    Notes
    -----
    Algorithm 1, equations 4 and 5. The algorithm visits the spaces in order and takes the last that joined its
    set of candidates. That is, without a loop: the first exact fit; else the last space whose fragments
    stay within the threshold (after the first of these no other kind may join); else the first space of
    greatest net worth (every later one has to be strictly better), provided that it is positive.
    Fragmentations within 1e-9 of the threshold, and worths within 1e-9 of the peak rate of each other, count
    as equal: 0.4 + 0.8 exceeds 1.2 in floating point only. O(spaces).
    """
    valuation.check_slots(state.slots)
    spaces = free_spaces(state, request)
    if not spaces.size:
        return Decision.declined(Reason.NO_FREE_SPACE)

    rules = valuation.rules
    since = rules.clipped_at(request.requested_at)
    left, right = state.fragments(spaces, request.start, request.end, since=since)
    fragmentation = valuation.fragmentation_of(left, right)

    least_broken = int(fragmentation.argmin())
    if fragmentation[least_broken] == 0:
        return Decision.accepted_at(int(spaces[least_broken]))

    harmless = np.flatnonzero(fragmentation <= rules.threshold + ROUNDING)
    if harmless.size:
        return Decision.accepted_at(int(spaces[harmless[-1]]))

    worth = valuation.net_worth(request.start, request.end, left, right)
    greatest = worth.max()
    if greatest <= valuation.worth_tie:
        return Decision.declined(Reason.FRAGMENTS_OUTWEIGH_REVENUE)
    return Decision.accepted_at(int(spaces[np.argmax(worth >= greatest - valuation.worth_tie)]))
