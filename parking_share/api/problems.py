"""Errors as problem documents (RFC 9457): one handler for the whole API."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from parking_share.api.refusals import RETRY_SOON_S, KeyMissing
from parking_share.errors import DomainError, TryAgainError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:parking-share:problem:"


def problem(
    status_code: int,
    code: str,
    detail: str,
    *,
    errors: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One problem document."""
    body = {
        "type": TYPE_PREFIX + code,
        "title": _title(status_code),
        "status": status_code,
        "detail": detail,
        "code": code,
        "request_id": structlog.contextvars.get_contextvars().get("request_id", ""),
    }
    if errors is not None:
        body["errors"] = errors
    return Response(body, status=status_code, headers=dict(headers or {}), content_type=MEDIA_TYPE)


def problem_response(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn what a view raised into its answer. What nobody foresaw is logged whole and told in general words."""
    set_rollback()
    for kind, answer in _FORESEEN:
        if isinstance(error, kind):
            return answer(error)
    if settings.DEBUG_PROPAGATE_EXCEPTIONS:
        return None
    log.error("request_failed", view=type(context.get("view")).__name__, exc_info=error)
    return problem(500, "error", _("Something went wrong on our side. Tell us the request_id if it happens again."))


def _invalid(error: exceptions.ValidationError) -> Response:
    detail = error.detail
    errors = detail if isinstance(detail, dict) else {"non_field_errors": detail}
    code = error.default_code if isinstance(error, KeyMissing) else "invalid"
    return problem(400, code, _("Some of what was sent is missing or wrong; see errors."), errors=errors)


def _refused(error: exceptions.APIException) -> Response:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(RETRY_SOON_S, round(wait)))
    return problem(error.status_code, str(error.default_code), str(error.detail), headers=headers)


def _unavailable(error: Exception) -> Response:
    log.warning("database_unavailable", error=str(error).partition("\n")[0])
    return _later("unavailable", _("The service is busy at present. Try again in a moment."))


def _later(code: str, sentence: str) -> Response:
    return problem(503, code, sentence, headers={"Retry-After": str(RETRY_SOON_S)})


def _title(status_code: int) -> str:
    return {
        400: _("The request is not valid"),
        401: _("Who are you?"),
        403: _("Not allowed"),
        404: _("Not found"),
        405: _("Not possible with this method"),
        406: _("No such format"),
        409: _("Not possible now"),
        413: _("Too large"),
        415: _("Unknown format"),
        422: _("Key used for something else"),
        429: _("Too many requests"),
        503: _("Try again in a moment"),
    }.get(status_code, _("Error"))


# the first that fits answers
_FORESEEN: list[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any], Response]]] = [
    (exceptions.ValidationError, _invalid),
    (exceptions.APIException, _refused),
    (Http404, lambda _error: problem(404, "not_found", _("There is nothing here for you."))),
    (PermissionDenied, lambda _error: problem(403, "permission_denied", _("You may not do this."))),
    (SuspiciousOperation, lambda _error: problem(400, "malformed", _("This request can't be read."))),
    (TryAgainError, lambda error: _later(error.code, error.sentence)),
    (DomainError, lambda error: problem(409, error.code, error.sentence)),
    ((OperationalError, InterfaceError), _unavailable),
]
