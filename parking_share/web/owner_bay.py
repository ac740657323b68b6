"""What an owner asks first: is somebody in my bay, until when, and does it come back on time?"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from parking_share.fulfilment.returns import Returns, return_rate
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import ShareWindow, Space
from sensors.models import Occupancy
from sensors.selectors import BayView, bay_states


@dataclass(frozen=True, kw_only=True)
class BayNow:
    """The bay at this moment, as sensors and reservations see it, and how it came back so far."""

    view: BayView
    booking: Reservation | None
    is_shared_now: bool
    returns: Returns

    @classmethod
    def of(
        cls, space: Space, *, windows: Iterable[ShareWindow], bookings: Iterable[Reservation], now: datetime
    ) -> "BayNow":
        """From the windows in force and the bookings that are not over, and two queries."""
        return cls(
            view=bay_states([space.pk], now=now)[space.pk],
            booking=next((booking for booking in bookings if booking.held_from <= now), None),
            is_shared_now=any(window.starts_at <= now < window.ends_at for window in windows),
            returns=return_rate(space, now=now),
        )

    @property
    def is_known(self) -> bool:
        return self.view.state != Occupancy.UNKNOWN

    @property
    def is_taken(self) -> bool:
        return self.view.state == Occupancy.OCCUPIED

    @property
    def driver_is_there(self) -> bool:
        """A driver of ours has come and not left, as far as gates, sensors or the driver said."""
        return self.booking is not None and self.booking.status == Status.PARKED

    @property
    def per_cent_on_time(self) -> float | None:
        """With one decimal and never rounded up: 100 % means every time."""
        rate = self.returns.per_cent
        return None if rate is None else math.floor(rate * 10) / 10
