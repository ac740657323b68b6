"""What the tests of the API share."""

import json
from typing import Any

from django.test import Client

from parking_share import clock
from parking_share.accounts.models import User
from parking_share.accounts.services import issue_api_token
from parking_share.reservations.services import Wish
from parking_share.spaces.models import Lot
from tests.factories import hours, make_shared_lot, make_user, make_vehicle


class Caller:
    """A person's program: JSON both ways, in English, with the person's token."""

    def __init__(self, user: User | None = None) -> None:
        self.client, self.user = Client(), user
        self.headers = {"Accept-Language": "en"}
        if user is not None:
            self.headers["Authorization"] = f"Bearer {issue_api_token(user=user, name='test', now=clock.now())}"

    def get(self, path: str, data: Any = None, **headers: str) -> Any:
        return self.client.get(f"/api/v1/{path}", data, headers=self._headers(headers))

    def post(self, path: str, data: Any = None, **headers: str) -> Any:
        return self._send("post", path, data, headers)

    def patch(self, path: str, data: Any = None, **headers: str) -> Any:
        return self._send("patch", path, data, headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self._send("delete", path, None, headers)

    def _send(self, method: str, path: str, data: Any, headers: dict[str, str]) -> Any:
        body = data if isinstance(data, str | bytes) else "" if data is None else json.dumps(data)
        send = getattr(self.client, method)
        return send(f"/api/v1/{path}", body, content_type="application/json", headers=self._headers(headers))

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return self.headers | {name.replace("_", "-"): value for name, value in headers.items()}


def driver() -> Caller:
    return Caller(make_user())


def shared_lot(**fields: Any) -> Lot:
    """A lot with one bay that is shared from an hour ago until tomorrow."""
    now = clock.now()
    return make_shared_lot(**{"starts_at": now - hours(1), "ends_at": now + hours(30)} | fields)


def period(starts_in: float = 1, ends_in: float = 3) -> dict[str, str]:
    now = clock.now()
    return {"starts_at": (now + hours(starts_in)).isoformat(), "ends_at": (now + hours(ends_in)).isoformat()}


def wish(caller: Caller, lot: Lot, **times: float) -> dict[str, Any]:
    """The body of a request for a bay, with a car of the caller's own."""
    assert caller.user is not None
    return {"lot": lot.pk, "vehicles": [make_vehicle(caller.user).pk]} | period(**times)


def asked(user: User, lot: Lot, starts_in: float = 1, ends_in: float = 3) -> Wish:
    """The same for the services below the API."""
    now = clock.now()
    return Wish(lot=lot, vehicles=[make_vehicle(user)], starts_at=now + hours(starts_in), ends_at=now + hours(ends_in))
