"""The static part of the picture: made once, again only when lots, outline or settings change."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from coverage.engine.capability import CapabilityRules, FeeEffect, initial_capability
from coverage.engine.city import City, flat_city, nested_city
from coverage.engine.cluster import ClusterRules, cluster_sites
from coverage.engine.pack import city_from_bytes, city_to_bytes, from_bytes, to_bytes
from coverage.engine.paint import painted_mesh, painted_mesh_to_bytes, quantised
from coverage.engine.rank import RankRules
from coverage.engine.version import VERSION
from coverage.models import CityOutline, CoverageBase, CoverageSettings, Mode
from coverage.outlines import target_in_metres
from coverage.projection import CityPlane
from parking_share.spaces.models import Lot


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Lots as arrays of shape (n,), in the order of their ids."""

    lots: Sequence[Lot]
    plane: CityPlane
    positions: NDArray[np.float64]
    capability: NDArray[np.float64]
    target: BaseGeometry


def cities() -> list[str]:
    """Cities with lots that can be ranked."""
    return list(_lots().order_by("district__city").values_list("district__city", flat=True).distinct())


def lots_of(city: str) -> list[Lot]:
    """The lots that take part, in the order of their ids."""
    return list(_lots().filter(district__city=city).select_related("access_class", "district").order_by("pk"))


def settings_of(city: str) -> CoverageSettings:
    """The city's own row, else that for everywhere, else the defaults of the model."""
    rows = {row.city: row for row in CoverageSettings.objects.filter(city__in=[city, ""])}
    return rows.get(city) or rows.get("") or CoverageSettings()


def rank_rules(parameters: dict[str, Any]) -> RankRules:
    return RankRules(floor_m=parameters["floor_m"], accuracy=parameters["vacancy_accuracy"])


def ensure_base(city: str, *, now: datetime) -> CoverageBase | None:
    """The base that fits the city as it is; None where no lot can be ranked. Computed outside of any transaction."""
    lots = lots_of(city)
    if not lots:
        return None
    parameters = _parameters(settings_of(city))
    fingerprint = _fingerprint(city, lots, parameters)
    present = CoverageBase.objects.filter(city=city, fingerprint=fingerprint).first()
    if present is not None:
        return present
    made = _made(city, ground_of(city, lots, parameters), parameters, fingerprint=fingerprint, now=now)
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:  # somebody else was quicker with the same
        return CoverageBase.objects.get(city=city, fingerprint=fingerprint)
    return made


def ground_of(city: str, lots: Sequence[Lot], parameters: dict[str, Any]) -> Ground:
    """Positions, capabilities and target of lots that may or may not be saved."""
    latitudes, longitudes = [lot.latitude for lot in lots], [lot.longitude for lot in lots]
    plane = CityPlane.through(latitudes, longitudes)
    positions = quantised(plane.metres(latitudes, longitudes))
    rules = CapabilityRules(fee_effect=FeeEffect(parameters["fee_effect"]), fee_scale=parameters["fee_scale"])
    capability = initial_capability(
        [float(lot.access_class.openness) for lot in lots],
        [lot.capacity or 0 for lot in lots],
        [lot.peak_rate_cents / 100 for lot in lots],
        rules=rules,
    )
    target = target_in_metres(city, plane=plane, positions=positions)
    return Ground(lots=lots, plane=plane, positions=positions, capability=capability, target=target)


def engine_city(ground: Ground, parameters: dict[str, Any], *, labels: NDArray[np.intp]) -> City:
    """The engine's own static part, flat or nested."""
    rules = rank_rules(parameters)
    if parameters["mode"] == Mode.NESTED:
        return nested_city(
            ground.positions,
            ground.capability,
            ground.target,
            labels=labels,
            tolerance=parameters["tolerance_m"],
            rules=rules,
        )
    return flat_city(ground.positions, ground.capability, ground.target, rules=rules)


def city_of(base: CoverageBase) -> City:
    return city_from_bytes(bytes(base.arrays))


def clusters_of(base: CoverageBase) -> NDArray[np.int32]:
    """Number of the cluster of each lot, shape (n,)."""
    return np.asarray(from_bytes(bytes(base.clusters))["labels"], dtype=np.int32)


def network_sizes(base: CoverageBase) -> NDArray[np.float64]:
    """How many lots the network of each lot has, shape (n,): ranks add up to 1 in each, the city or a cluster."""
    if base.parameters["mode"] == Mode.FLAT:
        return np.full(len(base.lot_ids), float(len(base.lot_ids)))
    labels = clusters_of(base)
    return np.bincount(labels)[labels].astype(np.float64)


def _lots() -> Any:
    return Lot.objects.filter(capacity__gt=0)


def _made(city: str, ground: Ground, parameters: dict[str, Any], *, fingerprint: str, now: datetime) -> CoverageBase:
    clusters = cluster_sites(
        ground.positions, ground.capability, rules=ClusterRules(radius_m=parameters["cluster_radius_m"])
    )
    engine = engine_city(ground, parameters, labels=clusters.labels)
    mesh = _painted(engine)
    return CoverageBase(
        city=city,
        fingerprint=fingerprint,
        engine_version=VERSION,
        parameters=parameters,
        made_at=now,
        plane_latitude=ground.plane.latitude,
        plane_longitude=ground.plane.longitude,
        lot_ids=[lot.pk for lot in ground.lots],
        arrays=city_to_bytes(engine),
        clusters=to_bytes({"labels": clusters.labels.astype(np.int32), "places": clusters.places}),
        mesh=mesh,
        mesh_hash=hashlib.sha256(mesh).hexdigest(),
    )


def _painted(engine: City) -> bytes:
    """What the browser paints on; nothing for several networks, or too few lots for a triangle: polygons then."""
    if len(engine.mesh.targets) != 1 or not engine.mesh.triangles.count:
        return b""
    return painted_mesh_to_bytes(painted_mesh(engine.mesh))


def _parameters(settings: CoverageSettings) -> dict[str, Any]:
    names = ["mode", "fee_effect", "fee_scale", "floor_m", "vacancy_accuracy", "cluster_radius_m", "tolerance_m"]
    return {name: getattr(settings, name) for name in names}


def _fingerprint(city: str, lots: Sequence[Lot], parameters: dict[str, Any]) -> str:
    outline = CityOutline.objects.filter(city=city, superseded_at__isnull=True).values_list("pk", flat=True).first()
    rows = [
        [lot.pk, lot.latitude, lot.longitude, lot.capacity, lot.peak_rate_cents, str(lot.access_class.openness)]
        for lot in lots
    ]
    said = json.dumps([VERSION, parameters, outline, rows], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
