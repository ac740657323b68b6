"""What people say on the ground where they live: willingness to share or to use a bay, by district, as a layer.

`web` puts two answers together here: surveys count, coverage knows the ground. Districts of fewer than five answers are
not shown, nor shares of fewer than ten; where fewer than five said yes, or fewer than five no, only a bound is told.
"""

from dataclasses import dataclass
from math import ceil, floor

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coverage import exports, groups
from coverage.models import CoverageBase
from parking_share import clock
from parking_share.spaces.models import District, Lot
from parking_share.web.access import PersonalRequest, signed_in
from parking_share.web.city_coverage import described, exported
from parking_share.web.city_coverage_map import map_of, with_overlay
from parking_share.web.city_coverage_scope import CoverageScope, coverage_scope
from surveys.definition import Meaning
from surveys.engine.suppression import FEWEST_SHOWN
from surveys.selectors import Willingness, willingness_by_district

MEANINGS = (Meaning.WILLING_TO_SHARE, Meaning.WILLING_TO_USE)
COLOURS = ["#edf8e9", "#bae4b3", "#74c476", "#31a354", "#006d2c"]
BOUNDS = (0.2, 0.4, 0.6, 0.8)
LABELS = ["0–20 %", "20–40 %", "40–60 %", "60–80 %", "80–100 %"]


@dataclass(frozen=True, kw_only=True)
class DistrictLine:
    """A district, and what may be told of it; `found` is None where fewer than five answered."""

    district: District
    found: Willingness | None

    @property
    def told(self) -> Willingness | None:
        """Below ten answers either yes or no was said by fewer than five, and any bound would say nothing."""
        return self.found if self.found is not None and self.found.asked >= 2 * FEWEST_SHOWN else None

    @property
    def shown(self) -> str:
        """The share of yes, or a bound where few said yes or few said no."""
        if self.told is None:
            return "–"
        bound = FEWEST_SHOWN / self.told.asked
        if self.told.willing < FEWEST_SHOWN:
            return _("under %(n)s %%") % {"n": ceil(100 * bound)}
        if self.told.asked - self.told.willing < FEWEST_SHOWN:
            return _("over %(n)s %%") % {"n": floor(100 * (1 - bound))}
        return f"{100 * self.told.share:.0f} %"

    @property
    def has_interval(self) -> bool:
        if self.told is None:
            return False
        return min(self.told.willing, self.told.asked - self.told.willing) >= FEWEST_SHOWN

    @property
    def interval(self) -> str:
        """Wilson's, at 95 per cent."""
        if self.told is None or not self.has_interval:
            return ""
        return f"{100 * self.told.interval.low:.0f}–{100 * self.told.interval.high:.0f} %"

    @property
    def colour(self) -> int | None:
        """Which of five classes; that of the bound where only a bound is told."""
        if self.told is None:
            return None
        willing = min(max(self.told.willing, FEWEST_SHOWN), self.told.asked - FEWEST_SHOWN)
        return sum(willing / self.told.asked >= bound for bound in BOUNDS)


@require_http_methods(["GET", "HEAD"])
@signed_in
def willingness(request: PersonalRequest) -> HttpResponse:
    """The layer on the map, and the same as a table."""
    scope = coverage_scope(request, now=clock.now())
    meaning, with_synthetic = _asked_for(request)
    painted = map_of(scope.picture.run) if scope.picture else None
    if painted is not None:
        address = f"{reverse('web:city_willingness_geojson')}?{request.GET.urlencode()}"
        painted = with_overlay(painted, address, by="class", colours=COLOURS)
    context = described(scope) | {
        "lines": _lines(scope, meaning, with_synthetic=with_synthetic),
        "meaning": meaning,
        "meanings": MEANINGS,
        "with_synthetic": with_synthetic,
        "legend": list(zip(COLOURS, LABELS, strict=True)),
        "maps": [painted] if painted else [],
    }
    return render(request, "city/coverage_willingness.html", context)


@require_http_methods(["GET", "HEAD"])
@signed_in
def willingness_geojson(request: PersonalRequest) -> HttpResponse:
    """The ground of each district with its class; counts that are few are not in it either."""
    scope = coverage_scope(request, now=clock.now())
    meaning, with_synthetic = _asked_for(request)
    base = CoverageBase.objects.get(pk=scope.needed_picture().run.base_id)
    lots = Lot.objects.filter(pk__in=base.lot_ids).values_list("pk", "district_id")
    lines = {line.district.pk: line for line in _lines(scope, meaning, with_synthetic=with_synthetic)}
    grounds = groups.district_polygons(base, dict(lots))
    told = {
        pk: {
            "name": line.district.name,
            "class": line.colour,
            "share": line.shown,
            "answers": line.found.asked if line.found else f"<{FEWEST_SHOWN}",
        }
        for pk, line in lines.items()
    }
    text = exports.feature_collection({pk: shape for pk, shape in grounds.items() if pk in told}, told)
    return exported(text, exports.GEOJSON, f"willingness-{scope.city}.geojson")


def _asked_for(request: PersonalRequest) -> tuple[Meaning, bool]:
    wanted = request.GET.get("meaning", "")
    meaning = next((one for one in MEANINGS if one.value == wanted), Meaning.WILLING_TO_SHARE)
    return meaning, request.GET.get("synthetic") == "1"


def _lines(scope: CoverageScope, meaning: Meaning, *, with_synthetic: bool) -> list[DistrictLine]:
    found = willingness_by_district(
        meaning, district_ids=[district.pk for district in scope.districts], include_synthetic=with_synthetic
    )
    return [DistrictLine(district=district, found=found.get(district.pk)) for district in scope.districts]
