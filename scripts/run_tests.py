"""`./run test`: what the tests need made first, then pytest; its closing line comes last.

All tests run in one lane for each core (LANES=1: one after another); a part that arguments name runs in one.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence

from scripts import translations
from scripts.lanes import further_servers, lanes_here
from scripts.refusal import run_or_explain
from scripts.with_servers import end_on_signals

CLOSING = re.compile(r"=+ .*\b(passed|failed|error|errors|skipped|deselected|no tests ran)\b.* in [\d.]+s.*=+")
COLOR = re.compile(r"\x1b\[[0-9;]*m")


def run_pytest(arguments: Sequence[str]) -> tuple[int, str]:
    """Run pytest, pass on what it prints, and give its exit code and its closing line."""
    lanes = 1 if arguments else int(os.environ.get("LANES", "") or lanes_here())
    if lanes < 2:
        return _run(arguments, os.environ)
    with further_servers(lanes) as addresses:
        side_by_side = ("-n", str(lanes), "--dist", "loadfile", "--no-loadscope-reorder")
        return _run(side_by_side, {**os.environ, **addresses, "PYTEST_PLUGINS": "scripts.lanes"})


def _run(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    color = ["--color=yes"] if sys.stdout.isatty() else []
    command = [sys.executable, "-m", "pytest", *color, *arguments]
    closing = ""
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, errors="replace") as tests:
        assert tests.stdout is not None
        try:
            for line in tests.stdout:
                print(line, end="", flush=True)
                if CLOSING.search(COLOR.sub("", line)):
                    closing = line.rstrip()
        except BaseException:  # a signal: what we started ends with us
            tests.terminate()
            raise
    return tests.returncode, closing


def main() -> int:
    translations.compile_all()
    if sys.argv[1:]:  # a part, perhaps with a debugger: pytest keeps the terminal
        return subprocess.run([sys.executable, "-m", "pytest", *sys.argv[1:]], check=False).returncode
    end_on_signals()
    return run_pytest(())[0]


if __name__ == "__main__":
    run_or_explain(main)
