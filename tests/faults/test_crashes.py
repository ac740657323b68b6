"""A worker that is killed, a broker that forgets, tasks that come three times: nothing is lost, nothing is doubled."""

import random
import time

import pytest
from celery import current_app

from parking_share import bells
from tests.faults.evidence import (
    ask,
    assert_each_decided_once,
    make_drivers,
    make_lots,
    nobody_waits,
    wait_until,
)

pytestmark = pytest.mark.django_db(transaction=True)
RECOVERY_S = 60
SEED = 20261120


def test_worker_killed_at_random_points_loses_and_doubles_nothing(start_worker, beat, is_full):
    kills, chance = 50 if is_full else 4, random.Random(SEED)
    lots, drivers = make_lots(5), make_drivers(kills * 4)
    asked, hits = [], 0
    worker = start_worker(PAUSE_WHILE_DECIDING_S="0.15")

    for kill in range(kills):
        asked += [ask(chance.choice(lots), *driver).pk for driver in drivers[kill * 4 : kill * 4 + 4]]
        time.sleep(chance.uniform(0, 0.3))
        hits += not nobody_waits()
        worker.kill()
        worker.log.write_bytes(b"")
        worker.start()
        worker.wait_until(lambda: "ready." in worker.tail())
    took = wait_until(nobody_waits, seconds=RECOVERY_S)

    print(f"{kills} kills, {hits} of them while requests waited; all decided {took:.1f} s after the last")  # noqa: T201
    assert hits >= kills / 2, "too few kills came in time to disturb anything"
    assert_each_decided_once(asked)


def test_broker_that_forgets_everything_loses_no_request(start_worker, beat, broker, is_full):
    flushes, chance = 20 if is_full else 5, random.Random(SEED)
    lots, drivers = make_lots(5), make_drivers(flushes * 10)
    asked = []
    start_worker(PAUSE_WHILE_DECIDING_S="0.02")

    for flush in range(flushes):
        for driver in drivers[flush * 10 : flush * 10 + 10]:
            asked.append(ask(chance.choice(lots), *driver).pk)
            time.sleep(chance.uniform(0, 0.02))
        broker.flushdb()
    took = wait_until(nobody_waits, seconds=RECOVERY_S)

    print(f"{flushes} flushes; all decided {took:.1f} s after the last")  # noqa: T201
    assert_each_decided_once(asked)


def test_every_task_delivered_three_times_in_any_order_changes_nothing(start_worker, broker, is_full):
    requests, chance = 200 if is_full else 60, random.Random(SEED)
    lots, drivers = make_lots(5), make_drivers(requests)
    with bells.muted():
        asked = [ask(chance.choice(lots), *driver).pk for driver in drivers]
    tasks = [("allocation.decide", {"lot_id": lot.pk}) for lot in lots for _ in range(requests // len(lots))]
    tasks += [("allocation.assign", {"lot_id": lot.pk}) for lot in lots]
    tasks += [("allocation.sweep", {}), ("allocation.assign_due", {}), ("notices.tell", {}), ("notices.mail", {})]
    deliveries = tasks * 3
    chance.shuffle(deliveries)
    start_worker(concurrency=3)

    for name, arguments in deliveries:
        current_app.send_task(name, kwargs=arguments)
    took = wait_until(nobody_waits, seconds=RECOVERY_S)
    wait_until(lambda: not bells_left(broker), seconds=RECOVERY_S)

    print(f"{len(deliveries)} deliveries; all decided {took:.1f} s after the last")  # noqa: T201
    assert_each_decided_once(asked)


def bells_left(broker):
    """How many messages nobody has taken, or taken and not finished yet."""
    return sum(broker.llen(queue) for queue in ("decide", "default")) + broker.zcard("unacked_index")
