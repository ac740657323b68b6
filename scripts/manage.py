"""`./run manage …`: manage.py with the environment of the running demo."""

import json
import os
import sys

from scripts.demo import ENVIRONMENT
from scripts.places import ROOT
from scripts.refusal import StartRefused, run_or_explain


def main() -> int:
    try:
        environment: dict[str, str] = json.loads(ENVIRONMENT.read_text())
    except OSError as absent:
        raise StartRefused("The demo is not running: start ./run demo in another terminal first.") from absent
    os.execve(  # noqa: S606 -- no shell is wanted
        sys.executable,
        [sys.executable, str(ROOT / "manage.py"), *sys.argv[1:]],
        {**os.environ, **environment},
    )


if __name__ == "__main__":
    run_or_explain(main)
