"""One picture of a city: computed outside of transactions, checked, published whole.

A row in COMPUTING is the claim on a slot; the database lets only one exist. A claim that is older than `GIVEN_UP_AFTER`
belongs to a worker that died, and is taken over. In nested mode the clusters are dealt out as parts, and whoever
finishes the last part publishes: no results back end, only rows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import structlog
from django.db import IntegrityError, transaction
from numpy.typing import NDArray

from coverage import bases
from coverage.engine import city as engine
from coverage.engine.city import City, Moment
from coverage.engine.pack import areas_from_bytes, areas_to_bytes, from_bytes, to_bytes
from coverage.engine.paint import painted_mesh, site_order, slot_to_bytes, vacancy_levels, weight_levels
from coverage.engine.partition import Areas
from coverage.engine.rank import Ranking
from coverage.engine.verify import verify_areas, verify_ranking
from coverage.engine.version import VERSION
from coverage.models import CoverageBase, CoveragePart, CoverageRun, Mode
from coverage.vacancy import SLOT, Basis, Vacancies, vacancies_in
from parking_share import bells
from parking_share.spaces.models import Lot

GIVEN_UP_AFTER = timedelta(minutes=15)
PROBES = 500
KEPT_TO_M = 0.01
CLUSTERS_A_PART = 40
Status = CoverageRun.Status

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Values:
    """What a published run says of each lot, shape (n,), in the order of its base's `lot_ids`."""

    vacancy: NDArray[np.float64]
    score: NDArray[np.float64]
    area_m2: NDArray[np.float64]
    open_bays: NDArray[np.float64]
    free_bays: NDArray[np.float64]
    basis: NDArray[np.int8]
    age_s: NDArray[np.float64]


def values_of(run: CoverageRun) -> Values:
    arrays = from_bytes(bytes(run.values or b""))
    return Values(**{name: np.asarray(arrays[name]) for name in Values.__dataclass_fields__})


def areas_of(run: CoverageRun) -> Areas | None:
    """The polygons in the plane of the run's base; None once they were thinned out."""
    return None if run.areas is None else areas_from_bytes(bytes(run.areas))


def compute_slot(
    city: str, *, slot_starts_at: datetime, now: datetime, is_backfill: bool = False
) -> CoverageRun | None:
    """Compute and publish the picture of a slot, or begin to where it is dealt out in parts.

    None where it is published already, where somebody else computes it, and where the city has no lots.
    """
    base = bases.ensure_base(city, now=now)
    if base is None:
        return None
    run = claim_slot(base, slot_starts_at=slot_starts_at, now=now, is_backfill=is_backfill)
    if run is None:
        return None
    vacancies = _vacancies(base, slot_starts_at=slot_starts_at, now=now)
    if base.parameters["mode"] == Mode.NESTED:
        _deal_out(run, base, vacancies)
        return run
    parameters = base.parameters
    rules = bases.rank_rules(parameters)
    prepared = bases.city_of(base)
    moment = engine.tick(prepared, vacancies.vacancy, tolerance=parameters["tolerance_m"], rules=rules)
    return publish(run, prepared, vacancies, moment, now=now)


def compute_part(part_id: int, *, now: datetime) -> bool:
    """Compute the clusters of one part; publish where it was the last. Safe to run twice: a done part is left alone."""
    part = CoveragePart.objects.select_related("run__base").get(pk=part_id)
    if part.done_at is not None or part.run.status != Status.COMPUTING:
        return False
    run, base = part.run, part.run.base
    CoveragePart.objects.filter(pk=part_id).update(claimed_at=now)
    prepared, sites = engine.part_of(bases.city_of(base), part.clusters)
    vacancy = from_bytes(bytes(run.values or b""))["vacancy"][sites]
    rules = bases.rank_rules(base.parameters)
    moment = engine.tick(prepared, vacancy, tolerance=base.parameters["tolerance_m"], rules=rules)
    CoveragePart.objects.filter(pk=part_id).update(
        done_at=now,
        values=to_bytes({"score": moment.ranking.scores, "strength": moment.ranking.strengths}),
        areas=areas_to_bytes(moment.areas),
    )
    return _publish_when_all_are_done(run, base, now=now)


def attend_parts(*, now: datetime) -> int:
    """Ring again for parts that nobody has finished; return how many."""
    waiting = CoveragePart.objects.filter(done_at__isnull=True, run__status=Status.COMPUTING).exclude(
        claimed_at__gt=now - GIVEN_UP_AFTER
    )
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    for part_id in ids:
        bells.ring("coverage.part", part_id=part_id)
    return len(ids)


def claim_slot(base: CoverageBase, *, slot_starts_at: datetime, now: datetime, is_backfill: bool) -> CoverageRun | None:
    of_slot = CoverageRun.objects.filter(city=base.city, slot_starts_at=slot_starts_at)
    if of_slot.filter(status=Status.PUBLISHED).exists():
        return None
    of_slot.filter(status=Status.COMPUTING, began_at__lt=now - GIVEN_UP_AFTER).delete()
    try:
        with transaction.atomic():
            return CoverageRun.objects.create(
                base=base,
                city=base.city,
                slot_starts_at=slot_starts_at,
                input_at=now,
                began_at=now,
                engine_version=VERSION,
                parameters=base.parameters,
                is_backfilled=is_backfill,
            )
    except IntegrityError:
        return None


def _vacancies(base: CoverageBase, *, slot_starts_at: datetime, now: datetime) -> Vacancies:
    rows = Lot.objects.select_related("access_class").in_bulk(base.lot_ids)
    return vacancies_in([rows[pk] for pk in base.lot_ids], slot_starts_at=slot_starts_at, now=now)


def _deal_out(run: CoverageRun, base: CoverageBase, vacancies: Vacancies) -> None:
    """Write what all parts need and the parts themselves, then ring for each."""
    count = int(bases.clusters_of(base).max()) + 1
    with transaction.atomic():
        CoverageRun.objects.filter(pk=run.pk).update(values=_packed(vacancies))
        parts = CoveragePart.objects.bulk_create(
            CoveragePart(run=run, number=number, clusters=list(range(first, min(first + CLUSTERS_A_PART, count))))
            for number, first in enumerate(range(0, count, CLUSTERS_A_PART))
        )
        for part in parts:
            bells.ring("coverage.part", part_id=part.pk)


def _publish_when_all_are_done(run: CoverageRun, base: CoverageBase, *, now: datetime) -> bool:
    parts = list(run.parts.order_by("number"))
    if any(part.done_at is None for part in parts):
        return False
    prepared = bases.city_of(base)
    count = len(base.lot_ids)
    scores, strengths, polygons = np.zeros(count), np.zeros(count), np.full(count, None, dtype=object)
    for part in parts:
        sites = np.flatnonzero(np.isin(prepared.network.groups, part.clusters))
        numbers = from_bytes(bytes(part.values or b""))
        scores[sites], strengths[sites] = numbers["score"], numbers["strength"]
        polygons[sites] = areas_from_bytes(bytes(part.areas or b"")).polygons
    moment = Moment(ranking=Ranking(scores, strengths), areas=Areas(polygons, base.parameters["tolerance_m"]))
    arrays = from_bytes(bytes(run.values or b""))
    vacancies = Vacancies(
        lot_ids=np.array(base.lot_ids, dtype=np.int64),
        open_bays=arrays["open_bays"],
        free_bays=arrays["free_bays"],
        vacancy=arrays["vacancy"],
        basis=arrays["basis"],
        age_s=arrays["age_s"],
    )
    return publish(run, prepared, vacancies, moment, now=now) is not None


def publish(
    run: CoverageRun, prepared: City, vacancies: Vacancies, moment: Moment, *, now: datetime
) -> CoverageRun | None:
    """Check the picture and publish it in one short transaction; what fails is kept as refused, with the reason."""
    rules = bases.rank_rules(run.parameters)
    weights = moment.ranking.scores
    generator = np.random.default_rng(int(run.slot_starts_at.timestamp()))
    problems = [
        *verify_ranking(prepared.network, vacancies.vacancy, moment.ranking, rules=rules).problems,
        *verify_areas(prepared.mesh, weights, moment.areas, probes=PROBES, generator=generator).problems,
    ]
    if problems:
        log.error("coverage_refused", city=run.city, slot=run.slot_starts_at.isoformat(), problems=problems)
        CoverageRun.objects.filter(pk=run.pk, status=Status.COMPUTING).update(
            status=Status.REFUSED, complaint="\n".join(problems), ended_at=now
        )
        return None
    paint = _paint(prepared, weights, vacancies)
    with transaction.atomic():
        published = CoverageRun.objects.filter(pk=run.pk, status=Status.COMPUTING).update(
            status=Status.PUBLISHED,
            ended_at=now,
            values=_packed(vacancies, score=weights, area_m2=moment.areas.area_m2),
            areas=areas_to_bytes(moment.areas, quantum_m=KEPT_TO_M),
            paint=paint,
            paint_hash=hashlib.sha256(paint).hexdigest(),
        )
        run.parts.all().delete()
    return CoverageRun.objects.get(pk=run.pk) if published else None


def _paint(prepared: City, weights: NDArray[np.float64], vacancies: Vacancies) -> bytes:
    """What the browser needs of this slot; only vacancies where there is nothing to paint on."""
    vacancy = np.where(vacancies.basis == Basis.CLOSED, np.nan, vacancies.vacancy)
    if len(prepared.mesh.targets) != 1 or not prepared.mesh.triangles.count:
        return to_bytes({"vacancy": vacancy_levels(vacancy)})
    painted = painted_mesh(prepared.mesh)
    levels = weight_levels(prepared.mesh, painted, weights)
    return slot_to_bytes(levels, vacancy_levels(vacancy[site_order(painted)]))


def _packed(vacancies: Vacancies, **more: NDArray[np.float64]) -> bytes:
    arrays: dict[str, NDArray[Any]] = {
        "vacancy": vacancies.vacancy.astype(np.float32),
        "open_bays": vacancies.open_bays.astype(np.float32),
        "free_bays": vacancies.free_bays.astype(np.float32),
        "basis": vacancies.basis.astype(np.int8),
        "age_s": vacancies.age_s.astype(np.float32),
        **more,
    }
    return to_bytes(arrays)


def slots_between(first: datetime, last: datetime) -> Sequence[datetime]:
    """The starts of the slots in [first, last)."""
    count = max(-((first - last) // SLOT), 0)
    return [first + number * SLOT for number in range(count)]
