import socket
import stat

import pytest

from scripts import demo, demo_settings
from scripts.keys import kept_secrets
from scripts.ports import LOOPBACK, free_port
from scripts.refusal import StartRefused

NOWHERE = {"DATABASE_URL": "postgres://someone:secret@127.0.0.1:1/parking", "REDIS_URL": "redis://:secret@127.0.0.1:1"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in ("HOST", "PORT", "CLOCK_SPEED", "CLOCK_STARTED_AT", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"):
        monkeypatch.delenv(name, raising=False)


def test_a_named_port_in_use_is_refused_in_one_sentence(monkeypatch):
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))

        with pytest.raises(StartRefused, match=f"^Port {port} is in use; name another with PORT="):
            demo_settings.choose_web_address()


@pytest.mark.parametrize("named", ["0", "70000", "web", "-1"])
def test_a_name_that_is_no_port_is_refused(monkeypatch, named):
    monkeypatch.setenv("PORT", named)

    with pytest.raises(StartRefused, match="is not a port"):
        demo_settings.choose_web_address()


def test_a_free_port_is_found_when_the_usual_one_is_taken(monkeypatch):
    with socket.create_server((LOOPBACK, 0)) as server:
        taken = server.getsockname()[1]
        monkeypatch.setattr(demo_settings, "OTHER_PORTS", [taken, free_port()])

        assert demo_settings.choose_web_address().port != taken


@pytest.mark.parametrize(
    ("host", "bind", "url"),
    [
        ("127.0.0.1", "127.0.0.1:8000", "http://127.0.0.1:8000/"),
        ("0.0.0.0", "0.0.0.0:8000", "http://127.0.0.1:8000/"),  # noqa: S104
        ("::1", "[::1]:8000", "http://[::1]:8000/"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(host, bind, url):
    web = demo_settings.WebAddress(host, 8000)

    assert (web.bind, web.url) == (bind, url)


def test_an_unreachable_database_is_told_without_its_password():
    with pytest.raises(StartRefused, match="DATABASE_URL") as refused:
        demo_settings.check_named_servers(NOWHERE)

    assert "secret" not in str(refused.value)


def test_a_faster_clock_keeps_its_start(monkeypatch, tmp_path):
    monkeypatch.setenv("CLOCK_SPEED", "60")

    first = demo_settings.clock(tmp_path / "started")

    assert first["CLOCK_STARTED_AT"].endswith("+00:00")
    assert demo_settings.clock(tmp_path / "started") == first


def test_secrets_are_made_once_and_closed_to_others(tmp_path):
    path = tmp_path / "secrets.json"

    made = kept_secrets(path)

    assert kept_secrets(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(made["SECRET_KEY"]) >= 50


def test_damaged_secrets_are_told_in_one_sentence(tmp_path):
    path = tmp_path / "secrets.json"
    path.write_text("{")

    with pytest.raises(StartRefused, match=r"cannot be read; \./run clean removes the demo"):
        kept_secrets(path)


def test_a_second_demo_in_the_same_folder_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "DEMO", tmp_path)
    monkeypatch.setattr(demo, "LOCK", tmp_path / "lock")

    with demo.only_one(), pytest.raises(StartRefused, match="already running"), demo.only_one():
        pass

    with demo.only_one():
        pass
