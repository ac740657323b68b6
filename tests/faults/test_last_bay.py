"""Many people want the same thing over HTTP at the same moment."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from parking_share.accounts.services import issue_api_token
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import cancel_reservation
from parking_share.reservations.states import Reason, Status
from parking_share.spaces.models import BookingLimits, Lot
from tests.factories import hours
from tests.faults.evidence import (
    assert_promises_hold,
    make_drivers,
    make_lots,
    nobody_waits,
    tomorrow,
    wait_until,
)
from tests.live import LiveSite, Process, Reply, live_site

pytestmark = pytest.mark.django_db(transaction=True)
Caller = tuple[str, int]
COUNTED_AS_TROUBLE = ("round_failed", "Traceback", "deadlock", "IntegrityError")


@pytest.fixture(scope="module")
def site(django_db_setup) -> Iterator[LiveSite]:
    with live_site(web_workers=2, web_threads=4, celery_concurrency=2, beat=True) as site:
        yield site


def make_callers(number: int) -> list[Caller]:
    """Tokens of as many drivers, each with the id of a car."""
    return [
        (issue_api_token(user=driver, name="race", now=timezone.now()), car.pk) for driver, car in make_drivers(number)
    ]


def post(site: LiveSite, lot: Lot, caller: Caller, starts_at: datetime, key: str) -> Reply:
    token, car = caller
    data = {
        "lot": lot.pk,
        "vehicles": [car],
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + hours(2)).isoformat(),
    }
    return site.call("POST", "/api/v1/reservations", data, token=token, headers={"Idempotency-Key": key})


def at_once(calls: Sequence[Callable[[], Reply]]) -> list[Reply]:
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Reply]) -> Reply:
        gate.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1.1), deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[1])


def answers_of(lot: Lot) -> list[Any]:
    return sorted(Reservation.objects.filter(lot=lot).values_list("status", "reason"))


def troubles(worker: Process) -> int:
    log = worker.log.read_text(errors="replace")
    return sum(log.count(word) for word in COUNTED_AS_TROUBLE)


def test_last_bay_goes_to_exactly_one_of_two_hundred(site, is_full):
    rounds, rivals = (20, 200) if is_full else (3, 60)
    callers = make_callers(rivals)
    deadlocks_before = deadlocks()

    for number in range(rounds):
        [lot] = make_lots(1, spaces=1)
        replies = at_once([partial(post, site, lot, caller, tomorrow(), f"round-{number}") for caller in callers])
        wait_until(nobody_waits, seconds=30)

        assert {reply.status for reply in replies} <= {201, 202}
        declined = [(Status.DECLINED, Reason.NO_FREE_SPACE)] * (rivals - 1)
        assert answers_of(lot) == [(Status.ACCEPTED, Reason.ROOM_FOUND), *declined]
        winner = Reservation.objects.get(lot=lot, status=Status.ACCEPTED)
        cancel_reservation(reservation_id=winner.pk, actor=winner.driver, now=timezone.now())

    assert deadlocks() == deadlocks_before
    assert troubles(site.processes["worker"]) == 0
    assert_promises_hold()


def test_last_bay_without_the_locks_shows_errors(site, start_worker):
    """The negative control: the constraint still saves the bay, but decisions fail, which the test above would see."""
    [lot] = make_lots(1, spaces=1)
    callers = make_callers(60)
    locked = site.processes["worker"]
    locked.stop()
    try:
        unlocked = start_worker(concurrency=3, LOCKS_OFF="1", PAUSE_WHILE_DECIDING_S="0.05")
        at_once([partial(post, site, lot, caller, tomorrow(), "unlocked") for caller in callers])
        wait_until(nobody_waits, seconds=60)
    finally:
        locked.log.write_bytes(b"")
        locked.start()
        locked.wait_until(lambda: "ready." in locked.tail())

    assert troubles(unlocked) > 0
    assert [status for status, _ in answers_of(lot)].count(Status.ACCEPTED) == 1


def test_one_car_asked_for_a_hundred_times_holds_one_bay(site, is_full):
    requests = 100 if is_full else 40
    lots = make_lots(4, spaces=10)
    BookingLimits.objects.update(open_requests_per_driver=requests)
    [caller] = make_callers(1)
    deadlocks_before = deadlocks()

    replies = at_once(
        [
            partial(post, site, lots[number % 4], caller, tomorrow() + hours(number % 2), f"request-{number}")
            for number in range(requests)
        ]
    )
    wait_until(nobody_waits, seconds=30)

    assert {reply.status for reply in replies} <= {201, 202}
    statuses = sorted(Reservation.objects.values_list("status", flat=True))
    assert statuses == [Status.ACCEPTED] + [Status.DECLINED] * (requests - 1)
    assert deadlocks() == deadlocks_before
    assert troubles(site.processes["worker"]) == 0
    assert_promises_hold()
