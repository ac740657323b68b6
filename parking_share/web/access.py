"""Who may see a page: a person who is signed in; what they may see on it is scoped by the selectors."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme

from parking_share.accounts.models import User

P = ParamSpec("P")


class PersonalRequest(HttpRequest):
    """A request of a person who is signed in."""

    user: User


def signed_in(
    view: Callable[Concatenate[PersonalRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Ask for the log-in first. A fragment that is asked for after a log-out reloads its page, and that asks."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **options: P.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(cast("PersonalRequest", request), *args, **options)
        if wants_fragment(request):
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return redirect_to_login(_way_back(request))

    return cast("Callable[Concatenate[HttpRequest, P], HttpResponseBase]", guarded)


def _way_back(request: HttpRequest) -> str:
    """Where to go on after the log-in: what was sent is lost, so the page that it was sent from."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, request.get_host(), require_https=request.is_secure()):
        return "/"
    return urlsplit(page)._replace(scheme="", netloc="").geturl() or "/"


def wants_fragment(request: HttpRequest) -> bool:
    """htmx asks for a part of the page; when it restores history it needs the whole page."""
    return request.headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in request.headers
