"""What the city map draws with: mesh and ground once, a small array for each slot, and the list of a day's slots.

Meshes, grounds and slots never change, so their addresses carry a version and may be kept for a year.
"""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from django.views.decorators.http import require_http_methods

from coverage.days import DaySlot, slots_of_day
from coverage.drawing import ground_of_base
from coverage.models import CoverageBase, CoverageRun
from parking_share import clock
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.coverage_scope import city_asked_for, districts_by_city, shown_bases, shown_runs
from parking_share.web.days import day_asked_for

YEAR_S = 365 * 24 * 3600
VERSION_DIGITS = 16
_HASH_OF_NOTHING = hashlib.sha256(b"").hexdigest()


@require_http_methods(["GET", "HEAD"])
@signed_in
def mesh(request: PersonalRequest, base_id: int) -> HttpResponseBase:
    """The painted mesh of a base; a city in several networks, or of too few lots, has none."""
    base = get_object_or_404(shown_bases(request).exclude(mesh=b"").only("mesh", "mesh_hash"), pk=base_id)
    return lasting(request, bytes(base.mesh), version=base.mesh_hash)


@require_http_methods(["GET", "HEAD"])
@signed_in
def ground(request: PersonalRequest, base_id: int) -> HttpResponseBase:
    """The plane, the target area and the lots of a base. What the reader has kept is not computed again."""
    base = get_object_or_404(shown_bases(request).defer("clusters"), pk=base_id)
    kept = lasting(request, b"", version=base.fingerprint)
    return kept if kept.status_code == 304 else lasting(request, ground_of_base(base), version=base.fingerprint)


@require_http_methods(["GET", "HEAD"])
@signed_in
def slot(request: PersonalRequest, run_id: int) -> HttpResponseBase:
    """Weights and vacancies of one slot."""
    run = get_object_or_404(shown_runs(request).only("paint", "paint_hash"), pk=run_id)
    return lasting(request, bytes(run.paint or b""), version=run.paint_hash)


@require_http_methods(["GET", "HEAD"])
@signed_in
def day_slots(request: PersonalRequest) -> HttpResponse:
    """The slots of a day: addresses of those that are published, and what became of the others."""
    zone, now = timezone.get_default_timezone(), clock.now()
    city = city_asked_for(request, districts_by_city(request))
    day = day_asked_for(request, now=now)
    slots = slots_of_day(city, day=day, zone=zone, now=now)
    wanted = {one.run.base_id for one in slots if one.run is not None}
    bases = CoverageBase.objects.filter(pk__in=wanted).defer("arrays", "clusters", "mesh", "lot_ids").in_bulk()
    answer = JsonResponse(
        {
            "city": city,
            "day": day.isoformat(),
            "zone": str(zone),
            "now": now.isoformat(),
            "bases": {str(pk): addresses_of(base) for pk, base in sorted(bases.items())},
            "slots": [_told(one) for one in slots],
        }
    )
    patch_cache_control(answer, private=True, no_cache=True)
    return answer


def lasting(request: HttpRequest, content: bytes, *, version: str) -> HttpResponseBase:
    """Bytes with their version as ETag; where the address names that version, for a year without asking again."""
    etag = quote_etag(version)
    whole = HttpResponse(content, content_type="application/octet-stream", headers={"ETag": etag})
    answer: HttpResponseBase = get_conditional_response(request, etag=etag, response=whole) or whole
    if request.GET.get("v") == version[:VERSION_DIGITS]:
        patch_cache_control(answer, private=True, max_age=YEAR_S, immutable=True)
    else:
        patch_cache_control(answer, private=True, no_cache=True)
    return answer


def addresses_of(base: CoverageBase) -> dict[str, str | None]:
    """Where the mesh and the ground of a base are; no mesh where polygons have to do."""
    painted = base.mesh_hash not in {"", _HASH_OF_NOTHING}
    return {
        "mesh": versioned("coverage_mesh", base.pk, version=base.mesh_hash) if painted else None,
        "ground": versioned("coverage_ground", base.pk, version=base.fingerprint),
    }


def addresses_of_run(run: CoverageRun) -> dict[str, str]:
    return {
        "slot": versioned("coverage_slot", run.pk, version=run.paint_hash),
        "picture": versioned("coverage_picture", run.pk, version=run.paint_hash),
        "summary": reverse("web:coverage_summary", args=[run.pk]),
        "lots": reverse("web:coverage_lot", args=[run.pk, 0])[:-1],
    }


def versioned(name: str, pk: int, *, version: str) -> str:
    return f"{reverse(f'web:{name}', args=[pk])}?v={version[:VERSION_DIGITS]}"


def _told(one: DaySlot) -> dict[str, Any]:
    told: dict[str, Any] = {
        "starts_at": one.starts_at.isoformat(),
        "ends_at": one.ends_at.isoformat(),
        "label": f"{one.starts_at:%H:%M}",
        "state": one.state.value,
    }
    if one.run is not None:
        told |= addresses_of_run(one.run)
        told |= {"run": one.run.pk, "base": str(one.run.base_id), "is_backfilled": one.run.is_backfilled}
        told["before"] = addresses_of_run(one.before)["slot"] if one.before and one.is_comparable else None
    return told
