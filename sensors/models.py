"""The rows of this room, by purpose."""

from sensors.gateways import Device, Gateway, GatewayKey
from sensors.occupancy import OccupancyProfile, OccupancySlot, StaleSlot
from sensors.readings import Kind, KnownKey, OutboxRow, PlateRead, RawMessage, Reading
from sensors.records import Deletion, ImportRun
from sensors.stays import BayState, Occupancy, Stay

__all__ = [
    "BayState",
    "Deletion",
    "Device",
    "Gateway",
    "GatewayKey",
    "ImportRun",
    "Kind",
    "KnownKey",
    "Occupancy",
    "OccupancyProfile",
    "OccupancySlot",
    "OutboxRow",
    "PlateRead",
    "RawMessage",
    "Reading",
    "StaleSlot",
    "Stay",
]
