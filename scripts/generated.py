"""Files that commands write: compare them with what is committed (`check`), or write them again (`write`)."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts import translations
from scripts.places import ROOT
from scripts.refusal import StartRefused, run_or_explain

MANAGE = (sys.executable, "manage.py")


@dataclass(frozen=True)
class Generated:
    """A file and the command that prints it."""

    path: Path
    command: tuple[str, ...]


FILES = (
    Generated(ROOT / "docs" / "states.md", (*MANAGE, "state_diagram")),
    Generated(ROOT / "docs" / "openapi.yaml", (*MANAGE, "spectacular", "--validate", "--fail-on-warn")),
)


def wanted(file: Generated) -> str:
    """What the file should hold."""
    answer = subprocess.run(file.command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if answer.returncode:
        raise StartRefused(f"{file.path.relative_to(ROOT)} cannot be generated; mend what its command says above.")
    return answer.stdout


def check() -> int:
    """Name the files that are not what their commands print."""
    stale = [
        str(file.path.relative_to(ROOT))
        for file in FILES
        if not file.path.is_file() or file.path.read_text() != wanted(file)
    ]
    if stale:
        raise StartRefused(f"{', '.join(stale)}: not up to date; run ./run generate and commit the result.")
    return 0


def write() -> int:
    """Write every file again, and bring the translation files up to date."""
    for file in FILES:
        file.path.write_text(wanted(file))
    return translations.update()


def main() -> int:
    commands = {"check": check, "write": write}
    command = commands.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if command is None:
        raise StartRefused(f"Say one of: {', '.join(commands)}.")
    return command()


if __name__ == "__main__":
    run_or_explain(main)
