"""A lot's day on the map: its rank and its vacancy in quarters of an hour, beside those of another day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

from django.utils.translation import gettext as _

from coverage.selectors import LotSlot, day_of_lot
from coverage.shown import countable, is_few
from coverage.vacancy import SLOT
from parking_share.spaces.calendar import day_type, region_of, weekdays_by_date
from parking_share.spaces.models import DayType, Lot

HEIGHT, LABELS = 100, 4


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Steps in a box of `width` quarters by 100, and the words beside its scale."""

    path: str
    compared_path: str
    top: str
    middle: str


@dataclass(frozen=True, kw_only=True)
class CoverageDay:
    """A local day of a lot; `compared` is another day, its quarters at the same local times."""

    lot: Lot
    day: date
    kind_of_day: DayType
    compared_day: date
    compared_kind: DayType
    slots: Sequence[LotSlot]
    compared: Sequence[LotSlot]
    width: int
    begins: datetime
    compared_begins: datetime

    @property
    def rank_curve(self) -> Curve:
        """The rank, as a multiple of the average lot."""
        most = max((slot.strength for slot in [*self.slots, *self.compared]), default=1.0)
        top = _round_up(most)
        return self._curve(lambda slot: slot.strength / top, top=f"{top:g} ×", middle=f"{top / 2:g} ×")

    @property
    def vacancy_curve(self) -> Curve:
        """The share of free bays; where these are few, the least that is not told."""
        return self._curve(shown_share, top="100 %", middle="50 %")

    @property
    def estimated_path(self) -> str:
        """Quarters that nobody measured, from the top down."""
        return "".join(f"M{self._place(slot, self.begins)},0v6h1v-6z" for slot in self.slots if slot.is_estimated)

    @cached_property
    def hour_labels(self) -> list[datetime]:
        """Local times at the ends and quarters of the day, right on the two days when clocks change too."""
        seconds = SLOT.total_seconds() * self.width / LABELS
        begin = self.begins.timestamp()
        return [datetime.fromtimestamp(begin + seconds * part, tz=self.lot.zone) for part in range(LABELS + 1)]

    @property
    def summary(self) -> str:
        """What one would say who sees the picture."""
        if not self.slots:
            return _("There is no picture of this day.")
        best = max(self.slots, key=lambda slot: slot.strength)
        worst = min(self.slots, key=lambda slot: slot.strength)
        return _("Strongest at %(best)s, weakest at %(worst)s.") % {
            "best": f"{best.starts_at.astimezone(self.lot.zone):%H:%M}",
            "worst": f"{worst.starts_at.astimezone(self.lot.zone):%H:%M}",
        }

    @property
    def local_slots(self) -> list[tuple[datetime, LotSlot]]:
        """The rows of the table, with their local times."""
        return [(slot.starts_at.astimezone(self.lot.zone), slot) for slot in self.slots]

    def _curve(self, height: Callable[[LotSlot], float | None], *, top: str, middle: str) -> Curve:
        return Curve(
            path=self._steps(self.slots, self.begins, height),
            compared_path=self._steps(self.compared, self.compared_begins, height),
            top=top,
            middle=middle,
        )

    def _steps(self, slots: Sequence[LotSlot], begins: datetime, height: Callable[[LotSlot], float | None]) -> str:
        """Joined where one quarter follows the other, interrupted where nothing is known."""
        path, last = "", None
        for slot in slots:
            value, place = height(slot), self._place(slot, begins)
            if value is None:
                continue
            level = f"{HEIGHT * (1 - min(value, 1)):.1f}"
            path += f"{'V' if last == place - 1 else f'M{place},'}{level}h1"
            last = place
        return path

    def _place(self, slot: LotSlot, begins: datetime) -> int:
        return round((slot.starts_at.timestamp() - begins.timestamp()) / SLOT.total_seconds())


def shown_share(slot: LotSlot) -> float | None:
    """The share of free bays as it may be drawn; None for a lot that is closed or opens but a few bays."""
    if slot.vacancy is None or is_few(slot.open_bays):
        return None
    return min(countable(slot.free_bays) / slot.open_bays, 1.0)


def coverage_day(lot: Lot, day: date, *, compared_day: date) -> CoverageDay:
    """Two local days of a lot, in five queries."""
    begins, ends = _midnight(lot, day), _midnight(lot, day + timedelta(days=1))
    other, other_ends = _midnight(lot, compared_day), _midnight(lot, compared_day + timedelta(days=1))
    first, last = min(day, compared_day), max(day, compared_day)
    calendar = weekdays_by_date(region=region_of(lot.time_zone), first=first, last=last)
    return CoverageDay(
        lot=lot,
        day=day,
        kind_of_day=day_type(day, calendar),
        compared_day=compared_day,
        compared_kind=day_type(compared_day, calendar),
        slots=day_of_lot(lot, begins=begins, ends=ends),
        compared=day_of_lot(lot, begins=other, ends=other_ends),
        width=round((ends.timestamp() - begins.timestamp()) / SLOT.total_seconds()),
        begins=begins,
        compared_begins=other,
    )


def _midnight(lot: Lot, day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=lot.zone)


def _round_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    step = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return next(factor * step for factor in (1, 2, 5, 10, 20) if factor * step >= value)
