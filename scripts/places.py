"""Where the scripts keep things, and the account that PostgreSQL runs under.

PostgreSQL refuses to run as root. Started by root it runs as `postgres`, else `nobody`; when that account cannot
reach a checkout under a closed home folder, its files go to a folder under /var/tmp named after the checkout.
"""

import contextlib
import hashlib
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scripts.refusal import StartRefused

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / ".demo"
TEST = ROOT / ".test"


@dataclass(frozen=True)
class Account:
    """A user of the machine."""

    uid: int
    gid: int


def server_account() -> Account | None:
    """Whom PostgreSQL must run as, or None when that is the user at hand."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise StartRefused("PostgreSQL does not run as root: create a user `nobody`, or start ./run as an ordinary user.")


def closed_checkout_folder(root: Path = ROOT) -> Path:
    """The folder for the servers' files when their account cannot reach the checkout."""
    return Path("/var/tmp") / f"parking-share-{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}"  # noqa: S108 -- owner and mode are checked


def server_home(base: Path, account: Account | None) -> Path:
    """The folder for the servers' files: base itself where the account can reach it."""
    base.mkdir(mode=0o711, parents=True, exist_ok=True)
    if account is None or can_enter(base, account):
        return base
    folder = closed_checkout_folder()
    claim_folder(folder)
    home = folder / base.name.lstrip(".")
    home.mkdir(mode=0o711, exist_ok=True)
    return home


def can_enter(folder: Path, account: Account) -> bool:
    """Try it as that account: permissions of every parent folder count."""
    try:
        subprocess.run(
            ["/bin/sh", "-c", ":"],
            cwd="/",
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            check=True,
            preexec_fn=lambda: os.chdir(folder),  # runs after the change of user, unlike cwd=
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def claim_folder(folder: Path) -> None:
    """Make a folder in a place where everyone can write, and refuse one that somebody else made."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o711)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise StartRefused(f"{folder} belongs to somebody else; remove it and start again.")
