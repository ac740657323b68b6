"""What people and machines do wrong on a day: drawn from one seeded generator, told to nobody."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

import numpy as np

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Faults:
    """How often things go wrong, each as a share in [0, 1]; of visits, of messages, of devices."""

    stays_away: float = 0.05
    comes_early: float = 0.12
    overstays: float = 0.08
    leaves_early: float = 0.25
    takes_another_bay: float = 0.02
    meets_an_intruder: float = 0.02
    lost: float = 0.02
    doubled: float = 0.03
    delayed: float = 0.03
    misread: float = 0.02
    dead_sensors: float = 0.03

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise ValueError(f"{field.name} must be a share from 0 to 1, got {getattr(self, field.name)}.")

    @classmethod
    def none(cls) -> "Faults":
        return cls(**{field.name: 0.0 for field in fields(cls)})


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """What one driver will do with one reservation."""

    comes: bool
    arrives_at: datetime
    leaves_at: datetime
    takes_another_bay: bool
    meets_an_intruder: bool


def draw_conduct(*, starts_at: datetime, ends_at: datetime, faults: Faults, rng: np.random.Generator) -> Conduct:
    """Most come within ten minutes and leave a little before the end; some are early, late, or forget the time."""
    arrives_at = starts_at + float(rng.uniform(0, 10)) * MINUTE
    if rng.random() < faults.comes_early:
        arrives_at = starts_at - float(rng.uniform(5, 40)) * MINUTE
    stay = ends_at - starts_at
    leaves_at = ends_at - float(rng.uniform(1, 12)) * MINUTE
    if rng.random() < faults.leaves_early:
        leaves_at = ends_at - float(rng.uniform(0.1, 0.5)) * stay
    if rng.random() < faults.overstays:
        leaves_at = ends_at + float(rng.uniform(5, 75)) * MINUTE
    return Conduct(
        comes=bool(rng.random() >= faults.stays_away),
        arrives_at=arrives_at,
        leaves_at=max(leaves_at, max(arrives_at, starts_at) + 5 * MINUTE),
        takes_another_bay=bool(rng.random() < faults.takes_another_bay),
        meets_an_intruder=bool(rng.random() < faults.meets_an_intruder),
    )


def misread(plate: str, rng: np.random.Generator) -> str:
    """The plate as a dirty lens shows it: one character, of those that look alike, for another."""
    alike = {"0": "D", "D": "0", "8": "B", "B": "8", "5": "S", "S": "5", "2": "Z", "Z": "2", "1": "I", "I": "1"}
    places = [index for index, character in enumerate(plate[1:], start=1) if character in alike]
    if not places:
        return plate
    place = int(rng.choice(places))
    return plate[:place] + alike[plate[place]] + plate[place + 1 :]
