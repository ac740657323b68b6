"""Bookings decided per second, from HTTP to decision, beside a bare insert; and how long one driver waits."""

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError
from urllib.request import urlopen

from django.utils import timezone

from benchmarks.client import Answer, Call, send_all, timed
from parking_share.accounts.models import ApiToken
from parking_share.accounts.services import issue_api_token
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import Lot, ShareWindow
from scripts.ports import free_port
from tests.factories import hours, make_shared_lot, make_user, make_vehicle
from tests.live import LiveSite, Process

CLIENTS, LOTS, SPACES, WEB_WORKERS, WEB_THREADS = 16, 50, 40, 2, 4
Caller = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Anchors:
    """Addresses of the bare inserts: without anything of ours, and behind our middleware and tokens."""

    bare: str
    signed: str


def tomorrow() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)


def make_lots(number: int) -> list[Lot]:
    lots = [make_shared_lot(spaces=SPACES, starts_at=tomorrow(), ends_at=tomorrow() + hours(24)) for _ in range(number)]
    ShareWindow.objects.filter(space__lot__in=lots).update(created_at=timezone.now() - hours(1))
    return lots


def make_callers(number: int) -> list[Caller]:
    """Tokens of as many drivers, in use already, each with the id of a car."""
    people = [make_user(password=None) for _ in range(number)]
    callers = [
        (issue_api_token(user=person, name="bench", now=timezone.now()), make_vehicle(person).pk) for person in people
    ]
    ApiToken.objects.filter(last_used_at__isnull=True).update(last_used_at=timezone.now())
    return callers


def booking(lot: Lot, caller: Caller, number: int, *, wait_s: int = 0) -> Call:
    token, car = caller
    starts_at = tomorrow() + hours(number % 20)
    data = {
        "lot": lot.pk,
        "vehicles": [car],
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + hours(2)).isoformat(),
    }
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"bench-{number}"}
    return "POST", "/api/v1/reservations", data, headers | ({"Prefer": f"wait={wait_s}"} if wait_s else {})


def insert(number: int, token: str = "") -> Call:
    starts_at = tomorrow() + hours(number % 20)
    data = {"lot": number, "starts_at": starts_at.isoformat(), "ends_at": (starts_at + hours(2)).isoformat()}
    return "POST", "/rows", data, {"Authorization": f"Bearer {token}"} if token else {}


def inserts_per_second(address: str, number: int, token: str = "") -> float:
    calls = [insert(place, token) for place in range(number)]
    return number / timed(lambda: _expect(send_all(address, calls, clients=CLIENTS), {201}))


def bookings_per_second(site: LiveSite, lots: list[Lot], callers: list[Caller]) -> float:
    """From the first request sent to the last decision committed."""
    calls = [booking(lots[place % len(lots)], caller, place) for place, caller in enumerate(callers)]

    def book_and_wait() -> None:
        _expect(send_all(site.address, calls, clients=CLIENTS), {201, 202})
        while Reservation.objects.filter(status=Status.REQUESTED).exists():
            time.sleep(0.01)

    return len(calls) / timed(book_and_wait)


def waits_s(site: LiveSite, lots: list[Lot], callers: list[Caller]) -> list[float]:
    """How long each of these drivers, one after the other, waits for the decision."""
    calls = [booking(lots[place % len(lots)], caller, place, wait_s=5) for place, caller in enumerate(callers)]
    answers = send_all(site.address, calls, clients=1)
    _expect(answers, {201})
    return [answer.took_s for answer in answers]


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Per second, one value a round: two bare inserts, bookings over 50 lots, bookings in one hot lot."""

    bare: list[float]
    signed: list[float]
    spread: list[float]
    hot: list[float]


def measure(site: LiveSite, anchors: Anchors, *, repeats: int, number: int) -> Rates:
    """All four in turn, so that what else the machine does meets them alike."""
    lots, (token, _car) = make_lots(LOTS), make_callers(1)[0]
    bookings_per_second(site, lots, make_callers(LOTS))  # warm
    inserts_per_second(anchors.bare, number)
    inserts_per_second(anchors.signed, number, token)
    rates = Rates(bare=[], signed=[], spread=[], hot=[])
    for _ in range(repeats):
        rates.bare.append(inserts_per_second(anchors.bare, number))
        rates.signed.append(inserts_per_second(anchors.signed, number, token))
        rates.spread.append(bookings_per_second(site, lots, make_callers(number)))
        rates.hot.append(bookings_per_second(site, make_lots(1), make_callers(number)))
    return rates


def report(site: LiveSite, anchors: Anchors, *, repeats: int, number: int) -> None:
    rates = measure(site, anchors, repeats=repeats, number=number)
    bare, signed = statistics.median(rates.bare), statistics.median(rates.signed)
    print(f"\nBookings decided per second: {CLIENTS} clients, {number} requests a round, median of {repeats} rounds")
    print(f"  bare insert on REST framework         {bare:8.1f}/s")
    print(f"  the same behind our middleware, token {signed:8.1f}/s")
    for name, values in ((f"bookings over {LOTS} lots", rates.spread), ("bookings in one hot lot", rates.hot)):
        rate = statistics.median(values)
        print(
            f"  {name:<37} {rate:8.1f}/s   {rate / bare:.2f} of the first (bar 0.30), {rate / signed:.2f} of the second"
        )
    taken = sorted(waits_s(site, make_lots(LOTS), make_callers(100)))
    print("\nFrom request to decision, one driver after the other, worker warm")
    print(f"  p50 {taken[49] * 1000:6.0f} ms   p95 {taken[94] * 1000:6.0f} ms (bar 1000 ms)")


@contextmanager
def bare_sites(site: LiveSite) -> Iterator[Anchors]:
    """Both anchors under the same server with the same settings of it."""
    with (
        _serving(site, "benchmarks.anchor_settings") as bare,
        _serving(site, "benchmarks.site_anchor_settings") as signed,
    ):
        yield Anchors(bare=bare, signed=signed)


@contextmanager
def _serving(site: LiveSite, settings: str) -> Iterator[str]:
    with TemporaryDirectory(prefix="bench-") as folder:
        port = free_port()
        command = (
            sys.executable, "-m", "gunicorn", "parking_share.wsgi:application", "--bind", f"127.0.0.1:{port}",
            "--worker-class", "gthread", "--workers", str(WEB_WORKERS), "--threads", str(WEB_THREADS),
            "--no-control-socket",
        )  # fmt: skip
        environment = site.environment | {"DJANGO_SETTINGS_MODULE": settings, "PORT": str(port)}
        process = Process("anchor", command, environment, Path(folder) / "anchor.log")
        process.start()
        try:
            process.wait_until(partial(_listens, f"http://127.0.0.1:{port}/rows"))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.stop()


def _listens(address: str) -> bool:
    try:
        urlopen(address, timeout=2)  # noqa: S310 -- our own server
    except OSError as error:
        return isinstance(error, HTTPError)
    return True


def _expect(answers: list[Answer], statuses: set[int]) -> None:
    strange = [answer for answer in answers if answer.status not in statuses]
    if strange:
        raise RuntimeError(f"{len(strange)} strange answers, the first: {strange[0]}")
