"""What a visitor sees when something goes wrong; no query, no session, so that it works when they do not."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from parking_share.web.context import site_words

RETRY_AFTER_S = "10"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 -- Django passes them by name
    return _plain("400.html", status=400)


def server_error(_request: HttpRequest) -> HttpResponse:
    """Our bug; or 503 where the database is away or has no time, which passes."""
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        response = _plain("503.html", status=503)
        response.headers["Retry-After"] = RETRY_AFTER_S
        return response
    return _plain("500.html", status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 -- Django's signature
    return _plain("403_csrf.html", status=403)


def _plain(template: str, *, status: int) -> HttpResponse:
    return HttpResponse(render_to_string(template, site_words()), status=status)
