"""The rows of this room, by purpose."""

from parking_share.fulfilment.gates import EntryCode, GateAnswer, ListedPlate, LotRules
from parking_share.fulfilment.troubles import BrokenPromise, Discrepancy, Incident, Overstay

__all__ = [
    "BrokenPromise",
    "Discrepancy",
    "EntryCode",
    "GateAnswer",
    "Incident",
    "ListedPlate",
    "LotRules",
    "Overstay",
]
