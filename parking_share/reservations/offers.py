"""What a driver can choose from: lots with the bays left and the price for exactly one period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from parking_share.reservations.selectors import Question, bays_free
from parking_share.spaces.models import Lot
from parking_share.spaces.tariffs import rate_tables


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One lot's answer to a question; `distance_m` is None where nobody asked from a point."""

    lot: Lot
    bays_free: int
    price_cents: int
    currency: str
    distance_m: float | None = None


def offers_for(lots: Sequence[tuple[Lot, float | None]], question: Question, *, now: datetime) -> list[Offer]:
    """An offer for each of these lots, in their order, in a number of queries that does not grow with them."""
    rates = rate_tables(
        [lot for lot, _distance in lots],
        first=question.starts_at.date() - timedelta(days=1),
        last=question.ends_at.date() + timedelta(days=1),
    )
    free = bays_free([lot.pk for lot, _distance in lots], question, now=now)
    return [
        Offer(
            lot=lot,
            bays_free=free[lot.pk] if lot.is_open else 0,
            price_cents=rates[lot.pk].price_cents(question.starts_at, question.ends_at),
            currency=lot.currency,
            distance_m=distance,
        )
        for lot, distance in lots
    ]
