"""Gates, cameras, sensors and readings for tests: made by hand, or stored as a gateway would have it."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from allocation import services
from parking_share.accounts.models import User, Vehicle
from parking_share.fulfilment.admission import Answer, answer_gate
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import Change, make_transition
from parking_share.spaces.models import Gate, Lot, Space
from sensors.events import Event, plate_of
from sensors.models import Device, Gateway, Kind
from sensors.storing import Stored, store_events
from tests.factories import NOW, hours, make_gateway, make_user, make_vehicle

_numbers = count(1)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def make_gate(lot: Lot, kind: Gate.Kind = Gate.Kind.BOTH, **fields: Any) -> Gate:
    number = next(_numbers)
    return Gate.objects.create(
        **{"lot": lot, "name": f"Gate {number}", "kind": kind, "latitude": 22.55, "longitude": 114.11} | fields
    )


def gateway_of(lot: Lot) -> Gateway:
    return lot.gateways.first() or make_gateway(lot)


def make_camera(gate: Gate, **fields: Any) -> Device:
    values = {"gateway": gateway_of(gate.lot), "identifier": f"camera-{next(_numbers)}", "lot": gate.lot, "gate": gate}
    return Device.objects.create(**values | fields)


def make_sensor(space: Space, **fields: Any) -> Device:
    values = {"gateway": gateway_of(space.lot), "identifier": f"bay-{next(_numbers)}", "lot": space.lot, "space": space}
    return Device.objects.create(**values | fields)


def event_of(device: Device, kind: Kind, at: datetime, **fields: Any) -> Event:
    if "plate" in fields:
        fields["plate"] = plate_of(fields["plate"])
    values: dict[str, Any] = {
        "source_key": f"event-{next(_numbers)}",
        "kind": kind,
        "device": device.identifier,
        "reported_at": at,
    }
    return Event(**values | fields)


def store(device: Device, kind: Kind, at: datetime, *, now: datetime | None = None, **fields: Any) -> Stored:
    """Store one event of a device as its gateway would have sent it."""
    event = event_of(device, kind, at, **fields)
    return store_events(gateway_id=device.gateway_id, events=[event], received_at=now or at)[0]


def ask(
    camera: Device,
    plate: str,
    now: datetime = NOW,
    *,
    kind: Kind = Kind.ENTER,
    at: datetime | None = None,
    **fields: Any,
) -> Answer:
    """A camera reads a plate, and the gate is answered."""
    seen = store(camera, kind, at or now, now=now, plate=plate, **fields)
    return answer_gate(seen=seen, now=now)


def book(
    lot: Lot,
    *,
    driver: User | None = None,
    car: Vehicle | None = None,
    plate: str | None = None,
    starts_in: float = 0,
    ends_in: float = 2,
    status: Status = Status.ASSIGNED,
    now: datetime = NOW,
) -> Reservation:
    """A reservation that was accepted by the platform itself, and is as far as `status` says."""
    driver = driver or make_user(password=None)
    car = car or make_vehicle(driver, plate)
    wish = Wish(lot=lot, vehicles=[car], starts_at=now + hours(starts_in), ends_at=now + hours(ends_in))
    reservation = services.request_reservation(driver=driver, wish=wish, now=now)
    if status == Status.REQUESTED:
        return reservation
    services.decide(lot_id=lot.pk, now=now)
    reservation.refresh_from_db()
    assert reservation.status == Status.ACCEPTED, reservation.reason
    steps = {Status.ACCEPTED: [], Status.ASSIGNED: [Reason.BAY_ANNOUNCED]}
    for reason in steps[status]:
        make_transition(Change(reservation_id=reservation.pk, to=Status.ASSIGNED, reason=reason), at=now)
    reservation.refresh_from_db()
    return reservation


def plate_of_car(reservation: Reservation) -> str:
    return reservation.vehicle_rows.get().vehicle.plate
