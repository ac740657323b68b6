"""How long a gate waits for its answer, with and without 100,000 live reservations, and beside an empty view."""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks.client import Answer, Client
from parking_share import bells
from parking_share.fulfilment.admission import answer_gate
from parking_share.fulfilment.outbox import handle_outbox
from parking_share.reservations.models import Reservation, ReservationVehicle
from parking_share.reservations.states import Status
from parking_share.spaces.models import Gate, Lot, Space
from sensors.credentials import issue_key
from sensors.events import Event
from sensors.models import Device, Gateway, Kind, OutboxRow
from sensors.storing import store_events
from tests.factories import make_lot, make_user, make_vehicle
from tests.live import LiveSite

OTHERS, LOTS, SPACES_A_LOT = 100_000, 200, 50
READS, BAR = 1000, 5.0
HOUR = timedelta(hours=1)

# Reservations of other cars: ten in a row in each bay, every car with one.
_OTHERS = """
WITH bay AS (
    SELECT id, lot_id, row_number() OVER (ORDER BY id) - 1 AS place FROM spaces_space WHERE label LIKE 'other %%'
),
car AS (
    INSERT INTO accounts_vehicle (
        driver_id, plate_encrypted, plate_exact_hash, plate_folded_hash, label, size, created_at
    )
    SELECT %(driver)s, 'x', sha256(('exact ' || number)::bytea), sha256(('folded ' || number)::bytea), '', 2, %(now)s
    FROM generate_series(0, %(others)s - 1) AS number
    RETURNING id, plate_exact_hash
),
claim AS (
    INSERT INTO reservations_reservation (
        driver_id, lot_id, space_id, status, reason, starts_at, ends_at, held_from, held_until, needs_charger,
        needs_accessible, requested_at, decided_at, price_cents, currency
    )
    SELECT %(driver)s, bay.lot_id, bay.id, 'ASSIGNED', 'BAY_ANNOUNCED', begins, begins + interval '2 hours', begins,
        begins + interval '2 hours', false, false, %(now)s, %(now)s, 100, 'CNY'
    FROM bay CROSS JOIN generate_series(0, %(others)s / %(bays)s - 1) AS round
    CROSS JOIN LATERAL (SELECT %(now)s - interval '1 hour' + round * interval '2 hours' AS begins) AS instant
    RETURNING id, held_from, held_until
)
INSERT INTO reservations_reservationvehicle (
    reservation_id, vehicle_id, plate_exact_hash, held_from, held_until, is_held
)
SELECT claim.id, car.id, car.plate_exact_hash, claim.held_from, claim.held_until, true
FROM (SELECT *, row_number() OVER () AS place FROM claim) AS claim
JOIN (SELECT *, row_number() OVER () AS place FROM car) AS car USING (place)
"""


@dataclass(frozen=True)
class Scene:
    """A camera at a gate, the secret of its gateway, and cars that may come in, each once."""

    camera: Device
    secret: str
    plates: list[str]


def make_scene(number: int) -> Scene:
    lot = make_lot()
    gate = lot.gates.create(name="East", kind=Gate.Kind.ENTRY, latitude=lot.latitude, longitude=lot.longitude)
    gateway = Gateway.objects.create(name=lot.name, format="VZENITH", trust="DEVICE")
    gateway.lots.add(lot)
    camera = Device.objects.create(gateway=gateway, identifier=f"camera-{lot.pk}", lot=lot, gate=gate)
    return Scene(camera, issue_key(gateway_id=gateway.pk, now=timezone.now()), make_guests(lot, number))


def make_guests(lot: Lot, number: int) -> list[str]:
    """Cars with an announced bay, now."""
    driver, now = make_user(password=None), timezone.now()
    cars = [make_vehicle(driver) for _ in range(number)]
    spaces = Space.objects.bulk_create(Space(lot=lot, label=f"guest {place}") for place in range(number))
    period = {"held_from": now - HOUR, "held_until": now + HOUR}
    rows = Reservation.objects.bulk_create(
        Reservation(
            driver=driver, lot=lot, space=space, status=Status.ASSIGNED, starts_at=now - HOUR, ends_at=now + HOUR,
            lapses_at=now + HOUR, requested_at=now, decided_at=now, price_cents=100, currency="CNY", **period,
        )
        for space in spaces
    )  # fmt: skip
    ReservationVehicle.objects.bulk_create(
        ReservationVehicle(reservation=row, vehicle=car, plate_exact_hash=car.plate_exact_hash, is_held=True, **period)
        for row, car in zip(rows, cars, strict=True)
    )
    return [car.plate for car in cars]


def make_others() -> None:
    for lot in [make_lot() for _ in range(LOTS)]:
        Space.objects.bulk_create(Space(lot=lot, label=f"other {place}") for place in range(SPACES_A_LOT))
    values: dict[str, Any] = {
        "driver": make_user(password=None).pk,
        "others": OTHERS,
        "bays": LOTS * SPACES_A_LOT,
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(_OTHERS, values)
        cursor.execute("ANALYZE")


def decide(scene: Scene, plate: str, number: int, now: datetime) -> None:
    event = Event(f"{scene.camera.pk}:{number}", Kind.ENTER, scene.camera.identifier, now, plate=plate)
    [seen] = store_events(gateway_id=scene.camera.gateway_id, events=[event], received_at=now)
    if not answer_gate(seen=seen, now=now).opens:
        raise RuntimeError("A guest was turned away.")


def decisions_s(scene: Scene) -> list[float]:
    return [
        _took(lambda plate=plate, number=number: decide(scene, plate, number, timezone.now()))  # type: ignore[misc]
        for number, plate in enumerate(scene.plates)
    ]


def empty_the_outbox() -> None:
    while handle_outbox(now=timezone.now()):
        pass
    if OutboxRow.objects.exists():
        raise RuntimeError("The outbox is not empty.")


def push(client: Client, scene: Scene, plate: str, number: int) -> Answer:
    now = timezone.now()
    result = {
        "license": plate, "direction": 4, "plateid": number, "isoffline": 0, "confidence": 97,
        "timeStamp": {"Timeval": {"sec": int(now.timestamp()), "usec": now.microsecond}},
    }  # fmt: skip
    alarm = {"serialno": scene.camera.identifier, "result": {"PlateResult": result}}
    answer = client.send(("POST", f"/api/v1/sensors/push/{scene.secret}", {"AlarmInfoPlate": alarm}, {}))
    if answer.body["Response_AlarmInfoPlate"]["info"] != "ok":
        raise RuntimeError(f"A guest was turned away: {json.dumps(answer.body)}")
    return answer


def over_http_s(site: LiveSite, scene: Scene) -> tuple[list[float], list[float]]:
    """Pushes and empty views in turn, on one connection each, so that what else the machine does meets both alike."""
    gate, nothing = Client(site.address), Client(site.address)
    pushed, empty = [], []
    for number, plate in enumerate(scene.plates):
        empty.append(_took(lambda: nothing.send(("GET", "/healthz", None, {}))))
        pushed.append(push(gate, scene, plate, number).took_s)
    gate.close()
    nothing.close()
    return pushed, empty


def report(site: LiveSite) -> None:
    with bells.muted():
        alone = decisions_s(make_scene(READS))
        make_others()
        crowded = decisions_s(make_scene(READS))
        arrivals_s = _took(empty_the_outbox)
    print(f"\nFrom a stored reading to the gate's answer, {READS} guests one after the other")
    _print("no other reservations", alone, alone)
    _print(f"{OTHERS:,} other live reservations", crowded, alone)
    print(f"  arrivals that follow from it: {2 * READS / arrivals_s:.0f} a second, one worker")
    over_http_s(site, make_scene(50))  # warm
    pushed, empty = over_http_s(site, make_scene(READS))
    print(f"\nFrom a camera's push to the reply over HTTP, with {OTHERS:,} other live reservations")
    _print("empty view", empty, empty)
    _print("gate push, admitted", pushed, empty)


def _print(name: str, taken: Sequence[float], anchor: Sequence[float]) -> None:
    ratio = _percentile(taken, 99) / _percentile(anchor, 99)
    print(
        f"  {name:<32} p50 {statistics.median(taken) * 1000:6.1f} ms   p99 {_percentile(taken, 99) * 1000:6.1f} ms"
        f"   {ratio:5.2f} x at p99 (bar {BAR:.0f})"
    )


def _percentile(taken: Sequence[float], percent: int) -> float:
    return sorted(taken)[len(taken) * percent // 100]


def _took(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
