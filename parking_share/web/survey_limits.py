"""Courtesy limits of the public survey pages, by address. What must hold is in PostgreSQL."""

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from rest_framework.throttling import SimpleRateThrottle

from parking_share.web.context import site_words

_IS_TEST = settings.DEPLOYMENT == "test"


class _ByAddress(SimpleRateThrottle):
    """Counted in each process for itself; a survey answered in a class room comes from one address."""

    cache = caches["process"]

    def get_rate(self) -> str | None:
        return None

    def get_cache_key(self, request: HttpRequest, _view: object) -> str:
        return f"{self.scope}:{self.get_ident(request)}"  # type: ignore[arg-type]


class Starts(_ByAddress):
    scope = "survey_starts"
    rate = None if _IS_TEST else "120/hour"


class Pages(_ByAddress):
    scope = "survey_pages"
    rate = None if _IS_TEST else "240/min"


def too_many(request: HttpRequest, limit: type[_ByAddress]) -> HttpResponse | None:
    """The refusal, where this address asks too often."""
    throttle = limit()
    if throttle.allow_request(request, None):  # type: ignore[arg-type]
        return None
    response = HttpResponse(render_to_string("surveys/too_many.html", site_words()), status=429)
    response.headers["Retry-After"] = str(int(throttle.wait() or 60) + 1)
    return response
