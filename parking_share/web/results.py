"""What a search shows: every lot around a place with its price, its walk and what is left for exactly that period."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from parking_share.reservations.offers import Offer, offers_for
from parking_share.reservations.selectors import Question, bays_shared
from parking_share.spaces.models import Lot
from parking_share.spaces.selectors import lots_near
from parking_share.web.places import Place
from parking_share.web.search_forms import Order

REACH_M = 3000
MOST_LOTS = 60


@dataclass(frozen=True, kw_only=True)
class Result:
    """One lot's offer with the number of bays that are shared then, free or taken."""

    offer: Offer
    shared: int

    @property
    def lot(self) -> Lot:
        return self.offer.lot

    @property
    def has_room(self) -> bool:
        return self.offer.bays_free > 0


def results_around(place: Place, question: Question, *, order: str, now: datetime) -> list[Result]:
    """The nearest lots, each with its offer, in the wanted order; lots with room come before those without."""
    near = lots_near(latitude=place.latitude, longitude=place.longitude, radius_m=REACH_M, only_open=False)[:MOST_LOTS]
    offers = offers_for(near, question, now=now)
    shared = bays_shared([lot.pk for lot, _metres in near], question)
    return _sorted((Result(offer=offer, shared=shared[offer.lot.pk]) for offer in offers), order)


def _sorted(results: Iterable[Result], order: str) -> list[Result]:
    def rank(result: Result) -> tuple[bool, float, float]:
        metres = result.offer.distance_m or 0
        match order:
            case Order.CHEAPEST:
                return not result.has_room, result.offer.price_cents, metres
            case Order.EMPTIEST:
                return not result.has_room, -result.offer.bays_free, metres
            case _:
                return not result.has_room, metres, result.offer.price_cents

    return sorted(results, key=rank)
