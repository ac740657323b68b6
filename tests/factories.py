"""Rows for tests: every function makes one thing that passes all constraints, with what matters as arguments."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from parking_share.accounts.models import User, Vehicle
from parking_share.accounts.services import register_vehicle
from parking_share.spaces.models import AccessClass, District, LandUse, Lot, Role, RoleGrant, ShareWindow, Space
from parking_share.spaces.services import publish_hours
from sensors.models import Device, Gateway, Kind, OccupancySlot, Reading

NOW = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)  # a Monday, 08:00 in Shanghai
PASSWORD = "a-quiet-street-47"

_numbers = count(1)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def make_user(**fields: Any) -> User:
    fields.setdefault("email", f"person{next(_numbers)}@example.org")
    fields.setdefault("password", PASSWORD)
    fields.setdefault("language", "en")
    return User.objects.create_user(**fields)


def make_vehicle(driver: User, plate: str | None = None, **fields: Any) -> Vehicle:
    return register_vehicle(driver=driver, plate=plate or f"粤B{next(_numbers):05d}", now=NOW, **fields)


def make_lot(**fields: Any) -> Lot:
    if "access_class" not in fields:
        fields["access_class"], _ = AccessClass.objects.get_or_create(code="RESIDENTIAL", defaults={"openness": "0.30"})
    if "district" not in fields:
        fields["district"], _ = District.objects.get_or_create(city="深圳", name="罗湖")
    place = {"latitude": 22.55, "longitude": 114.11, "land_use": LandUse.RESIDENTIAL}
    return Lot.objects.create(**{"name": f"Lot {next(_numbers)}"} | place | fields)


def make_space(lot: Lot, **fields: Any) -> Space:
    return Space.objects.create(**{"lot": lot, "label": f"A{next(_numbers)}"} | fields)


def make_window(space: Space, starts_at: datetime, ends_at: datetime) -> ShareWindow:
    """A window as it would be after merging and trimming."""
    return ShareWindow.objects.create(space=space, starts_at=starts_at, ends_at=ends_at, created_at=NOW - hours(1))


def make_shared_lot(
    *, spaces: int = 1, starts_at: datetime = NOW, ends_at: datetime | None = None, **fields: Any
) -> Lot:
    """A lot whose spaces are all shared for one period: twelve hours from NOW."""
    lot = make_lot(**fields)
    for _ in range(spaces):
        make_window(make_space(lot), starts_at, ends_at or NOW + hours(12))
    return lot


def share_weekly(space: Space, *, starts_at: time, ends_at: time, weekdays: range = range(1, 8), **fields: Any) -> None:
    publish_hours(
        space=space,
        weekdays=weekdays,
        starts_at_local=starts_at,
        ends_at_local=ends_at,
        **{"first_date": date(2026, 1, 1), "now": NOW} | fields,
    )


def grant(user: User, role: Role, **scope: Any) -> RoleGrant:
    return RoleGrant.objects.create(user=user, role=role, **scope)


def make_gateway(*lots: Lot, **fields: Any) -> Gateway:
    chosen = {"name": f"Gateway {next(_numbers)}", "format": Gateway.Format.OWN, "trust": Gateway.Trust.SIGNED}
    gateway = Gateway.objects.create(**chosen | fields)
    gateway.lots.set(lots)
    return gateway


def make_device(lot: Lot, **fields: Any) -> Device:
    """A counter of the lot, unless a gate or a space is named."""
    if "gateway" not in fields:
        fields["gateway"] = make_gateway(lot)
    return Device.objects.create(**{"lot": lot, "identifier": f"device-{next(_numbers)}"} | fields)


def make_reading(device: Device, kind: Kind, observed_at: datetime, **fields: Any) -> Reading:
    """A reading as it would be stored; nothing else follows from it."""
    where = {"gateway": device.gateway, "lot": device.lot, "gate": device.gate, "space": device.space}
    times = {"observed_at": observed_at, "reported_at": observed_at, "received_at": observed_at}
    key = {"device": device, "kind": kind, "source_key": f"event-{next(_numbers)}"}
    return Reading.objects.create(**where | times | key | fields)


def make_slot(lot: Lot, starts_at: datetime, mean: float | None, **fields: Any) -> OccupancySlot:
    """A quarter of an hour as a counter would have left it."""
    chosen: dict[str, Any] = {"source": OccupancySlot.Source.COUNTER, "bays": lot.capacity, "rolled_at": starts_at}
    most = None if mean is None else -int(-mean // 1)
    occupied = {"mean_occupied": mean, "most_occupied": most}
    return OccupancySlot.objects.create(**{"lot": lot, "starts_at": starts_at} | chosen | occupied | fields)
