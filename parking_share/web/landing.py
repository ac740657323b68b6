from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from parking_share import clock
from parking_share.web import places
from parking_share.web.periods import USUAL_STAY, next_quarter
from parking_share.web.search_forms import SearchForm
from parking_share.web.words import typed_words


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Where to, from when, until when."""
    zone = places.default_zone()
    starts_at = next_quarter(clock.now(), zone)
    form = SearchForm(initial={"from": starts_at, "until": starts_at + USUAL_STAY})
    return render(request, "web/landing.html", {"form": form, "districts": places.districts()})


@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    """Names for the list under the place field."""
    suggestions = places.suggestions(typed_words(request, "where"))
    return render(request, "web/_suggestions.html", {"suggestions": suggestions})
