"""What the fault tests ask for and look at afterwards."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import count

from django.utils import timezone

from allocation.models import Decision
from allocation.services import request_reservation
from parking_share.accounts.models import User, Vehicle
from parking_share.reservations.invariants import check_invariants
from parking_share.reservations.models import Reservation, ReservationEvent
from parking_share.reservations.services import Wish
from parking_share.reservations.states import Status
from parking_share.spaces.models import Lot, ShareWindow
from tests.factories import hours, make_shared_lot, make_user, make_vehicle

_numbers = count()


def tomorrow() -> datetime:
    """The next full hour but 24: no bay is announced while a test runs."""
    return timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)


def make_lots(number: int, *, spaces: int = 2) -> list[Lot]:
    """Lots that are shared tomorrow, offered an hour ago by the real clock."""
    lots = [
        make_shared_lot(spaces=spaces, starts_at=tomorrow() - hours(2), ends_at=tomorrow() + hours(12))
        for _ in range(number)
    ]
    ShareWindow.objects.filter(space__lot__in=lots).update(created_at=timezone.now() - hours(1))
    return lots


def make_drivers(number: int) -> list[tuple[User, Vehicle]]:
    drivers = []
    for _ in range(number):
        driver = make_user(password=None)
        drivers.append((driver, make_vehicle(driver)))
    return drivers


def ask(lot: Lot, driver: User, car: Vehicle) -> Reservation:
    """Ask for one of six overlapping periods in turn."""
    shift = hours(next(_numbers) % 6)
    wish = Wish(lot=lot, vehicles=[car], starts_at=tomorrow() + shift, ends_at=tomorrow() + shift + hours(2))
    return request_reservation(driver=driver, wish=wish, now=timezone.now())


def wait_until(is_so: Callable[[], bool], *, seconds: float) -> float:
    """Wait, and return how long it took; fail when it takes longer."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, f"not so after {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - began


def nobody_waits() -> bool:
    return not Reservation.objects.filter(status=Status.REQUESTED).exists()


def assert_each_decided_once(asked: Iterable[int]) -> None:
    """Every request is there, was decided exactly once, and all promises hold."""
    wanted = sorted(asked)
    assert list(Reservation.objects.order_by("pk").values_list("pk", flat=True)) == wanted
    assert list(Decision.objects.order_by("reservation").values_list("reservation", flat=True)) == wanted
    answers = ReservationEvent.objects.filter(from_status=Status.REQUESTED).order_by("reservation")
    assert list(answers.values_list("reservation", flat=True)) == wanted
    assert_promises_hold()


def assert_promises_hold() -> None:
    now = timezone.now()
    broken = {one.name: one.rows for one in check_invariants(now=now, since=now - timedelta(days=1)) if one.rows}
    assert broken == {}
