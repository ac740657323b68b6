"""A what-if as a page shows it: computed at once for small cities, by a worker for large ones, kept for a quarter.

What is kept is a copy that can be made again at any time; it stands under a hash of the picture and the changes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import shapely
from django.core.cache import cache

from coverage.changes import Change, ChangeRefused, read_changes
from coverage.differences import DistrictDifference, LotDifference, districts_of, ground_that_changes_m2, lots_of
from coverage.drawing import can_be_painted, ground_to_bytes
from coverage.engine.paint import (
    painted_mesh,
    painted_mesh_to_bytes,
    site_order,
    slot_to_bytes,
    vacancy_levels,
    weight_levels,
)
from coverage.engine.version import VERSION
from coverage.models import CoverageRun
from coverage.selectors import Picture, picture_of, published_runs
from coverage.whatif import Outcome, Side, outcome_of
from parking_share import bells
from parking_share.spaces.models import Lot

COMPUTED_AT_ONCE = 2_000  # lots; more take longer than a reader should wait for a page
KEPT_S, CLAIMED_S = 900, 60
MOST_LOTS = 10
LEAST_WIDTH_M, AROUND, GRAIN = 800.0, 0.25, 1 / 1500


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The areas of one side in a window: WKB in metres, rank against the average, and whether a change is meant."""

    shapes: tuple[bytes, ...]
    strengths: tuple[float, ...]
    marked: tuple[bool, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a what-if comes to. `mesh`, `ground` and `slot` are what the browser's map paints; empty where it can't."""

    city: str
    districts: tuple[DistrictDifference, ...]
    gaining: tuple[LotDifference, ...]
    losing: tuple[LotDifference, ...]
    names: dict[int, str]
    changed: int
    moved_m2: float
    window: tuple[float, float, float, float]
    before: Drawn
    after: Drawn
    mesh: bytes
    ground: bytes
    slot: bytes


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A worker computes it: begun when, or not begun."""

    begun_at: datetime | None


def report_for(picture: Picture, changes: Sequence[Change], *, now: datetime) -> Report | Waiting:
    """What is known, else computed now, else asked of a worker.

    Raises
    ------
    ChangeRefused
        For changes that can't be made.
    """
    key = key_of(picture, changes)
    known = cache.get(key)
    if isinstance(known, Report):
        return known
    if isinstance(known, str):
        raise ChangeRefused(known)
    if len(picture.lot_ids) <= COMPUTED_AT_ONCE:
        return _computed(picture, changes, key)
    if cache.add(f"{key}:claim", now, CLAIMED_S):  # a worker that died is asked again a minute later
        texts = "\n".join(change.text for change in changes)
        bells.ring("coverage.what_if", run_id=picture.run.pk, changes=texts)
    begun = cache.get(f"{key}:begun")
    return Waiting(begun_at=begun if isinstance(begun, datetime) else None)


def compute_report(*, run_id: int, changes: Sequence[str], now: datetime) -> bool:
    """What the worker does; whether there was anything to do. Safe to run twice: a known report is left alone."""
    run = CoverageRun.objects.filter(pk=run_id, status=CoverageRun.Status.PUBLISHED).first()
    if run is None:
        return False
    picture, wanted = picture_of(published_runs(run.city).get(pk=run_id)), read_changes(changes)
    key = key_of(picture, wanted)
    if cache.get(key) is not None:
        return False
    cache.set(f"{key}:begun", now, CLAIMED_S)
    try:
        _computed(picture, wanted, key)
    except ChangeRefused as refusal:
        cache.set(key, refusal.sentence, KEPT_S)
    return True


def key_of(picture: Picture, changes: Sequence[Change]) -> str:
    """Where the report of these changes on this picture is kept; its last part may stand in an address."""
    said = "\n".join([VERSION, picture.run.city, str(picture.run.pk), *(change.text for change in changes)])
    return f"what-if:{hashlib.sha256(said.encode()).hexdigest()}"


def kept_report(digest: str) -> Report | None:
    """A report that was computed in the last quarter of an hour."""
    known = cache.get(f"what-if:{digest}")
    return known if isinstance(known, Report) else None


def _computed(picture: Picture, changes: Sequence[Change], key: str) -> Report:
    outcome = outcome_of(picture, changes)
    district_of = dict(Lot.objects.filter(pk__in=picture.lot_ids.tolist()).values_list("pk", "district_id"))
    gaining, losing = lots_of(outcome, most=MOST_LOTS)
    window = _window(outcome)
    mesh, ground, slot = _painted(outcome)
    report = Report(
        city=picture.run.city,
        districts=tuple(districts_of(outcome, district_of)),
        gaining=tuple(gaining),
        losing=tuple(losing),
        names=dict(outcome.names),
        changed=len(outcome.changed),
        moved_m2=ground_that_changes_m2(outcome),
        window=window,
        before=_drawn(outcome, outcome.before, window),
        after=_drawn(outcome, outcome.after, window),
        mesh=mesh,
        ground=ground,
        slot=slot,
    )
    cache.set(key, report, KEPT_S)
    return report


def _window(outcome: Outcome) -> tuple[float, float, float, float]:
    """The box around what changes, with its surroundings; the whole city where nothing does."""
    shapes = [
        side.moment.areas.polygons[row]
        for side in (outcome.before, outcome.after)
        for row, lot_id in enumerate(side.sites.lot_ids.tolist())
        if lot_id in outcome.changed
    ]
    whole = shapely.total_bounds(outcome.before.moment.areas.polygons)
    low_x, low_y, high_x, high_y = shapely.total_bounds(shapes) if shapes else whole
    if np.isnan(low_x):
        low_x, low_y, high_x, high_y = whole
    more_x = max((high_x - low_x) * AROUND, (LEAST_WIDTH_M - (high_x - low_x)) / 2)
    more_y = max((high_y - low_y) * AROUND, (LEAST_WIDTH_M - (high_y - low_y)) / 2)
    return float(low_x - more_x), float(low_y - more_y), float(high_x + more_x), float(high_y + more_y)


def _drawn(outcome: Outcome, side: Side, window: tuple[float, float, float, float]) -> Drawn:
    polygons = side.moment.areas.polygons
    rows = np.flatnonzero(shapely.intersects(polygons, shapely.box(*window)))
    simple = shapely.simplify(polygons[rows], (window[2] - window[0]) * GRAIN)
    scores, groups = side.moment.ranking.scores, side.city.network.groups
    strengths = scores * np.bincount(groups)[groups]
    return Drawn(
        shapes=tuple(shapely.to_wkb(simple).tolist()),
        strengths=tuple(strengths[rows].tolist()),
        marked=tuple(lot_id in outcome.changed for lot_id in side.sites.lot_ids[rows].tolist()),
    )


def _painted(outcome: Outcome) -> tuple[bytes, bytes, bytes]:
    """What the browser's map needs of the city as it would be."""
    after = outcome.after
    if not can_be_painted(after.city.mesh):
        return b"", b"", b""
    painted = painted_mesh(after.city.mesh)
    levels = weight_levels(after.city.mesh, painted, after.moment.ranking.scores)
    vacancy = np.where(after.sites.open_bays > 0, after.sites.vacancy, np.nan)
    ground = ground_to_bytes(after.city, plane=outcome.plane, lot_ids=after.sites.lot_ids.tolist())
    return (
        painted_mesh_to_bytes(painted),
        ground,
        slot_to_bytes(levels, vacancy_levels(vacancy[site_order(painted)])),
    )
