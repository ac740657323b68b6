"""Who could stand before a gate: its lane, and whoever the plate may belong to, in one query."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from parking_share.fulfilment.gates import LotRules
from parking_share.spaces.models import Gate

REMEMBERED = timedelta(hours=12)  # how long after its end a reservation still explains who a car is
FORESEEN = timedelta(hours=24)  # how long before its start


class Source(StrEnum):
    """What makes a car known at a lot."""

    RESERVATION = "RESERVATION"
    RESIDENT = "RESIDENT"
    LISTED = "LISTED"
    STAY = "STAY"
    VEHICLE = "VEHICLE"  # registered by somebody, no more


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A gate, and what its lot has ruled."""

    gate_id: int
    kind: Gate.Kind
    lot_id: int
    zone: ZoneInfo
    early_grace: timedelta
    fail_safe: LotRules.FailSafe
    unknown_may_leave: bool


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One reason to know a plate; the fields after the plate are a reservation's own."""

    source: Source
    plate_exact_hash: bytes
    reservation_id: int | None = None
    status: str = ""
    reason: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    held_from: datetime | None = None
    held_until: datetime | None = None
    lapses_at: datetime | None = None
    space_label: str = ""


_LANE = """
SELECT gate.kind, gate.lot_id, lot.time_zone,
       coalesce(own.early_grace_min, usual.early_grace_min, %(early_grace_min)s),
       coalesce(own.fail_safe, usual.fail_safe, %(fail_safe)s),
       coalesce(own.unknown_may_leave, usual.unknown_may_leave, %(unknown_may_leave)s),
       found.*
FROM spaces_gate gate
JOIN spaces_lot lot ON lot.id = gate.lot_id
LEFT JOIN fulfilment_lotrules own ON own.lot_id = gate.lot_id
LEFT JOIN fulfilment_lotrules usual ON usual.lot_id IS NULL
LEFT JOIN LATERAL ({found}) found ON true
WHERE gate.id = %(gate)s
"""
# Cars are found by what cameras confuse, their reservations through the rows that name them: the number of
# reservations of the lot does not matter.
_FOUND = """
SELECT 'RESERVATION' AS source, car.plate_exact_hash, claim.id AS reservation_id, claim.status, claim.reason,
       claim.starts_at, claim.ends_at, claim.held_from, claim.held_until, claim.lapses_at, space.label
FROM accounts_vehicle car
JOIN reservations_reservationvehicle named
  ON named.vehicle_id = car.id AND (named.is_held OR named.held_until > %(remembered_since)s)
 AND named.held_from < %(foreseen_until)s
JOIN reservations_reservation claim ON claim.id = named.reservation_id AND claim.lot_id = gate.lot_id
LEFT JOIN spaces_space space ON space.id = claim.space_id
WHERE car.plate_folded_hash = %(folded)s AND claim.status <> 'DECLINED'
UNION ALL
SELECT 'RESIDENT', car.plate_exact_hash, NULL, '', '', NULL, NULL, NULL, NULL, NULL, NULL
FROM accounts_vehicle car
JOIN spaces_resident resident ON resident.user_id = car.driver_id AND resident.lot_id = gate.lot_id
JOIN accounts_user person ON person.id = car.driver_id AND person.is_active
WHERE car.plate_folded_hash = %(folded)s AND car.removed_at IS NULL
UNION ALL
SELECT 'LISTED', listed.plate_exact_hash, NULL, '', '', NULL, NULL, NULL, NULL, NULL, NULL
FROM fulfilment_listedplate listed
WHERE listed.lot_id = gate.lot_id AND listed.plate_folded_hash = %(folded)s AND listed.removed_at IS NULL
  AND listed.valid_from <= %(now)s AND (listed.valid_until IS NULL OR listed.valid_until > %(now)s)
UNION ALL
SELECT 'STAY', stay.plate_exact_hash, NULL, '', '', NULL, NULL, NULL, NULL, NULL, NULL
FROM sensors_stay stay
WHERE stay.lot_id = gate.lot_id AND stay.plate_exact_hash = %(exact)s AND stay.ended_at IS NULL
UNION ALL
SELECT 'VEHICLE', car.plate_exact_hash, NULL, '', '', NULL, NULL, NULL, NULL, NULL, NULL
FROM accounts_vehicle car
WHERE car.plate_exact_hash = %(exact)s AND car.removed_at IS NULL
"""
_LANE_COLUMNS = 6
_QUERY = _LANE.format(found=_FOUND)


def candidates_at(gate_id: int, *, exact: bytes, folded: bytes, now: datetime) -> tuple[Lane | None, list[Candidate]]:
    """The lane, None where the gate is gone, and everybody at its lot whose plate folds to this one."""
    usual = LotRules()
    parameters: dict[str, Any] = {
        "gate": gate_id,
        "exact": exact,
        "folded": folded,
        "now": now,
        "remembered_since": now - REMEMBERED,
        "foreseen_until": now + FORESEEN,
        "early_grace_min": usual.early_grace_min,
        "fail_safe": usual.fail_safe,
        "unknown_may_leave": usual.unknown_may_leave,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, parameters)
        rows = cursor.fetchall()
    if not rows:
        return None, []
    kind, lot_id, zone, early_grace_min, fail_safe, unknown_may_leave = rows[0][:_LANE_COLUMNS]
    lane = Lane(
        gate_id=gate_id,
        kind=Gate.Kind(kind),
        lot_id=lot_id,
        zone=ZoneInfo(zone),
        early_grace=timedelta(minutes=early_grace_min),
        fail_safe=LotRules.FailSafe(fail_safe),
        unknown_may_leave=unknown_may_leave,
    )
    return lane, [_candidate(*row[_LANE_COLUMNS:]) for row in rows if row[_LANE_COLUMNS] is not None]


def _candidate(source: str, plate: memoryview, *claim: Any) -> Candidate:
    reservation_id, status, reason, starts_at, ends_at, held_from, held_until, lapses_at, space_label = claim
    return Candidate(
        source=Source(source),
        plate_exact_hash=bytes(plate),
        reservation_id=reservation_id,
        status=status,
        reason=reason,
        starts_at=starts_at,
        ends_at=ends_at,
        held_from=held_from,
        held_until=held_until,
        lapses_at=lapses_at,
        space_label=space_label or "",
    )
