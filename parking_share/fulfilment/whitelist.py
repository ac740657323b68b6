"""The list that a gate keeps for the time when it can't ask: plates with the hours in which each may pass.

Plates leave the platform here and nowhere else, and only to a gateway of the lot.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from parking_share.accounts import plates
from parking_share.accounts.models import Vehicle
from parking_share.fulfilment.gates import ListedPlate
from parking_share.fulfilment.rules import rules_of
from parking_share.reservations.models import ReservationVehicle
from parking_share.reservations.selectors import holding
from parking_share.reservations.states import Status
from parking_share.spaces.models import Gate

AHEAD = timedelta(hours=25)  # from the hour that has begun: at least the next 24


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A car, and when it may pass; the plate is read only where the list is told."""

    plate_encrypted: bytes
    plate_exact_hash: bytes
    allowed_from: datetime
    allowed_until: datetime

    @property
    def plate(self) -> str:
        return plates.decrypt_plate(self.plate_encrypted)


def whitelist_of(gate: Gate, *, now: datetime) -> tuple[list[Entry], str]:
    """Who may pass a gate until this time tomorrow, and a tag that changes when the list does.

    The tag needs no plate, so an unchanged list costs no decryption. The list begins with the hour, so that it does not
    change by itself more than once an hour. Whoever is inside is let out, however late.
    """
    begins = now.replace(minute=0, second=0, microsecond=0)
    found = [*_reserved(gate, begins, now=now), *_residents(gate, begins), *_listed(gate, begins)]
    entries = sorted(found, key=lambda one: (one.allowed_from, one.allowed_until, one.plate_exact_hash))
    return entries, _tag(entries)


def _reserved(gate: Gate, begins: datetime, *, now: datetime) -> Iterator[Entry]:
    """Cars with a reservation that holds: until it ends, or lapses because they have not come."""
    ends, grace = begins + AHEAD, rules_of(gate.lot_id).early_grace
    claims = Q(reservation__in=holding(now=now).filter(lot=gate.lot_id)) | Q(
        reservation__lot=gate.lot_id, reservation__status=Status.PARKED
    )
    rows = ReservationVehicle.objects.filter(claims, held_from__lt=ends + grace).select_related(
        "vehicle", "reservation"
    )
    for row in rows:
        lapses_at = row.reservation.lapses_at
        last_at = row.held_until if lapses_at is None else min(row.held_until, lapses_at)
        is_inside = row.reservation.status == Status.PARKED
        if gate.kind == Gate.Kind.EXIT or (gate.kind == Gate.Kind.BOTH and is_inside):
            last_at = ends
        yield from _entry(row.vehicle, row.held_from - grace, last_at, begins=begins)


def _residents(gate: Gate, begins: datetime) -> Iterator[Entry]:
    cars = Vehicle.objects.filter(removed_at__isnull=True, driver__is_active=True, driver__residences__lot=gate.lot_id)
    for car in cars:
        yield from _entry(car, begins, begins + AHEAD, begins=begins)


def _listed(gate: Gate, begins: datetime) -> Iterator[Entry]:
    for row in ListedPlate.objects.filter(lot=gate.lot_id, removed_at__isnull=True):
        yield from _entry(row, row.valid_from, row.valid_until or begins + AHEAD, begins=begins)


def _entry(
    car: Vehicle | ListedPlate, allowed_from: datetime, allowed_until: datetime, *, begins: datetime
) -> Iterator[Entry]:
    """The part of a period that the list covers, if there is any."""
    starts_at, ends_at = max(allowed_from, begins), min(allowed_until, begins + AHEAD)
    if starts_at < ends_at and car.plate_encrypted:
        yield Entry(
            plate_encrypted=bytes(car.plate_encrypted),
            plate_exact_hash=bytes(car.plate_exact_hash),
            allowed_from=starts_at,
            allowed_until=ends_at,
        )


def _tag(entries: Iterable[Entry]) -> str:
    digest = hashlib.sha256()
    for one in entries:
        digest.update(one.plate_exact_hash)
        digest.update(f"{one.allowed_from.isoformat()} {one.allowed_until.isoformat()}".encode())
    return f'"{digest.hexdigest()[:32]}"'
