"""`./run clean`: stop this folder's demo and remove what ./run made (only the standard library is needed)."""

import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from scripts import leftovers
from scripts.places import DEMO, ROOT, TEST, closed_checkout_folder
from scripts.refusal import StartRefused, run_or_explain

PATIENCE_S = 30.0
MADE = (
    DEMO, TEST, ROOT / "node_modules", ROOT / "staticfiles", ROOT / "test-results",
    *(ROOT / f".{name}" for name in (
        "hypothesis", "import_linter_cache", "mypy_cache", "pytest_cache", "ruff_cache", "schemathesis",
    )),
)  # fmt: skip


def stop_demo() -> None:
    """Ask the demo that holds this folder's lock to stop, and wait for it."""
    try:
        lock = (DEMO / "lock").open("r+")
    except OSError:
        return
    with lock:
        deadline = time.monotonic() + PATIENCE_S
        asked = False
        while not _taken(lock.fileno()):
            if time.monotonic() > deadline:
                raise StartRefused("The demo of this folder does not stop; end it by hand, then run ./run clean again.")
            if not asked:
                lock.seek(0)
                os.kill(int(lock.read()), signal.SIGTERM)
                asked = True
            time.sleep(0.1)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def end_leftovers() -> None:
    """End what a killed run left: its recorded processes, and the database servers in our folders."""
    leftovers.end_remembered(DEMO / "running.json")
    closed = closed_checkout_folder()
    for base in (DEMO, closed / "demo", *TEST.glob("servers-*"), *closed.glob("test/servers-*")):
        leftovers.end_postgres(base / "data")


def remove(path: Path) -> None:
    """Remove a file or a folder, whoever owns what is in it."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as problem:
        raise StartRefused(
            f"{problem.filename} cannot be removed ({problem.strerror}); remove it by hand."
        ) from problem


def caches() -> Iterator[Path]:
    """What Python leaves beside the sources."""
    for folder in (path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")):
        yield from folder.rglob("__pycache__")
    yield from ROOT.glob("locale/*/LC_MESSAGES/*.mo")


def main() -> int:
    stop_demo()
    end_leftovers()
    for path in (*MADE, closed_checkout_folder()):
        remove(path)
    for path in list(caches()):
        remove(path)
    print("Everything that ./run made in this folder is gone.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    run_or_explain(main)
