"""Choosing among the lots in reach of a point: their policies say who takes the car, the weights who is best."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from allocation.asking import Asking
from allocation.engine.choice import ChoiceWeights, cost_of, ranked, totals
from allocation.engine.request import Reason as Refusal
from allocation.engine.request import Request

LIMITS_OR_CARS = "limits_or_cars"


@dataclass(frozen=True, kw_only=True)
class Considered:
    """One lot in reach, as it is kept with the decision. `refusal` is empty where it would have taken the car."""

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
    """Lots from the best to the worst, then those that say no; the chosen one's id, or None where all say no."""

    considered: Sequence[Considered]
    lot_id: int | None


def choose(asking: Asking, walks_m: Mapping[int, float], *, weights: ChoiceWeights) -> Choice:
    """Ask all lots, rank those that would take the car, and take the first that keeps to its yes when prices count.

    Prices for those who are still expected only ever decline, and cost most of the time; so they are looked up in order
    of rank, for as few lots as it takes.
    """
    wish = asking.reservation
    willing: list[tuple[Considered, Request]] = []
    refusing: list[Considered] = []
    for lot_id, picture in asking.pictures.items():
        price = picture.rates.price_cents(wish.starts_at, wish.ends_at)
        one = Considered(lot=lot_id, price_cents=price, walk_m=round(walks_m[lot_id]))
        request = asking.request(lot_id)
        if request is None:
            refusing.append(replace(one, refusal=LIMITS_OR_CARS))
            continue
        answer = picture.policy.decide(picture.state, request, picture.holds)
        if answer.space is None:
            refusing.append(replace(one, refusal=str(answer.reason)))
            continue
        cost = cost_of(answer, request, picture.holds, picture.valuation)
        willing.append((replace(one, cost=round(cost, 4)), request))
    return _first_that_keeps_to_it(asking, _in_order(willing, weights), refusing)


def _in_order(
    willing: Sequence[tuple[Considered, Request]], weights: ChoiceWeights
) -> list[tuple[Considered, Request]]:
    price, walk, cost = (
        np.array([getattr(one, name) for one, _request in willing], dtype=float)
        for name in ("price_cents", "walk_m", "cost")
    )
    total = totals(price, walk, cost, weights=weights)
    return [
        (replace(willing[place][0], total=round(float(total[place]), 2)), willing[place][1])
        for place in ranked(total, walk)
    ]


def _first_that_keeps_to_it(
    asking: Asking, willing: Sequence[tuple[Considered, Request]], refusing: Sequence[Considered]
) -> Choice:
    kept: list[Considered] = []
    for place, (one, request) in enumerate(willing):
        if asking.decide(one.lot, request).space is not None:
            rest = [later for later, _request in willing[place:]]
            return Choice(considered=[*rest, *kept, *refusing], lot_id=one.lot)
        kept.append(replace(one, refusal=str(Refusal.EXPECTED_DEMAND_OUTWEIGHS_REVENUE)))
    return Choice(considered=[*kept, *refusing], lot_id=None)
