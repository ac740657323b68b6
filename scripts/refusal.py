"""How the scripts say no: one sentence that names the remedy, and exit code 1."""

import sys
from collections.abc import Callable


class StartRefused(Exception):
    """Something outside the program must change first; the message says what to do."""


def run_or_explain(main: Callable[[], int]) -> None:
    """Exit with main's code, or with 1 and the sentence of a refusal."""
    try:
        code = main()
    except StartRefused as refused:
        print(refused, file=sys.stderr)
        code = 1
    sys.exit(code)
