"""Tests side by side: one lane for each core, each with a PostgreSQL and a Redis of its own.

A pytest plugin, named by PYTEST_PLUGINS so that it is read before the settings are: it gives its lane the addresses of
the lane's servers. Nothing is shared but the processor, so a test meets what it would meet alone.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import pytest

from scripts.servers import order_of_choice
from scripts.with_servers import private_servers

MOST = 4
FIRST = (
    "faults"  # they wait for real processes rather than compute; journeys come last, for their site lives to the end
)


def lanes_here() -> int:
    """One for each core that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST)


def _name(worker: str, address: str) -> str:
    return f"{worker.upper()}_{address}"


@contextmanager
def further_servers(lanes: int) -> Iterator[Mapping[str, str]]:
    """Servers for all lanes but the first, which has ours; as environment variables."""
    with ExitStack() as running:
        found: dict[str, str] = {}
        for lane in range(1, lanes):
            addresses = running.enter_context(private_servers(order_of_choice(usual="system")))
            found |= {_name(f"gw{lane}", name): value for name, value in addresses.items()}
        yield found


def _take_the_lane() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ[name] = os.environ.get(_name(worker, name), os.environ[name])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.parent.name != FIRST)


_take_the_lane()
