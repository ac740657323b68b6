"""The bays of the invented city: whose they are, whom they admit, when they are shared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np

from parking_share.accounts.models import SizeClass, User
from parking_share.demo.habits import ALL_DAYS, ANSWERS, HOURS_OF_OTHERS, WORKDAYS, Hours
from parking_share.demo.names import COMPANIES
from parking_share.demo.people import People, person
from parking_share.spaces.calendar import region_of, weekdays_by_date
from parking_share.spaces.models import LandUse, Lot, Resident, ShareRule, ShareWindow, Space
from parking_share.spaces.recurrence import Interval, WeeklyOffer, merge, occurrences, trim_ends
from parking_share.spaces.services import SHOWN_DAYS

BAYS = {
    LandUse.RESIDENTIAL: (10, 28),
    LandUse.OFFICE: (12, 36),
    LandUse.COMMERCIAL: (18, 46),
    LandUse.PUBLIC: (14, 34),
}
SHARED = {
    LandUse.RESIDENTIAL: 0.38,
    LandUse.OFFICE: 0.30,
    LandUse.COMMERCIAL: 0.26,
    LandUse.PUBLIC: 0.26,
}
_ANSWERS = list(ANSWERS)
_SHARES_OF_ANSWERS = np.array([ANSWERS[answer] for answer in _ANSWERS]) / sum(ANSWERS.values())
_SIZES, _SHARES_OF_SIZES = list(SizeClass), [0.05, 0.80, 0.15]


@dataclass(frozen=True, kw_only=True)
class Supply:
    """Bays, their weekly rules and the concrete windows. Nothing is saved yet."""

    spaces: list[Space] = field(default_factory=list)
    rules: list[ShareRule] = field(default_factory=list)
    guests: list[tuple[Space, User]] = field(default_factory=list)


def lay_bays(lots: Sequence[Lot], people: People, *, began_at: datetime, rng: np.random.Generator) -> Supply:
    """Give every lot its bays, and the shared ones an owner and weekly hours."""
    supply = Supply()
    for lot in lots:
        land_use = LandUse(lot.land_use)
        company = None if land_use == LandUse.RESIDENTIAL else _company(lot, people, began_at=began_at)
        lot.capacity = int(rng.integers(*BAYS[land_use], endpoint=True))
        for number in range(1, lot.capacity + 1):
            space = _space(lot, number, rng)
            supply.spaces.append(space)
            if rng.random() < SHARED[land_use]:
                space.owner = company or _resident_owner(lot, people, began_at=began_at)
                _admit(space, supply, people, rng)
                hours = HOURS_OF_OTHERS.get(land_use) or _drawn_hours(rng)
                supply.rules.extend(_rule(space, one, began_at) for one in hours)
    return supply


def windows_of(supply: Supply, *, began_at: datetime, now: datetime) -> Iterator[ShareWindow]:
    """The windows as the platform itself would have made them, from the first simulated day to 60 days from now."""
    ready: dict[tuple[tuple[Hours, ...], int], list[Interval]] = {}
    hours_by_space: dict[Space, list[Hours]] = {}
    for rule in supply.rules:
        hours = (tuple(rule.weekdays), rule.starts_at_local, rule.ends_at_local)
        hours_by_space.setdefault(rule.space, []).append(hours)
    for space, pattern in hours_by_space.items():
        key = (tuple(pattern), space.return_margin_min)
        if key not in ready:
            ready[key] = _intervals(space, pattern, began_at=began_at, now=now)
        for starts_at, ends_at in ready[key]:
            yield ShareWindow(space=space, starts_at=starts_at, ends_at=ends_at, created_at=began_at)


def _intervals(space: Space, pattern: list[Hours], *, began_at: datetime, now: datetime) -> list[Interval]:
    zone = space.lot.zone
    first = began_at.astimezone(zone).date()
    last = now.astimezone(zone).date() + timedelta(days=SHOWN_DAYS)
    acts_as = weekdays_by_date(region=region_of(space.lot.time_zone), first=first, last=last)
    offered = [
        period
        for weekdays, starts_at, ends_at in pattern
        for period in occurrences(
            WeeklyOffer(weekdays=frozenset(weekdays), starts_at=starts_at, ends_at=ends_at, first_date=first),
            first=first,
            last=last,
            zone=zone,
            acts_as=acts_as,
        )
    ]
    return trim_ends(merge(offered), margin=timedelta(minutes=space.return_margin_min))


def _space(lot: Lot, number: int, rng: np.random.Generator) -> Space:
    is_home = lot.land_use == LandUse.RESIDENTIAL
    return Space(
        lot=lot,
        label=f"{'AB'[number % 2]}-{number:03d}",
        size=int(rng.choice(_SIZES, p=_SHARES_OF_SIZES)),
        height_limit_cm=210 if rng.random() < 0.5 else None,
        has_charger=bool(rng.random() < (0.07 if is_home else 0.14)),
        is_accessible=bool(rng.random() < (0.015 if is_home else 0.035)),
        return_margin_min=30 if rng.random() < 0.1 else 15,
    )


def _company(lot: Lot, people: People, *, began_at: datetime) -> User:
    company = person(f"lot{len(people.owners) + 1:04d}", f"{lot.name}{COMPANIES}", joined_at=began_at)
    people.owners.append(company)
    return company


def _resident_owner(lot: Lot, people: People, *, began_at: datetime) -> User:
    number = len(people.owners) + 1
    owner = person(f"owner{number:04d}", f"业主{number:04d}", joined_at=began_at)
    people.owners.append(owner)
    people.residents.append(Resident(lot=lot, user=owner))
    return owner


def _admit(space: Space, supply: Supply, people: People, rng: np.random.Generator) -> None:
    """Most shared bays are for everyone; some in compounds are for residents, for a list, or wait for approval."""
    if space.lot.land_use != LandUse.RESIDENTIAL:
        return
    dice = rng.random()
    if dice < 0.06:
        space.admits = Space.Admits.RESIDENTS
    elif dice < 0.08:
        space.admits = Space.Admits.LISTED
        supply.guests.append((space, people.drivers[rng.integers(len(people.drivers))].user))
    elif dice < 0.18:
        space.standing = Space.Standing.PENDING


def _drawn_hours(rng: np.random.Generator) -> tuple[Hours, ...]:
    """One owner's answer to the survey, on working days; nights, and three in ten of the days, on all days."""
    answer = _ANSWERS[rng.choice(len(_ANSWERS), p=_SHARES_OF_ANSWERS)]
    starts_at, ends_at = answer.local_times
    on_all_days = 5 in answer.periods or rng.random() < 0.3
    return ((ALL_DAYS if on_all_days else WORKDAYS, starts_at, ends_at),)


def _rule(space: Space, hours: Hours, began_at: datetime) -> ShareRule:
    weekdays, starts_at, ends_at = hours
    return ShareRule(
        space=space,
        weekdays=list(weekdays),
        starts_at_local=starts_at,
        ends_at_local=ends_at,
        first_date=_local_date(began_at, space.lot),
        created_at=began_at,
    )


def _local_date(instant: datetime, lot: Lot) -> date:
    return instant.astimezone(lot.zone).date()
