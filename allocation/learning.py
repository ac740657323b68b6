"""The demand that a lot still expects, for policies that look ahead."""

from datetime import datetime

import numpy as np

from allocation.engine.policy import Policy
from allocation.engine.prices import Outlook
from allocation.pictures import LotPicture
from allocation.snapshots import priced
from sensors.slots import SLOT

A_DAY = 96
LOOKING_AHEAD = frozenset({"revenue", "foresight"})


def outlook_of(picture: LotPicture, *, now: datetime, around: tuple[int, int] | None = None) -> Outlook | None:
    """Who is still to ask for a lot, over the horizon of its picture; None where nothing has been learnt.

    It costs no query: the picture came with what is known. `around` is a period in slots of the picture; then nobody is
    expected more than a day before or after it, which keeps the pricing of a horizon of weeks as cheap as that of days.
    """
    demand = picture.demand
    if demand is None:
        return None
    running = int((now - picture.grid.origin) // SLOT)
    outlook = demand.still_to_come(now=running)
    if around is None:
        return outlook
    arrivals = np.zeros_like(outlook.arrivals)
    first, last = max(around[0] - A_DAY, 0), around[1] + A_DAY
    arrivals[first:last] = outlook.arrivals[first:last]
    return Outlook(arrivals=arrivals, stays=outlook.stays)


def policy_looking_ahead(picture: LotPicture, *, now: datetime, around: tuple[int, int]) -> Policy:
    """The lot's policy with prices for those who are still expected around a period, if it looks ahead at all."""
    if picture.policy_row.name not in LOOKING_AHEAD:
        return picture.policy
    outlook = outlook_of(picture, now=now, around=around)
    if outlook is None:
        return priced(picture.policy, None)
    return picture.policy.looking_ahead(picture.state, lambda: outlook)
