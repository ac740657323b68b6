import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from django.conf import settings

from scripts.site_commands import QUEUES
from tests.live import Process, _environment

CELERY = (sys.executable, "-m", "celery", "-A", "tests.faults.hooked")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/faults/" in item.path.as_posix():
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="session")
def is_full() -> bool:
    """Whether the full numbers are asked for: `FAULT_ROUNDS=full`."""
    return os.environ.get("FAULT_ROUNDS") == "full"


@pytest.fixture
def broker() -> Iterator["redis.Redis"]:
    """The real broker; its database is emptied before and after."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def start_worker(transactional_db, broker, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Start a Celery worker on the test database, with hooks by environment variable; it is ended with the test."""
    with ExitStack() as stack:

        def start(*, concurrency: int = 2, **hooks: str) -> Process:
            options = ("--queues", QUEUES, "--concurrency", str(concurrency))
            command = (*CELERY, "worker", *options, "--without-gossip", "--without-mingle")
            worker = Process("worker", command, _environment(port=0, threads=1) | hooks, tmp_path / "worker.log")
            stack.callback(worker.stop)
            worker.start()
            worker.wait_until(lambda: "ready." in worker.tail())
            return worker

        yield start


@pytest.fixture
def beat(transactional_db, broker, tmp_path: Path) -> Iterator[Process]:
    command = (*CELERY, "beat", "--schedule", str(tmp_path / "schedule"), "--pidfile=")
    process = Process("beat", command, _environment(port=0, threads=1), tmp_path / "beat.log")
    process.start()
    process.wait_until(lambda: "beat: Starting" in process.tail())
    yield process
    process.stop()
