"""`./run test`: what the tests need made first, then pytest; its closing line comes last."""

import re
import subprocess
import sys
from collections.abc import Sequence

from scripts import translations
from scripts.refusal import run_or_explain

CLOSING = re.compile(r"=+ .*\b(passed|failed|error|errors|skipped|deselected|no tests ran)\b.* in [\d.]+s.*=+")
COLOR = re.compile(r"\x1b\[[0-9;]*m")


def run_pytest(arguments: Sequence[str]) -> tuple[int, str]:
    """Run pytest, pass on what it prints, and give its exit code and its closing line."""
    color = ["--color=yes"] if sys.stdout.isatty() else []
    closing = ""
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *color, *arguments], stdout=subprocess.PIPE, text=True, errors="replace"
    ) as tests:
        assert tests.stdout is not None
        for line in tests.stdout:
            print(line, end="", flush=True)
            if CLOSING.search(COLOR.sub("", line)):
                closing = line.rstrip()
    return tests.returncode, closing


def main() -> int:
    translations.compile_all()
    return subprocess.run([sys.executable, "-m", "pytest", *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    run_or_explain(main)
