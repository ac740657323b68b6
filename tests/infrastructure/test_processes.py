import os
import signal
import subprocess
import sys
import time

import pytest

from scripts import leftovers, processes
from scripts.refusal import StartRefused
from scripts.supervisor import Service, StopButton, StopRequested, revive, stop_all, watch

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def wait_until_gone(pid):
    deadline = time.monotonic() + 5
    while processes.identity(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not processes.identity(pid)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "child.log"


def test_identity_tells_the_living_from_the_dead(log):
    child = processes.spawn(SLEEPER, log=log)
    alive = processes.identity(child.pid)
    processes.stop(child, stop_signal=signal.SIGTERM, patience_s=5)

    assert alive
    assert alive != processes.identity(os.getpid())
    assert processes.identity(child.pid) == ""


def test_stop_kills_a_child_that_does_not_listen(log):
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    child = processes.spawn([sys.executable, "-c", deaf], log=log)
    while not log.read_text():
        time.sleep(0.01)

    processes.stop(child, stop_signal=signal.SIGTERM, patience_s=0.2)

    assert child.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_child_ends_when_its_parent_is_killed(tmp_path):
    parent = subprocess.Popen(
        [
            sys.executable, "-c",
            "import sys, time; from pathlib import Path; from scripts import processes\n"
            "child = processes.spawn([sys.executable, '-c', 'import time; time.sleep(60)'], log=Path(sys.argv[1]))\n"
            "print(child.pid, flush=True); time.sleep(60)",
            str(tmp_path / "log"),
        ],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with parent:
        child = int(parent.stdout.readline())
        parent.kill()

    assert wait_until_gone(child)


def test_leftovers_are_ended_when_they_are_still_the_same_process(tmp_path, log):
    left = processes.spawn(SLEEPER, log=log)
    record = tmp_path / "running.json"
    leftovers.remember(record, [left.pid])

    leftovers.end_remembered(record)

    assert left.wait(5) == -signal.SIGTERM
    assert not record.exists()


def test_leftovers_spare_a_process_that_got_the_number_of_a_dead_one(tmp_path, log):
    innocent = processes.spawn(SLEEPER, log=log)
    record = tmp_path / "running.json"
    leftovers.remember(record, [innocent.pid])
    record.write_text(record.read_text().replace(processes.identity(innocent.pid), "another boot 1"))

    leftovers.end_remembered(record)

    assert innocent.poll() is None
    processes.stop(innocent, stop_signal=signal.SIGTERM, patience_s=5)


@pytest.mark.parametrize("text", ["", "not json", '[{"pid": "x"}]', "[1]"])
def test_leftovers_survive_a_damaged_record(tmp_path, text):
    record = tmp_path / "running.json"
    record.write_text(text)

    leftovers.end_remembered(record)

    assert not record.exists()


def dead_service(log, *, restartable):
    def start():
        return processes.spawn([sys.executable, "-c", "print('out of paper'); raise SystemExit(3)"], log=log)

    service = Service("printer", start(), log, start=start if restartable else None)
    service.process.wait(5)
    return service


def test_a_lost_server_ends_everything_and_its_log_is_quoted(log):
    with pytest.raises(StartRefused, match=r"(?s)printer ended with exit code 3.*out of paper"):
        revive(dead_service(log, restartable=False), say=print)


def test_a_lost_process_of_the_site_is_started_three_times_then_everything_ends(log):
    service = dead_service(log, restartable=True)
    said = []

    with pytest.raises(StartRefused, match="4 times within a minute"):
        watch([service], StopButton(), say=said.append, changed=lambda: None)

    assert said == [f"printer ended with exit code 3; starting it again ({count} of 3)." for count in (1, 2, 3)]


def test_watch_returns_to_the_caller_when_the_button_is_pressed():
    with pytest.raises(StopRequested):
        watch([], StopButton(pressed=True), say=print, changed=lambda: None)


def test_stop_all_ends_every_service(log):
    services = [
        Service("server", processes.spawn(SLEEPER, log=log), log),
        Service("site", processes.spawn(SLEEPER, log=log), log, start=lambda: processes.spawn(SLEEPER, log=log)),
    ]

    stop_all(services)

    assert [service.process.returncode for service in services] == [-signal.SIGTERM, -signal.SIGTERM]
