"""`./run demo`: servers, data, site; watched until Ctrl-C."""

import fcntl
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import demo_settings, leftovers, postgres, processes, redis_server, servers
from scripts.demo_settings import WebAddress
from scripts.keys import kept_secrets, write_private
from scripts.places import DEMO, ROOT
from scripts.refusal import StartRefused, run_or_explain
from scripts.site_commands import LOGINS, STEPS, site_commands
from scripts.supervisor import Service, StopButton, StopRequested, run_step, stop_all, watch

LOGS = DEMO / "logs"
LOCK = DEMO / "lock"
RUNNING = DEMO / "running.json"
PORTS = DEMO / "ports.json"
ENVIRONMENT = DEMO / "environment.json"
ANSWER_WITHIN_S = 60.0


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


# --- one demo in a folder -------------------------------------------------


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the folder's lock; the system lets go of it when we die, however that happens."""
    DEMO.mkdir(mode=0o711, exist_ok=True)
    with LOCK.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            lock.seek(0)
            raise StartRefused(
                f"The demo of this folder is already running (process {lock.read().strip()}); "
                "stop it with Ctrl-C there, or with ./run clean, which also removes its data."
            ) from taken
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
        lock.truncate(0)


def remember(services: list[Service]) -> None:
    leftovers.remember(RUNNING, (service.process.pid for service in services))


# --- starting -----------------------------------------------------------------------------------------


def start_servers(services: list[Service], kept: dict[str, str]) -> dict[str, str]:
    """Start the servers that the environment does not name; return the addresses of both."""
    ports = _read_ports()
    order = servers.order_of_choice(usual="wheels")
    database, broker = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    began = time.monotonic()
    if not database:
        own = servers.start_postgres(DEMO, password=kept["POSTGRES_PASSWORD"], order=order, port=ports.get("postgres"))
        database, ports["postgres"] = own.url, own.port
        services.append(Service("PostgreSQL", own.process, own.log, postgres.STOP_SIGNAL, postgres.PATIENCE_S))
        remember(services)
    if not broker:
        own = servers.start_redis(LOGS, password=kept["REDIS_PASSWORD"], order=order, port=ports.get("redis"))
        broker, ports["redis"] = own.url, own.port
        services.append(Service("Redis", own.process, own.log, redis_server.STOP_SIGNAL, redis_server.PATIENCE_S))
        remember(services)
    write_private(PORTS, json.dumps(ports))
    say(f"Starting PostgreSQL and Redis… {time.monotonic() - began:.0f} s")
    return {"DATABASE_URL": database, "REDIS_URL": broker}


def _read_ports() -> dict[str, int]:
    try:
        ports: dict[str, int] = json.loads(PORTS.read_text())
    except (OSError, ValueError):
        ports = {}
    return ports


def prepare(environment: dict[str, str], button: StopButton) -> None:
    """Bring database, static files and city up to date; every step may be repeated."""
    log = LOGS / "prepare.log"
    log.unlink(missing_ok=True)
    for label, command, shown in STEPS:
        began = time.monotonic()
        print(f"{label}…", end="\n" if shown else " ", file=sys.stderr, flush=True)
        code = run_step(command, environment=environment, log=log, button=button, shown=shown)
        if code:
            raise StartRefused(f"failed. The log, {log}, ends:\n{processes.last_lines(log)}")
        if not shown:
            say(f"{time.monotonic() - began:.0f} s")


def start_site(services: list[Service], environment: dict[str, str], web: WebAddress) -> None:
    """Start web, worker, beat, and the life of the city."""
    for name, command in site_commands(web).items():
        log = LOGS / f"{name}.log"
        log.unlink(missing_ok=True)

        def start(command: tuple[str, ...] = command, log: Path = log) -> "subprocess.Popen[bytes]":
            return processes.spawn(command, log=log, environment=environment, folder=ROOT)

        services.append(Service(name, start(), log, start=start))
        remember(services)


def wait_for_answer(services: list[Service], url: str, button: StopButton) -> None:
    """Wait until the site says that it is well, and refuse when one of its processes dies first."""
    deadline = time.monotonic() + ANSWER_WITHIN_S
    while time.monotonic() < deadline:
        button.check()
        for service in services:
            if service.process.poll() is not None:
                raise StartRefused(f"{service.name} does not start; its log ends:\n{processes.last_lines(service.log)}")
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise StartRefused(f"The site did not answer at {url} within {ANSWER_WITHIN_S:.0f} s; read {LOGS / 'web.log'}.")


def show_welcome(environment: dict[str, str], web: WebAddress, took_s: float) -> None:
    """Print the address and the log-ins."""
    logins = subprocess.run(
        LOGINS, env=environment | {"LANGUAGE_CODE": terminal_language()}, capture_output=True, text=True, check=False
    )
    rule = "─" * 78
    print(f"\n{rule}\n  Parking Share is ready after {took_s:.0f} s:  {web.url}\n")
    print("\n".join(f"  {line}" for line in logins.stdout.splitlines()))
    print(f"\n  Ctrl-C stops it and keeps the data. Logs: {LOGS.relative_to(ROOT)}/\n{rule}", flush=True)


def run_demo(button: StopButton) -> None:
    """Start everything, then watch it until somebody stops it or a part is lost."""
    began = time.monotonic()
    web = demo_settings.choose_web_address()
    LOGS.mkdir(exist_ok=True)
    leftovers.end_remembered(RUNNING)
    kept = kept_secrets(DEMO / "secrets.json")
    services: list[Service] = []
    try:
        addresses = start_servers(services, kept)
        environment = demo_settings.environment(addresses, kept, web) | demo_settings.clock(DEMO / "clock-started-at")
        write_private(ENVIRONMENT, json.dumps(environment, indent=1))
        full = {**os.environ, **environment}
        demo_settings.check_named_servers(addresses)
        prepare(full, button)
        start_site(services, full, web)
        wait_for_answer(services, f"{web.url}healthz", button)
        show_welcome(full, web, time.monotonic() - began)
        watch(services, button, say=say, changed=lambda: remember(services))
    finally:
        stop_all(services)
        RUNNING.unlink(missing_ok=True)
        ENVIRONMENT.unlink(missing_ok=True)


def terminal_language() -> str:
    """The language of whoever reads this terminal, as far as the site speaks it."""
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh-hans" if spoken.startswith("zh") else "en"


def main() -> int:
    button = StopButton()
    button.install()
    with only_one():
        try:
            run_demo(button)
        except StopRequested:
            say("\nStopped; ./run demo starts it again with the same data.")
    return 0


if __name__ == "__main__":
    run_or_explain(main)
