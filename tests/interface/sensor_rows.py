"""One row of every model of gates, sensors and kept promises, as the admin and the pages show them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from parking_share.accounts import plates
from parking_share.fulfilment import models as fulfilment
from parking_share.reservations.models import Reservation
from parking_share.spaces.models import DayType, Gate, Lot, Space
from sensors import models as sensors
from sensors.models import Kind, Occupancy
from tests.devices import make_gate
from tests.factories import NOW, hours, make_device, make_gateway, make_lot, make_reading, make_space, make_user

SLOTS_A_DAY = 96


def make_raw_message(gateway: sensors.Gateway, **fields: Any) -> sensors.RawMessage:
    return sensors.RawMessage.objects.create(
        **{"gateway": gateway, "received_at": NOW, "body_encrypted": b"?", "state": "QUARANTINED"} | fields
    )


def make_plate_read(reading: sensors.Reading, plate: str = "粤B12345") -> sensors.PlateRead:
    return sensors.PlateRead.objects.create(
        reading_id=reading.pk,
        lot=reading.lot,
        observed_at=reading.observed_at,
        plate_encrypted=plates.encrypt_plate(plate),
        plate_exact_hash=plates.exact_hash(plate),
        plate_folded_hash=plates.folded_hash(plate),
        forget_at=reading.observed_at + hours(24),
    )


def make_bay_state(space: Space, state: Occupancy, *, at: datetime = NOW, **fields: Any) -> sensors.BayState:
    device = fields.pop("device", None) or make_device(space.lot, space=space, heard_at=at)
    return sensors.BayState.objects.create(
        **{
            "space": space,
            "device": device,
            "state": state,
            "observed_at": at,
            "sequence": 0,
            "tie_break": uuid4(),
            "since": at,
            "heard_at": at,
        }
        | fields
    )


def make_slot(lot: Lot, starts_at: datetime, **fields: Any) -> sensors.OccupancySlot:
    known = {"source": "BAYS", "bays": 10, "mean_occupied": 4.5, "most_occupied": 6}
    times = {"newest_reading_at": starts_at + timedelta(minutes=14), "rolled_at": starts_at + timedelta(minutes=16)}
    return sensors.OccupancySlot.objects.create(**{"lot": lot, "starts_at": starts_at} | known | times | fields)


def make_profile(lot: Lot, **fields: Any) -> sensors.OccupancyProfile:
    return sensors.OccupancyProfile.objects.create(
        **{
            "lot": lot,
            "day_type": DayType.WORKDAY,
            "version": 1,
            "bays": 10,
            "mean_occupied": [3.0 + slot / 24 for slot in range(SLOTS_A_DAY)],
            "samples": [20] * SLOTS_A_DAY,
            "first_date": NOW.date() - timedelta(days=28),
            "last_date": NOW.date(),
            "learned_at": NOW,
        }
        | fields
    )


def make_listed(lot: Lot, plate: str = "粤B77777", **fields: Any) -> fulfilment.ListedPlate:
    return fulfilment.ListedPlate.objects.create(
        **{
            "lot": lot,
            "plate_encrypted": plates.encrypt_plate(plate),
            "plate_exact_hash": plates.exact_hash(plate),
            "plate_folded_hash": plates.folded_hash(plate),
            "label": "deliveries",
            "valid_from": NOW,
            "added_by": fields.pop("added_by", None) or make_user(),
        }
        | fields
    )


def make_answer(gate: Gate, **fields: Any) -> fulfilment.GateAnswer:
    return fulfilment.GateAnswer.objects.create(
        **{"gate": gate, "asked_by": "PLATE", "opens": True, "verdict": "RESERVED", "answered_at": NOW} | fields
    )


def make_discrepancy(space: Space, **fields: Any) -> fulfilment.Discrepancy:
    return fulfilment.Discrepancy.objects.create(
        **{"lot": space.lot, "space": space, "kind": "NOBODY_DUE", "opened_at": NOW} | fields
    )


def make_incident(reservation: Reservation, **fields: Any) -> fulfilment.Incident:
    space: Any = fields.pop("space", None) or reservation.space
    plate = fields.pop("intruder", "粤B66666")
    return fulfilment.Incident.objects.create(
        **{
            "lot": space.lot,
            "space": space,
            "reservation": reservation,
            "intruder_encrypted": plates.encrypt_plate(plate),
            "intruder_exact_hash": plates.exact_hash(plate),
            "outcome": "FREE_CANCELLATION",
            "opened_at": NOW,
        }
        | fields
    )


def make_broken_promise(reservation: Reservation, **fields: Any) -> fulfilment.BrokenPromise:
    return fulfilment.BrokenPromise.objects.create(
        **{
            "reservation": reservation,
            "cause": "OVERSTAY",
            "compensation_cents": 1200,
            "currency": "CNY",
            "happened_at": NOW,
        }
        | fields
    )


def make_overstay(reservation: Reservation, **fields: Any) -> fulfilment.Overstay:
    at = fields.setdefault("began_at", NOW)
    usual = {"space": reservation.space, "charged_from": at, "cents_an_hour": 1200, "currency": "CNY"}
    return fulfilment.Overstay.objects.create(**{"reservation": reservation} | usual | fields)


def a_reading(_number: int = 0) -> sensors.Reading:
    lot = make_lot()
    return make_reading(make_device(lot, gate=make_gate(lot)), Kind.ENTER, NOW)


def an_outbox_row(_number: int) -> sensors.OutboxRow:
    reading = a_reading()
    place = {"lot": reading.lot, "gate": reading.gate}
    return sensors.OutboxRow.objects.create(
        reading_id=reading.pk, kind=reading.kind, observed_at=NOW, received_at=NOW, **place
    )


def makers_of_sensors() -> dict[type, Callable[[int], object]]:
    return {
        sensors.BayState: lambda _number: make_bay_state(make_space(make_lot()), Occupancy.FREE),
        sensors.Deletion: lambda _number: sensors.Deletion.objects.create(
            what="plates", rule="24 hours", rows=7, older_than=NOW, deleted_at=NOW
        ),
        sensors.Device: lambda _number: make_device(make_lot()),
        sensors.Gateway: lambda _number: make_gateway(make_lot()),
        sensors.GatewayKey: lambda number: sensors.GatewayKey.objects.create(
            gateway=make_gateway(), position=1, secret_hash=f"{number:064x}", created_at=NOW
        ),
        sensors.ImportRun: lambda number: sensors.ImportRun.objects.create(
            kind="occupancy", fingerprint=f"{number:064x}", file_name="old.csv", began_at=NOW
        ),
        sensors.OccupancyProfile: lambda _number: make_profile(make_lot()),
        sensors.OccupancySlot: lambda _number: make_slot(make_lot(), NOW),
        sensors.OutboxRow: an_outbox_row,
        sensors.PlateRead: lambda number: make_plate_read(a_reading(number)),
        sensors.RawMessage: lambda _number: make_raw_message(make_gateway()),
        sensors.Reading: a_reading,
        sensors.StaleSlot: lambda _number: sensors.StaleSlot.objects.create(lot=make_lot(), from_at=NOW),
        sensors.Stay: lambda _number: sensors.Stay.objects.create(lot=make_lot(), source="GATE", began_at=NOW),
    }


def makers_of_promises(a_booking: Callable[..., Reservation]) -> dict[type, Callable[[int], object]]:
    return {
        fulfilment.BrokenPromise: lambda number: make_broken_promise(a_booking(number=number)),
        fulfilment.Discrepancy: lambda _number: make_discrepancy(make_space(make_lot())),
        fulfilment.EntryCode: lambda number: fulfilment.EntryCode.objects.create(
            reservation=a_booking(number=number), code_hash=f"{number:064x}", created_at=NOW, expires_at=NOW + hours(1)
        ),
        fulfilment.GateAnswer: lambda _number: make_answer(make_gate(make_lot())),
        fulfilment.Incident: lambda number: make_incident(a_booking(number=number)),
        fulfilment.ListedPlate: lambda _number: make_listed(make_lot()),
        fulfilment.LotRules: lambda _number: fulfilment.LotRules.objects.create(lot=make_lot()),
        fulfilment.Overstay: lambda number: make_overstay(a_booking(number=number)),
    }


def makers(a_booking: Callable[..., Reservation]) -> dict[type, Callable[[int], object]]:
    """A row of every model of both rooms."""
    return makers_of_sensors() | makers_of_promises(a_booking)


WRITTEN_BY_HAND = {sensors.Gateway, sensors.Device, fulfilment.LotRules}
