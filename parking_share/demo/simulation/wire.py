"""The line between devices and the site: it loses, doubles and delays messages."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import structlog
from django.utils.translation import gettext as _

from parking_share.demo.simulation.conduct import MINUTE, Faults
from parking_share.demo.simulation.diary import Diary
from parking_share.demo.simulation.formats import Message
from parking_share.demo.stays import ReplayRefused

PATIENCE_S = 10.0
TRIES = 3

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    body: bytes


@dataclass(kw_only=True)
class Counts:
    """What went over the line."""

    sent: int = 0
    lost: int = 0
    doubled: int = 0
    delayed: int = 0
    refused: int = 0
    unanswered: int = 0
    by_status: dict[int, int] = field(default_factory=dict)


class Wire:
    """Posts messages to one site over one connection that is opened again when it breaks."""

    def __init__(self, site: str, *, faults: Faults, diary: Diary, rng: np.random.Generator) -> None:
        self._address = urlsplit(site)
        self._connection: HTTPConnection | None = None
        self._faults, self._diary, self._rng = faults, diary, rng
        self.counts = Counts()

    def send(self, path: str, message: Message, *, now: datetime, delayed: Callable[[], Message]) -> Reply | None:
        """Post once, twice, later (as `delayed` then writes it), or not at all; None where no reply comes now."""
        dice = self._rng.random()
        if dice < self._faults.lost:
            self.counts.lost += 1
            return None
        if dice < self._faults.lost + self._faults.delayed:
            self.counts.delayed += 1
            later = now + float(self._rng.uniform(6, 45)) * MINUTE
            self._diary.at(later, lambda _: self._post_late(path, delayed()))
            return None
        reply = self.post(path, message)
        if dice > 1 - self._faults.doubled:
            self.counts.doubled += 1
            self.post(path, message)
        return reply

    def _post_late(self, path: str, message: Message) -> None:
        self.post(path, message)

    def post(self, path: str, message: Message) -> Reply | None:
        """Post, and again where the line breaks: devices try a few times, then give up."""
        for attempt in range(TRIES):
            try:
                reply = self._post(path, message)
            except (OSError, HTTPException) as error:
                self.hang_up()
                if attempt == TRIES - 1:
                    self.counts.unanswered += 1
                    log.warning("site_does_not_answer", error=type(error).__name__)
                continue
            self._note(reply)
            return reply
        return None

    def _note(self, reply: Reply) -> None:
        self.counts.sent += 1
        self.counts.by_status[reply.status] = self.counts.by_status.get(reply.status, 0) + 1
        if reply.status >= 400:
            self.counts.refused += 1
            log.warning("message_refused", status=reply.status, body=reply.body[:300].decode(errors="replace"))

    def _post(self, path: str, message: Message) -> Reply:
        if self._connection is None:
            self._connection = HTTPConnection(
                self._address.hostname or "127.0.0.1", self._address.port or 80, timeout=PATIENCE_S
            )
        self._connection.request("POST", path, body=message.body, headers=message.headers)
        with self._connection.getresponse() as answer:
            return Reply(status=answer.status, body=answer.read())

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def wait_for_site(site: str, *, patience_s: float) -> None:
    """Return as soon as the site answers; refuse when it does not in time."""
    until = time.monotonic() + patience_s
    while True:
        try:
            with urlopen(f"{site}/healthz", timeout=PATIENCE_S):  # noqa: S310 -- the operator names the site
                return
        except (URLError, OSError, HTTPException) as error:
            if time.monotonic() > until:
                sentence = _("%(site)s does not answer (%(reason)s). Start the site, or name it in --site.")
                raise ReplayRefused(sentence % {"site": site, "reason": getattr(error, "reason", error)}) from error
        time.sleep(0.5)
