"""Choosing among the lots in reach of a point: their policies say who takes the car, the weights who is best."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from allocation.asking import Asking
from allocation.engine.choice import ChoiceWeights, Found, cost_of, search, totals
from allocation.engine.request import Reason as Refusal
from allocation.engine.request import Request
from allocation.engine.valuation import Values

LIMITS_OR_CARS = "limits_or_cars"


@dataclass(frozen=True, kw_only=True)
class Considered:
    """One lot in reach, as it is kept with the decision.

    `refusal` is empty where it would have taken the car, or was not asked because price and walk alone cost more than
    the chosen lot in all; then it has no cost and no total.
    """

    lot: int
    price_cents: int
    walk_m: int
    cost: float | None = None
    total: float | None = None
    refusal: str = ""

    def as_row(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The chosen lot first, then the others by their total, then those that say no; the chosen one's id, or None."""

    considered: Sequence[Considered]
    lot_id: int | None


def choose(asking: Asking, walks_m: Mapping[int, float], *, weights: ChoiceWeights) -> Choice:
    """Ask lots in order of price and walk until none that is left can be better than the best that was found.

    Prices for those who are still expected only ever decline, and cost most of the time; so they are looked up last,
    for the best lot alone, and for the next one where that says no after all.
    """
    wish = asking.reservation
    facts = [
        Considered(
            lot=lot_id,
            price_cents=asking.pictures[lot_id].rates.price_cents(wish.starts_at, wish.ends_at),
            walk_m=round(walks_m[lot_id]),
        )
        for lot_id in sorted(asking.pictures)
    ]
    price, walk = (np.array([getattr(one, name) for one in facts], dtype=float) for name in ("price_cents", "walk_m"))
    least = totals(price, walk, np.zeros(len(facts)), weights=weights)
    weighing = _Weighing(
        asking=asking, facts=facts, least=least, weights=weights, requests=[asking.request(one.lot) for one in facts]
    )
    found = search(least, walk, ask=weighing.ask, keeps=weighing.keeps)
    told = [weighing.told(place, found) for place in range(len(facts))]
    return _in_order(told, found, least)


@dataclass(frozen=True, kw_only=True)
class _Weighing:
    """What the lots answer while they are asked, by their place among the facts."""

    asking: Asking
    facts: Sequence[Considered]
    least: Values
    weights: ChoiceWeights
    requests: Sequence[Request | None]
    costs: dict[int, float] = field(default_factory=dict)
    refusals: dict[int, str] = field(default_factory=dict)

    def ask(self, place: int) -> float | None:
        request, picture = self.requests[place], self.asking.pictures[self.facts[place].lot]
        if request is None:
            self.refusals[place] = LIMITS_OR_CARS
            return None
        answer = self.asking.decide_unpriced(picture.lot.pk, request)
        if answer.space is None:
            self.refusals[place] = str(answer.reason)
            return None
        self.costs[place] = cost_of(answer, request, picture.holds, picture.valuation)
        return float(self.least[place]) + self.weights.sustainability * self.costs[place]

    def keeps(self, place: int) -> bool:
        request = self.requests[place]
        if request is None or self.asking.decide(self.facts[place].lot, request).space is None:
            self.refusals[place] = str(Refusal.EXPECTED_DEMAND_OUTWEIGHS_REVENUE)
            return False
        return True

    def told(self, place: int, found: Found) -> Considered:
        """The facts with what was found of them."""
        return replace(
            self.facts[place],
            cost=None if place not in self.costs else round(self.costs[place], 4),
            total=None if place not in found.totals else round(found.totals[place], 2),
            refusal=self.refusals.get(place, ""),
        )


def _in_order(told: Sequence[Considered], found: Found, least: Values) -> Choice:
    """The order in which a person would read them."""

    def rank(place: int) -> tuple[bool, bool, float, int]:
        is_refused = bool(told[place].refusal)
        return place != found.chosen, is_refused, found.totals.get(place, float(least[place])), place

    order = sorted(range(len(told)), key=rank)
    return Choice(
        considered=[told[place] for place in order], lot_id=None if found.chosen is None else told[found.chosen].lot
    )
