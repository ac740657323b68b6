"""Where the time of a booking goes: queries and processor time of its two halves, without HTTP."""

import time
from collections.abc import Callable, Sequence
from functools import partial

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from allocation import services
from benchmarks.bookings import make_lots, tomorrow
from parking_share import bells
from parking_share.accounts.models import User, Vehicle
from parking_share.reservations.services import Wish
from parking_share.spaces.models import Lot
from tests.factories import hours, make_user, make_vehicle

ROUNDS, SHOWN = 200, 110


def report() -> None:
    """Requests for 50 lots in turn, then the rounds that decide them all."""
    lots = make_lots(50)
    drivers = [(person, make_vehicle(person)) for person in (make_user(password=None) for _ in range(ROUNDS))]
    with bells.muted():
        asked = [partial(_ask, lots[place % 50], *pair) for place, pair in enumerate(drivers)]
        _report("request_reservation", asked)
        _report("decide (one round takes waiting lots along)", [partial(_decide, lot) for lot in lots[::8]])


def _ask(lot: Lot, driver: User, car: Vehicle) -> None:
    wish = Wish(lot=lot, vehicles=[car], starts_at=tomorrow() + hours(1), ends_at=tomorrow() + hours(3))
    services.request_reservation(driver=driver, wish=wish, now=timezone.now())


def _decide(lot: Lot) -> None:
    services.decide(lot_id=lot.pk, now=timezone.now())


def _report(name: str, calls: Sequence[Callable[[], None]]) -> None:
    """Show the queries of the first call, the cost of the others."""
    with CaptureQueriesContext(connection) as queries:
        calls[0]()
    processor_before, began = time.process_time(), time.perf_counter()
    for call in calls[1:]:
        call()
    processor, elapsed = time.process_time() - processor_before, time.perf_counter() - began
    each = 1000 / (len(calls) - 1)
    print(f"\n{name}: {len(queries)} queries; {processor * each:.1f} ms of processor, {elapsed * each:.1f} ms elapsed")
    for query in queries.captured_queries:
        print(f"    {query['time']} s  {query['sql'][:SHOWN]}")
