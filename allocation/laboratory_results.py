"""The steps of a comparison put together: one row for each policy, curves of the sweeps, spaces over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from functools import cached_property
from itertools import zip_longest

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from allocation.engine.registry import ALL_POLICIES, CLAIRVOYANT
from allocation.fairness import Spread, spread_of
from allocation.history import RecordedDay, read_day
from allocation.laboratory_steps import SWEEPS, Found
from allocation.models import LabRun, PolicyName
from allocation.reproduction.published import THRESHOLDS, WEIGHTS

CLAIRVOYANT_NAME = _("who knows all requests beforehand")


@dataclass(frozen=True, kw_only=True)
class PolicyRow:
    """One policy over all compared days; nothing but its name where a day took too long."""

    name: str
    is_whole: bool
    accepted: int = 0
    refused: int = 0
    utilisation: float = 0.0
    revenue: float = 0.0
    share_of_bound: float | None = None
    fragmentation: float = 0.0
    fragmentation_per_unsold_hour: float = 0.0
    decide_ms: float = 0.0
    spread: Spread | None = None

    @property
    def percent_used(self) -> str:
        return f"{100 * self.utilisation:.1f}"

    @property
    def percent_of_bound(self) -> str:
        return "" if self.share_of_bound is None else f"{100 * self.share_of_bound:.1f}"

    @property
    def shares(self) -> list[float]:
        """What share of all income each group of owners has, from those who earn least."""
        spread = self.spread
        if spread is None or not spread.total_cents:
            return []
        return [group.total_cents / spread.total_cents for group in spread.groups]

    @property
    def cents(self) -> int:
        """The revenue of a lot, whose rates are in minor units."""
        return round(self.revenue)

    @property
    def label(self) -> str | Promise:
        return CLAIRVOYANT_NAME if self.name == CLAIRVOYANT else PolicyName(self.name).label


@dataclass(frozen=True, kw_only=True)
class SweepRow:
    """What two-stage makes of all compared days at one value of the number that is swept."""

    value: float
    accepted: int
    utilisation: float
    revenue: float
    fragmentation: float
    importance: float


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One request of one day, and which policies would have refused it."""

    number: str
    starts_at: str
    ends_at: str
    asked_at: str
    was_accepted: bool | None
    refused_by: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Days of which every policy's step is there, with those steps."""

    days: Sequence[RecordedDay]
    numbers: Sequence[int]
    steps: Mapping[tuple[int, str], Found]
    zone: tzinfo | None = None

    @property
    def slot_hours(self) -> float:
        return self.days[0].instance.rules.slot_minutes / 60 if self.days else 0.25

    @property
    def requests(self) -> int:
        return sum(len(day.instance.requests) for day in self.days)

    @property
    def was_accepted(self) -> int | None:
        """How many were really accepted; None where nobody knows."""
        known = [day.was_accepted for day in self.days if day.was_accepted]
        return sum(sum(accepted) for accepted in known) if known else None

    @property
    def cut(self) -> int:
        return sum(day.cut for day in self.days)

    @property
    def owners(self) -> int:
        return max((len(set(day.owners)) for day in self.days), default=0)

    @cached_property
    def bound(self) -> float | None:
        """What nobody could exceed, in slot units; None where it was not found for every day."""
        found = [self._of(number, CLAIRVOYANT) for number in self.numbers]
        return sum(one["bound"] for one in found) if found and all("bound" in one for one in found) else None

    @property
    def is_bound_proved(self) -> bool:
        return all(self._of(number, CLAIRVOYANT).get("is_proved", False) for number in self.numbers)

    @cached_property
    def policies(self) -> list[PolicyRow]:
        return [self._policy(name) for name in ALL_POLICIES]

    def sweep(self, name: str) -> list[SweepRow]:
        """The threshold curve or the weight sweep; empty where a day took too long."""
        found = [self._of(number, name) for number in self.numbers]
        if not found or not all("rows" in one for one in found):
            return []
        values = THRESHOLDS if name == "thresholds" else WEIGHTS
        return [_swept(value, [one["rows"][place] for one in found]) for place, value in enumerate(values)]

    def wishes(self, number: int) -> list[Wish]:
        """The requests of one day in the order in which they were made."""
        day = self.days[self.numbers.index(number)]
        spaces = {name: found["spaces"] for name in ALL_POLICIES if "spaces" in (found := self._of(number, name))}
        return [
            Wish(
                number=name,
                starts_at=self.time_of(day, request.start),
                ends_at=self.time_of(day, request.end),
                asked_at=self.time_of(day, request.requested_at, is_named=True),
                was_accepted=day.was_accepted[place] if day.was_accepted else None,
                refused_by=frozenset(policy for policy, held in spaces.items() if held[place] is None),
            )
            for place, (name, request) in enumerate(zip(day.instance.request_ids, day.instance.requests, strict=True))
        ]

    def spaces_of(self, number: int, policy: str) -> list[int | None] | None:
        """Where a policy put each request of a day; None where it took too long."""
        found: list[int | None] | None = self._of(number, policy).get("spaces")
        return found

    def time_of(self, day: RecordedDay, slot: int, *, is_named: bool = False) -> str:
        """A slot as a time on the lot's clock; with its date where that is another day than the first slot's."""
        minutes = slot * day.instance.rules.slot_minutes
        if day.begins_at is None:
            hour, minute = map(int, day.instance.opens_at.split(":"))
            days, left = divmod(hour * 60 + minute + minutes, 24 * 60)
            return f"{left // 60:02}:{left % 60:02}" + (f" ({days:+d} d)" if days and is_named else "")
        local = (day.begins_at + timedelta(minutes=minutes)).astimezone(self.zone)
        is_other = local.date() != day.begins_at.astimezone(self.zone).date()
        return f"{local:%m-%d %H:%M}" if is_named and is_other else f"{local:%H:%M}"

    def _policy(self, name: str) -> PolicyRow:
        found = [self._of(number, name) for number in self.numbers]
        if not found or any("too_long" in one for one in found):
            return PolicyRow(name=name, is_whole=False)
        sold, offered = (sum(one[key] for one in found) for key in ("sold", "offered"))
        revenue, accepted = (sum(one[key] for one in found) for key in ("revenue", "accepted"))
        fragmentation = sum(one["fragmentation"] for one in found)
        unsold_h = (offered - sold) * self.slot_hours
        return PolicyRow(
            name=name,
            is_whole=True,
            accepted=accepted,
            refused=self.requests - accepted,
            utilisation=sold / offered if offered else 0.0,
            revenue=revenue * self.slot_hours,
            share_of_bound=revenue / self.bound if self.bound else None,
            fragmentation=fragmentation,
            fragmentation_per_unsold_hour=fragmentation / unsold_h if unsold_h else 0.0,
            decide_ms=float(np.median([one["decide_ms"][0] for one in found])),
            spread=spread_of(self._incomes(found)),
        )

    def _incomes(self, found: Sequence[Found]) -> list[int]:
        """Income by owner over all days, whole; owners are numbered alike on all of them."""
        days = zip_longest(*(one["income"] for one in found), fillvalue=0.0)
        return [round(sum(income) * self.slot_hours) for income in days]

    def _of(self, number: int, name: str) -> Found:
        return self.steps[number, name]


def comparison_of(run: LabRun) -> Comparison:
    """What a comparison has found so far, in whole days."""
    steps: dict[tuple[int, str], Found] = {
        (day, name): found for day, name, found in run.steps.values_list("day", "name", "found")
    }
    names = (*ALL_POLICIES, *SWEEPS)
    whole = [number for number in range(len(run.days)) if all((number, name) in steps for name in names)]
    return Comparison(
        days=[read_day(run.days[number]) for number in whole],
        numbers=whole,
        steps=steps,
        zone=run.lot.zone if run.lot else None,
    )


def _swept(value: float, rows: Sequence[Found]) -> SweepRow:
    sold, offered = (sum(row[key] for row in rows) for key in ("sold", "offered"))
    return SweepRow(
        value=value,
        accepted=sum(row["accepted"] for row in rows),
        utilisation=sold / offered if offered else 0.0,
        revenue=sum(row["revenue"] for row in rows),
        fragmentation=sum(row["fragmentation"] for row in rows),
        importance=sum(row["importance"] for row in rows),
    )
