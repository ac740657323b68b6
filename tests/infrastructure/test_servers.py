"""The wheels' servers are really started here: as root too, where PostgreSQL must run as somebody else."""

import os
import secrets
import shutil
import socket
import stat
import tempfile
from pathlib import Path

import psycopg2
import pytest
import redis

from scripts import leftovers, places, postgres, processes, redis_server, servers
from scripts.ports import LOOPBACK, first_free, free_port, is_free
from scripts.postgres_programs import wheel_binaries, within_reach
from scripts.refusal import StartRefused

WHEELS = ("wheels",)
PASSWORD = secrets.token_urlsafe(18)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")


@pytest.fixture
def taken_port():
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def open_folder():
    """A folder that every user may enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture
def closed_folder(tmp_path, monkeypatch):
    """A folder that only its owner may enter, and a substitute of its own under /var/tmp."""
    tmp_path.chmod(0o700)
    substitute = places.closed_checkout_folder(tmp_path)
    monkeypatch.setattr(places, "closed_checkout_folder", lambda: substitute)
    yield tmp_path
    shutil.rmtree(substitute, ignore_errors=True)


def stopped_cluster(folder):
    account = places.server_account()
    home = places.server_home(folder, account)
    cluster = postgres.Cluster(home, within_reach(wheel_binaries(), account, home), account, PASSWORD)
    postgres.prepare(cluster)
    return cluster


def count_of_rows(url):
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        cursor.execute("CREATE TABLE IF NOT EXISTS visit (id int)")
        cursor.execute("INSERT INTO visit VALUES (1)")
        cursor.execute("SELECT count(*) FROM visit")
        (count,) = cursor.fetchone()
    connection.close()
    return count


def test_a_port_in_use_is_not_free(taken_port):
    assert not is_free(taken_port)
    assert free_port(preferred=taken_port) != taken_port
    assert first_free(range(taken_port, taken_port + 1), LOOPBACK) is None


def test_a_preferred_port_is_kept_while_it_is_free():
    port = free_port()

    assert free_port(preferred=port) == port


def test_postgres_keeps_its_data_and_survives_a_killed_run(open_folder):
    first = servers.start_postgres(open_folder, password=PASSWORD, order=WHEELS)
    assert count_of_rows(first.url) == 1

    again = servers.start_postgres(open_folder, password=PASSWORD, order=WHEELS, port=first.port)

    assert first.process.wait(5) == 0  # the second start found the first one and shut it down
    assert again.port == first.port
    assert count_of_rows(again.url) == 2
    postgres.stop(again.process)
    assert again.process.returncode == 0


@needs_root
def test_postgres_starts_for_root_in_a_closed_folder(closed_folder):
    server = servers.start_postgres(closed_folder, password=PASSWORD, order=WHEELS)

    assert count_of_rows(server.url) == 1
    postgres.stop(server.process)
    assert stat.S_IMODE(closed_folder.stat().st_mode) == 0o700


def test_postgres_takes_no_wrong_password_and_listens_on_loopback_only(open_folder):
    server = servers.start_postgres(open_folder, password=PASSWORD, order=WHEELS)

    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(server.url.replace(PASSWORD, "guess"))
    connection = psycopg2.connect(server.url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories')")
        assert cursor.fetchone() == (LOOPBACK, "")
    connection.close()
    postgres.stop(server.process)


def test_a_stale_pid_file_that_names_a_stranger_is_forgotten_and_the_stranger_spared(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    pid_file = data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{data}\n")

    leftovers.end_postgres(data)

    assert not pid_file.exists()
    assert processes.identity(os.getpid())


def test_a_damaged_data_folder_is_told_in_one_sentence(open_folder):
    cluster = stopped_cluster(open_folder)
    (cluster.data / "global" / "pg_control").unlink()

    with pytest.raises(StartRefused, match=r"is damaged; \./run clean removes it"):
        postgres.prepare(cluster)


def test_a_data_folder_of_another_version_is_told_in_one_sentence(open_folder):
    cluster = stopped_cluster(open_folder)
    (cluster.data / "PG_VERSION").write_text("9\n")

    with pytest.raises(StartRefused, match=r"was made by PostgreSQL 9 .*; \./run clean removes it"):
        postgres.prepare(cluster)


def test_a_server_that_does_not_start_gives_its_reason(open_folder, taken_port):
    cluster = stopped_cluster(open_folder)

    with pytest.raises(StartRefused, match=r"PostgreSQL does not start: .*could not create any TCP/IP sockets"):
        postgres.start(cluster, taken_port)


@pytest.mark.parametrize("mode", [0o777, 0o773])
def test_a_folder_that_others_may_write_is_refused(tmp_path, mode):
    prepared_by_a_stranger = tmp_path / "folder"
    prepared_by_a_stranger.mkdir()
    prepared_by_a_stranger.chmod(mode)

    with pytest.raises(StartRefused, match="belongs to somebody else"):
        places.claim_folder(prepared_by_a_stranger)


def test_a_link_in_place_of_the_folder_is_refused(tmp_path):
    link = tmp_path / "folder"
    link.symlink_to(tmp_path)

    with pytest.raises(StartRefused, match="belongs to somebody else"):
        places.claim_folder(link)


def test_redis_answers_to_its_password_only(tmp_path):
    server = servers.start_redis(tmp_path, password=PASSWORD, order=WHEELS)

    with redis.Redis.from_url(server.url) as client:
        assert client.ping()
        assert client.config_get("maxmemory-policy", "save", "appendonly") == {
            "maxmemory-policy": "noeviction", "save": "", "appendonly": "no",
        }  # fmt: skip
    with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    redis_server.stop(server.process)
    assert server.process.returncode == 0


def test_an_unknown_choice_of_servers_is_told_in_one_sentence(monkeypatch):
    monkeypatch.setenv("SERVERS", "magic")

    with pytest.raises(StartRefused, match="set it to wheels or system"):
        servers.order_of_choice(usual="wheels")


@pytest.mark.parametrize(("usual", "order"), [("wheels", ("wheels", "system")), ("system", ("system", "wheels"))])
def test_the_usual_servers_come_first(monkeypatch, usual, order):
    monkeypatch.delenv("SERVERS", raising=False)

    assert servers.order_of_choice(usual=usual) == order
