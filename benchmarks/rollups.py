"""How long one slot of 2,000 bays takes to roll up: from a day of 200,000 events, and with all of them in it.

Beside it stands the smallest thing that looks at the same rows: counting them.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from sensors.due import Pair
from sensors.models import Device, Gateway, OccupancySlot
from sensors.rollups import roll
from sensors.slots import SLOT
from tests.factories import make_gateway, make_lot, make_space

LOTS, BAYS_OF_A_LOT, EVENTS = 20, 100, 200_000
DAY = datetime(2026, 11, 10, tzinfo=UTC)
BAR_S = 1.0

_EVENTS = """
INSERT INTO sensors_reading (
    gateway_id, device_id, lot_id, space_id, source_key, kind, observed_at, sequence, reported_at, received_at,
    clock_is_off, is_replayed, state_text
)
SELECT device.gateway_id, device.id, device.lot_id, device.space_id, %(name)s || number,
    (ARRAY['OCCUPIED', 'VACANT', 'VACANT', 'OCCUPIED', 'CLOSED', 'HEARTBEAT'])[1 + (hashint4(number) & 1023) %% 6],
    at, number, at, at, false, false, ''
FROM generate_series(1, %(events)s) AS number
JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM sensors_device) AS device
    ON device.place = number %% %(bays)s
CROSS JOIN LATERAL (
    SELECT %(from)s + ((number::bigint * 7919) %% %(events)s) / %(events)s::float8 * %(length)s AS at
) AS instant
"""


def make_city() -> list[int]:
    lots = [make_lot(capacity=BAYS_OF_A_LOT) for _ in range(LOTS)]
    gateway: Gateway = make_gateway(*lots)
    Device.objects.bulk_create(
        Device(gateway=gateway, identifier=f"bay-{space.pk}", lot=lot, space=space)
        for lot in lots
        for space in [make_space(lot) for _ in range(BAYS_OF_A_LOT)]
    )
    return [lot.pk for lot in lots]


def tell(name: str, *, since: datetime, length: timedelta) -> None:
    """Events of all bays, in no order, evenly over a period."""
    values: dict[str, Any] = {
        "name": name,
        "events": EVENTS,
        "bays": LOTS * BAYS_OF_A_LOT,
        "from": since,
        "length": length,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_EVENTS, values)
        cursor.execute("ANALYZE sensors_reading")


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def count(since: datetime, until: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT space_id, kind, count(*) FROM sensors_reading WHERE observed_at >= %s AND observed_at < %s"
            " GROUP BY space_id, kind",
            [since, until],
        )
        cursor.fetchall()


def measure(lots: list[int], at: datetime, *, repeats: int, bar_s: float | None) -> None:
    pairs = [Pair(lot_id, at) for lot_id in lots]

    def compute() -> int:
        with transaction.atomic():
            return len(roll(pairs, now=at + timedelta(hours=1)))

    first = seconds(compute)
    again = statistics.median(seconds(compute) for _ in range(repeats))
    anchor = statistics.median(seconds(lambda: count(at, at + SLOT)) for _ in range(repeats))
    changed = compute()
    verdict = "" if bar_s is None else f"   bar {bar_s} s: {'ok' if max(first, again) <= bar_s else 'MISSED'}"
    print(
        f"  first {first:6.3f} s   again {again:6.3f} s{verdict}   counting the same events {anchor:6.3f} s"
        f"   {changed} rows changed by a re-run"
    )


def report(*, repeats: int) -> None:
    print(f"\nOne slot of {LOTS} lots with {BAYS_OF_A_LOT} bays each, {EVENTS:,} events")
    lots = make_city()
    tell("spread-", since=DAY, length=timedelta(days=1))
    print(" over the day:")
    measure(lots, DAY + timedelta(hours=12), repeats=repeats, bar_s=BAR_S)
    tell("dense-", since=DAY + timedelta(days=1), length=SLOT)
    print(" all in that slot, as no city would have it:")
    measure(lots, DAY + timedelta(days=1), repeats=repeats, bar_s=None)
    OccupancySlot.objects.all().delete()
