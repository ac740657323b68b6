"""Keeps a set of child processes running, and ends them all when one is lost for good."""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from scripts import processes
from scripts.refusal import StartRefused

POLL_S = 0.2
RESTARTS = 3
RESTART_WINDOW_S = 60.0


class StopRequested(Exception):
    """Somebody pressed Ctrl-C or sent a signal."""


@dataclass
class StopButton:
    """Remembers that a signal asked us to stop; code that waits looks at it."""

    pressed: bool = False

    def install(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._press)

    def _press(self, _number: int, _frame: FrameType | None) -> None:
        self.pressed = True

    def check(self) -> None:
        if self.pressed:
            raise StopRequested


@dataclass
class Service:
    """A child to keep alive. Without `start` it cannot be started again: its loss ends everything."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    patience_s: float = 6.0
    start: "Callable[[], subprocess.Popen[bytes]] | None" = None
    restarted_at: list[float] = field(default_factory=list)


def run_step(
    command: Sequence[str | Path], *, environment: dict[str, str], log: Path, button: StopButton, shown: bool
) -> int:
    """Run one command to its end unless somebody wants to stop; `shown` leaves its messages on the terminal."""
    with log.open("ab") as out:
        step = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=None if shown else subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while (code := step.poll()) is None:
            button.check()
            time.sleep(processes.POLL_S)
    finally:
        processes.stop(step, stop_signal=signal.SIGTERM, patience_s=5)
    return code


def watch(
    services: Sequence[Service], button: StopButton, *, say: Callable[[str], None], changed: Callable[[], None]
) -> None:
    """Return never: raise StopRequested when asked to stop, StartRefused when a service is lost."""
    while True:
        button.check()
        for service in services:
            if service.process.poll() is not None:
                revive(service, say)
                changed()
        time.sleep(POLL_S)


def revive(service: Service, say: Callable[[str], None]) -> None:
    """Start a dead service again, or refuse when it keeps dying or cannot be started twice."""
    code = service.process.returncode
    end = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    quotation = f"its log, {service.log}, ends:\n{processes.last_lines(service.log)}"
    processes.kill_group(service.process.pid)
    now = time.monotonic()
    service.restarted_at = [at for at in service.restarted_at if now - at < RESTART_WINDOW_S]
    if service.start is None:
        raise StartRefused(f"{service.name} ended {end}, so everything was stopped; {quotation}")
    if len(service.restarted_at) >= RESTARTS:
        raise StartRefused(
            f"{service.name} ended {end}, {RESTARTS + 1} times within a minute, so everything was stopped; {quotation}"
        )
    service.restarted_at.append(now)
    say(f"{service.name} ended {end}; starting it again ({len(service.restarted_at)} of {RESTARTS}).")
    service.process = service.start()


def stop_all(services: Sequence[Service]) -> None:
    """Ask the site's processes together, as each may take a while, then stop all in reverse order."""
    for service in reversed(services):
        if service.start is not None and service.process.poll() is None:
            service.process.send_signal(service.stop_signal)
    for service in reversed(services):
        asked = service.start is not None
        processes.stop(
            service.process, stop_signal=None if asked else service.stop_signal, patience_s=service.patience_s
        )
