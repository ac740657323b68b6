"""Accept what earns at least as much as the later requests that it displaces."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from allocation.engine.assignment import assign_spaces
from allocation.engine.holds import Holds
from allocation.engine.placement import cheapest_free_space
from allocation.engine.policy import Policy
from allocation.engine.prices import Outlook, slot_prices
from allocation.engine.request import Decision, Reason, Request, Tentative
from allocation.engine.state import LotState
from allocation.engine.valuation import Valuation, Values


@dataclass(frozen=True, eq=False)
class Revenue(Policy):
    """The cheapest free space, if the slots are not worth more to those still to come [revenue]; nothing moves.

    Without an outlook nobody else is expected, and every request that fits is accepted.
    """

    valuation: Valuation
    price_before: Values | None = None

    def looking_ahead(self, state: LotState, outlook: Callable[[], Outlook]) -> Self:
        prices = slot_prices(state, outlook(), self.valuation)
        return replace(self, price_before=np.concatenate(([0.0], np.cumsum(prices))))

    def decide(
        self,
        state: LotState,
        request: Request,
        holds: Holds | None = None,  # noqa: ARG002 -- nothing moves
    ) -> Decision:
        space = cheapest_free_space(state, request, self.valuation)
        if space is None:
            return Decision.declined(Reason.NO_FREE_SPACE)
        if self.price_before is not None:
            rates = self.valuation.rate_before
            earned = rates[request.end] - rates[request.start]
            displaced = self.price_before[request.end] - self.price_before[request.start]
            if earned < displaced - self.valuation.worth_tie:
                return Decision.declined(Reason.EXPECTED_DEMAND_OUTWEIGHS_REVENUE)
        return Decision.accepted_at(space)

    def allocate(self, state: LotState, held: Sequence[Tentative], *, slot: int) -> tuple[int, ...]:
        return assign_spaces(state, held, self.valuation, slot=slot)
