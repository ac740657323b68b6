"""Whether devices and gateways still speak: computed when asked, so that no job can be late with it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Count, DateTimeField, DurationField, ExpressionWrapper, F, Max, Q, QuerySet, Value

from parking_share.spaces.models import Lot
from sensors.models import Device, RawMessage
from sensors.selectors import BELIEVED_HEARTBEATS


@dataclass(frozen=True, kw_only=True)
class DeviceHealth:
    """A device, and whether it was not heard for two heartbeats."""

    device: Device
    is_silent: bool

    @property
    def clock_is_off(self) -> bool:
        return self.device.clock_off_s is not None

    @property
    def clock_off_by(self) -> timedelta:
        """How far the clock is off, ahead or behind."""
        return timedelta(seconds=abs(self.device.clock_off_s or 0))

    @property
    def is_fine(self) -> bool:
        return not (self.is_silent or self.clock_is_off)


@dataclass(frozen=True, kw_only=True)
class GatewayHealth:
    """A gateway, when any of its devices was heard last, how many of them are silent, and what could not be read."""

    gateway_id: int
    name: str
    heard_at: datetime | None
    devices: int
    silent: int
    quarantined: int = 0


def device_health(lot: Lot, *, now: datetime) -> list[DeviceHealth]:
    """The active devices of a lot, those with something wrong first; one query."""
    devices = Device.objects.filter(lot=lot, is_active=True).select_related("gate", "space").order_by("identifier")
    found = [DeviceHealth(device=device, is_silent=is_silent(device, now=now)) for device in devices]
    return sorted(found, key=lambda health: health.is_fine)


def is_silent(device: Device, *, now: datetime) -> bool:
    """Nothing for two heartbeats; a device that was never heard is silent too."""
    allowed = timedelta(seconds=BELIEVED_HEARTBEATS * device.heartbeat_s)
    return device.heard_at is None or now > device.heard_at + allowed


def gateway_health(lots: QuerySet[Lot], *, now: datetime) -> list[GatewayHealth]:
    """The active gateways that have devices in these lots, the worst first; two queries, however many gateways."""
    heard = _heard(lots, now=now)
    unread = RawMessage.objects.filter(
        gateway__in=[row.gateway_id for row in heard], state=RawMessage.State.QUARANTINED
    )
    quarantined = dict(unread.order_by().values_list("gateway").annotate(n=Count("pk")))
    found = [replace(row, quarantined=quarantined.get(row.gateway_id, 0)) for row in heard]
    return sorted(found, key=lambda row: (-row.silent, -row.quarantined, row.name))


def _heard(lots: QuerySet[Lot], *, now: datetime) -> list[GatewayHealth]:
    two_heartbeats = ExpressionWrapper(
        Value(timedelta(seconds=BELIEVED_HEARTBEATS)) * F("heartbeat_s"), output_field=DurationField()
    )
    believed_since = ExpressionWrapper(Value(now) - two_heartbeats, output_field=DateTimeField())
    silent = Q(heard_at__isnull=True) | Q(heard_at__lt=believed_since)
    devices = Device.objects.filter(lot__in=lots.order_by(), is_active=True, gateway__is_active=True)
    rows = devices.order_by().values("gateway_id", name=F("gateway__name"))
    counted = rows.annotate(heard=Max("heard_at"), devices=Count("pk"), silent=Count("pk", filter=silent))
    return [
        GatewayHealth(
            gateway_id=row["gateway_id"],
            name=row["name"],
            heard_at=row["heard"],
            devices=row["devices"],
            silent=row["silent"],
        )
        for row in counted
    ]
