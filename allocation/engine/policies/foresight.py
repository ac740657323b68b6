"""Sell where it is worth most: prices from expected demand, room by re-matching, fragments priced too."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from allocation.engine.holds import Holds, saturated
from allocation.engine.placement import placement_costs
from allocation.engine.policy import Policy, tentative_spaces
from allocation.engine.prices import Outlook, slot_prices
from allocation.engine.program import Limits
from allocation.engine.request import Decision, Move, Reason, Request, Tentative
from allocation.engine.state import Indices, LotState
from allocation.engine.tracks import NEWCOMER, Tracks, polished
from allocation.engine.valuation import Valuation, Values

MOST_SPACES = 64
NOTHING = 1e-9  # of the peak rate: a price that is rounding alone


@dataclass(frozen=True, kw_only=True)
class Appetite:
    """How much a request must earn, and how hard to look for room.

    Parameters
    ----------
    discount
        Accept up to this much below the price of the slots, in slots at the peak rate.
    fragment_price
        What one unit of fragmentation costs, in slots at the peak rate, for a request that starts now.
    patience_h
        For later starts that falls by a factor e every so many hours: others may fill the gap.
    rounds
        Rounds of polishing around each decision.
    exact
        Limits of the exact feasibility program where no exchange makes room; None leaves it out.
    """

    discount: float = 2.0
    fragment_price: float = 0.4
    patience_h: float = 2.5
    rounds: int = 2
    exact: Limits | None = field(default_factory=lambda: Limits(nodes=100))


@dataclass(frozen=True, eq=False)
class Foresight(Policy):
    """Place the request where all tentative spaces together break least, and accept if it earns what that displaces.

    Where nobody is expected to want for room around it, a request that fits is accepted whatever it breaks. Without an
    outlook that can't be known: then fragments are priced, and nothing else. In lots of more than 64 spaces only
    the 64 in which the request costs least take part in a decision.
    """

    valuation: Valuation
    appetite: Appetite = field(default_factory=Appetite)
    price_before: Values | None = None

    def looking_ahead(self, state: LotState, outlook: Callable[[], Outlook]) -> Self:
        prices = slot_prices(state, outlook(), self.valuation)
        return replace(self, price_before=np.concatenate(([0.0], np.cumsum(prices))))

    def decide(self, state: LotState, request: Request, holds: Holds | None = None) -> Decision:
        self.valuation.check_slots(state.slots)
        holds = Holds.over(state) if holds is None else holds
        is_free = bool(state.free_for(request.start, request.end, request.eligible).any())
        if not is_free and (not holds.held or saturated(state, request)):
            return Decision.declined(Reason.NO_FREE_SPACE)
        since = self.valuation.rules.clipped_at(request.requested_at)
        tracks = Tracks.of(holds, self.valuation.fragmentation, since=since, spaces=self._nearest(holds, request))
        before = tracks.cost()
        if not self._insert(tracks, request):
            return Decision.declined(Reason.NO_FREE_SPACE)
        tracks.polish(rounds=self.appetite.rounds)
        if self._net_worth(request, tracks.cost() - before) < 0 and self._is_contested(request):
            return Decision.declined(Reason.EXPECTED_DEMAND_OUTWEIGHS_REVENUE)
        return Decision.accepted_at(tracks.space_of(NEWCOMER), tracks.moves())

    def allocate(
        self,
        state: LotState,  # noqa: ARG002 -- the protocol's signature
        held: Sequence[Tentative],
        *,
        slot: int,  # noqa: ARG002 -- the protocol's signature
    ) -> tuple[int, ...]:
        return tentative_spaces(held)

    def rearrange(self, holds: Holds, *, slot: int) -> tuple[Move, ...]:
        return polished(holds, self.valuation, slot=slot)

    def _insert(self, tracks: Tracks, request: Request) -> bool:
        """Put the request on some track: in a gap, in one that an exchange opens, or by the exact program."""
        if tracks.insert(request) is not None:
            return True
        if tracks.open_for(request):
            return tracks.insert(request) is not None
        return self.appetite.exact is not None and tracks.pack_with(request, limits=self.appetite.exact)

    def _nearest(self, holds: Holds, request: Request) -> Indices | None:
        if holds.state.spaces <= MOST_SPACES:
            return None
        costs = placement_costs(holds.state, request, self.valuation)
        costs[~holds.fixed.free_for(request.start, request.end, request.eligible)] = np.nan
        return np.sort(np.argsort(costs, kind="stable")[:MOST_SPACES])

    def _is_contested(self, request: Request) -> bool:
        """Whether anybody is expected to want for room within a modal stay; else what breaks costs nobody anything."""
        if self.price_before is None:
            return True
        rules = self.valuation.rules
        around = round(rules.mode_hours * 60 / rules.slot_minutes)
        first, last = max(0, request.start - around), min(self.price_before.size - 1, request.end + around)
        return bool(self.price_before[last] - self.price_before[first] > NOTHING * self.valuation.peak_rate)

    def _net_worth(self, request: Request, rise: float) -> float:
        valuation = self.valuation
        price = 0.0 if self.price_before is None else self.price_before[request.end] - self.price_before[request.start]
        earned = valuation.rate_before[request.end] - valuation.rate_before[request.start]
        ahead_h = (request.start - request.requested_at) * valuation.rules.slot_minutes / 60
        fragments = self.appetite.fragment_price * math.exp(-ahead_h / self.appetite.patience_h) * rise
        return float(earned - price) + valuation.peak_rate * (self.appetite.discount - fragments) + valuation.worth_tie
