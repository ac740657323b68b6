"""Whose car a plate is: exactly, else by the characters that people and cameras confuse, if only one can be meant."""

from collections.abc import Iterable
from dataclasses import dataclass

from parking_share.accounts import plates
from parking_share.accounts.models import User, Vehicle
from parking_share.reservations.models import Reservation, ReservationVehicle
from parking_share.reservations.states import HOLDS_A_SPACE, Status

MOST_ASKED = 3


@dataclass(frozen=True, kw_only=True)
class Intruder:
    """Who registered the car, and its reservation in the lot; nobody and none where it is a stranger's."""

    drivers: tuple[User, ...] = ()
    reservation: Reservation | None = None


def find_intruder(plate: str, *, lot_id: int, reporter: Reservation) -> Intruder:
    """Look among the lot's reservations first, then among all registered cars."""
    if not plate:
        return Intruder()
    others = [row for row in _named_in(lot_id) if row.reservation_id != reporter.pk]
    named = _same(others, plate)
    if named:
        first = min(named, key=lambda row: (row.reservation.status != Status.PARKED, row.reservation.held_from))
        return Intruder(drivers=(first.reservation.driver,), reservation=first.reservation)
    cars = _registered(plate)
    owners = {car.driver_id: car.driver for car in cars if car.driver_id != reporter.driver_id}
    return Intruder(drivers=tuple(owners.values())[:MOST_ASKED])


def _named_in(lot_id: int) -> list[ReservationVehicle]:
    """Cars of reservations that hold a bay of this lot."""
    rows = ReservationVehicle.objects.filter(reservation__lot=lot_id, reservation__status__in=HOLDS_A_SPACE)
    return list(rows.select_related("reservation__driver", "vehicle").order_by("reservation__held_from", "pk"))


def _same(rows: Iterable[ReservationVehicle], plate: str) -> list[ReservationVehicle]:
    rows = list(rows)
    exact = [row for row in rows if bytes(row.plate_exact_hash) == plates.exact_hash(plate)]
    alike = [row for row in rows if bytes(row.vehicle.plate_folded_hash) == plates.folded_hash(plate)]
    is_one_car = len({bytes(row.plate_exact_hash) for row in alike}) == 1
    return exact or (alike if is_one_car else [])


def _registered(plate: str) -> list[Vehicle]:
    present = Vehicle.objects.filter(removed_at__isnull=True).select_related("driver").order_by("pk")
    exact = list(present.filter(plate_exact_hash=plates.exact_hash(plate)))
    alike = [] if exact else list(present.filter(plate_folded_hash=plates.folded_hash(plate))[: MOST_ASKED + 1])
    is_one_car = len({bytes(car.plate_exact_hash) for car in alike}) == 1
    return exact or (alike if is_one_car else [])
