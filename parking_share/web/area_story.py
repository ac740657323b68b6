"""Why this lot: what a request for an area weighed, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from allocation.area_choice import LIMITS_OR_CARS
from allocation.models import AreaRequest
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Reason
from parking_share.spaces.models import Lot


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """One lot that was considered; `total_cents` is None and `why_not` says why where it would not take the car."""

    name: str
    price_cents: int
    walk_m: int
    total_cents: int | None
    why_not: str


@dataclass(frozen=True, kw_only=True)
class AreaStory:
    """A reservation that was asked for an area: how large it is, and once it is decided all that was weighed."""

    radius_m: int
    is_decided: bool
    chosen: Weighed | None
    others: Sequence[Weighed]

    @classmethod
    def of(cls, reservation: Reservation) -> "AreaStory | None":
        """None for a request for a lot. One query for the names of the lots."""
        area: AreaRequest | None = getattr(reservation, "area", None)
        if area is None:
            return None
        names = dict(Lot.objects.filter(pk__in=[row["lot"] for row in area.considered]).values_list("pk", "name"))
        rows = [_weighed(row, names) for row in area.considered]
        has_chosen = bool(rows) and not rows[0].why_not
        return cls(
            radius_m=area.radius_m,
            is_decided=area.decided_at is not None,
            chosen=rows[0] if has_chosen else None,
            others=rows[1:] if has_chosen else rows,
        )


def _weighed(row: dict[str, Any], names: dict[int, str]) -> Weighed:
    total = row["total"]
    return Weighed(
        name=names.get(row["lot"], "–"),
        price_cents=row["price_cents"],
        walk_m=row["walk_m"],
        total_cents=None if total is None else round(Decimal(str(total))),
        why_not=_why_not(row["refusal"]),
    )


def _why_not(refusal: str) -> str:
    if not refusal:
        return ""
    if refusal == LIMITS_OR_CARS:
        return _("It takes no booking for this time, or one of the cars is booked elsewhere.")
    return str(Reason[refusal.upper()].label)
