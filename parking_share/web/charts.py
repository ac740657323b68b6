"""A lot's day in quarters of an hour: how full it was, what nobody knows, and how full it usually is at that time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from parking_share.spaces.calendar import day_type, region_of, weekdays_by_date
from parking_share.spaces.models import DayType, Lot
from sensors.models import OccupancyProfile, OccupancySlot
from sensors.selectors import occupancy_of, profile_of

SLOT = timedelta(minutes=15)
HEIGHT, LABELS = 100, 4
_Quality = OccupancySlot.Quality


@dataclass(frozen=True, kw_only=True)
class Quarter:
    """One quarter of an hour; what is not known is None, and never zero."""

    position: int
    starts_at: datetime
    mean: float | None
    most: int | None
    unknown_share: float
    closed_share: float
    usual: float | None
    note: str

    @property
    def unknown_percent(self) -> int:
        return round(100 * self.unknown_share)

    @property
    def closed_percent(self) -> int:
        return round(100 * self.closed_share)


@dataclass(frozen=True, kw_only=True)
class DayChart:
    """What a day looks like, as paths in a box of `width` quarters by 100, and as rows for the table."""

    lot: Lot
    day: date
    kind_of_day: DayType
    quarters: Sequence[Quarter]
    profile: OccupancyProfile | None
    newest_reading_at: datetime | None

    @property
    def width(self) -> int:
        return len(self.quarters)

    @property
    def has_facts(self) -> bool:
        return any(quarter.note or quarter.mean is not None for quarter in self.quarters)

    @property
    def shown(self) -> list[Quarter]:
        """The rows of the table: quarters of which something is known."""
        return [one for one in self.quarters if one.note or one.mean is not None or one.usual is not None]

    @cached_property
    def top(self) -> int:
        """The bays at the upper edge: all of the lot, or as many as were ever seen taken where nobody counted them."""
        seen = [one.most for one in self.quarters if one.most is not None]
        usual = [one.usual for one in self.quarters if one.usual is not None]
        most = max([*seen, *(round(value) for value in usual), 1])
        return max(most, self.lot.capacity or 0, self.profile.bays if self.profile else 0)

    @property
    def middle(self) -> int | None:
        return self.top // 2 if self.top % 2 == 0 else None

    @property
    def occupied_path(self) -> str:
        """Steps from the ground up."""
        return "".join(
            f"M{one.position},{HEIGHT}V{self._height(one.mean)}h1V{HEIGHT}z"
            for one in self.quarters
            if one.mean is not None
        )

    @property
    def unknown_path(self) -> str:
        """Steps from the top down: as large as the share of bays of which nothing was heard."""
        return "".join(
            f"M{one.position},0v{HEIGHT * one.unknown_share:.1f}h1V0z" for one in self.quarters if one.unknown_share
        )

    @property
    def usual_path(self) -> str:
        """The steps of the profile, interrupted where it knows nothing."""
        path, joins = "", False
        for one in self.quarters:
            if one.usual is None:
                joins = False
                continue
            path += f"{'V' if joins else f'M{one.position},'}{self._height(one.usual)}h1"
            joins = True
        return path

    @property
    def hour_labels(self) -> list[datetime]:
        """Local times at the ends and quarters of the day, right on the two days when clocks change too."""
        begin = _midnight(self.day, self.lot).timestamp()
        seconds = SLOT.total_seconds() * self.width / LABELS
        return [datetime.fromtimestamp(begin + seconds * part, tz=self.lot.zone) for part in range(LABELS + 1)]

    @property
    def summary(self) -> str:
        """What one would say who sees the picture."""
        known = [one for one in self.quarters if one.mean is not None and one.most is not None]
        if not known:
            return _("Nothing was counted on this day.")
        fullest = max(known, key=lambda one: one.mean or 0)
        return _("Fullest at %(time)s: %(most)s of %(bays)s bays taken.") % {
            "time": f"{fullest.starts_at:%H:%M}",
            "most": fullest.most,
            "bays": self.top,
        }

    def _height(self, bays: float) -> str:
        return f"{HEIGHT * (1 - min(bays / self.top, 1)):.1f}"


def day_chart(lot: Lot, day: date) -> DayChart:
    """The local day of a lot, in three queries."""
    begins, ends = _midnight(day, lot), _midnight(day + timedelta(days=1), lot)
    kind = day_type(day, weekdays_by_date(region=region_of(lot.time_zone), first=day, last=day))
    slots = list(occupancy_of(lot, since=begins, until=ends))
    profile = profile_of(lot, kind)
    return DayChart(
        lot=lot,
        day=day,
        kind_of_day=kind,
        quarters=_quarters(slots, profile, begins=begins, ends=ends, lot=lot),
        profile=profile,
        newest_reading_at=max((slot.newest_reading_at for slot in slots if slot.newest_reading_at), default=None),
    )


def chosen_day(text: str, lot: Lot, *, now: datetime) -> date:
    """The day of the address where it is one, else the lot's today."""
    try:
        found = parse_date(text)
    except ValueError:
        found = None
    return found if found is not None and 2000 <= found.year <= 2100 else now.astimezone(lot.zone).date()


def _midnight(day: date, lot: Lot) -> datetime:
    return datetime.combine(day, time(), tzinfo=lot.zone)


def _quarters(
    slots: Iterable[OccupancySlot], profile: OccupancyProfile | None, *, begins: datetime, ends: datetime, lot: Lot
) -> list[Quarter]:
    by_position = {round((slot.starts_at.timestamp() - begins.timestamp()) / 900): slot for slot in slots}
    count = round((ends.timestamp() - begins.timestamp()) / 900)
    starts = [datetime.fromtimestamp(begins.timestamp() + 900 * position, tz=lot.zone) for position in range(count)]
    return [_quarter(position, at, by_position.get(position), profile) for position, at in enumerate(starts)]


def _quarter(
    position: int, starts_at: datetime, slot: OccupancySlot | None, profile: OccupancyProfile | None
) -> Quarter:
    usual = profile.mean_occupied[starts_at.hour * 4 + starts_at.minute // 15] if profile else None
    is_good = slot is not None and slot.quality == _Quality.GOOD
    return Quarter(
        position=position,
        starts_at=starts_at,
        mean=slot.mean_occupied if slot and is_good else None,
        most=slot.most_occupied if slot and is_good else None,
        unknown_share=(slot.unknown_share if is_good else 1.0) if slot else 0.0,
        closed_share=slot.closed_share if slot and is_good else 0.0,
        usual=usual,
        note="" if slot is None or is_good else slot.state_text or str(_Quality(slot.quality).label),
    )
