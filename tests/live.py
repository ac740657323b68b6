"""A real site for a test: gunicorn and a Celery worker as processes of their own, on the test database.

    @pytest.fixture(scope="module")
    def site(django_db_setup):
        with live_site() as site:
            yield site

Tests that use it need `@pytest.mark.django_db(transaction=True)`: the site sees committed rows only.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from django.db import connection

from scripts.ports import free_port
from scripts.site_commands import QUEUES

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 60
CELERY = (sys.executable, "-m", "celery", "-A", "parking_share")


class SiteFailed(AssertionError):
    """A process of the site died, or did not come up; its log is in the message."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Process:
    """One process in a group of its own, its output in a file."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    popen: "subprocess.Popen[bytes]" = field(init=False)

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=output, stderr=output, start_new_session=True
            )

    def kill(self) -> None:
        """End the process and its children as a power cut would."""
        self._signal(signal.SIGKILL)
        self.popen.wait(timeout=10)

    def stop(self) -> None:
        """Ask the process to end; insist after ten seconds, and leave no child behind."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill()
        self._signal(signal.SIGKILL)

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_S
        while not is_ready():
            if self.popen.poll() is not None:
                raise SiteFailed(f"{self.name} ended with {self.popen.returncode}:\n{self.tail()}")
            if time.monotonic() > until:
                raise SiteFailed(f"{self.name} is not ready after {PATIENCE_S} s:\n{self.tail()}")
            time.sleep(0.05)

    def tail(self, lines: int = 60) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def has_said(self, text: str) -> bool:
        """Whether its log holds this text, however long ago."""
        return text in self.log.read_text(errors="replace")

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.popen.pid, number)
        except ProcessLookupError:
            return


@dataclass
class LiveSite:
    """The running site: its address, and its processes by name (`web`, `worker`, `beat`)."""

    address: str
    processes: dict[str, Process]
    environment: dict[str, str]

    def call(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        timeout: float = 30,
    ) -> Reply:
        """Send one request, with data as JSON or a raw body; an error status is a reply like any other."""
        sent = {"Accept-Language": "en"} | dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        body = raw
        if data is not None:
            body, sent["Content-Type"] = json.dumps(data).encode(), "application/json"
        request = Request(self.address + path, data=body, method=method, headers=sent)  # noqa: S310 -- our own server
        try:
            with urlopen(request, timeout=timeout) as answer:  # noqa: S310 -- our own server
                return Reply(answer.status, answer.headers, answer.read())
        except HTTPError as error:
            with error:
                return Reply(error.code, error.headers, error.read())

    def logs(self) -> str:
        return "\n".join(f"--- {name} ---\n{process.tail()}" for name, process in self.processes.items())


@contextmanager
def live_site(
    *,
    web_workers: int = 1,
    web_threads: int = 4,
    celery_concurrency: int = 1,
    beat: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Iterator[LiveSite]:
    """Start the site, wait until it answers, end all of it; what its processes wrote is shown when the test fails."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="live-site-")))
        port = free_port()
        env = _environment(port=port, threads=web_threads) | dict(environment or {})
        commands = _commands(port=port, workers=web_workers, threads=web_threads, concurrency=celery_concurrency)
        if beat:
            commands["beat"] = (*CELERY, "beat", "--schedule", str(folder / "schedule"), "--pidfile=")
        processes = {name: Process(name, command, env, folder / f"{name}.log") for name, command in commands.items()}
        for process in processes.values():
            process.start()
            stack.callback(process.stop)
        site = LiveSite(f"http://127.0.0.1:{port}", processes, env)
        processes["web"].wait_until(lambda: _answers(site))
        processes["worker"].wait_until(lambda: processes["worker"].has_said("ready."))
        try:
            yield site
        finally:
            print(site.logs())  # noqa: T201 -- pytest keeps it for the report of a failure


def _environment(*, port: int, threads: int) -> dict[str, str]:
    """Our own environment, with the test database in place of the configured one."""
    place = connection.settings_dict
    login = place["USER"] + (f":{place['PASSWORD']}" if place["PASSWORD"] else "")
    database = f"postgres://{login}@{place['HOST']}:{place['PORT'] or 5432}/{place['NAME']}"
    return os.environ | {
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "parking_share.settings",
        "WEB_THREADS": str(threads),
        "PORT": str(port),
        "PYTHONWARNINGS": "default",
    }


def _commands(*, port: int, workers: int, threads: int, concurrency: int) -> dict[str, tuple[str, ...]]:
    return {
        "web": (
            sys.executable, "-m", "gunicorn", "parking_share.wsgi:application", "--bind", f"127.0.0.1:{port}",
            "--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads),
            "--graceful-timeout", "3", "--no-control-socket",
        ),
        "worker": (
            *CELERY, "worker", "--queues", QUEUES, "--concurrency", str(concurrency),
            "--without-gossip", "--without-mingle",
        ),
    }  # fmt: skip


def _answers(site: LiveSite) -> bool:
    """Whether the web server speaks HTTP, whatever it says."""
    try:
        site.call("GET", "/healthz", timeout=2)
    except OSError:
        return False
    return True
