"""The past week of the invented city, lived through the platform's own services, a quarter of an hour at a time."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from allocation import selectors, services
from parking_share import bells
from parking_share.demo.demand import QUARTER, Fate, PlannedStay
from parking_share.reservations import services as reservations
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import waiting_in
from parking_share.reservations.services import Wish
from parking_share.reservations.states import MAY_LAPSE, Status

Timetable = dict[datetime, list[PlannedStay]]


class Life:
    """Replays a plan up to the present; asks and acts only through services, each with the `now` of its quarter."""

    def __init__(self, stays: Sequence[PlannedStay]) -> None:
        self._asking = _timetable(stays, lambda stay: stay.requested_at)
        coming = [stay for stay in stays if stay.fate == Fate.COMES]
        self._cancelling = _timetable(
            (stay for stay in stays if stay.fate == Fate.CANCELS), lambda stay: stay.cancels_at
        )
        self._arriving = _timetable(coming, lambda stay: stay.arrives_at)
        self._leaving = _timetable(coming, lambda stay: stay.leaves_at)
        self._made: dict[PlannedStay, int] = {}

    def live(self, *, began_at: datetime, now: datetime, tick: Callable[[], object]) -> int:
        """Step from `began_at` to the quarter before `now`; return how many reservations were asked for."""
        instant = began_at
        with bells.muted():
            while instant <= now:
                self._live_quarter(instant)
                tick()
                instant += QUARTER
        return len(self._made)

    def _live_quarter(self, now: datetime) -> None:
        for stay in self._in_status(self._leaving[now], {Status.PARKED}):
            reservations.record_departure(reservation_id=self._made[stay], actor=stay.driver.user, now=now)
        for stay in self._in_status(self._cancelling[now], MAY_LAPSE):
            reservations.cancel_reservation(reservation_id=self._made[stay], actor=stay.driver.user, now=now)
        for stay in self._asking[now]:
            self._made[stay] = _ask(stay, now=now)
        _decide_all(sorted({stay.lot.pk for stay in self._asking[now]}), now=now)
        for lot_id in selectors.lots_to_attend(now=now):
            services.assign_arrivals(lot_id=lot_id, now=now)
        for stay in self._in_status(self._arriving[now], {Status.ASSIGNED}):
            reservations.record_arrival(reservation_id=self._made[stay], actor=stay.driver.user, now=now)

    def _in_status(self, stays: list[PlannedStay], statuses: Iterable[Status]) -> list[PlannedStay]:
        """Those of the stays whose reservation exists and is in one of these statuses."""
        made = {self._made[stay]: stay for stay in stays if stay in self._made}
        if not made:
            return []
        found = Reservation.objects.filter(pk__in=made, status__in=list(statuses)).order_by("pk")
        return [made[pk] for pk in found.values_list("pk", flat=True)]


def _ask(stay: PlannedStay, *, now: datetime) -> int:
    wish = Wish(
        lot=stay.lot,
        vehicles=[stay.driver.vehicle],
        starts_at=stay.starts_at,
        ends_at=stay.ends_at,
        needs_charger=stay.needs_charger,
        needs_accessible=stay.needs_accessible,
    )
    return services.request_reservation(driver=stay.driver.user, wish=wish, now=now).pk


def _decide_all(lot_ids: Sequence[int], *, now: datetime) -> None:
    """Decide what waits; a decision takes other lots along, so not every lot needs a call of its own."""
    for lot_id in lot_ids:
        if waiting_in([lot_id]).exists():
            services.decide(lot_id=lot_id, now=now)


def _timetable(stays: Iterable[PlannedStay], when: Callable[[PlannedStay], datetime]) -> Timetable:
    table: Timetable = defaultdict(list)
    for stay in stays:
        table[when(stay)].append(stay)
    return table
