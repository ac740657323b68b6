"""Reservations brought to a point of their life by the services alone."""

from datetime import datetime, timedelta

from allocation import services
from parking_share.reservations.invariants import check_invariants
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish, record_arrival
from parking_share.spaces.models import Gate, Lot, Space
from sensors.models import BayState, Device, Gateway, Occupancy, Stay
from sensors.staying import open_stay
from tests.factories import NOW, hours, make_user, make_vehicle


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


def sense(space: Space, state: Occupancy, *, at: datetime, heartbeat_s: int = 6 * 3600) -> BayState:
    """Let the sensor of a bay say what it sees."""
    gateway, _ = Gateway.objects.get_or_create(
        name="sensors", defaults={"format": Gateway.Format.OWN, "trust": Gateway.Trust.SIGNED}
    )
    device, _ = Device.objects.get_or_create(
        gateway=gateway,
        identifier=f"bay {space.pk}",
        defaults={"lot": space.lot, "space": space, "heartbeat_s": heartbeat_s},
    )
    seen = {"device": device, "state": state, "observed_at": at, "since": at, "heard_at": at}
    state_row, _ = BayState.objects.update_or_create(
        space=space, defaults={"sequence": 0, "tie_break": "00000000-0000-0000-0000-000000000000"} | seen
    )
    return state_row


def watch_gates(lot: Lot) -> Device:
    """A camera at an entry and exit: from now on cars are seen to come and go."""
    gateway, _ = Gateway.objects.get_or_create(
        name="cameras", defaults={"format": Gateway.Format.OWN, "trust": Gateway.Trust.SIGNED}
    )
    gate = Gate.objects.create(
        lot=lot, name="Gate", kind=Gate.Kind.BOTH, latitude=lot.latitude, longitude=lot.longitude
    )
    return Device.objects.create(gateway=gateway, identifier=f"gate {gate.pk}", lot=lot, gate=gate)


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
