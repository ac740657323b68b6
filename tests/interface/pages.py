"""What the tests of pages share: signed-in clients, counted queries, and the forms that a page offers."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from allocation import services
from parking_share import clock
from parking_share.accounts.models import User, Vehicle
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish
from parking_share.spaces.models import Lot
from tests.factories import NOW, hours, make_vehicle

MOST_QUERIES = 12


def client_of(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["django_language"] = user.language
    return client


def text_of(response: HttpResponse) -> str:
    """The page's words, without tags and with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


@contextmanager
def at(monkeypatch: pytest.MonkeyPatch, now: datetime = NOW) -> Iterator[None]:
    """The platform's clock stands still."""
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: now)
        yield


def queries_of(client: Client, address: str, **options: Any) -> int:
    """How many queries a page needs; the first visit warms what is kept between requests."""
    assert client.get(address, **options).status_code == 200
    with CaptureQueriesContext(connection) as captured:
        client.get(address, **options)
    return len(captured)


def booking_data(vehicle: Vehicle | None = None, **fields: Any) -> dict[str, Any]:
    """What the booking form sends: from NOW for two hours."""
    data = {"from": "2026-11-23T00:00Z", "until": "2026-11-23T02:00Z", "token": str(uuid4())}
    if vehicle is not None:
        data["vehicle"] = str(vehicle.pk)
    return data | fields


def make_reservation(
    driver: User, lot: Lot, *, starts_at: datetime = NOW, length_h: float = 2, is_decided: bool = True
) -> Reservation:
    """A request made an hour before NOW with a car of its own, decided at once where asked."""
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=starts_at, ends_at=starts_at + hours(length_h))
    reservation = services.request_reservation(driver=driver, wish=wish, now=NOW - hours(1))
    if is_decided:
        services.decide(lot_id=lot.pk, now=NOW - hours(1))
        reservation.refresh_from_db()
    return reservation
