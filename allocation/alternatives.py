"""What else would be accepted now, after a refusal: other times in the same lot, other lots within a walk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from allocation.asking import NOW_AS_ASKED, Asking
from parking_share.accounts.models import Vehicle
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Reason
from parking_share.spaces.models import Lot
from parking_share.spaces.selectors import lots_near

SHIFTS = [timedelta(minutes=sign * minutes) for minutes in (15, 30, 45, 60) for sign in (-1, 1)]
FURTHEST_SHIFT = max(SHIFTS)
WALK_M, LOTS_ASKED = 800, 6
TIMES_SHOWN, LOTS_SHOWN = 3, 3
ANOTHER_TIME_MAY_HELP = frozenset(
    {Reason.NO_FREE_SPACE, Reason.FRAGMENTS_OUTWEIGH_REVENUE, Reason.EXPECTED_DEMAND_OUTWEIGHS_REVENUE}
)
ANOTHER_LOT_MAY_HELP = ANOTHER_TIME_MAY_HELP | {Reason.LOT_CLOSED}


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """A lot and a period that would be accepted now; `distance_m` is the walk from the lot that said no, if another."""

    lot: Lot
    starts_at: datetime
    ends_at: datetime
    price_cents: int
    currency: str
    distance_m: float | None = None


@dataclass(frozen=True, kw_only=True)
class Alternatives:
    """Other times in the same lot, and other lots for the same time, each the nearest first; for these cars."""

    times: Sequence[Alternative] = ()
    lots: Sequence[Alternative] = ()
    cars: Sequence[Vehicle] = ()


def alternatives_for(reservation: Reservation, *, now: datetime) -> Alternatives:
    """Ask what would be accepted now; the number of queries does not depend on how many lots are near."""
    if reservation.reason not in ANOTHER_LOT_MAY_HELP or reservation.starts_at + FURTHEST_SHIFT < now:
        return Alternatives()
    home = reservation.lot
    latitude, longitude = home.entrance
    near = lots_near(latitude=latitude, longitude=longitude, radius_m=WALK_M)
    others = [(lot, metres) for lot, metres in near if lot.pk != home.pk][:LOTS_ASKED]
    has_other_times = home.is_open and reservation.reason in ANOTHER_TIME_MAY_HELP
    lots = [*([home] if has_other_times else []), *(lot for lot, _metres in others)]
    asking = Asking.of(reservation, lots, now=now, later_by=FURTHEST_SHIFT)
    times = (_answer(asking, home, later_by=shift) for shift in SHIFTS if has_other_times)
    elsewhere = (_answer(asking, lot, distance_m=metres) for lot, metres in others)
    return Alternatives(
        times=[*islice(filter(None, times), TIMES_SHOWN)],
        lots=[*islice(filter(None, elsewhere), LOTS_SHOWN)],
        cars=asking.cars,
    )


def _answer(
    asking: Asking, lot: Lot, *, later_by: timedelta = NOW_AS_ASKED, distance_m: float | None = None
) -> Alternative | None:
    starts_at, ends_at = asking.reservation.starts_at + later_by, asking.reservation.ends_at + later_by
    if starts_at < asking.now:
        return None
    request = asking.request(lot.pk, later_by=later_by)
    if request is None or asking.decide(lot.pk, request).space is None:
        return None
    return Alternative(
        lot=lot,
        starts_at=starts_at,
        ends_at=ends_at,
        price_cents=asking.pictures[lot.pk].rates.price_cents(starts_at, ends_at),
        currency=lot.currency,
        distance_m=distance_m,
    )
