"""The demo's web address and the environment that its processes run in."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import redis

from scripts.ports import LOOPBACK, first_free, is_free
from scripts.refusal import StartRefused

USUAL_PORT = 8000
OTHER_PORTS = range(USUAL_PORT, USUAL_PORT + 100)
PATIENCE_S = 5
# Variables that a user may set for the demo's processes; all others that the settings read are ours.
FROM_USER = ("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS")


@dataclass(frozen=True)
class WebAddress:
    """Where the site listens, and how a browser on this machine reaches it."""

    host: str
    port: int

    @property
    def bind(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        host = LOOPBACK if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104 -- asked for by HOST=
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"


def choose_web_address() -> WebAddress:
    """HOST and PORT as named, else the first free port from 8000 on loopback."""
    host = os.environ.get("HOST") or LOOPBACK
    named = os.environ.get("PORT", "")
    if not named:
        port = first_free(OTHER_PORTS, host)
        if port is None:
            raise StartRefused(f"No port from {USUAL_PORT} on is free at {host}; name one with PORT=.")
        return WebAddress(host, port)
    if not named.isdigit() or not 0 < int(named) < 65536:
        raise StartRefused(f"PORT={named} is not a port; name a number from 1 to 65535, or unset PORT.")
    if not is_free(int(named), host):
        raise StartRefused(f"Port {named} is in use; name another with PORT=, or unset PORT to have one chosen.")
    return WebAddress(host, int(named))


def environment(addresses: dict[str, str], kept: dict[str, str], web: WebAddress) -> dict[str, str]:
    """What the settings read, beside what the user's own environment brings along."""
    hosts = ",".join(dict.fromkeys(("localhost", LOOPBACK, "[::1]", web.host)))
    ours = {
        "DJANGO_SETTINGS_MODULE": "parking_share.settings",
        "DEPLOYMENT": "demo",
        "DEBUG": "false",
        "SECRET_KEY": kept["SECRET_KEY"],
        "PLATE_KEY": kept["PLATE_KEY"],
        "ALLOWED_HOSTS": hosts,
        "CSRF_TRUSTED_ORIGINS": f"http://localhost:{web.port},{web.url.rstrip('/')}",
        "PYTHONUNBUFFERED": "1",
        **addresses,
    }
    return ours | {name: os.environ[name] for name in FROM_USER if os.environ.get(name)}


def clock(started_at: Path) -> dict[str, str]:
    """With CLOCK_SPEED, the instant from which time runs faster: kept, so that a restart does not turn time back."""
    if not os.environ.get("CLOCK_SPEED") or os.environ.get("CLOCK_STARTED_AT"):
        return {}
    if not started_at.exists():
        started_at.write_text(datetime.now(UTC).isoformat())
    return {"CLOCK_STARTED_AT": started_at.read_text().strip()}


def check_named_servers(addresses: dict[str, str]) -> None:
    """Ask both servers for an answer, so that a mistyped address is told as such."""
    try:
        psycopg2.connect(addresses["DATABASE_URL"], connect_timeout=PATIENCE_S).close()
    except psycopg2.Error as problem:
        raise StartRefused(
            f"The database at {_where(addresses['DATABASE_URL'])} does not let us in; correct or unset DATABASE_URL "
            f"({str(problem).strip().splitlines()[0]})."
        ) from problem
    try:
        broker = redis.Redis.from_url(addresses["REDIS_URL"], socket_connect_timeout=PATIENCE_S)
        broker.ping()
        broker.close()
    except (redis.RedisError, ValueError) as problem:
        raise StartRefused(
            f"The Redis at {_where(addresses['REDIS_URL'])} does not let us in; correct or unset REDIS_URL ({problem})."
        ) from problem


def _where(url: str) -> str:
    """The address without the password."""
    return urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()
