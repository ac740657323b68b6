"""Is the bay back on time? Counted from what happened, never estimated.

The base is shares: a share is one window of a bay in which at least one reservation parked, and which is over. The bay
was back late if a car of ours stood there after the hours that the owner had published: the end of the window plus the
return margin that had been cut off from it. A car that nobody saw leave counts until the end of its reservation.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection

from parking_share.accounts.models import User
from parking_share.spaces.models import Lot, Space

_SQL = Path(__file__).with_name("returns.sql").read_text()


@dataclass(frozen=True, kw_only=True)
class Returns:
    """How many shares there were, and in how many of them the bay was back on time."""

    shares: int = 0
    on_time: int = 0

    @property
    def late(self) -> int:
        return self.shares - self.on_time

    @property
    def per_cent(self) -> float | None:
        """None where there is no data yet."""
        return 100 * self.on_time / self.shares if self.shares else None


def returns_by_space(space_ids: Collection[int], *, now: datetime, since: datetime | None = None) -> dict[int, Returns]:
    """Of each of these bays, of windows that ended in [since, now); one query."""
    counted = dict.fromkeys(space_ids, Returns())
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"spaces": list(space_ids), "now": now, "since": since})
        for space_id, shares, on_time in cursor.fetchall():
            counted[space_id] = Returns(shares=shares, on_time=on_time)
    return counted


def return_rate(of: Space | User | Lot, *, now: datetime, since: datetime | None = None) -> Returns:
    """Of one bay, of all bays of an owner, or of a lot."""
    match of:
        case Space():
            ids = [of.pk]
        case User():
            ids = list(Space.objects.filter(owner=of).values_list("pk", flat=True))
        case Lot():
            ids = list(Space.objects.filter(lot=of).values_list("pk", flat=True))
    counted = returns_by_space(ids, now=now, since=since).values()
    return Returns(shares=sum(one.shares for one in counted), on_time=sum(one.on_time for one in counted))
