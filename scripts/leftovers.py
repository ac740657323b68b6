"""What an earlier run left behind when it was killed. Only the standard library is needed."""

import json
import signal
from collections.abc import Iterable
from pathlib import Path

from scripts import processes
from scripts.keys import write_private

POSTGRES_STOP = signal.SIGINT  # PostgreSQL's fast shutdown
POSTGRES_PATIENCE_S = 20.0
SITE_PATIENCE_S = 5.0


def remember(record: Path, pids: Iterable[int]) -> None:
    """Write down who is running, for the next start to find if we are killed."""
    running = [{"pid": pid, "identity": processes.identity(pid)} for pid in pids]
    write_private(record, json.dumps(running, indent=1))


def end_remembered(record: Path) -> None:
    """End the processes in the record that still are what they were; a reused number is somebody else's."""
    try:
        left = [(int(entry["pid"]), str(entry["identity"])) for entry in json.loads(record.read_text())]
    except (OSError, ValueError, KeyError, TypeError):
        left = []
    for pid, identity in reversed(left):
        if identity and processes.identity(pid) == identity:
            processes.end_stranger(pid, stop_signal=signal.SIGTERM, patience_s=SITE_PATIENCE_S)
            processes.kill_group(pid)
    record.unlink(missing_ok=True)


def end_postgres(data: Path) -> None:
    """End the server that works in this data folder, and only that one; forget a pid file of the dead."""
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        pid = 0
    if pid > 0 and processes.works_in(pid, data):
        processes.end_stranger(pid, stop_signal=POSTGRES_STOP, patience_s=POSTGRES_PATIENCE_S)
    pid_file.unlink(missing_ok=True)
