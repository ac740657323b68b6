"""What would be if lots changed: the changes stand in the address, and nothing is kept unless it is given a name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from coverage import exports, reports, scenarios
from coverage.changes import Change, ChangeRefused, Kind, lots_named, read_changes
from coverage.models import Scenario
from coverage.reports import Report
from parking_share import clock
from parking_share.spaces.models import District, Lot
from parking_share.spaces.selectors import is_operator
from parking_share.web.access import PersonalRequest, signed_in, wants_fragment
from parking_share.web.city_coverage import described, exported
from parking_share.web.city_coverage_differences import differences_shown, rows_of_differences
from parking_share.web.city_coverage_map import PaintedMap, map_of, map_of_what_if
from parking_share.web.city_coverage_scope import CoverageScope, coverage_scope
from parking_share.web.city_coverage_sketch import sketch_of
from parking_share.web.city_coverage_whatif_forms import FORMS, NameForm
from parking_share.web.coverage_data import lasting

PARTS = ("mesh", "ground", "slot")
MOST_LISTED = 400


@dataclass(frozen=True, kw_only=True)
class ListedChange:
    """A change in words, and where the page without it is."""

    sentence: str
    without: str


@require_http_methods(["GET", "HEAD"])
@vary_on_headers("HX-Request")
@signed_in
def what_if(request: PersonalRequest) -> HttpResponse:
    """The changes so far, the forms for one more, and what they come to."""
    now = clock.now()
    scope, texts = coverage_scope(request, now=now), request.GET.getlist("c")
    asked = request.GET.get("kind", "")
    forms = {
        kind: form(request.GET if kind == asked else None, lots=scope.lots, districts=scope.districts)
        for kind, form in FORMS.items()
    }
    if asked in forms and forms[asked].is_valid():
        return redirect(address(scope, [*texts, forms[asked].change.text]))
    answered = _answered(scope, texts, now=now)
    if _has_come(request, answered):
        return _loaded_again()
    present = map_of(scope.picture.run, linked="what-if") if scope.picture and not answered["maps"] else None
    context = (
        described(scope)
        | answered
        | {
            "present": present,
            "forms": forms.values(),
            "asked": asked,
            "name_form": NameForm(),
            "listed_lots": list(scope.lots.values()) if len(scope.lots) <= MOST_LISTED else [],
            "saved": scenarios.scenarios_of([scope.city], now=now)[:20],
        }
    )
    return render(request, "city/coverage_whatif.html", context)


@require_http_methods(["POST"])
@signed_in
def save(request: PersonalRequest) -> HttpResponse:
    """Give a what-if a name, and so a link for one's colleagues."""
    scope, texts = coverage_scope(request, now=clock.now()), request.POST.getlist("c")
    form = NameForm(request.POST)
    try:
        changes = read_changes(texts)
        if not form.is_valid():
            messages.error(request, " ".join(str(error) for error in form.errors["name"]))
            return redirect(address(scope, texts))
        saved = scenarios.save_scenario(
            city=scope.city, name=form.cleaned_data["name"], changes=changes, made_by=request.user, now=scope.now
        )
    except ChangeRefused as refusal:
        messages.error(request, refusal.sentence)
        return redirect(address(scope, []))
    return redirect("web:city_scenario", saved.link)


@require_http_methods(["GET", "HEAD"])
@vary_on_headers("HX-Request")
@signed_in
def scenario(request: PersonalRequest, link: str) -> HttpResponse:
    """A named what-if, computed afresh on the newest picture; for staff of its city."""
    now = clock.now()
    found, scope = _scenario_of(request, link, now=now)
    answered = _answered(scope, found.changes, now=now)
    if _has_come(request, answered):
        return _loaded_again()
    context = (
        described(scope)
        | answered
        | {
            "scenario": found,
            "may_change": _may_change(request, found),
            "edit": address(scope, found.changes),
        }
    )
    return render(request, "city/coverage_scenario.html", context)


@require_http_methods(["POST"])
@signed_in
def prolong(request: PersonalRequest, link: str) -> HttpResponse:
    found, scope = _scenario_of(request, link, now=clock.now())
    _refuse_strangers(request, found)
    scenarios.prolong_scenario(found, now=scope.now)
    return redirect("web:city_scenario", found.link)


@require_http_methods(["POST"])
@signed_in
def delete(request: PersonalRequest, link: str) -> HttpResponse:
    found, scope = _scenario_of(request, link, now=clock.now())
    _refuse_strangers(request, found)
    scenarios.delete_scenario(found)
    return redirect(address(scope, []))


@require_http_methods(["GET", "HEAD"])
@signed_in
def differences_csv(request: PersonalRequest) -> HttpResponse:
    """Who gains and who loses, as a table."""
    scope = coverage_scope(request, now=clock.now())
    answered = _answered(scope, request.GET.getlist("c"), now=scope.now)
    report = answered["report"]
    if not isinstance(report, Report):
        raise Http404
    rows = rows_of_differences(report, scope)
    return exported(exports.as_csv(rows), "text/csv; charset=utf-8", f"what-if-{scope.city}.csv")


@require_http_methods(["GET", "HEAD"])
@signed_in
def painted(request: PersonalRequest, digest: str, part: str) -> HttpResponseBase:
    """What the browser's map paints of a what-if that was computed a moment ago; for staff of its city."""
    scope = coverage_scope(request, now=clock.now())
    report = reports.kept_report(digest)
    if report is None or report.city not in scope.cities or part not in PARTS:
        raise Http404
    content = {"mesh": report.mesh, "ground": report.ground, "slot": report.slot}[part]
    return lasting(request, content, version=digest)


def _has_come(request: PersonalRequest, answered: Mapping[str, Any]) -> bool:
    """A page that waits asks for itself until there is an answer; then it is loaded whole, with its maps."""
    return wants_fragment(request) and answered["waiting"] is None


def _loaded_again() -> HttpResponse:
    return HttpResponse(status=204, headers={"HX-Refresh": "true"})


def address(scope: CoverageScope, texts: Sequence[str]) -> str:
    """Where a what-if of these changes is; the changes are all that it knows."""
    asked = [("city", scope.city)] + ([("at", scope.asked_at.isoformat())] if scope.asked_at else [])
    return f"{reverse('web:city_whatif')}?{urlencode([*asked, *(('c', text) for text in texts)])}"


def _answered(scope: CoverageScope, texts: Sequence[str], *, now: datetime) -> dict[str, Any]:
    """What the changes come to, as far as it is known: a report, a wait, or a sentence why not."""
    answer: dict[str, Any] = {"changes": [], "texts": texts, "report": None, "waiting": None, "refusal": "", "maps": []}
    try:
        changes = read_changes(texts)
        answer["changes"] = _listed(scope, changes)
        if not changes or scope.picture is None:
            return answer
        found = reports.report_for(scope.picture, changes, now=now)
    except ChangeRefused as refusal:
        return answer | {"refusal": refusal.sentence, "without_last": address(scope, texts[:-1])}
    if not isinstance(found, Report):
        return answer | {"waiting": found}
    digest = reports.key_of(scope.picture, changes).rpartition(":")[2]
    return answer | {
        "report": found,
        "shown": differences_shown(found, scope),
        "before": sketch_of(found, found.before),
        "after": sketch_of(found, found.after),
        "csv": f"{reverse('web:city_whatif_csv')}{address(scope, texts).removeprefix(reverse('web:city_whatif'))}",
        "maps": _maps(scope, digest) if found.mesh else [],
    }


def _maps(scope: CoverageScope, digest: str) -> list[tuple[str, PaintedMap]]:
    """Before and after, moving together; none where the city can't be painted."""
    before = map_of(scope.needed_picture().run, linked="what-if")
    if before is None:
        return []
    return [(_("Before"), before), (_("After"), map_of_what_if(digest, linked="what-if"))]


def _listed(scope: CoverageScope, changes: Sequence[Change]) -> list[ListedChange]:
    lots = Lot.objects.filter(district__city=scope.city).in_bulk(lots_named(changes))
    wanted = {change.district_id for change in changes if change.district_id is not None}
    districts = District.objects.filter(city=scope.city).in_bulk(wanted)
    texts = [change.text for change in changes]
    return [
        ListedChange(
            sentence=sentence_of(change, lots, districts), without=address(scope, [*texts[:place], *texts[place + 1 :]])
        )
        for place, change in enumerate(changes)
    ]


def sentence_of(change: Change, lots: Mapping[int, Lot], districts: Mapping[int, District]) -> str:
    """A change as one would say it."""
    lot = lots.get(change.lot_id or 0)
    name = lot.name if lot else _("an unknown lot")
    match change.kind:
        case Kind.ADD:
            said = _("Add “%(name)s” with %(bays)s bays at %(place)s.")
        case Kind.MOVE:
            said = _("Move “%(name)s” to %(place)s.")
        case Kind.CLOSE:
            said = _("Close “%(name)s”.")
        case Kind.RESIZE:
            said = _("Give “%(name)s” %(bays)s bays.")
        case Kind.SHARE:
            said = _("Let “%(name)s” share %(percent)s per cent of its bays.")
        case Kind.SHARE_ALL:
            said = _("Let all compounds of “%(name)s” share %(percent)s per cent of their bays.")
    if change.kind == Kind.SHARE_ALL:
        district = districts.get(change.district_id or 0)
        name = district.name if district else _("an unknown district")
    if change.kind == Kind.ADD:
        name = change.name or _("new lot")
    place = f"{change.latitude:.5f}, {change.longitude:.5f}" if change.latitude is not None else ""
    return said % {"name": name, "bays": change.bays, "percent": change.percent, "place": place}


def _scenario_of(request: PersonalRequest, link: str, *, now: datetime) -> tuple[Scenario, CoverageScope]:
    """A scenario of a city of the person's; all others are not there."""
    mine = coverage_scope(request, now=now)
    found = get_object_or_404(scenarios.scenarios_of(mine.cities, now=now), link=link)
    return found, coverage_scope(request, now=now, city=found.city)


def _may_change(request: PersonalRequest, found: Scenario) -> bool:
    return found.made_by_id == request.user.pk or is_operator(request.user)


def _refuse_strangers(request: PersonalRequest, found: Scenario) -> None:
    """Only who made it, or an operator, may end it or keep it longer."""
    if not _may_change(request, found):
        raise Http404
