"""A private PostgreSQL: a data folder of our own, loopback only, a password."""

import os
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from scripts import leftovers, processes
from scripts.places import Account
from scripts.ports import LOOPBACK
from scripts.postgres_programs import major_version
from scripts.refusal import StartRefused

USER = "parking_share"
DATABASE = "parking_share"
STOP_SIGNAL = leftovers.POSTGRES_STOP
PATIENCE_S = leftovers.POSTGRES_PATIENCE_S
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL of our own: its folder, its program files, whom it runs as, its password."""

    home: Path
    binaries: Path
    account: Account | None
    password: str

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    def url(self, port: int) -> str:
        return f"postgres://{USER}:{self.password}@{LOOPBACK}:{port}/{DATABASE}"


# --- the data folder ----------------------------------------------------------------------------------


def prepare(cluster: Cluster) -> None:
    """Make the data folder if there is none, and end what an earlier run left in it."""
    if not cluster.data.exists():
        _initialise(cluster)
        return
    marker = cluster.data / "PG_VERSION"
    made_by = marker.read_text().strip() if marker.is_file() else ""
    if not made_by or not (cluster.data / "global" / "pg_control").is_file():
        raise StartRefused(
            f"The database folder {cluster.data} is damaged; "
            "./run clean removes it, then start again (its data are lost)."
        )
    if made_by != str(major_version(cluster.binaries)):
        raise StartRefused(
            f"The database folder {cluster.data} was made by PostgreSQL {made_by} and this is "
            f"{major_version(cluster.binaries)}; ./run clean removes it, then start again (its data are lost)."
        )
    leftovers.end_postgres(cluster.data)


def _initialise(cluster: Cluster) -> None:
    """Make the folder under another name first: a half-made one is never taken for a database."""
    half_made = cluster.home / f"data.{secrets.token_hex(4)}"
    half_made.mkdir(mode=0o700)
    password_file = cluster.home / f"password.{secrets.token_hex(4)}"
    password_file.touch(mode=0o600)
    password_file.write_text(cluster.password)
    if cluster.account:
        for path in (half_made, password_file):
            os.chown(path, cluster.account.uid, cluster.account.gid)
    try:
        answer = _run(
            cluster,
            "initdb",
            "-D",
            half_made,
            "-U",
            USER,
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-sync",
            *_locale(cluster.binaries),
        )
        if answer.returncode:
            raise StartRefused(f"PostgreSQL could not make its data folder in {cluster.home}: {_reason(answer.stdout)}")
        half_made.rename(cluster.data)
    finally:
        password_file.unlink()
        shutil.rmtree(half_made, ignore_errors=True)


def _locale(binaries: Path) -> tuple[str, ...]:
    """Unicode letters without depending on the locales that the machine has."""
    if major_version(binaries) >= 17:
        return ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    return ("--locale=C.UTF-8",)


def _run(cluster: Cluster, program: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    account = cluster.account
    return subprocess.run(
        [cluster.binaries / program, *arguments],
        cwd="/",
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def _reason(output: str) -> str:
    lines = [line for line in output.strip().splitlines() if line.strip()]
    blamed = [line for line in lines if "FATAL" in line or "error" in line]
    return (blamed or lines or ["it gave no reason"])[-1].strip()


# --- the server ---------------------------------------------------------------------------------------


def start(cluster: Cluster, port: int) -> "subprocess.Popen[bytes]":
    """Start the server as a child and wait until it takes connections; make our database if it is new."""
    options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    seen = cluster.log.stat().st_size if cluster.log.exists() else 0
    server = processes.spawn(
        [cluster.binaries / "postgres", "-D", cluster.data, "-p", str(port), *options],
        log=cluster.log,
        folder=Path("/"),
        account=cluster.account,
        stop_signal=STOP_SIGNAL,
    )
    try:
        _wait_until_ready(cluster, server, seen)
        _create_database(cluster, port)
    except BaseException:
        stop(server)
        raise
    return server


def stop(server: "subprocess.Popen[bytes]") -> None:
    """Shut the server down, at once for its clients and cleanly for its data."""
    processes.stop(server, stop_signal=STOP_SIGNAL, patience_s=PATIENCE_S)


def _wait_until_ready(cluster: Cluster, server: "subprocess.Popen[bytes]", seen: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if _status(cluster.data) == "ready":
            return
        if server.poll() is not None:
            break
        time.sleep(processes.POLL_S / 5)
    new_lines = cluster.log.read_bytes()[seen:].decode(errors="replace")
    raise StartRefused(
        f"PostgreSQL does not start: {_reason(new_lines)} (log: {cluster.log}); "
        "if its folder is damaged, ./run clean removes it (its data are lost)."
    )


def _status(data: Path) -> str:
    """The eighth line of the pid file, which the server keeps up to date."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return ""
    return lines[7].strip() if len(lines) > 7 else ""


def _create_database(cluster: Cluster, port: int) -> None:
    try:
        connection = psycopg2.connect(
            host=LOOPBACK, port=port, user=USER, password=cluster.password, dbname="postgres", connect_timeout=5
        )
    except psycopg2.OperationalError as problem:
        raise StartRefused(
            f"The database in {cluster.data} refuses its password ({str(problem).strip().splitlines()[0]}); "
            "./run clean removes it, then start again (its data are lost)."
        ) from problem
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {DATABASE}")
    connection.close()
