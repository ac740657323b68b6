"""When owners share and drivers come: the survey's published shares, and what we had to add to draw people from them.

`docs/demo-city.md` says which number is published and which is our reconstruction.
"""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from parking_share.spaces.models import LandUse

WORKDAYS, WEEKEND, ALL_DAYS = (1, 2, 3, 4, 5), (6, 7), (1, 2, 3, 4, 5, 6, 7)

# The five periods of the survey's question, as ends on a clock of local time, in order from the morning on.
PERIOD_ENDS = (time(8, 30), time(12, 30), time(16, 30), time(20, 30), time(0, 30), time(8, 30))
# Published, in hundredths of a per cent of owners; several answers were allowed.
OWNERS_WHO_CHOSE = {1: 4664, 2: 4527, 3: 3292, 4: 2058, 5: 1235}
OWNERS_IDLE_4_TO_8_H = 5075


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Neighbouring periods that an owner ticks; `is_short` is less than four hours within a single one."""

    first: int
    last: int
    is_short: bool = False

    @property
    def periods(self) -> range:
        return range(self.first, self.last + 1)

    @property
    def hours(self) -> float:
        return 3.0 if self.is_short else sum(8.0 if period == 5 else 4.0 for period in self.periods)

    @property
    def local_times(self) -> tuple[time, time]:
        """Start and end on the lot's clock; a short answer gives the first three hours of its period."""
        start, end = PERIOD_ENDS[self.first - 1], PERIOD_ENDS[self.last]
        return (start, time((start.hour + 3) % 24, start.minute)) if self.is_short else (start, end)


# Reconstructed so that both published facts above come out to the digit: out of 10,000 owners so many give this answer.
ANSWERS = {
    Answer(first=1, last=1): 910,
    Answer(first=2, last=2): 577,
    Answer(first=3, last=3): 315,
    Answer(first=4, last=4): 262,
    Answer(first=5, last=5): 835,
    Answer(first=1, last=2): 1176,
    Answer(first=2, last=3): 500,
    Answer(first=3, last=4): 500,
    Answer(first=1, last=3): 900,
    Answer(first=2, last=4): 200,
    Answer(first=1, last=4): 300,
    Answer(first=4, last=5): 300,
    Answer(first=3, last=5): 100,
    Answer(first=1, last=1, is_short=True): 1378,
    Answer(first=2, last=2, is_short=True): 874,
    Answer(first=3, last=3, is_short=True): 477,
    Answer(first=4, last=4, is_short=True): 396,
}

Hours = tuple[tuple[int, ...], time, time]

# What lots that are not homes share, by land use: reconstructed.
HOURS_OF_OTHERS: dict[LandUse, tuple[Hours, ...]] = {
    LandUse.OFFICE: ((ALL_DAYS, time(18, 30), time(8, 15)), (WEEKEND, time(8, 30), time(18, 15))),
    LandUse.COMMERCIAL: ((ALL_DAYS, time(7, 30), time(23, 0)),),
    LandUse.PUBLIC: ((ALL_DAYS, time(6, 30), time(22, 0)),),
}


class Purpose(StrEnum):
    DAY_OFF = "day off"
    MORNING_COMMUTE = "morning commute"
    DAYTIME = "daytime"
    EVENING = "evening"
    NIGHT = "night"


# In hundredths of a per cent of drivers: the first two are published, the others share out what is left.
DRIVERS_WHO_COME = {
    Purpose.DAY_OFF: 3068,
    Purpose.MORNING_COMMUTE: 2709,
    Purpose.DAYTIME: 1600,
    Purpose.EVENING: 1423,
    Purpose.NIGHT: 1200,
}


@dataclass(frozen=True, kw_only=True)
class Habit:
    """When a stay of some purpose begins (quarters of an hour after midnight), how long it lasts, and where."""

    on_days_off: bool
    on_workdays: bool
    earliest_start: int
    latest_start: int
    shortest: int
    longest: int
    places: dict[LandUse, float]


_HOME, _OFFICE, _SHOP, _PUBLIC = LandUse.RESIDENTIAL, LandUse.OFFICE, LandUse.COMMERCIAL, LandUse.PUBLIC

HABITS = {
    Purpose.DAY_OFF: Habit(
        on_days_off=True, on_workdays=False, earliest_start=36, latest_start=68, shortest=3, longest=14,
        places={_SHOP: 0.45, _OFFICE: 0.30, _HOME: 0.20, _PUBLIC: 0.05},
    ),
    Purpose.MORNING_COMMUTE: Habit(
        on_days_off=False, on_workdays=True, earliest_start=34, latest_start=38, shortest=6, longest=22,
        places={_HOME: 0.85, _SHOP: 0.10, _PUBLIC: 0.05},
    ),
    Purpose.DAYTIME: Habit(
        on_days_off=False, on_workdays=True, earliest_start=37, latest_start=62, shortest=2, longest=9,
        places={_HOME: 0.50, _SHOP: 0.30, _PUBLIC: 0.20},
    ),
    Purpose.EVENING: Habit(
        on_days_off=True, on_workdays=True, earliest_start=72, latest_start=82, shortest=3, longest=9,
        places={_SHOP: 0.45, _OFFICE: 0.40, _HOME: 0.15},
    ),
    Purpose.NIGHT: Habit(
        on_days_off=True, on_workdays=True, earliest_start=76, latest_start=88, shortest=36, longest=50,
        places={_OFFICE: 0.90, _HOME: 0.10},
    ),
}  # fmt: skip
