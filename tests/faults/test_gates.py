"""Redis is away: gates go on letting cars in and out, and what follows from it is made up for soon after."""

import json
from typing import Any

import pytest
from django.utils import timezone

from parking_share.fulfilment.models import GateAnswer, LotRules
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import Gate, Lot, ShareWindow
from sensors.models import OutboxRow, Stay
from tests.devices import make_watched_gate, secret_of, vzenith
from tests.factories import hours, make_space, make_window
from tests.faults.evidence import assert_promises_hold, wait_until
from tests.faults.test_ingest import own_broker
from tests.gates import book, plate_of_car
from tests.live import LiveSite, live_site

pytestmark = pytest.mark.django_db(transaction=True)


def make_guests(lot: Lot, number: int, **period: Any) -> list[Reservation]:
    now = timezone.now()
    for _ in range(number):
        make_window(make_space(lot), now - hours(2), now + hours(20))
    ShareWindow.objects.update(created_at=now - hours(1))
    return [book(lot, now=now, **period) for _ in range(number)]


def drive(site: LiveSite, secret: str, device: str, plate: str, number: int) -> tuple[int, str, float]:
    """Push what a camera saw; the status, what the barrier does, and how long it took."""
    began = timezone.now()
    body = json.loads(vzenith(device, plate, began, number=number))
    reply = site.call("POST", f"/api/v1/sensors/push/{secret}", body)
    return reply.status, str(reply.headers["Parking-Gate"]), (timezone.now() - began).total_seconds()


def is_alive_again(site: LiveSite) -> bool:
    """Celery may die when its broker vanishes at a bad moment; a supervisor starts it again, and so do we."""
    worker = site.processes["worker"]
    if worker.popen.poll() is not None:
        worker.start()
    return True


def test_without_the_broker_cars_come_and_go_and_the_backlog_is_gone_soon_after(is_full, tmp_path):
    cars = 60 if is_full else 8
    gateway, entry = make_watched_gate(format="VZENITH", identifier="in")
    way_out = entry.lot.gates.create(name="Out", kind=Gate.Kind.EXIT, latitude=22.5, longitude=114.1)
    gateway.devices.create(identifier="out", lot=entry.lot, gate=way_out)
    LotRules.objects.create(lot=entry.lot, unknown_may_leave=False)
    secret, guests = secret_of(gateway), make_guests(entry.lot, cars)
    plates = [plate_of_car(guest) for guest in guests]
    early = make_guests(entry.lot, 2, starts_in=1, ends_in=2, status=Status.ACCEPTED)

    with (
        own_broker(tmp_path) as (address, stop, start),
        live_site(web_workers=2, beat=True, environment={"REDIS_URL": address}) as site,
    ):
        drive(site, secret, "in", "粤B98765", 0)
        stop()
        came = [drive(site, secret, "in", plate, number) for number, plate in enumerate(plates, 1)]
        came += [drive(site, secret, "in", plate_of_car(guest), cars + 1 + guest.pk) for guest in early]
        went = [drive(site, secret, "out", plate, number) for number, plate in enumerate(plates[::2], 1)]
        waiting = OutboxRow.objects.count()
        start()
        took = wait_until(lambda: is_alive_again(site) and not OutboxRow.objects.exists(), seconds=120)

    slowest = max(seconds for _status, _opened, seconds in came + went)
    print(f"{len(came + went)} answers, the slowest {slowest:.2f} s; {waiting} rows gone after {took:.1f} s")  # noqa: T201
    assert {(status, opened) for status, opened, _seconds in came + went} == {(200, "open")}
    assert waiting > 0
    ended = [Status.COMPLETED if place % 2 == 0 else Status.PARKED for place in range(cars)]
    assert [Reservation.objects.get(pk=guest.pk).status for guest in guests] == ended
    assert set(Reservation.objects.filter(pk__in=[guest.pk for guest in early]).values_list("status", flat=True)) == {
        Status.PARKED
    }
    assert Stay.objects.filter(ended_at=None).count() == ended.count(Status.PARKED) + 2
    assert GateAnswer.objects.filter(opens=True).count() == len(came + went)
    assert_promises_hold()
