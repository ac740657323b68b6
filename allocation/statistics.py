"""What happens in districts and lots: counted by PostgreSQL, in a fixed number of queries."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from allocation.models import Decision
from parking_share.reservations.models import Reservation
from parking_share.reservations.selectors import holding
from parking_share.reservations.states import Reason, Status
from parking_share.spaces.models import District, Lot, ShareWindow, Space


@dataclass(kw_only=True)
class Usage:
    """The bays of a place now, and the requests for it in a period."""

    bays: int = 0
    shared: int = 0
    held: int = 0
    free: int = 0
    accepted: int = 0
    waiting: int = 0
    drivers: int = 0
    declined: Counter[Reason] = field(default_factory=Counter)

    @property
    def declined_in_all(self) -> int:
        return sum(self.declined.values())

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Reasons of the declines with their numbers, the most frequent first."""
        return [(str(reason.label), count) for reason, count in self.declined.most_common()]


def usage_by_district(districts: Collection[District], *, since: datetime, now: datetime) -> dict[int, Usage]:
    """Usage by district id; requests and decisions are those since an instant. Three queries."""
    return _usage("district", [district.pk for district in districts], since=since, now=now)


def usage_by_lot(lots: Collection[Lot], *, since: datetime, now: datetime) -> dict[int, Usage]:
    """Usage by lot id; requests and decisions are those since an instant. Three queries."""
    return _usage("id", [lot.pk for lot in lots], since=since, now=now)


def lots_short_of_bays(district_ids: Collection[int], *, since: datetime) -> QuerySet[Lot]:
    """Lots that declined for want of a free bay since an instant, the most first, with `turned_away` counted."""
    short = Q(
        reservations__decision__reason=Reason.NO_FREE_SPACE,
        reservations__decision__decided_at__gte=since,
    )
    return (
        Lot.objects.filter(district__in=district_ids)
        .filter(short)
        .annotate(turned_away=Count("reservations"))
        .select_related("district")
        .order_by("-turned_away", "name", "pk")
    )


def _usage(place: str, ids: Collection[int], *, since: datetime, now: datetime) -> dict[int, Usage]:
    found = {place_id: Usage() for place_id in ids}
    for place_id, *counts in _bays(f"lot__{place}", ids, now=now):
        usage = found[place_id]
        usage.bays, usage.shared, usage.held, usage.free = counts
    for place_id, reason, count in _decisions(f"reservation__lot__{place}", ids, since=since):
        if reason == Reason.ROOM_FOUND:
            found[place_id].accepted += count
        else:
            found[place_id].declined[Reason(reason)] += count
    for place_id, drivers, waiting in _requests(f"lot__{place}", ids, since=since):
        found[place_id].drivers, found[place_id].waiting = drivers, waiting
    return found


def _bays(place: str, ids: Collection[int], *, now: datetime) -> Iterable[tuple[Any, ...]]:
    windows = ShareWindow.objects.filter(
        space=OuterRef("pk"), superseded_at__isnull=True, starts_at__lte=now, ends_at__gt=now
    )
    holds = holding(now=now).filter(space=OuterRef("pk"), held_from__lte=now)
    usable = Q(standing=Space.Standing.APPROVED)
    counted: Iterable[tuple[Any, ...]] = (
        Space.objects.filter(**{f"{place}__in": ids})
        .annotate(is_shared=Exists(windows), is_held=Exists(holds))
        .order_by()
        .values(place)
        .annotate(
            bays=Count("pk", filter=usable),
            shared=Count("pk", filter=usable & Q(is_shared=True)),
            held=Count("pk", filter=Q(is_held=True)),
            free=Count("pk", filter=usable & Q(is_shared=True, is_held=False)),
        )
        .values_list(place, "bays", "shared", "held", "free")
    )
    return counted


def _decisions(place: str, ids: Collection[int], *, since: datetime) -> Iterable[tuple[Any, ...]]:
    made = Decision.objects.filter(**{f"{place}__in": ids}, decided_at__gte=since).order_by()
    counted: Iterable[tuple[Any, ...]] = (
        made.values(place, "reason").annotate(n=Count("pk")).values_list(place, "reason", "n")
    )
    return counted


def _requests(place: str, ids: Collection[int], *, since: datetime) -> Iterable[tuple[Any, ...]]:
    asked = Reservation.objects.filter(**{f"{place}__in": ids}, requested_at__gte=since).order_by()
    counted: Iterable[tuple[Any, ...]] = (
        asked.values(place)
        .annotate(drivers=Count("driver", distinct=True), waiting=Count("pk", filter=Q(status=Status.REQUESTED)))
        .values_list(place, "drivers", "waiting")
    )
    return counted
