"""Who earns in a lot, and how evenly; and who is turned away where."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Count, Sum

from allocation.engine.fairness import Fairness
from allocation.models import Assignment, Decision
from allocation.pictures import LotPicture
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import Space

REMEMBERED = timedelta(days=30)
FEWEST_IN_A_GROUP = 5
_EARNED = [Status.ASSIGNED, Status.PARKED, Status.COMPLETED]

Owner = int | None
Income = tuple[int, Owner, int]  # lot, owner, cents


@dataclass(frozen=True, kw_only=True)
class IncomeGroup:
    """Owners who earned from `least_cents` to `most_cents`, never fewer than five."""

    owners: int
    least_cents: int
    most_cents: int
    total_cents: int


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How income spreads over owners; fewer than five owners have neither a Gini coefficient nor groups."""

    owners: int
    total_cents: int
    gini: float | None
    groups: tuple[IncomeGroup, ...]


def spread_of(incomes_cents: Sequence[int], *, groups: int = 5) -> Spread:
    """Tell how evenly owners earned: 0 for all alike, near 1 for one who has all.

    Owners are taken in order of income and cut into groups of five members at least, at most so many; owners of the
    same income may fall on both sides of a cut. Nobody's own income can be told from it.

    Raises
    ------
    ValueError
        For a negative income.
    """
    incomes = np.sort(np.array(incomes_cents, dtype=np.int64))
    if (incomes < 0).any():
        raise ValueError(f"an income must not be negative, got {incomes.min()}.")
    total, owners = int(incomes.sum()), int(incomes.size)
    if owners < FEWEST_IN_A_GROUP:
        return Spread(owners=owners, total_cents=total, gini=None, groups=())
    rank = np.arange(1, owners + 1)
    gini = float((2 * rank - owners - 1) @ incomes / (owners * total)) if total else 0.0
    parts = np.array_split(incomes, min(groups, owners // FEWEST_IN_A_GROUP))
    return Spread(owners=owners, total_cents=total, gini=gini, groups=tuple(_group(part.tolist()) for part in parts))


def incomes_by_owner(lot_id: int, *, since: datetime, until: datetime) -> dict[Owner, int]:
    """What every owner of a lot's bays earned from bookings assigned in that time; who earned nothing counts too.

    Bays without an owner are the lot's own: None.
    """
    found: Counter[Owner] = Counter()
    for _lot_id, owner, cents in _earned([lot_id], since=since, until=until):
        found[owner] += cents
    owners = Space.objects.filter(lot=lot_id).values_list("owner", flat=True)
    return {owner: found[owner] for owner in sorted(set(owners), key=lambda owner: (owner is None, owner or 0))}


def refusals_by_district(*, since: datetime, until: datetime) -> dict[int, dict[str, int]]:
    """By district and reason, how many requests were declined in that time."""
    declined = Decision.objects.filter(is_accepted=False, decided_at__gte=since, decided_at__lt=until).order_by()
    rows = declined.values_list("reservation__lot__district", "reason").annotate(requests=Count("pk"))
    found: dict[int, dict[str, int]] = {}
    for district, reason, requests in rows:
        found.setdefault(district, {})[reason] = requests
    return found


def fairness_by_lot(pictures: Mapping[int, LotPicture], *, now: datetime) -> dict[int, Fairness]:
    """For the lots whose policy spreads income, what each bay's owner has earned in 30 days; no query without any."""
    lots = {lot_id: one for lot_id, one in pictures.items() if one.policy_row.fairness_tolerance > 0 and one.spaces}
    if not lots:
        return {}
    earned: Counter[tuple[int, Owner]] = Counter()
    for lot_id, owner, cents in [*_earned(lots, since=now - REMEMBERED, until=now), *_promised(lots)]:
        earned[lot_id, owner] += cents
    return {
        lot_id: Fairness(
            income=np.array([earned[lot_id, space.owner_id] for space in picture.spaces], dtype=np.int64),
            tolerance=picture.policy_row.fairness_tolerance,
        )
        for lot_id, picture in lots.items()
    }


def _earned(lot_ids: Collection[int], *, since: datetime, until: datetime) -> Iterable[Income]:
    """What announced bays brought whose booking was not given up."""
    kept = Assignment.objects.filter(
        reservation__status__in=_EARNED, space__lot__in=lot_ids, assigned_at__gte=since, assigned_at__lte=until
    ).order_by()
    by_owner = kept.values("space__lot", "space__owner").annotate(cents=Sum("reservation__price_cents"))
    rows: Iterable[Income] = by_owner.values_list("space__lot", "space__owner", "cents")
    return rows


def _promised(lot_ids: Collection[int]) -> Iterable[Income]:
    """What is accepted and not announced yet."""
    accepted = Reservation.objects.filter(lot__in=lot_ids, status=Status.ACCEPTED).order_by()
    by_owner = accepted.values("lot", "space__owner").annotate(cents=Sum("price_cents"))
    rows: Iterable[Income] = by_owner.values_list("lot", "space__owner", "cents")
    return rows


def _group(incomes: Sequence[int]) -> IncomeGroup:
    return IncomeGroup(owners=len(incomes), least_cents=incomes[0], most_cents=incomes[-1], total_cents=sum(incomes))
