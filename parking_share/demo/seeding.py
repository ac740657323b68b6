"""Building the demo city: all of it in one transaction, so that it is there or it is not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from allocation.models import LotPolicy, PolicyName
from parking_share.accounts.models import User, Vehicle
from parking_share.demo import demand, logins, people, streets, supply
from parking_share.demo.history import tell_of_the_past
from parking_share.demo.holidays import add_calendar
from parking_share.demo.life import Life
from parking_share.demo.people import People
from parking_share.demo.streets import Streets
from parking_share.demo.supply import Supply
from parking_share.errors import DomainError
from parking_share.spaces.calendar import DEFAULT_REGION, weekdays_by_date
from parking_share.spaces.models import (
    District,
    Gate,
    LandUse,
    Lot,
    Resident,
    Role,
    RoleGrant,
    ShareRule,
    ShareWindow,
    Space,
)

SEED = 20_261
ZONE = ZoneInfo("Asia/Shanghai")
ONLY_ONE_SEEDING = 4_711  # key of the advisory lock
LOTS_PER_MANAGER = 4
_BATCH = 5_000
# The supply counts as a fifth of the way on the progress bar, the simulated week as the rest.
QUARTERS_OF_SUPPLY = 170

Tick = Callable[[int], object]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large a city to build, and how many days it has lived."""

    lots: Mapping[LandUse, int]
    drivers: int
    stays: int
    days_back: int


WHOLE = Size(
    lots={LandUse.COMMERCIAL: 46, LandUse.OFFICE: 78, LandUse.PUBLIC: 24, LandUse.RESIDENTIAL: 184},
    drivers=640,
    stays=2400,
    days_back=7,
)


class DemoRefused(DomainError):
    code = "demo_refused"


def refuse_in_production() -> None:
    if settings.IS_PRODUCTION:
        raise DemoRefused(
            _("Invented people have no place on a real site: DEPLOYMENT is production, so nothing is done.")
        )


def ticks(now: datetime, size: Size = WHOLE) -> int:
    """How far the progress bar goes."""
    quarters = (now - _began_at(now, size)) // demand.QUARTER + 1
    return QUARTERS_OF_SUPPLY + quarters


def seed_city(*, now: datetime, tick: Tick, size: Size = WHOLE) -> bool:
    """Build the city unless it stands; False where it stood already.

    Safe to run twice, and after an interruption: nothing of an unfinished city is ever committed.
    """
    refuse_in_production()
    built = _build_city(now=now, tick=tick, size=size)
    tell_of_the_past(now=now)
    return built


@transaction.atomic
def _build_city(*, now: datetime, tick: Tick, size: Size) -> bool:
    _wait_for_others()
    if logins.are_there():
        return False
    rng = np.random.default_rng(SEED)
    present_day = _present_day(now)
    began_at = _began_at(now, size)
    add_calendar()
    city = streets.lay_out(size.lots, rng)
    folk = people.populate(city.lots, drivers=size.drivers, joined_at=began_at - timedelta(days=30), rng=rng)
    bays = supply.lay_bays(city.lots, folk, began_at=began_at - timedelta(days=1), rng=rng)
    _save(city, folk, bays, began_at=began_at - timedelta(days=1), now=now, tick=tick)
    _choose_policies(city.lots, valid_from=began_at, rng=rng)
    stays = demand.plan_stays(
        folk.drivers,
        _lots_that_share(bays),
        _acts_as(present_day),
        stays=size.stays,
        days_back=size.days_back,
        present_day=present_day,
        zone=ZONE,
        rng=rng,
    )
    Life(stays).live(began_at=began_at, now=now, tick=lambda: tick(1))
    logins.hand_out(now=now)
    return True


def _save(city: Streets, folk: People, bays: Supply, *, began_at: datetime, now: datetime, tick: Tick) -> None:
    """Insert the supply in bulk, with every constraint on."""
    District.objects.bulk_create(city.districts)
    managed = _managed(city.lots)
    managers = [
        people.person(f"manager{number:03d}", f"物业经理{number:03d}", joined_at=began_at)
        for number in range(1, len(managed) + 1)
    ]
    User.objects.bulk_create([*(driver.user for driver in folk.drivers), *folk.owners, *managers], _BATCH)
    Lot.objects.bulk_create(city.lots)
    Gate.objects.bulk_create(city.gates)
    Vehicle.objects.bulk_create(driver.vehicle for driver in folk.drivers)
    Resident.objects.bulk_create(folk.residents, _BATCH)
    RoleGrant.objects.bulk_create(
        RoleGrant(user=manager, role=Role.MANAGER, lot=lot, granted_at=began_at)
        for manager, lots in zip(managers, managed, strict=True)
        for lot in lots
    )
    tick(QUARTERS_OF_SUPPLY // 5)
    Space.objects.bulk_create(bays.spaces, _BATCH)
    ShareRule.objects.bulk_create(bays.rules, _BATCH)
    Space.guests.through.objects.bulk_create(
        Space.guests.through(space_id=space.pk, user_id=user.pk) for space, user in bays.guests
    )
    tick(QUARTERS_OF_SUPPLY // 5)
    _save_windows(bays, began_at=began_at, now=now, tick=tick)
    _tell_the_planner(Space, ShareRule, ShareWindow, Lot, User, Vehicle, Resident)


def _save_windows(bays: Supply, *, began_at: datetime, now: datetime, tick: Tick) -> None:
    windows = list(supply.windows_of(bays, began_at=began_at, now=now))
    told = 0
    for start in range(0, len(windows), _BATCH):
        ShareWindow.objects.bulk_create(windows[start : start + _BATCH])
        share = (QUARTERS_OF_SUPPLY * 3 // 5) * min(start + _BATCH, len(windows)) // len(windows)
        tick(share - told)
        told = share


def _tell_the_planner(*models: type[Model]) -> None:
    """Count the rows of our own tables: a bare ANALYZE would keep locks on tables that all databases share."""
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")


def _managed(lots: list[Lot]) -> list[list[Lot]]:
    """Half the compounds, in groups that share a property manager."""
    compounds = [lot for lot in lots if lot.land_use == LandUse.RESIDENTIAL][::2]
    return [compounds[start : start + LOTS_PER_MANAGER] for start in range(0, len(compounds), LOTS_PER_MANAGER)]


def _choose_policies(lots: list[Lot], *, valid_from: datetime, rng: np.random.Generator) -> None:
    """The paper's policy in some lots and plain order of arrival in a few; the default holds everywhere else."""
    chosen = [lots[index] for index in rng.permutation(len(lots))[: len(lots) // 5]]
    LotPolicy.objects.bulk_create(
        LotPolicy(lot=lot, name=PolicyName.FCFS if rank % 4 == 0 else PolicyName.TWO_STAGE, valid_from=valid_from)
        for rank, lot in enumerate(chosen)
    )


def _lots_that_share(bays: Supply) -> list[Lot]:
    return list({rule.space.lot_id: rule.space.lot for rule in bays.rules}.values())


def _acts_as(present_day: date) -> dict[date, int]:
    margin = timedelta(days=2 * demand.DAYS_AHEAD)
    return weekdays_by_date(region=DEFAULT_REGION, first=present_day - margin, last=present_day + margin)


def _present_day(now: datetime) -> date:
    return now.astimezone(ZONE).date()


def _began_at(now: datetime, size: Size) -> datetime:
    """Midnight of the first simulated day."""
    return demand.midnight_of(_present_day(now) - timedelta(days=size.days_back), ZONE)


def _wait_for_others() -> None:
    """Two seedings at once: the second waits for the first, then finds the city standing."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONLY_ONE_SEEDING])
