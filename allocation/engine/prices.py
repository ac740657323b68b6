"""What a slot of the lot is worth to those who have not asked yet."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation, Values

FEWEST = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Outlook:
    """The demand that is still to come.

    Parameters
    ----------
    arrivals
        Shape (slots,), >= 0: requests expected from now on, by the slot in which they start.
    stays
        Shape (longest,), >= 0, together 1: the chance of a stay of 1, 2, … slots.

    Raises
    ------
    ValueError
        For numbers that are negative or not finite, or chances that do not add up to 1.
    """

    arrivals: Values
    stays: Values

    def __post_init__(self) -> None:
        for name, numbers in (("arrivals", self.arrivals), ("stays", self.stays)):
            if numbers.ndim != 1 or not (np.isfinite(numbers).all() and (numbers >= 0).all()):
                raise ValueError(f"{name} must be finite and not negative, in one row.")
        if abs(self.stays.sum() - 1) > 1e-6:
            raise ValueError(f"stays must add up to 1, got {self.stays.sum()}.")

    @classmethod
    def of_demand(cls, demand: Values, stays: Values) -> Self:
        """Find the arrivals that explain how many requests want each slot.

        Parameters
        ----------
        demand
            Shape (slots,), >= 0: requests still to come whose period covers the slot.
        stays
            As of the outlook.

        Notes
        -----
        From the first slot on: who is wanted there beyond those who came earlier and stay, starts there. What earlier
        arrivals explain more than fully adds none.
        """
        lasting = np.concatenate((1 - np.concatenate(([0.0], np.cumsum(stays)))[:-1], np.zeros(demand.size)))
        arrivals = np.zeros(demand.size)
        for slot in range(demand.size):
            present = arrivals[:slot] @ lasting[slot:0:-1]
            arrivals[slot] = max(0.0, demand[slot] - present)
        return cls(arrivals=arrivals, stays=stays)


def slot_prices(state: LotState, outlook: Outlook, valuation: Valuation) -> Values:
    """Price every slot by what a space in it would earn from the demand still to come.

    Parameters
    ----------
    state
        The lot as it is; not changed.
    outlook
        Over the same horizon.
    valuation
        Gives the rates.

    Returns
    -------
    prices
        Shape (slots,), >= 0, in the unit of the rates. 0 where there is room for everybody who is expected,
        and where there is none for anybody: nothing can be sold there.

    Raises
    ------
    ValueError
        If the horizons differ.

    Notes
    -----
    The dual of the fluid model of network revenue management: sell to each kind of request (start and stay) at most as
    often as it is expected, in no slot to more than the free spaces, for the greatest revenue [talluri2004]. Spaces
    count as interchangeable. Solved by the simplex method of [highs]; of several optimal prices always the same.
    """
    valuation.check_slots(state.slots)
    if outlook.arrivals.size != state.slots:
        raise ValueError(f"the outlook covers {outlook.arrivals.size} slots, the lot's state {state.slots}.")
    expected = outlook.arrivals[:, None] * outlook.stays[None, :]
    start, stay = np.nonzero(expected > FEWEST)
    if not start.size:
        return np.zeros(state.slots)
    end = np.minimum(start + stay + 1, state.slots)
    revenue = valuation.rate_before[end] - valuation.rate_before[start]
    room = (state.run_end > 0).sum(axis=1)
    length = end - start
    column = np.repeat(np.arange(start.size), length)
    slot = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length) + start[column]
    answer = linprog(  # type: ignore[call-overload]  # its stubs know no sparse matrices
        -revenue,
        A_ub=csr_array((np.ones(slot.size), (slot, column)), shape=(state.slots, start.size)),
        b_ub=room,
        bounds=np.stack([np.zeros(start.size), expected[start, stay]], axis=1),
        method="highs-ds",
    )
    if answer.status != 0:
        raise RuntimeError(f"the slots cannot be priced: {answer.message}")
    prices: Values = np.where(room > 0, np.maximum(-answer.ineqlin.marginals, 0.0), 0.0)
    return prices
