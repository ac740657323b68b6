"""The paper's figures 2, 3, 5, 6 and 7, drawn anew."""

from collections.abc import Iterator

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from coverage.engine.cluster import ClusterRules
from coverage.groups import colours_of
from coverage.pictures import DISTINCT, INK, Colour, Frame, Sheet, dot_radii
from coverage.reproduction.comparison import HOURS, Study
from coverage.reproduction.districts import Floats, Use
from coverage.reproduction.unbounded import owners_without_bounds

RADIUS_M = ClusterRules().radius_m
HEAD, GAP = 40, 16
QUARTERS = np.arange(96) / 4
USE_COLOURS = {Use.RESIDENTIAL: DISTINCT[0], Use.COMMERCIAL: DISTINCT[5], Use.OFFICE: DISTINCT[2]}
USE_NAMES = {Use.RESIDENTIAL: "homes", Use.COMMERCIAL: "shops", Use.OFFICE: "offices"}
MARKED: Colour = (220, 30, 30)
RASTER_COLUMNS, SHOWN, SHOWN_AROUND_M = 600, 40, 700.0


def figures_of(study: Study) -> Iterator[tuple[str, bytes]]:
    """Each figure's name and PNG."""
    yield "fig2", clustering(study)
    yield "fig3", clusters(study)
    yield "fig5", day(study)
    yield "fig6", areas_of_the_day(study)
    yield "fig7", with_and_without_bounds(study)


def clustering(study: Study) -> bytes:
    """Figure 2: mean shift of some car parks; places, on the way, at rest, and clusters where they are."""
    district = study.district
    rows = _neighbourhood(district.positions)
    places, weights = district.positions[rows], district.capability[rows]
    paths = _shifted(places, weights)
    frame_of = _frames(_around(places, 120.0), columns=2, rows=2, width=1200, height=1240)
    sheet = Sheet(1200, 1240)
    names = ["(a) car parks, by capability", "(b) after two moves", "(c) at rest", "(d) clusters"]
    radii = dot_radii(weights, largest=12)
    for number, name in enumerate(names):
        frame = frame_of[number]
        shown = [paths[0], paths[min(2, len(paths) - 1)], paths[-1], paths[0]][number]
        fills = [DISTINCT[0]] * len(rows) if number < 3 else _colours_by_place(paths[-1])
        sheet.dots(frame, shown, radii, fills)
        sheet.text(frame.left, frame.top - 26, name, size=16)
    return sheet.png()


def clusters(study: Study) -> bytes:
    """Figure 3: the ground of each cluster."""
    grounds = study.cluster_grounds
    sizes = np.bincount(study.clusters.labels)
    sheet = Sheet(1400, 1000)
    (frame,) = _frames(study.district.target.bounds, columns=1, rows=1, width=1400, height=1000)
    sheet.polygons(frame, grounds, [DISTINCT[colour % len(DISTINCT)] for colour in colours_of(grounds)])
    places = study.district.positions
    sheet.dots(frame, places, [1.3] * len(places), [INK] * len(places))
    sheet.text(GAP, 8, f"{len(places)} car parks form {len(sizes)} clusters of 1 to {sizes.max()}", size=18)
    return sheet.png()


def day(study: Study) -> bytes:
    """Figure 5: ranks of the small network on a working day and on a day off."""
    sheet = Sheet(1400, 620)
    curves = {is_day_off: _ranks(study, is_day_off=is_day_off) for is_day_off in (False, True)}
    top = max(float(curve.max()) for curve in curves.values()) * 1.05
    for number, (is_day_off, curve) in enumerate(curves.items()):
        left, width, height = GAP + 40 + number * 690, 630, 480
        sheet.box(left, HEAD + 20, width, height)
        sheet.text(left, 16, f"({'ab'[number]}) {'day off' if is_day_off else 'working day'}", size=16)
        for hour in (0, 6, 12, 18, 24):
            sheet.text(left + width * hour / 24 - 8, HEAD + 26 + height, f"{hour}", size=13)
        for hour in HOURS:
            at = left + width * hour / 24
            sheet.line([(at, HEAD + 20), (at, HEAD + 20 + height)], (200, 120, 110), width=1)
        for lot, ranks in zip(study.members, curve.T, strict=True):
            points = [
                (left + width * hour / 24, HEAD + 20 + height * (1 - float(value) / top))
                for hour, value in zip(QUARTERS, ranks, strict=True)
            ]
            sheet.line(points, USE_COLOURS[Use(int(study.district.uses[lot]))], width=2)
    _name_uses(sheet, GAP + 40, 580)
    return sheet.png()


def areas_of_the_day(study: Study) -> bytes:
    """Figure 6: the small network's areas at four hours of a working day, and below of a day off."""
    ground = study.city.mesh.targets[int(study.clusters.labels[study.members[0]])]
    frames = _frames(ground.bounds, columns=4, rows=2, width=1600, height=900)
    sheet = Sheet(1600, 900)
    uses = study.district.uses[study.members]
    for number, frame in enumerate(frames):
        hour, is_day_off = HOURS[number % 4], number >= 4
        shapes = study.moment(hour=hour, is_day_off=is_day_off).areas.polygons[study.members]
        sheet.polygons(frame, shapes, [USE_COLOURS[Use(int(use))] for use in uses], line=1.5)
        sheet.dots(frame, study.district.positions[study.members], [3.0] * len(uses), [INK] * len(uses))
        kind = "day off" if is_day_off else "working day"
        sheet.text(frame.left, frame.top - 24, f"({'abcdefgh'[number]}) {kind} {hour}:00", size=15)
    _name_uses(sheet, GAP, 872)
    return sheet.png()


def with_and_without_bounds(study: Study) -> bytes:
    """Figure 7: by capability, without bounds and with them; red dots are enclosed by one other's area."""
    district = study.district
    bounds = _around(district.positions[_neighbourhood(district.positions, count=120)], 100.0)
    frames = _frames(bounds, columns=2, rows=1, width=1600, height=900)
    sheet = Sheet(1600, 900)
    inside = np.flatnonzero(shapely.contains_xy(shapely.box(*bounds), district.positions))
    palette = np.array(DISTINCT, dtype=np.uint8)
    sheet.raster(frames[0], palette[_raster(study, bounds) % len(palette)])
    near = np.flatnonzero(shapely.intersects(study.by_capability.polygons, shapely.box(*bounds)))
    clipped = shapely.intersection(study.by_capability.polygons[near], shapely.box(*bounds))
    sheet.polygons(frames[1], clipped, [DISTINCT[row % len(DISTINCT)] for row in near.tolist()], outline=None)
    for frame, enclosed, name in (
        (frames[0], study.enclosed_unbounded, "(a) without bounds"),
        (frames[1], study.enclosed, "(b) bounded by Delaunay triangles"),
    ):
        fills = [MARKED if one else INK for one in np.isin(inside, enclosed).tolist()]
        sheet.dots(frame, district.positions[inside], [2.5] * len(inside), fills)
        sheet.text(frame.left, 10, f"{name}: {len(enclosed)} of {len(district.positions)} enclosed", size=16)
    return sheet.png()


def _raster(study: Study, bounds: tuple[float, float, float, float]) -> NDArray[np.intp]:
    """The owner without bounds of each pixel, north up."""
    low_x, low_y, high_x, high_y = bounds
    columns = RASTER_COLUMNS
    rows = max(round(columns * (high_y - low_y) / (high_x - low_x)), 1)
    x = low_x + (np.arange(columns) + 0.5) / columns * (high_x - low_x)
    y = high_y - (np.arange(rows) + 0.5) / rows * (high_y - low_y)
    points = np.column_stack((np.tile(x, rows), np.repeat(y, columns)))
    owners = owners_without_bounds(study.district.positions, study.district.capability, points)
    return owners.reshape(rows, columns)


def _ranks(study: Study, *, is_day_off: bool) -> Floats:
    """Ranks of the small network's members, shape (96, m)."""
    return np.array([study.ranks(hour=float(hour), is_day_off=is_day_off)[study.members] for hour in QUARTERS])


def _shifted(places: Floats, weights: Floats) -> list[Floats]:
    """The moves of weighted mean shift with a flat kernel, all pairs, until nothing moves by a millimetre."""
    path = [places]
    while True:
        offset = path[-1][:, None] - path[-1]
        near = (offset**2).sum(axis=2) <= RADIUS_M**2
        pull = near * weights
        path.append(pull @ path[-1] / pull.sum(axis=1, keepdims=True))
        if np.hypot(*(path[-1] - path[-2]).T).max() < 1e-3:
            return path


def _neighbourhood(positions: Floats, *, count: int = SHOWN) -> NDArray[np.intp]:
    """The car parks around the one that has most others near it."""
    pairs = cKDTree(positions).query_pairs(SHOWN_AROUND_M, output_type="ndarray")
    middle = positions[int(np.argmax(np.bincount(pairs.ravel(), minlength=len(positions))))]
    distance = np.hypot(*(positions - middle).T)
    return np.sort(np.argsort(distance, kind="stable")[:count])


def _around(places: Floats, margin: float) -> tuple[float, float, float, float]:
    low, high = places.min(axis=0) - margin, places.max(axis=0) + margin
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _frames(
    bounds: tuple[float, float, float, float], *, columns: int, rows: int, width: int, height: int
) -> list[Frame]:
    """Boxes in reading order, each with room for a line of words above."""
    inner_width, inner_height = width / columns - 2 * GAP, (height - GAP) / rows - HEAD - GAP
    return [
        Frame(
            bounds=bounds,
            left=GAP + column * width / columns,
            top=HEAD + row * (height - GAP) / rows,
            width=inner_width,
            height=inner_height,
        )
        for row in range(rows)
        for column in range(columns)
    ]


def _colours_by_place(places: Floats) -> list[Colour]:
    """Points that have met get one colour."""
    _, number = np.unique(np.round(places), axis=0, return_inverse=True)
    return [DISTINCT[place % len(DISTINCT)] for place in number.ravel().tolist()]


def _name_uses(sheet: Sheet, left: float, top: float) -> None:
    for number, use in enumerate(Use):
        sheet.box(left + 130 * number, top, 22, 14, USE_COLOURS[use])
        sheet.text(left + 130 * number + 30, top - 2, USE_NAMES[use], size=14)
