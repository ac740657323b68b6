"""Slots: quarters of an hour, counted from the epoch, so that they begin with the hour in every zone of the world."""

from datetime import UTC, datetime, timedelta

SLOT = timedelta(minutes=15)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def slot_start(at: datetime) -> datetime:
    """The beginning of the slot in which an instant lies."""
    return at - (at - _EPOCH) % SLOT


def slot_after(at: datetime) -> datetime:
    """The first slot that begins at this instant or later."""
    return slot_start(at + SLOT - timedelta(microseconds=1))
