"""What service areas say in words and tables: districts, shortages, clusters, and one lot's day."""

from datetime import timedelta
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.dateparse import parse_date
from django.utils.http import content_disposition_header, quote_etag
from django.views.decorators.http import require_http_methods

from coverage import exports, groups, maps, selectors
from coverage.selectors import Picture
from coverage.shortages import Order, shortages_in
from coverage.statistics import totals_by
from parking_share import clock
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.charts import chosen_day
from parking_share.web.city_coverage_charts import CoverageDay, coverage_day
from parking_share.web.city_coverage_map import PaintedMap, map_of, with_overlay
from parking_share.web.city_coverage_scope import CoverageScope, coverage_scope, overseen_lot
from parking_share.web.places import default_zone

SHORT_LOTS, CLUSTERS_A_PAGE = 20, 50
CLUSTER_COLOURS = ["#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00"]
WEEK = timedelta(days=7)


@require_http_methods(["GET", "HEAD"])
@signed_in
def overview(request: PersonalRequest) -> HttpResponse:
    """Districts of one city and the lots that are shortest of bays, in the newest picture or that of a slot."""
    scope = coverage_scope(request, now=clock.now())
    order = Order.FASTEST if request.GET.get("order") == Order.FASTEST else Order.LARGEST
    context = described(scope) | {"order": order, "orders": Order}
    if scope.picture is not None:
        district_of = {lot_id: lot.district_id for lot_id, lot in scope.lots.items()}
        totals = totals_by(scope.picture, district_of)
        short = shortages_in(scope.picture, lot_ids=scope.lots.keys(), order=order, most=SHORT_LOTS)
        context |= {
            "districts": [(row, totals[row.pk]) for row in scope.districts if row.pk in totals],
            "short": [(scope.lots[one.lot_id], one) for one in short],
        }
    return render(request, "city/coverage_overview.html", context)


@require_http_methods(["GET", "HEAD"])
@signed_in
def lot_day(request: PersonalRequest, lot_id: int) -> HttpResponse:
    """A lot's rank and vacancy on one day, beside another day: by default that of a week before."""
    day = _day_asked_for(request, lot_id)
    now = clock.now()
    picture = selectors.newest_picture(day.lot.district.city)
    row = picture.row_of(day.lot.pk) if picture else None
    newest = selectors.slot_of_lot(picture, row) if picture and row is not None else None
    context = {"lot": day.lot, "day": day, "picture": picture, "newest": newest, "now": now}
    return render(request, "city/coverage_lot.html", context)


@require_http_methods(["GET", "HEAD"])
@signed_in
def lot_day_csv(request: PersonalRequest, lot_id: int) -> HttpResponse:
    day = _day_asked_for(request, lot_id)
    rows = exports.day_rows(day.slots, zone=day.lot.zone)
    return exported(exports.as_csv(rows), "text/csv; charset=utf-8", f"coverage-lot-{day.lot.pk}-{day.day}.csv")


@require_http_methods(["GET", "HEAD"])
@signed_in
def clusters(request: PersonalRequest) -> HttpResponse:
    """The clusters of a city; the lots of other districts are counted in them, and not named.

    Of a cluster that has only such lots there are no figures: they would be those of single lots.
    """
    scope = coverage_scope(request, now=clock.now())
    context = described(scope)
    if scope.picture is not None:
        found = groups.clusters_in(scope.picture)
        page = Paginator(found, CLUSTERS_A_PAGE).get_page(request.GET.get("page"))
        context |= {
            "page_obj": page,
            "rows": [(one, scope.lots.get(one.largest), not one.lot_ids.isdisjoint(scope.lots)) for one in page],
            "count": len(found),
            "sizes": (found[-1].totals.lots, found[0].totals.lots) if found else None,
            "radius": scope.picture.run.parameters["cluster_radius_m"],
            "maps": _cluster_maps(scope.picture, scope),
        }
    return render(request, "city/coverage_clusters.html", context)


@require_http_methods(["GET", "HEAD"])
@signed_in
def clusters_geojson(request: PersonalRequest) -> HttpResponse:
    """The ground of each cluster, for a layer on the map; it changes only with the lots."""
    scope = coverage_scope(request, now=clock.now())
    picture = scope.needed_picture()
    etag = quote_etag(f"clusters-{picture.run.base_id}")
    kept = get_conditional_response(request, etag=etag, response=None)
    if isinstance(kept, HttpResponse):
        return kept
    text = exports.cluster_features(picture)
    return exported(text, exports.GEOJSON, f"clusters-{scope.city}.geojson", etag=etag)


@require_http_methods(["GET", "HEAD"])
@signed_in
def areas_geojson(request: PersonalRequest) -> HttpResponse:
    """The exact service areas of the person's lots."""
    scope = coverage_scope(request, now=clock.now())
    text = exports.area_features(scope.needed_picture(), scope.lots)
    return exported(text, exports.GEOJSON, _name(scope, "areas", "geojson"))


@require_http_methods(["GET", "HEAD"])
@signed_in
def areas_csv(request: PersonalRequest) -> HttpResponse:
    scope = coverage_scope(request, now=clock.now())
    rows = exports.lot_rows(scope.needed_picture(), scope.lots)
    return exported(exports.as_csv(rows), "text/csv; charset=utf-8", _name(scope, "lots", "csv"))


@require_http_methods(["GET", "HEAD"])
@signed_in
def districts_csv(request: PersonalRequest) -> HttpResponse:
    scope = coverage_scope(request, now=clock.now())
    picture = scope.needed_picture()
    totals = totals_by(picture, {lot_id: lot.district_id for lot_id, lot in scope.lots.items()})
    rows = exports.district_rows(picture, [(row, totals[row.pk]) for row in scope.districts if row.pk in totals])
    return exported(exports.as_csv(rows), "text/csv; charset=utf-8", _name(scope, "districts", "csv"))


@require_http_methods(["GET", "HEAD"])
@signed_in
def shortages_csv(request: PersonalRequest) -> HttpResponse:
    """Every open lot, the shortest of bays first."""
    scope = coverage_scope(request, now=clock.now())
    short = shortages_in(scope.needed_picture(), lot_ids=scope.lots.keys())
    rows = exports.shortage_rows(scope.needed_picture(), short, scope.lots)
    return exported(exports.as_csv(rows), "text/csv; charset=utf-8", _name(scope, "shortages", "csv"))


@require_http_methods(["GET", "HEAD"])
@signed_in
def picture_png(request: PersonalRequest) -> HttpResponse:
    """The service areas as a picture, in five classes of rank, with its time and what the colours mean."""
    scope = coverage_scope(request, now=clock.now())
    picture = scope.needed_picture()
    png = maps.picture_png(picture, zone=default_zone())
    return exported(png, "image/png", _name(scope, "map", "png"))


def _cluster_maps(picture: Picture, scope: CoverageScope) -> list[PaintedMap]:
    """The map with the ground of clusters over it, neighbours in different colours; none where nothing is painted."""
    painted = map_of(picture.run)
    address = f"{reverse('web:city_coverage_clusters_geojson')}?{urlencode({'city': scope.city})}"
    return [] if painted is None else [with_overlay(painted, address, by="colour", colours=CLUSTER_COLOURS)]


def described(scope: CoverageScope) -> dict[str, object]:
    """What every page about coverage says first: of what, of when, how old, and what is wrong with it."""
    return {
        "scope": scope,
        "picture": scope.picture,
        "at": timezone.localtime(scope.picture.ends_at) if scope.picture else None,
        "age": scope.picture.age(scope.now) if scope.picture else None,
        "alerts": scope.alerts,
    }


def exported(content: str | bytes, kind: str, name: str, *, etag: str = "") -> HttpResponse:
    """A file to take home; nobody else's cache keeps it."""
    response = HttpResponse(content, content_type=kind)
    response.headers["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    if etag:
        response.headers["ETag"] = etag
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _name(scope: CoverageScope, what: str, ending: str) -> str:
    at = timezone.localtime(scope.needed_picture().ends_at)
    return f"coverage-{scope.city}-{at:%Y-%m-%d-%H%M}-{what}.{ending}"


def _day_asked_for(request: PersonalRequest, lot_id: int) -> CoverageDay:
    lot = overseen_lot(request, lot_id)
    day = chosen_day(request.GET.get("day", ""), lot, now=clock.now())
    try:
        compared = parse_date(request.GET.get("beside", ""))
    except ValueError:
        compared = None
    return coverage_day(lot, day, compared_day=compared or day - WEEK)
