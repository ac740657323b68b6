"""Bays that are free on paper and taken in truth: nobody should be sent there while another bay will do."""

from collections.abc import Collection, Iterable
from datetime import datetime

from allocation.models import Obstacle
from parking_share.reservations.selectors import holding
from parking_share.spaces.models import ShareWindow
from sensors.models import Occupancy
from sensors.selectors import bay_states


def report_obstacle(*, space_id: int, now: datetime, until: datetime) -> Obstacle:
    """Somebody found a bay taken: prefer others until then."""
    return Obstacle.objects.create(space_id=space_id, seen_at=now, until=until)


def clear_obstacles(*, space_id: int, now: datetime) -> int:
    """The bay is free again, as a sensor or a person says."""
    return Obstacle.objects.filter(space=space_id, until__gt=now).update(until=now)


def obstructed(space_ids: Iterable[int], *, now: datetime) -> set[int]:
    """Those of these bays that are closed, reported as taken, or occupied by somebody who is not due out.

    Due out is who holds the bay now, and the owner as long as the shared hours have not begun.
    """
    wanted = list(space_ids)
    states = {space_id: view.state for space_id, view in bay_states(wanted, now=now).items()}
    closed = {space_id for space_id, state in states.items() if state == Occupancy.CLOSED}
    occupied = {space_id for space_id, state in states.items() if state == Occupancy.OCCUPIED}
    reported = Obstacle.objects.filter(space__in=wanted, until__gt=now).values_list("space_id", flat=True)
    return closed | set(reported) | (_shared(occupied, now=now) - _held(occupied, now=now) if occupied else set())


def _shared(space_ids: Collection[int], *, now: datetime) -> set[int]:
    windows = ShareWindow.objects.filter(
        space__in=space_ids, superseded_at__isnull=True, starts_at__lte=now, ends_at__gt=now
    )
    return set(windows.values_list("space_id", flat=True))


def _held(space_ids: Collection[int], *, now: datetime) -> set[int]:
    held = holding(now=now).filter(space__in=space_ids, held_from__lte=now).values_list("space_id", flat=True)
    return {space_id for space_id in held if space_id is not None}
