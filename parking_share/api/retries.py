"""Try again what PostgreSQL asks to try again."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError

Result = TypeVar("Result")

DEADLOCK, SERIALISATION = "40P01", "40001"
MOST_TRIES = 3


def retried(call: Callable[[], Result]) -> Result:
    """Call a service; after a deadlock or a serialisation failure call it again, three times in all."""
    for tries in range(1, MOST_TRIES):
        try:
            return call()
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) not in {DEADLOCK, SERIALISATION}:
                raise
            time.sleep(random.uniform(0.01, 0.05) * tries)  # noqa: S311 -- spreads the tries, guards nothing
    return call()
