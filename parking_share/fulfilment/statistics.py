"""How well promises are kept, by district: counts only, never who."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from parking_share.fulfilment.models import BrokenPromise, Discrepancy, Incident
from parking_share.spaces.models import District


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


def _count(rows: "QuerySet[Any]", path: str) -> Coalesce:
    """How many of these rows belong to the district of the outer query."""
    of_district = rows.filter(**{path: OuterRef("pk")}).order_by().values(path)
    counted = of_district.annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
