"""Cars that stand in a lot: a stay opens once and closes once, whoever says so and however often.

Uniqueness is the database's: at most one open stay per car and lot, per reservation, and per bay. So two workers that
say the same thing at once leave one row, and neither waits for the other longer than an insert takes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from sensors.models import Stay

_OPEN = """
INSERT INTO sensors_stay (
    lot_id, source, source_key, began_at, ended_at, space_id, reservation_id, plate_exact_hash
)
SELECT %(lot)s, %(source)s, '', %(began)s, NULL, %(space)s::bigint, %(reservation)s::bigint, %(plate)s::bytea
WHERE NOT EXISTS (
    SELECT FROM sensors_stay AS known
    WHERE known.lot_id = %(lot)s
      AND (
          known.reservation_id = %(reservation)s::bigint
          OR known.plate_exact_hash = %(plate)s::bytea
          OR (%(reservation)s::bigint IS NULL AND %(plate)s::bytea IS NULL AND known.space_id = %(space)s::bigint)
      )
      AND known.began_at <= %(began)s
      AND (known.ended_at > %(began)s OR known.began_at = %(began)s)
)
ON CONFLICT DO NOTHING
RETURNING *
"""
_CLOSE = """
UPDATE sensors_stay SET ended_at = %(ended)s
WHERE ended_at IS NULL AND began_at <= %(ended)s AND id = %(id)s
RETURNING *
"""
# A quarter of an hour that was rolled up without this stay has to be rolled up again.
_MARK = """
INSERT INTO sensors_staleslot (lot_id, space_id, from_at, until_at)
SELECT %(lot)s, NULL, %(at)s, NULL
WHERE EXISTS (
    SELECT FROM sensors_occupancyslot
    WHERE lot_id = %(lot)s AND source = 'GATES' AND starts_at > %(at)s::timestamptz - interval '15 minutes'
)
"""


@dataclass(frozen=True, kw_only=True)
class Whose:
    """By what a stay is known, the surest first; any of them may be missing."""

    reservation_id: int | None = None
    plate_exact_hash: bytes | None = None
    space_id: int | None = None

    def conditions(self) -> list[Q]:
        known = {
            "reservation": self.reservation_id,
            "plate_exact_hash": self.plate_exact_hash,
            "space": self.space_id,
        }
        return [Q(**{name: value}) for name, value in known.items() if value is not None]


@transaction.atomic
def open_stay(
    *,
    lot_id: int,
    source: Stay.Source,
    began_at: datetime,
    space_id: int | None = None,
    reservation_id: int | None = None,
    plate_exact_hash: bytes | None = None,
) -> Stay | None:
    """Open a stay; None where this car, reservation or bay has an open one, or one that covers this instant.

    Where only the bay is taken, by somebody whose leaving nobody saw, the stay opens without a bay. Safe to call twice,
    and from two workers at once.
    """
    values = {
        "lot": lot_id,
        "source": source.value,
        "began": began_at,
        "space": space_id,
        "reservation": reservation_id,
        "plate": plate_exact_hash,
    }
    if plate_exact_hash is not None:
        _take_turns(lot_id, plate_exact_hash)
    stay = _one(_OPEN, values)
    if stay is None and (reservation_id is not None or plate_exact_hash is not None):
        stay = _one(_OPEN, values | {"space": None})
    if stay is not None:
        _mark_rolled_slots(lot_id=lot_id, at=began_at)
    return stay


@transaction.atomic
def close_stay(
    *,
    lot_id: int,
    ended_at: datetime,
    reservation_id: int | None = None,
    plate_exact_hash: bytes | None = None,
    space_id: int | None = None,
) -> Stay | None:
    """Close the open stay of the reservation, else of the car, else in the bay; None where there is none.

    An exit that comes late does not close a stay that began after it; it corrects one that the car's next entry ended.
    Safe to call twice, and from two workers at once.
    """
    whose = Whose(reservation_id=reservation_id, plate_exact_hash=plate_exact_hash, space_id=space_id)
    for condition in whose.conditions():
        open_one = Stay.objects.filter(condition, lot=lot_id, ended_at__isnull=True, began_at__lte=ended_at).first()
        stay = _one(_CLOSE, {"id": open_one.pk, "ended": ended_at}) if open_one else None
        if stay is not None:
            _mark_rolled_slots(lot_id=lot_id, at=ended_at)
            return stay
    return _end_earlier(lot_id, plate_exact_hash, ended_at=ended_at) if plate_exact_hash is not None else None


def _end_earlier(lot_id: int, plate_exact_hash: bytes, *, ended_at: datetime) -> Stay | None:
    """Correct a stay that only the car's next entry had ended, by an exit that is told later."""
    of_this_car = Stay.objects.filter(lot=lot_id, plate_exact_hash=plate_exact_hash)
    next_began = of_this_car.filter(began_at=OuterRef("ended_at")).exclude(pk=OuterRef("pk"))
    stay = of_this_car.filter(Exists(next_began), began_at__lte=ended_at, ended_at__gt=ended_at).first()
    if stay is None or not Stay.objects.filter(pk=stay.pk, ended_at=stay.ended_at).update(ended_at=ended_at):
        return None
    _mark_rolled_slots(lot_id=lot_id, at=ended_at)
    stay.ended_at = ended_at
    return stay


@transaction.atomic
def begin_earlier(*, reservation_id: int, began_at: datetime) -> bool:
    """Correct the stay of a reservation by an arrival that was told late; say whether that changed anything."""
    stays = Stay.objects.filter(reservation=reservation_id).order_by("began_at")
    stay = stays.select_for_update(no_key=True).first()
    if stay is None or stay.began_at <= began_at:
        return False
    Stay.objects.filter(pk=stay.pk).update(began_at=began_at)
    _mark_rolled_slots(lot_id=stay.lot_id, at=began_at)
    return True


def stand_in(*, reservation_id: int, space_id: int) -> bool:
    """Say in which bay the car of a reservation stands; where another stay is open there, that one keeps it."""
    taken = Stay.objects.filter(space=space_id, ended_at__isnull=True).exclude(reservation=reservation_id)
    own = Stay.objects.filter(~Exists(taken), reservation=reservation_id, ended_at__isnull=True)
    return own.update(space=space_id) == 1


def _one(query: str, values: dict[str, Any]) -> Stay | None:
    return next(iter(Stay.objects.raw(query, values)), None)


def _mark_rolled_slots(*, lot_id: int, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MARK, {"lot": lot_id, "at": at})


def _take_turns(lot_id: int, plate_exact_hash: bytes) -> None:
    """Wait for whoever opens a stay of this car in this lot: what they closed meanwhile must be seen."""
    key = int.from_bytes(plate_exact_hash[:4], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [lot_id % 2**31, key])
