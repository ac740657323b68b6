"""Maps on pages about coverage: that of a picture, of a what-if, or with a layer over it."""

import json
from dataclasses import dataclass, replace

from django.conf import settings
from django.urls import reverse

from coverage.models import CoverageRun
from parking_share.web.city_colours import COLOURINGS, map_words
from parking_share.web.coverage_data import VERSION_DIGITS, addresses_of, addresses_of_run


@dataclass(frozen=True, kw_only=True)
class PaintedMap:
    """What the element of a map says of itself; `overlay` is the address of a layer over it."""

    mesh: str
    ground: str
    slot: str
    picture: str = ""
    linked: str = ""
    overlay: str = ""
    overlay_by: str = ""
    overlay_colours: str = ""

    @property
    def colourings(self) -> str:
        return json.dumps({one.name: one.as_data() for one in COLOURINGS.values()})

    @property
    def words(self) -> str:
        return json.dumps(map_words())

    @property
    def base_map(self) -> str:
        return json.dumps(settings.BASE_MAP)


def map_of(run: CoverageRun, *, linked: str = "") -> PaintedMap | None:
    """The map of a picture; None where its city can't be painted."""
    found, shown = addresses_of(run.base), addresses_of_run(run)
    if found["mesh"] is None:
        return None
    return PaintedMap(
        mesh=found["mesh"], ground=found["ground"] or "", slot=shown["slot"], picture=shown["picture"], linked=linked
    )


def map_of_what_if(digest: str, *, linked: str) -> PaintedMap:
    """The map of a what-if that was computed a moment ago."""
    parts = ("mesh", "ground", "slot")
    mesh, ground, slot = (versioned_part(digest, part) for part in parts)
    return PaintedMap(mesh=mesh, ground=ground, slot=slot, linked=linked)


def versioned_part(digest: str, part: str) -> str:
    return f"{reverse('web:city_whatif_painted', args=[digest, part])}?v={digest[:VERSION_DIGITS]}"


def with_overlay(painted: PaintedMap, address: str, *, by: str, colours: list[str]) -> PaintedMap:
    """The map with a layer over it; the picture of the server lacks that layer, so there is none to fall back on."""
    return replace(painted, picture="", overlay=address, overlay_by=by, overlay_colours=json.dumps(colours))
