"""Reservations over REST: what a driver's program sends and reads."""

import json
from datetime import timedelta

import pytest

from allocation import services as allocation
from parking_share import clock
from parking_share.accounts.services import issue_api_token
from parking_share.reservations.models import Reservation
from tests.factories import hours, make_shared_lot, make_user, make_vehicle

pytestmark = pytest.mark.django_db


class Caller:
    """A person's program: JSON both ways, with the person's token."""

    def __init__(self, client, user=None):
        self.client, self.user = client, user
        token = issue_api_token(user=user, name="test", now=clock.now()) if user else None
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path, data=None, **headers):
        return self.client.get(f"/api/v1/{path}", data, headers=self._headers(headers))

    def post(self, path, data=None, **headers):
        return self._send("post", path, data, headers)

    def patch(self, path, data=None, **headers):
        return self._send("patch", path, data, headers)

    def delete(self, path, **headers):
        return self._send("delete", path, None, headers)

    def _send(self, method, path, data, headers):
        body = "" if data is None else json.dumps(data)
        send = getattr(self.client, method)
        return send(f"/api/v1/{path}", body, content_type="application/json", headers=self._headers(headers))

    def _headers(self, headers):
        return self.headers | {"Accept-Language": "en"} | {k.replace("_", "-"): v for k, v in headers.items()}


def a_lot(**fields):
    now = clock.now()
    return make_shared_lot(**{"starts_at": now, "ends_at": now + hours(24)} | fields)


def a_wish(driver, lot, starts_in=1, ends_in=3):
    start = clock.now().replace(microsecond=0)
    return {
        "lot": lot.pk,
        "vehicles": [make_vehicle(driver).pk],
        "starts_at": (start + hours(starts_in)).isoformat(),
        "ends_at": (start + hours(ends_in)).isoformat(),
    }


def test_create_answers_202_until_the_worker_has_decided(client):
    driver = make_user()
    calls, lot = Caller(client, driver), a_lot()

    answer = calls.post("reservations", a_wish(driver, lot), Idempotency_Key="one")

    assert answer.status_code == 202, answer.content
    assert answer.json()["status"] == "REQUESTED"
    assert answer["Retry-After"] == "1"
    allocation.decide(lot_id=lot.pk, now=clock.now())
    read = calls.get(answer["Location"].removeprefix("/api/v1/"))
    assert read.json()["status"] == "ACCEPTED", read.content
    cancelled = calls.post(f"reservations/{read.json()['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "CANCELLED")
    again = calls.post(f"reservations/{read.json()['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "not_possible_now")
