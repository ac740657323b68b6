"""The people of the invented city: numbered, not named, under example.org; number plates that nobody issues."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.contrib.auth.hashers import make_password

from parking_share.accounts import plates
from parking_share.accounts.models import SizeClass, User, Vehicle
from parking_share.spaces.models import LandUse, Lot, Resident

PLATE_AREA = "贵Z"  # letters that the province's offices do not use
_SIZES, _SHARES_OF_SIZES = list(SizeClass), [0.15, 0.75, 0.10]


@dataclass(frozen=True, kw_only=True)
class Driver:
    """A driver with one car, who may live in a compound."""

    user: User
    vehicle: Vehicle
    needs_charger: bool
    home: Lot | None


@dataclass(frozen=True, kw_only=True)
class People:
    """Drivers; owners are added while their bays are laid out. Nothing is saved yet."""

    drivers: list[Driver]
    owners: list[User] = field(default_factory=list)
    residents: list[Resident] = field(default_factory=list)


def populate(lots: Sequence[Lot], *, drivers: int, joined_at: datetime, rng: np.random.Generator) -> People:
    """Draw the drivers; three in five live in one of the compounds."""
    homes = [lot for lot in lots if lot.land_use == LandUse.RESIDENTIAL]
    numbers = rng.permutation(90_000)[:drivers] + 10_000
    people = People(drivers=[])
    for index, number in enumerate(numbers, start=1):
        home = homes[rng.integers(len(homes))] if rng.random() < 0.6 else None
        driver = _driver(index, int(number), home, joined_at=joined_at, rng=rng)
        people.drivers.append(driver)
        if home is not None:
            people.residents.append(Resident(lot=home, user=driver.user))
    return people


def person(mailbox: str, name: str, *, joined_at: datetime) -> User:
    """An account that nobody can sign in to."""
    return User(email=f"{mailbox}@example.org", display_name=name, password=make_password(None), date_joined=joined_at)


def _driver(index: int, number: int, home: Lot | None, *, joined_at: datetime, rng: np.random.Generator) -> Driver:
    user = person(f"driver{index:04d}", f"车主{index:04d}", joined_at=joined_at)
    user.has_accessible_permit = bool(rng.random() < 0.03)
    is_electric = bool(rng.random() < 0.12)
    plate = f"{PLATE_AREA}D{number:05d}" if is_electric else f"{PLATE_AREA}{number:05d}"
    vehicle = Vehicle(
        driver=user,
        plate_encrypted=plates.encrypt_plate(plates.parse_plate(plate)),
        plate_exact_hash=plates.exact_hash(plate),
        plate_folded_hash=plates.folded_hash(plate),
        size=int(rng.choice(_SIZES, p=_SHARES_OF_SIZES)),
        height_cm=int(rng.integers(142, 190)),
        created_at=joined_at,
    )
    return Driver(user=user, vehicle=vehicle, needs_charger=is_electric and bool(rng.random() < 0.3), home=home)
