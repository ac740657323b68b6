"""Child processes that end with their parent, and processes that an earlier run left behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scripts.places import Account

PR_SET_PDEATHSIG = 1
POLL_S = 0.05
ON_LINUX = Path("/proc/self/stat").exists()


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    account: Account | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    stdin: int | None = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C reaches only us; its output goes to the log."""
    with log.open("ab") as out:
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
            preexec_fn=_end_with_parent(stop_signal),  # noqa: PLW1509 -- the scripts have one thread
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def _end_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """On Linux the kernel sends the signal when the parent dies, even by kill -9."""
    if not ON_LINUX:
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, int(stop_signal))


def stop(process: subprocess.Popen[bytes], *, stop_signal: signal.Signals | None, patience_s: float) -> None:
    """Ask the child to end (None: it was asked), wait, then kill whatever is left of its process group."""
    if process.poll() is None:
        if stop_signal is not None:
            process.send_signal(stop_signal)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    kill_group(process.pid)


def kill_group(leader: int) -> None:
    """Kill what a dead leader of a process group left running."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def identity(pid: int) -> str:
    """What tells this process from a later one of the same number; empty when it is gone."""
    if ON_LINUX:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return ""
        fields = stat.rpartition(")")[2].split()
        state, started = fields[0], fields[19]
        return "" if state in "ZX" else f"{boot} {started}"
    return _ps("lstart=", pid)


def works_in(pid: int, folder: Path) -> bool:
    """Whether the process is at home in this folder: its working folder, or a folder its command names."""
    if ON_LINUX:
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == folder.resolve()
        except OSError:
            return False
    return str(folder) in _ps("command=", pid)


def _ps(column: str, pid: int) -> str:
    answer = subprocess.run(["ps", "-ww", "-o", column, "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def end_stranger(pid: int, *, stop_signal: signal.Signals, patience_s: float) -> None:
    """End a process that is ours but not our child: the rest of an earlier run."""
    mark = identity(pid)
    for attempt in (stop_signal, signal.SIGKILL):
        if not mark or identity(pid) != mark:
            return
        try:
            os.kill(pid, attempt)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience_s
        while identity(pid) == mark and time.monotonic() < deadline:
            time.sleep(POLL_S)


def last_lines(log: Path, count: int = 12) -> str:
    """The end of a log, indented for quoting."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        lines = []
    return "\n".join(f"    {line}" for line in lines)
