"""How well promises are kept, by district: counts only, never who."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from parking_share.fulfilment.models import BrokenPromise, Discrepancy, Incident, Overstay
from parking_share.spaces.models import District, Lot


@dataclass(frozen=True, kw_only=True)
class Troubles:
    """Discrepancies are those open now, the others those since an instant."""

    discrepancies: int
    incidents: int
    broken_promises: int


def troubles_by_district(districts: Iterable[District], *, since: datetime) -> dict[int, Troubles]:
    """What went wrong in each of these districts; one query."""
    counted = District.objects.filter(pk__in=[district.pk for district in districts]).annotate(
        discrepancies=_count(Discrepancy.objects.filter(closed_at__isnull=True), "lot__district"),
        incidents=_count(Incident.objects.filter(opened_at__gte=since), "lot__district"),
        broken=_count(BrokenPromise.objects.filter(happened_at__gte=since), "reservation__lot__district"),
    )
    rows = counted.values_list("pk", "discrepancies", "incidents", "broken")
    return {
        pk: Troubles(discrepancies=open_, incidents=said, broken_promises=broken) for pk, open_, said, broken in rows
    }


@dataclass(frozen=True, kw_only=True)
class OpenTroubles:
    """What waits for a manager."""

    incidents: int
    overstays: int
    discrepancies: int


def open_troubles(lot: Lot) -> OpenTroubles:
    """Incidents, cars past their end and discrepancies that are open in a lot; one query."""
    counted = Lot.objects.filter(pk=lot.pk).annotate(
        incidents_open=_count(Incident.objects.filter(closed_at__isnull=True), "lot"),
        overstays_open=_count(Overstay.objects.filter(ended_at__isnull=True), "space__lot"),
        discrepancies_open=_count(Discrepancy.objects.filter(closed_at__isnull=True), "lot"),
    )
    incidents, overstays, discrepancies = counted.values_list(
        "incidents_open", "overstays_open", "discrepancies_open"
    ).get()
    return OpenTroubles(incidents=incidents, overstays=overstays, discrepancies=discrepancies)


def _count(rows: "QuerySet[Any]", path: str) -> Coalesce:
    """How many of these rows belong to the row of the outer query."""
    of_outer = rows.filter(**{path: OuterRef("pk")}).order_by().values(path)
    counted = of_outer.annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
