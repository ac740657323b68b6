"""The demand still to come, from what is expected of a day and what was asked so far."""

from collections.abc import Sequence

import numpy as np

from allocation.engine.prices import Outlook
from allocation.engine.request import Request
from allocation.engine.rules import Rules
from allocation.engine.valuation import Values

PRIOR_REQUESTS = 12
PRIOR_LEAD_H = 1.5


def outlook_from(expected_demand: Values, asked: Sequence[Request], *, now: int, rules: Rules) -> Outlook:
    """Guess who is still to come.

    Parameters
    ----------
    expected_demand
        Shape (slots,), >= 0: how many requests of the whole day want each slot, on average.
    asked
        Those made so far.
    now
        The slot that runs.
    rules
        `mode_hours` is the mean stay until enough was asked.

    Returns
    -------
    outlook
        Requests made from now on; none of them starts before now.

    Notes
    -----
    Stays are those asked for so far, and as many as 12 spread evenly up to twice the modal stay. The number of requests
    by start follows from `expected_demand`. Leads are taken as exponential: of all requests that start in a slot, those
    with a shorter lead than is left are to come. Their mean is that of the leads seen and of 12 times 90 minutes; of
    a request that has not started only the time since it was made counts, for one with a shorter lead could not have
    been seen yet (the maximum likelihood of a truncated exponential). Requests are taken as independent: what was
    asked so far changes nothing else.
    """
    slots_an_hour = 60 / rules.slot_minutes
    longest = min(max(1, round(2 * rules.mode_hours * slots_an_hour) - 1), expected_demand.size)
    seen = np.bincount([one.end - one.start - 1 for one in asked], minlength=longest).astype(float)
    seen[:longest] += PRIOR_REQUESTS / longest
    day = Outlook.of_demand(expected_demand, seen / seen.sum())
    lead = PRIOR_REQUESTS * PRIOR_LEAD_H * slots_an_hour + sum(min(one.start, now) - one.requested_at for one in asked)
    ahead = np.maximum(np.arange(expected_demand.size) - now, 0)
    to_come = -np.expm1(-ahead * (PRIOR_REQUESTS + len(asked)) / lead)
    return Outlook(arrivals=day.arrivals * to_come, stays=day.stays)
