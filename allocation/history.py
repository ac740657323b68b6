"""A lot's own past as the engine's instances: what was shared, what was asked, and what was known of its demand."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from django.db.models import Count, F, Q
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from allocation.engine.instance import Instance, read_instance
from allocation.engine.request import Request
from allocation.engine.rules import Rules
from allocation.engine.writing import instance_document
from allocation.knowledge import LocalSlots, knowledge_by_lot
from allocation.pictures import policies_by_lot
from parking_share.errors import DomainError
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Reason
from parking_share.spaces.models import District, Lot, ShareWindow, Space
from parking_share.spaces.selectors import admissions, suits
from parking_share.spaces.tariffs import rate_table
from sensors.slots import SLOT

DAYS, EIGHT_WEEKS = 7, timedelta(weeks=8)
MOST_SPACES, MOST_REQUESTS = 300, 1000
NOT_ABOUT_ROOM = (Reason.VEHICLE_IS_BOOKED, Reason.TOO_LATE, Reason.LOT_CLOSED)


class HistoryRefused(DomainError):
    code = "history_refused"


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedDay:
    """One day of a lot, from a quiet hour to the next.

    Parameters
    ----------
    begins_at
        When slot 0 begins.
    instance
        The day; requests are numbered in the order in which they were made, and name nobody.
    owners
        For each space a number that stands for its owner in this comparison; empty where nobody knows.
    was_accepted
        For each request whether it was really accepted; empty where nobody knows.
    cut
        How many requests went on after the day's end; the part after it is left out.
    """

    begins_at: datetime | None
    instance: Instance
    owners: tuple[int, ...] = ()
    was_accepted: tuple[bool, ...] = ()
    cut: int = 0


def recorded_week(lot: Lot, *, first_date: date) -> list[RecordedDay]:
    """The seven local days from a date on, each from the hour at which fewest requests of the week are under way.

    Shared is what no withdrawal had taken back when it came; wanted is what was decided for or against for reasons of
    room. Eligibility and rates are those of today; so is what was learnt of the demand. HistoryRefused where nothing
    can be compared.
    """
    spaces = list(Space.objects.filter(lot=lot).order_by("pk"))
    begins = _midnight(first_date, lot)
    around = _asked(lot, begins, _midnight(first_date + timedelta(days=DAYS + 1), lot))
    quiet = _quietest_hour(around, lot)
    bounds = [_midnight(first_date + timedelta(days=n), lot, hour=quiet) for n in range(DAYS + 1)]
    asked = [row for row in around if bounds[0] <= row.starts_at < bounds[-1]]
    if not asked:
        raise HistoryRefused(_("Nobody asked for a bay of this lot in that week. Choose another week."))
    shared = _shared(spaces, bounds[0], bounds[-1])
    spaces = [space for space in spaces if space.pk in {space_id for space_id, *_period in shared}]
    if not spaces:
        raise HistoryRefused(_("No bay of this lot was shared in that week. Choose another week."))
    if len(spaces) > MOST_SPACES:
        raise HistoryRefused(_("The laboratory compares lots of at most %(n)s bays.") % {"n": MOST_SPACES})
    past = _Past(lot=lot, spaces=spaces, shared=shared, eligible=_eligible(spaces, asked))
    return [past.day(first, last, asked) for first, last in pairwise(bounds)]


def busiest_lots(districts: Collection[District], *, now: datetime, most: int) -> list[Lot]:
    """The lots with most requests in the eight weeks before now, the busiest first: those that can be compared."""
    wanted = Q(
        reservations__starts_at__gte=now - EIGHT_WEEKS,
        reservations__starts_at__lt=now,
        reservations__decision__isnull=False,
    )
    lots = Lot.objects.filter(wanted, district__in=districts).annotate(wanted=Count("reservations"))
    return list(lots.select_related("district").order_by("-wanted", "name", "pk")[:most])


def day_document(day: RecordedDay) -> dict[str, Any]:
    """A recorded day as JSON, so that a comparison keeps what it was made of."""
    return {
        "begins_at": None if day.begins_at is None else day.begins_at.isoformat(),
        "instance": instance_document(day.instance),
        "owners": list(day.owners),
        "was_accepted": list(day.was_accepted),
        "cut": day.cut,
    }


def read_day(document: Mapping[str, Any]) -> RecordedDay:
    """What `day_document` wrote."""
    begins_at = document["begins_at"]
    return RecordedDay(
        begins_at=None if begins_at is None else datetime.fromisoformat(begins_at),
        instance=read_instance(json.dumps(document["instance"]).encode()),
        owners=tuple(document["owners"]),
        was_accepted=tuple(document["was_accepted"]),
        cut=document["cut"],
    )


@dataclass(frozen=True, kw_only=True)
class _Past:
    """What all days of a week have in common."""

    lot: Lot
    spaces: Sequence[Space]
    shared: Sequence[tuple[int, datetime, datetime]]
    eligible: dict[int, NDArray[np.bool_]]

    def day(self, begins: datetime, ends: datetime, asked: Iterable[Reservation]) -> RecordedDay:
        slots = (ends - begins) // SLOT
        mine = sorted((row for row in asked if begins <= row.starts_at < ends), key=lambda row: _made(row, begins))
        if len(mine) > MOST_REQUESTS:
            raise HistoryRefused(_("The laboratory compares days of at most %(n)s requests.") % {"n": MOST_REQUESTS})
        policy = policies_by_lot([self.lot])[self.lot.pk]
        rates = rate_table(self.lot, starts_at=begins, ends_at=ends)
        local = LocalSlots.over(rates, origin=begins, slots=slots)
        knowledge = knowledge_by_lot([self.lot])[self.lot.pk]
        free = self._free(begins, slots)
        demand = knowledge.demand(rates, local, shared=free.sum(axis=0), prior_h=policy.modal_stay_h)
        owners = {owner: number for number, owner in enumerate(sorted({one.owner_id or 0 for one in self.spaces}))}
        return RecordedDay(
            begins_at=begins,
            instance=Instance(
                rules=Rules(
                    threshold=policy.threshold,
                    weights=(policy.fragment_weight, 1 - policy.fragment_weight),
                    mode_hours=policy.modal_stay_h,
                ),
                opens_at=f"{begins.astimezone(self.lot.zone):%H:%M}",
                importance=local.of(knowledge.importance(rates)),
                peak_rate=float(rates.peak_rate_cents if policy.peak_rate_cents is None else policy.peak_rate_cents),
                space_ids=tuple(_distinct([space.label for space in self.spaces])),
                free=free,
                request_ids=tuple(f"r{number + 1}" for number in range(len(mine))),
                requests=tuple(self._request(row, begins, slots) for row in mine),
                expected_demand=None if demand is None else _covered(demand.arrivals, demand.stays),
            ),
            owners=tuple(owners[one.owner_id or 0] for one in self.spaces),
            was_accepted=tuple(row.decision.is_accepted for row in mine),
            cut=sum(row.ends_at > ends for row in mine),
        )

    def _free(self, begins: datetime, slots: int) -> NDArray[np.bool_]:
        """The slots that lie wholly in what was shared."""
        free = np.zeros((len(self.spaces), slots), dtype=np.bool_)
        row_of = {space.pk: row for row, space in enumerate(self.spaces)}
        for space_id, starts_at, ends_at in self.shared:
            if space_id in row_of:
                first, last = -((begins - starts_at) // SLOT), (ends_at - begins) // SLOT
                free[row_of[space_id], max(first, 0) : max(last, 0)] = True
        return free

    def _request(self, row: Reservation, begins: datetime, slots: int) -> Request:
        start = (row.starts_at - begins) // SLOT
        end = min(-((begins - row.ends_at) // SLOT), slots)
        mask = self.eligible[row.pk]
        return Request(
            start=start,
            end=max(end, start + 1),
            requested_at=_made(row, begins),
            eligible=None if mask.all() else mask,
        )


def _made(row: Reservation, begins: datetime) -> int:
    """The slot in which it was asked, at most that in which it starts."""
    return (min(row.requested_at, row.starts_at) - begins) // SLOT


def _asked(lot: Lot, begins: datetime, ends: datetime) -> list[Reservation]:
    """What was decided for or against for reasons of room, in the order in which it was asked."""
    rows = Reservation.objects.filter(lot=lot, starts_at__gte=begins, starts_at__lt=ends, decision__isnull=False)
    return list(
        rows.exclude(decision__reason__in=NOT_ABOUT_ROOM)
        .select_related("decision")
        .prefetch_related("vehicle_rows__vehicle")
        .order_by("requested_at", "pk")
    )


def _shared(spaces: Sequence[Space], begins: datetime, ends: datetime) -> list[tuple[int, datetime, datetime]]:
    """Windows that nobody had superseded before they were over."""
    stood = Q(superseded_at__isnull=True) | Q(superseded_at__gte=F("ends_at"))
    rows = ShareWindow.objects.filter(stood, space__in=spaces, starts_at__lt=ends, ends_at__gt=begins)
    return list(rows.order_by("space", "starts_at").values_list("space_id", "starts_at", "ends_at"))


def _eligible(spaces: Sequence[Space], asked: Sequence[Reservation]) -> dict[int, NDArray[np.bool_]]:
    admitted = admissions(spaces, drivers={row.driver_id for row in asked})
    return {
        row.pk: np.array(
            [
                admitted(space, row.driver_id)
                and suits(
                    space,
                    vehicles=[car.vehicle for car in row.vehicle_rows.all()],
                    needs_charger=row.needs_charger,
                    needs_accessible=row.needs_accessible,
                )
                for space in spaces
            ],
            dtype=np.bool_,
        )
        for row in asked
    }


def _quietest_hour(asked: Iterable[Reservation], lot: Lot) -> int:
    """The local hour at whose beginning fewest of the requests are under way; the earliest of several."""
    under_way = [0] * 24
    for row in asked:
        hour = row.starts_at.astimezone(lot.zone).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        while hour < row.ends_at:
            under_way[hour.hour] += 1
            hour += timedelta(hours=1)
    return under_way.index(min(under_way))


def _covered(arrivals: NDArray[np.float64], stays: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many requests want each slot, from how many start in each and how long they stay."""
    lasting = np.concatenate(([1.0], 1 - np.cumsum(stays)[:-1]))
    wanted: NDArray[np.float64] = np.maximum(np.convolve(arrivals, lasting)[: arrivals.size], 0.0)
    return wanted


def _distinct(labels: Sequence[str]) -> list[str]:
    """Labels by which spaces can be told apart: a second of the same name gets its number."""
    seen: dict[str, int] = {}
    for place, label in enumerate(labels):
        name = label or "?"
        seen[name if name not in seen else f"{name} ({place + 1})"] = place
    return list(seen)


def _midnight(day: date, lot: Lot, *, hour: int = 0) -> datetime:
    """A local hour of the lot as an instant of UTC, so that differences are true on days when clocks change."""
    return datetime.combine(day, time(hour), tzinfo=lot.zone).astimezone(UTC)
