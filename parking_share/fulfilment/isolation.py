"""What a sweep does for one row harms no other."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import transaction

log = structlog.get_logger(__name__)


@contextmanager
def by_itself(event: str, **known: int | None) -> Iterator[None]:
    """One transaction; where it fails it is undone and logged under this name, and the sweep goes on."""
    try:
        with transaction.atomic():
            yield
    except Exception:
        log.exception(event, **known)
