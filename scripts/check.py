"""`./run check`: everything the build machine runs, in order of speed, ending at the first failure.

Runs under scripts.with_servers, so that the commands which look at a database find one.
"""

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts import translations
from scripts.places import ROOT
from scripts.refusal import run_or_explain
from scripts.run_tests import run_pytest
from scripts.with_servers import end_on_signals

PYTHON = (sys.executable, "-m")
MANAGE = (sys.executable, "manage.py")
# What a real deployment sets; the check reads the settings as they would be there.
PRODUCTION = {
    "DEPLOYMENT": "production",
    "DEBUG": "false",
    "SECRET_KEY": secrets.token_urlsafe(60),
    "ALLOWED_HOSTS": "parking.example",
    "CSRF_TRUSTED_ORIGINS": "https://parking.example",
}


@dataclass(frozen=True)
class Step:
    """One command: its heading, and what its environment has beside ours."""

    heading: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


STEPS = (
    Step("Format", (*PYTHON, "ruff", "format", "--check", ".")),
    Step("Lint", (*PYTHON, "ruff", "check", ".")),
    Step("Types", (*PYTHON, "mypy", ".")),
    Step("Architecture", (str(Path(sys.executable).with_name("lint-imports")),)),
    Step("Migrations", (*MANAGE, "makemigrations", "--check", "--dry-run")),
    Step("Deployment", (*MANAGE, "check", "--deploy", "--fail-level", "WARNING"), PRODUCTION),
    Step("Generated files", (*PYTHON, "scripts.generated", "check")),
    Step("Translations", (*PYTHON, "scripts.translations", "check")),
)


def steps() -> Iterator[Step]:
    """The steps for this machine: the compose file is checked where its tool is installed."""
    yield from STEPS
    if shutil.which("docker-compose"):
        yield Step("Compose file", ("docker-compose", "--env-file", ".env.example", "config", "-q"))


def run_step(step: Step) -> int:
    print(f"\n=== {step.heading}", flush=True)
    environment = {**os.environ, **step.environment}
    return subprocess.run(step.command, cwd=ROOT, env=environment, check=False).returncode


def main() -> int:
    """Run the steps, then the tests; the last line names the step that failed, or is pytest's own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parking_share.settings")
    end_on_signals()
    translations.compile_all()
    took: list[str] = []
    for step in steps():
        began = time.monotonic()
        code = run_step(step)
        took.append(f"{step.heading} {time.monotonic() - began:.0f} s")
        if code:
            print(f"\n./run check stopped at: {step.heading} (exit code {code}).", flush=True)
            return 1
    print("\n=== Tests", flush=True)
    began = time.monotonic()
    code, closing = run_pytest(sys.argv[1:])
    took.append(f"Tests {time.monotonic() - began:.0f} s")
    print(f"\n{', '.join(took)}.")
    print(closing if code == 0 else f"./run check stopped at: Tests (exit code {code}).\n{closing}", flush=True)
    return 1 if code else 0


if __name__ == "__main__":
    run_or_explain(main)
