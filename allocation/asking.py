"""What lots would answer to one driver's wish: their own policies are asked, nothing is written or promised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from allocation.engine.request import Decision, Request
from allocation.filling import Movable, Reach, plain
from allocation.learning import LOOKING_AHEAD, policy_looking_ahead
from allocation.pictures import LotPicture, lot_pictures
from allocation.snapshots import priced
from parking_share.accounts.models import Vehicle
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import cars_with_their_time
from parking_share.spaces.models import Lot
from parking_share.spaces.selectors import admissions, suits

NOW_AS_ASKED = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Asking:
    """One reservation's wish before some lots: their pictures, the bays that suit, and when its cars are elsewhere."""

    reservation: Reservation
    cars: Sequence[Vehicle]
    busy: Sequence[tuple[datetime, datetime]]
    pictures: Mapping[int, LotPicture]
    eligible: Mapping[int, NDArray[np.bool_]]
    now: datetime

    @classmethod
    def of(
        cls, reservation: Reservation, lots: Sequence[Lot], *, now: datetime, later_by: timedelta = NOW_AS_ASKED
    ) -> "Asking":
        """Load all in a number of queries that does not grow with the lots; `later_by` is the latest to be asked."""
        known = cars_with_their_time(reservation, now=now)
        cars = [car for car, _elsewhere in known]
        latest_ends = {lot.pk: reservation.ends_at + later_by for lot in lots}
        pictures = lot_pictures(lots, latest_ends=latest_ends, reach=Reach(now=now, movable=Movable.BY_POLICY))
        return cls(
            reservation=reservation,
            cars=cars,
            busy=[period for _car, elsewhere in known for period in elsewhere],
            pictures=pictures,
            eligible=_suitable(reservation, cars, pictures),
            now=now,
        )

    def request(self, lot_id: int, *, later_by: timedelta = NOW_AS_ASKED) -> Request | None:
        """The engine's request, or None where the lot's limits, its own past or another booking of a car forbid it."""
        picture, wish = self.pictures[lot_id], self.reservation
        starts_at, ends_at = wish.starts_at + later_by, wish.ends_at + later_by
        if not self._is_allowed(picture, starts_at, ends_at) or self._is_elsewhere(starts_at, ends_at):
            return None
        start, end = picture.grid.outward(starts_at, ends_at)
        return Request(start=start, end=end, eligible=plain(self.eligible[lot_id])) if start < end else None

    def decide_unpriced(self, lot_id: int, request: Request) -> Decision:
        """The lot's answer as if nobody else were expected: whom it declines, the lot declines whoever may come."""
        picture = self.pictures[lot_id]
        return priced(picture.policy, None).decide(picture.state, request, picture.holds)

    def decide(self, lot_id: int, request: Request) -> Decision:
        """The lot's answer. Prices are looked up for who would be accepted without them: they only ever decline."""
        answer = self.decide_unpriced(lot_id, request)
        picture = self.pictures[lot_id]
        if answer.space is None or picture.policy_row.name not in LOOKING_AHEAD or picture.demand is None:
            return answer
        policy = policy_looking_ahead(picture, now=self.now, around=(request.start, request.end))
        return policy.decide(picture.state, request, picture.holds)

    def _is_allowed(self, picture: LotPicture, starts_at: datetime, ends_at: datetime) -> bool:
        limits, length = picture.limits, ends_at - starts_at
        return (
            picture.lot.is_open
            and ends_at > self.now
            and starts_at <= self.now + timedelta(days=limits.furthest_ahead_days)
            and timedelta(minutes=limits.shortest_stay_min) <= length <= timedelta(minutes=limits.longest_stay_min)
        )

    def _is_elsewhere(self, starts_at: datetime, ends_at: datetime) -> bool:
        return any(since < ends_at and until > starts_at for since, until in self.busy)


def _suitable(
    reservation: Reservation, cars: Sequence[Vehicle], pictures: Mapping[int, LotPicture]
) -> dict[int, NDArray[np.bool_]]:
    """By lot, the mask of the bays that the driver may use and the cars fit."""
    driver_id = reservation.driver_id
    admitted = admissions([space for one in pictures.values() for space in one.spaces], drivers=[driver_id])
    needs = {"needs_charger": reservation.needs_charger, "needs_accessible": reservation.needs_accessible}
    return {
        lot_id: np.array(
            [admitted(space, driver_id) and suits(space, vehicles=cars, **needs) for space in picture.spaces],
            dtype=bool,
        )
        for lot_id, picture in pictures.items()
    }
