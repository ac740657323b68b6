"""What the promises of `invariants.sql` take from the code."""

from datetime import datetime
from typing import Any


def parameters(*, now: datetime, since: datetime) -> dict[str, Any]:  # noqa: ARG001 -- every room is called alike
    return {"since": since}
