"""Choosing among the lots in reach of a point: their policies say who takes the car, the weights who is best."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from allocation.asking import Asking
from allocation.engine.choice import ChoiceWeights, Found, cost_of, search, totals
from allocation.engine.request import Reason as Refusal
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
    wish, lots = asking.reservation, sorted(asking.pictures)
    facts = [
        Considered(
            lot=lot_id,
            price_cents=asking.pictures[lot_id].rates.price_cents(wish.starts_at, wish.ends_at),
            walk_m=round(walks_m[lot_id]),
        )
        for lot_id in lots
    ]
    price, walk = (np.array([getattr(one, name) for one in facts], dtype=float) for name in ("price_cents", "walk_m"))
    least = totals(price, walk, np.zeros(len(facts)), weights=weights)
    requests = [asking.request(lot_id) for lot_id in lots]
    refusals: dict[int, str] = {}
    costs: dict[int, float] = {}

    def ask(place: int) -> float | None:
        request, picture = requests[place], asking.pictures[lots[place]]
        if request is None:
            refusals[place] = LIMITS_OR_CARS
            return None
        answer = picture.policy.decide(picture.state, request, picture.holds)
        if answer.space is None:
            refusals[place] = str(answer.reason)
            return None
        costs[place] = cost_of(answer, request, picture.holds, picture.valuation)
        return float(least[place]) + weights.sustainability * costs[place]

    def keeps(place: int) -> bool:
        request = requests[place]
        return request is not None and asking.decide(lots[place], request).space is not None

    found = search(least, walk, ask=ask, keeps=keeps)
    refusals |= dict.fromkeys(found.dropped, str(Refusal.EXPECTED_DEMAND_OUTWEIGHS_REVENUE))
    told = [
        replace(
            one,
            cost=None if place not in costs else round(costs[place], 4),
            total=None if place not in found.totals else round(found.totals[place], 2),
            refusal=refusals.get(place, ""),
        )
        for place, one in enumerate(facts)
    ]
    return _in_order(told, found, least)


def _in_order(told: Sequence[Considered], found: Found, least: Values) -> Choice:
    """The order in which a person would read them."""

    def rank(place: int) -> tuple[bool, bool, float, int]:
        is_refused = bool(told[place].refusal)
        return place != found.chosen, is_refused, found.totals.get(place, float(least[place])), place

    order = sorted(range(len(told)), key=rank)
    return Choice(
        considered=[told[place] for place in order], lot_id=None if found.chosen is None else told[found.chosen].lot
    )
