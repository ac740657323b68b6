"""Reservations brought to a point of their life by the services alone."""

from datetime import datetime, timedelta

from allocation import services
from parking_share.reservations.invariants import check_invariants
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish, record_arrival
from parking_share.spaces.models import Lot, Space
from sensors.models import Device, Kind, Occupancy, OutboxRow, Stay
from sensors.staying import open_stay
from tests.factories import NOW, hours, make_user, make_vehicle
from tests.gates import make_camera, make_gate, make_sensor, store

_SAYS = {Occupancy.FREE: Kind.VACANT, Occupancy.OCCUPIED: Kind.OCCUPIED, Occupancy.CLOSED: Kind.CLOSED}


def asked(lot: Lot, *, starts_in: float = 1, ends_in: float = 3, now: datetime = NOW, driver=None, car=None, **needs):
    driver = driver or make_user()
    wish = Wish(
        lot=lot,
        vehicles=[car or make_vehicle(driver)],
        starts_at=NOW + hours(starts_in),
        ends_at=NOW + hours(ends_in),
        **needs,
    )
    return services.request_reservation(driver=driver, wish=wish, now=now)


def accepted(lot: Lot, *, now: datetime = NOW, **wish) -> Reservation:
    reservation = asked(lot, now=now, **wish)
    services.decide(lot_id=lot.pk, now=now)
    return fresh(reservation)


def announced(lot: Lot, **wish) -> Reservation:
    """Told its bay ten minutes before the start."""
    reservation = accepted(lot, **wish)
    services.assign_arrivals(lot_id=lot.pk, now=reservation.starts_at - timedelta(minutes=10))
    return fresh(reservation)


def parked(lot: Lot, **wish) -> Reservation:
    """Arrived at the start."""
    reservation = announced(lot, **wish)
    return record_arrival(reservation_id=reservation.pk, actor=reservation.driver, now=reservation.starts_at)


def fresh(reservation: Reservation) -> Reservation:
    return Reservation.objects.select_related("lot", "space", "driver").get(pk=reservation.pk)


def sense(
    space: Space, state: Occupancy, *, at: datetime, heartbeat_s: int = 6 * 3600, is_looked_at: bool = False
) -> None:
    """Let the sensor of a bay say what it sees; fulfilment is told of it only where it `is_looked_at`."""
    sensor = space.devices.first() or make_sensor(space)
    if sensor.heartbeat_s != heartbeat_s:
        Device.objects.filter(pk=sensor.pk).update(heartbeat_s=heartbeat_s)
    store(sensor, _SAYS[state], at)
    if not is_looked_at:
        OutboxRow.objects.filter(space=space).delete()


def watch_gates(lot: Lot) -> Device:
    """A camera at an entry and exit: from now on cars are seen to come and go."""
    return make_camera(make_gate(lot))


def stay_seen(reservation: Reservation, *, at: datetime | None = None) -> Stay:
    """The stay of a car that a gate saw come."""
    stay = open_stay(
        lot_id=reservation.lot_id,
        source=Stay.Source.GATE,
        began_at=at or reservation.starts_at,
        reservation_id=reservation.pk,
        space_id=reservation.space_id,
    )
    assert stay is not None
    return stay


def broken_promises_of_the_database(now: datetime) -> dict[str, object]:
    """The invariants that do not hold, with their rows."""
    return {one.name: one.rows for one in check_invariants(now=now, since=NOW - hours(48)) if one.rows}
