"""Run a command with a private PostgreSQL and Redis: `python -m scripts.with_servers COMMAND…`.

The machine's own servers first, the wheels' second (SERVERS=wheels|system forces one). Data live in a folder of
their own and are removed afterwards, whatever happens.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from scripts import postgres, postgres_programs, redis_server, servers
from scripts.keys import plate_key
from scripts.places import TEST, server_account, server_home
from scripts.refusal import run_or_explain

PATIENCE_S = 10.0


@contextmanager
def private_servers(order: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Start both servers, give their addresses as environment variables, stop them and remove their data."""
    home = server_home(TEST, server_account())
    folder = Path(tempfile.mkdtemp(prefix="servers-", dir=home))
    folder.chmod(0o711)
    password = secrets.token_urlsafe(18)
    running: list[servers.Server] = []
    try:
        database = servers.start_postgres(folder, password=password, order=order)
        running.append(database)
        broker = servers.start_redis(folder, password=password, order=order)
        running.append(broker)
        yield {"DATABASE_URL": database.url, "REDIS_URL": broker.url}
    finally:
        for server, stop in zip(running, (postgres.stop, redis_server.stop), strict=False):
            stop(server.process)
        shutil.rmtree(folder, ignore_errors=True)


def run(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run the command in our own process group, so that a debugger keeps the terminal; pass signals on."""
    child = subprocess.Popen(command, env=environment)
    interrupted_at: list[float] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:  # the terminal has sent it to the child too
            interrupted_at.append(time.monotonic())
        else:
            child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    while True:
        try:
            code = child.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            if interrupted_at and time.monotonic() > interrupted_at[0] + PATIENCE_S:
                child.terminate()
            continue
        return code if code >= 0 else 128 - code


def test_environment(addresses: dict[str, str]) -> dict[str, str]:
    """What the settings need, with keys of this run alone."""
    return {
        **os.environ,
        **addresses,
        "DEPLOYMENT": "test",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PLATE_KEY": plate_key(),
    }


def end_on_signals() -> None:
    """A signal unwinds the stack, so that what has started is stopped."""

    def end(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end)


def main() -> int:
    if sys.argv[1:] == ["--have-system"]:
        return 0 if postgres_programs.system_binaries() and redis_server.system_binary() else 1
    end_on_signals()
    with private_servers(servers.order_of_choice(usual="system")) as addresses:
        return run(sys.argv[1:], test_environment(addresses))


if __name__ == "__main__":
    run_or_explain(main)
