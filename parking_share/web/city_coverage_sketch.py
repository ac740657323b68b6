"""Areas as paths for a drawing in the page itself: for every browser, with or without scripts."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from coverage.reports import Drawn, Report
from parking_share.web.city_colours import CAPABILITY

WIDTH = 600


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """Paths by colour, in a box of `width` by `height`; `marked` is the outline of what changes."""

    width: int
    height: int
    paths: list[tuple[str, str]]
    marked: str


def sketch_of(report: Report, drawn: Drawn) -> Sketch:
    low_x, _low_y, high_x, high_y = report.window
    scale = WIDTH / (high_x - low_x)
    shapes = shapely.from_wkb(np.array(drawn.shapes, dtype=object))
    by_colour: dict[str, list[str]] = {}
    marked: list[str] = []
    for shape, strength, is_marked in zip(shapes, drawn.strengths, drawn.marked, strict=True):
        path = path_of(shape, west=low_x, north=high_y, scale=scale)
        by_colour.setdefault(CAPABILITY.colour(strength), []).append(path)
        if is_marked:
            marked.append(path)
    height = max(round((high_y - report.window[1]) * scale), 1)
    paths = [(colour, "".join(parts)) for colour, parts in sorted(by_colour.items())]
    return Sketch(width=WIDTH, height=height, paths=paths, marked="".join(marked))


def path_of(shape: BaseGeometry, *, west: float, north: float, scale: float) -> str:
    """Rings as relative steps of tenths of a pixel; north is up."""
    steps = []
    for ring in shapely.get_rings(shapely.get_parts(shape)):
        points = shapely.get_coordinates(ring)
        places = np.column_stack((points[:, 0] - west, north - points[:, 1]))
        moves = np.diff(np.round(places * scale * 10).astype(int), axis=0, prepend=[[0, 0]])[:-1]
        first, *others = (f"{x / 10:g} {y / 10:g}" for x, y in moves.tolist())
        steps.append(f"M{first}l{' '.join(others)}z")
    return "".join(steps)
