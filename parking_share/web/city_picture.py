"""The city map as the server draws it, for browsers that cannot paint it: the areas, simplified to a screen's size."""

from collections.abc import Sequence

import numpy as np
import shapely
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.html import escape
from django.views.decorators.http import require_http_methods

from coverage.figures import polygons_of_run, shares_of
from coverage.models import CoverageRun
from coverage.runs import values_of
from coverage.vacancy import Basis
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.city_colours import CAPABILITY, VACANCY, Colouring
from parking_share.web.coverage_data import lasting
from parking_share.web.coverage_scope import shown_runs

WIDTH_PX = 1200
GRAIN_PX = 0.6


@require_http_methods(["GET", "HEAD"])
@signed_in
def picture(request: PersonalRequest, run_id: int) -> HttpResponseBase:
    """An SVG of one slot, by capability or by vacancy."""
    run = get_object_or_404(shown_runs(request).select_related("base").defer("base__mesh"), pk=run_id)
    colouring = VACANCY if request.GET.get("colour") == VACANCY.name else CAPABILITY
    version = f"{run.paint_hash[:16]}{colouring.name}"
    kept = lasting(request, b"", version=version)
    answer = kept if kept.status_code == 304 else lasting(request, drawn(run, colouring).encode(), version=version)
    answer.headers["Content-Type"] = "image/svg+xml"
    return answer


def drawn(run: CoverageRun, colouring: Colouring) -> str:
    """One path for each colour; north is up, a unit of the drawing is a pixel at its natural size."""
    polygons = polygons_of_run(run).polygons
    west, south, east, north = shapely.total_bounds(polygons)
    scale = WIDTH_PX / max(east - west, 1.0)
    height = max(round((north - south) * scale), 1)
    simple = shapely.simplify(polygons, GRAIN_PX / scale)
    by_colour: dict[str, list[str]] = {}
    for polygon, colour in zip(simple, _colours(run, colouring), strict=True):
        by_colour.setdefault(colour, []).append(_path(polygon, west=west, north=north, scale=scale))
    paths = "".join(f'<path fill="{colour}" d="{"".join(parts)}"/>' for colour, parts in sorted(by_colour.items()))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {height}" width="{WIDTH_PX}" '
        f'height="{height}"><title>{escape(colouring.title)}</title>'
        f'<g fill-rule="evenodd" stroke="#ffffff" stroke-width="0.4" stroke-linejoin="round">{paths}</g></svg>'
    )


def _colours(run: CoverageRun, colouring: Colouring) -> Sequence[str]:
    values = values_of(run)
    if colouring is VACANCY:
        known = values.basis != Basis.CLOSED
        return [
            colouring.colour(float(vacancy) if is_known else None)
            for vacancy, is_known in zip(values.vacancy, known, strict=True)
        ]
    return [CAPABILITY.colour(float(share)) for share in shares_of(run, values)]


def _path(polygon: shapely.Geometry, *, west: float, north: float, scale: float) -> str:
    """Rings as relative steps of tenths of a pixel."""
    steps = []
    for ring in shapely.get_rings(shapely.get_parts(polygon)):
        points = shapely.get_coordinates(ring)
        tenths = np.round(np.column_stack((points[:, 0] - west, north - points[:, 1])) * scale * 10).astype(int)
        moves = np.diff(tenths, axis=0, prepend=[[0, 0]])[:-1]
        first, *others = (f"{x / 10:g} {y / 10:g}" for x, y in moves.tolist())
        steps.append(f"M{first}l{' '.join(others)}z")
    return "".join(steps)
