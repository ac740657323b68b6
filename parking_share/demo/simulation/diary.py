"""What is going to happen, soonest first."""

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count

Deed = Callable[[datetime], None]


class Diary:
    """Deeds by instant of the platform's clock; those of the same instant in the order in which they were written."""

    def __init__(self) -> None:
        self._deeds: list[tuple[datetime, int, Deed]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._deeds)

    def at(self, instant: datetime, deed: Deed) -> None:
        heapq.heappush(self._deeds, (instant, next(self._numbers), deed))

    def due(self, now: datetime) -> Iterator[tuple[datetime, Deed]]:
        """Take out what is due; a deed may write further ones, which come in their turn."""
        while self._deeds and self._deeds[0][0] <= now:
            instant, _, deed = heapq.heappop(self._deeds)
            yield instant, deed

    @property
    def next_at(self) -> datetime | None:
        return self._deeds[0][0] if self._deeds else None
