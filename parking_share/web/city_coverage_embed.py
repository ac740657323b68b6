"""The public map of a city: read-only, to be shown in frames of the sites that the settings name.

It tells areas and ranks, which follow from what is public; no name, no number of bays, no vacancy. A city is public
where its row of settings says so; any other is not there.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import NONE
from django.conf import settings
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from coverage.models import CoverageRun, CoverageSettings
from coverage.selectors import newest_picture
from coverage.vacancy import SLOT
from parking_share import clock
from parking_share.web.city_colours import CAPABILITY
from parking_share.web.city_picture import drawn

KEPT_S, FRESH_S = 3600, 60
OLD = 2 * SLOT


def framed_by_named_sites(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let the sites of the settings frame this page; the header that knows no list is left out."""

    @wraps(view)
    def framed(*args: Any, **options: Any) -> HttpResponse:
        response = view(*args, **options)
        ancestors = settings.EMBED_ORIGINS or [NONE]
        response._csp_replace = {"frame-ancestors": ancestors}  # type: ignore[attr-defined]  # where django-csp looks
        return response

    return xframe_options_exempt(framed)


@require_safe
@framed_by_named_sites
def embedded(request: HttpRequest, city: str) -> HttpResponse:
    """The map with its time, its age and what its colours mean; scripts load it again every five minutes."""
    _refuse_what_is_not_public(city)
    picture, now = newest_picture(city), clock.now()
    context = {
        "city": city,
        "picture": picture,
        "at": timezone.localtime(picture.ends_at) if picture else None,
        "age": picture.age(now) if picture else None,
        "is_old": picture is not None and picture.age(now) > OLD,
        "legend": list(zip(CAPABILITY.colours, CAPABILITY.labels, strict=True)),
        "approval": settings.MAP_APPROVAL_NUMBER,
        "site_name": settings.SITE_NAME,
    }
    response = render(request, "embed/coverage.html", context)
    patch_cache_control(response, max_age=FRESH_S)
    return response


@require_safe
def embedded_drawing(request: HttpRequest, city: str) -> HttpResponse:
    """The drawing itself, made once for each picture."""
    _refuse_what_is_not_public(city)
    picture = newest_picture(city)
    if picture is None:
        raise Http404
    etag = quote_etag(f"embed-{picture.run.pk}")
    kept = get_conditional_response(request, etag=etag, response=None)
    if not isinstance(kept, HttpResponse):
        kept = HttpResponse(_drawing(picture.run), content_type="image/svg+xml", headers={"ETag": etag})
    patch_cache_control(kept, public=True, max_age=FRESH_S)
    return kept


def _drawing(run: CoverageRun) -> str:
    key = f"embed-drawing:{run.pk}"
    known = cache.get(key)
    if isinstance(known, str):
        return known
    whole = CoverageRun.objects.select_related("base").get(pk=run.pk)
    made = drawn(whole, CAPABILITY)
    cache.set(key, made, KEPT_S)
    return made


def _refuse_what_is_not_public(city: str) -> None:
    if not CoverageSettings.objects.filter(city=city, is_public=True).exists():
        raise Http404
