"""A small client of the public REST API: it repeats what may be repeated, and waits for what is not decided yet."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin
from urllib.request import Request, urlopen

from django.utils.translation import gettext as _

from parking_share.demo.stays import ReplayRefused

ONE_CALL_S = 30
POLL_S = 0.1
AGAIN = {429, 503}
WAIT_FOR_DECISION = {"Prefer": "wait=5"}


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def code(self) -> str:
        """The code of a problem document."""
        return str(self.body.get("code", self.status)) if isinstance(self.body, dict) else str(self.status)


@dataclass(frozen=True, kw_only=True)
class Client:
    """Calls one site with one token. No call outlasts `patience_s`."""

    site: str
    token: str
    patience_s: float = 60

    def add_vehicle(self, plate: str) -> int:
        """Register a car of the caller."""
        reply = self._call("POST", "/api/v1/vehicles", {"plate": plate})
        if reply.status != 201:
            raise ReplayRefused(_("The site takes no cars: %(body)s") % {"body": reply.body})
        return int(reply.body["id"])

    def ask(self, wish: Mapping[str, Any], *, key: str) -> Reply:
        """Ask for a bay; return the final reply: the decision, or the problem that says which rule forbids it."""
        reply = self._call("POST", "/api/v1/reservations", wish, {"Idempotency-Key": key, **WAIT_FOR_DECISION})
        until = time.monotonic() + self.patience_s
        while reply.status == 202 or (reply.status == 200 and reply.body["status"] == "REQUESTED"):
            if time.monotonic() > until:
                sentence = _("No decision came within %(n)s seconds. Is the Celery worker running?")
                raise ReplayRefused(sentence % {"n": round(self.patience_s)})
            time.sleep(POLL_S)
            reply = self._call("GET", f"/api/v1/reservations/{reply.body['id']}")
        if reply.status not in {200, 201, 409}:
            raise ReplayRefused(
                _("The site answered %(status)s: %(body)s") % {"status": reply.status, "body": reply.body}
            )
        return reply

    def cancel(self, reservation_id: int) -> None:
        self._call("POST", f"/api/v1/reservations/{reservation_id}/cancel")

    def post(self, path: str, data: Any = None) -> Reply:
        """Send one command; a refusal is a reply like any other."""
        return self._call("POST", path, data)

    def _call(self, method: str, path: str, data: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send one request; a busy server and a key that is still being decided are tried again."""
        until = time.monotonic() + self.patience_s
        while True:
            reply = self._send(method, path, data, headers or {})
            is_busy = reply.status in AGAIN or reply.code == "idempotency_key_in_progress"
            if not is_busy or time.monotonic() > until:
                return reply
            time.sleep(min(float(reply.headers.get("Retry-After", "1")), 5))

    def _send(self, method: str, path: str, data: Any, headers: Mapping[str, str]) -> Reply:
        sent = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en", **headers}
        if data is not None:
            sent["Content-Type"] = "application/json"
        body = None if data is None else json.dumps(data).encode()
        request = Request(urljoin(self.site, path), data=body, method=method, headers=sent)  # noqa: S310 -- the operator names the site
        try:
            with urlopen(request, timeout=ONE_CALL_S) as answer:  # noqa: S310 -- as above
                return _reply(answer.status, dict(answer.headers), answer.read())
        except HTTPError as error:
            with error:
                return _reply(error.code, dict(error.headers), error.read())
        except URLError as error:
            values = {"site": self.site, "reason": error.reason}
            raise ReplayRefused(
                _("%(site)s does not answer (%(reason)s). Start the site, or name it in --site.") % values
            ) from error


def _reply(status: int, headers: Mapping[str, str], content: bytes) -> Reply:
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = content[:200].decode(errors="replace")
    return Reply(status=status, headers=headers, body=body)
