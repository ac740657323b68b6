"""What would be if lots were added, moved, closed or resized, or if compounds shared: computed, never saved.

The same engine computes the picture as it is and as it would be, on the same ground, in the same slot. Potentials
follow from those of the base in O(n) for each change (section 3.4 of the specification); the mesh is made afresh where
a place changes. In a city of several networks clusters and potentials are made afresh.

What is assumed: a bay that is shared is free in that slot, for owners share idle hours; a lot that is resized keeps the
cars that are in it; a lot that moves takes its vacancy along; a new one has the vacancy that is named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from django.utils.translation import gettext as _
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from coverage import bases
from coverage.changes import Change, ChangeRefused, Kind
from coverage.engine.capability import CapabilityRules, FeeEffect, initial_capability
from coverage.engine.city import City, Moment, nested_city, tick
from coverage.engine.cluster import ClusterRules, cluster_sites
from coverage.engine.mesh import build_mesh
from coverage.engine.paint import quantised
from coverage.engine.potential import potential_between, potential_change
from coverage.engine.rank import RankRules, network_with
from coverage.engine.verify import verify_areas
from coverage.models import CoverageBase, Mode
from coverage.projection import CityPlane
from coverage.selectors import Picture
from parking_share.spaces.models import AccessClass, LandUse, Lot

Floats = NDArray[np.float64]
FARTHEST_OUTSIDE_M = 5000.0
PROBES = 200
MOST_FOLLOWED = 30


@dataclass(frozen=True, kw_only=True)
class Sites:
    """Lots as they would be, arrays of shape (n,) but `positions` of (n, 2); added ones have negative ids."""

    lot_ids: NDArray[np.int64]
    positions: Floats
    capability: Floats
    potential: Floats
    open_bays: Floats
    free_bays: Floats

    @property
    def vacancy(self) -> Floats:
        is_open = self.open_bays > 0
        rates = np.divide(self.free_bays, self.open_bays, out=np.zeros(len(self.open_bays)), where=is_open)
        vacancy: Floats = np.clip(rates, 0.0, 1.0)
        return vacancy

    def row_of(self, lot_id: int) -> int:
        """Where a lot stands; refused where it is gone."""
        found = np.flatnonzero(self.lot_ids == lot_id)
        if not found.size:
            raise ChangeRefused(_("A lot that is closed, or not on the map, can't be changed any more."))
        return int(found[0])


@dataclass(frozen=True, kw_only=True)
class Side:
    """The city before or after."""

    sites: Sites
    city: City
    moment: Moment


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a what-if comes to; `near` names for each added lot the present lot that is nearest."""

    picture: Picture
    plane: CityPlane
    before: Side
    after: Side
    changed: frozenset[int]
    names: Mapping[int, str]
    near: Mapping[int, int]


@dataclass(frozen=True, kw_only=True)
class _Rules:
    """What the base was made with."""

    parameters: Mapping[str, object]
    rank: RankRules
    capability: CapabilityRules
    plane: CityPlane
    target: BaseGeometry

    @classmethod
    def of(cls, base: CoverageBase, city: City) -> "_Rules":
        parameters = base.parameters
        targets = np.array(city.mesh.targets, dtype=object)
        return cls(
            parameters=parameters,
            rank=bases.rank_rules(parameters),
            capability=CapabilityRules(
                fee_effect=FeeEffect(parameters["fee_effect"]), fee_scale=parameters["fee_scale"]
            ),
            plane=CityPlane(latitude=base.plane_latitude, longitude=base.plane_longitude),
            target=targets[0] if len(targets) == 1 else shapely.union_all(targets),
        )


def outcome_of(picture: Picture, changes: Sequence[Change]) -> Outcome:
    """Compute a what-if on the slot of a picture, check it, and save nothing.

    Raises
    ------
    ChangeRefused
        For changes that can't be made: an unknown lot, a place far outside, nothing left.
    """
    base = CoverageBase.objects.get(pk=picture.run.base_id)
    city = bases.city_of(base)
    rules = _Rules.of(base, city)
    lots = Lot.objects.select_related("access_class").in_bulk(base.lot_ids)
    before = _sites_of(picture, city)
    after = before
    for number, change in enumerate(changes, start=1):
        after = _applied(after, change, number=number, lots=lots, rules=rules)
    if not len(after.lot_ids):
        raise ChangeRefused(_("Some lot must stay open: the ground can't be nobody's."))
    added = {-number: change for number, change in enumerate(changes, start=1) if change.kind == Kind.ADD}
    tolerance = float(base.parameters["tolerance_m"])
    return Outcome(
        picture=picture,
        plane=rules.plane,
        before=Side(sites=before, city=city, moment=tick(city, before.vacancy, tolerance=tolerance, rules=rules.rank)),
        after=_side(before, after, city, rules, tolerance=tolerance),
        changed=_changed(before, after),
        names={number: change.name or _("new lot") for number, change in added.items()},
        near={number: _nearest(before, after, number) for number in added if number in after.lot_ids},
    )


def _sites_of(picture: Picture, city: City) -> Sites:
    values = picture.values
    return Sites(
        lot_ids=picture.lot_ids,
        positions=city.mesh.positions[city.mesh.vertex_of] + city.mesh.origin,
        capability=city.network.capability,
        potential=city.network.potential,
        open_bays=values.open_bays.astype(np.float64),
        free_bays=values.free_bays.astype(np.float64),
    )


def _side(before: Sites, after: Sites, city: City, rules: _Rules, *, tolerance: float) -> Side:
    """The city as it would be; a picture that fails the engine's own checks is not shown."""
    if rules.parameters["mode"] == Mode.NESTED:
        radius = ClusterRules(radius_m=float(str(rules.parameters["cluster_radius_m"])))
        labels = cluster_sites(after.positions, after.capability, rules=radius).labels
        changed_city = nested_city(
            after.positions, after.capability, rules.target, labels=labels, tolerance=tolerance, rules=rules.rank
        )
    else:
        groups = np.zeros(len(after.lot_ids), dtype=np.intp)
        is_moved = not np.array_equal(before.positions, after.positions)
        mesh = build_mesh(after.positions, rules.target) if is_moved else city.mesh
        changed_city = City(network_with(after.capability, after.potential, groups), mesh)
    moment = tick(changed_city, after.vacancy, tolerance=tolerance, rules=rules.rank)
    found = verify_areas(
        changed_city.mesh, moment.ranking.scores, moment.areas, probes=PROBES, generator=np.random.default_rng(0)
    )
    if not found.passed:
        raise ChangeRefused(_("The picture of this failed its checks: %(why)s") % {"why": " ".join(found.problems)})
    return Side(sites=after, city=changed_city, moment=moment)


def _applied(sites: Sites, change: Change, *, number: int, lots: Mapping[int, Lot], rules: _Rules) -> Sites:
    match change.kind:
        case Kind.ADD:
            return _with_lot(sites, change, number=number, rules=rules)
        case Kind.MOVE:
            return _moved(sites, change, rules=rules)
        case Kind.CLOSE:
            return _without(sites, sites.row_of(change.lot_id or 0), floor_m=rules.rank.floor_m)
        case Kind.RESIZE:
            return _resized(sites, change, lots, rules=rules)
        case Kind.SHARE:
            return _sharing(sites, [change.lot_id or 0], change.percent or 0, lots, rules=rules)
        case Kind.SHARE_ALL:
            compounds = [
                lot_id
                for lot_id in sites.lot_ids.tolist()
                if lot_id in lots
                and lots[lot_id].district_id == change.district_id
                and lots[lot_id].land_use == LandUse.RESIDENTIAL
            ]
            if not compounds:
                raise ChangeRefused(_("This district has no residential compound on the map."))
            return _sharing(sites, compounds, change.percent or 0, lots, rules=rules)


def _with_lot(sites: Sites, change: Change, *, number: int, rules: _Rules) -> Sites:
    access = AccessClass.objects.filter(pk=change.access).first()
    if access is None:
        raise ChangeRefused(_("Choose who may use the new lot."))
    bays, place = float(change.bays or 0), _position(change, rules)
    weight = initial_capability(
        [float(access.openness)], [bays], [(change.fee_cents or 0) / 100], rules=rules.capability
    )
    grown = Sites(
        lot_ids=np.append(sites.lot_ids, np.int64(-number)),
        positions=np.vstack((sites.positions, place)),
        capability=np.append(sites.capability, 0.0),
        potential=np.append(sites.potential, 0.0),
        open_bays=np.append(sites.open_bays, bays),
        free_bays=np.append(sites.free_bays, bays * (change.percent or 0) / 100),
    )
    return _settled(grown, len(grown.lot_ids) - 1, float(weight[0]), floor_m=rules.rank.floor_m)


def _moved(sites: Sites, change: Change, *, rules: _Rules) -> Sites:
    row, floor_m = sites.row_of(change.lot_id or 0), rules.rank.floor_m
    weight = float(sites.capability[row])
    lifted = _weighing(sites, np.array([row]), 0.0, floor_m=floor_m)
    positions = lifted.positions.copy()
    positions[row] = _position(change, rules)
    return _settled(replace(lifted, positions=positions), row, weight, floor_m=floor_m)


def _without(sites: Sites, row: int, *, floor_m: float) -> Sites:
    lifted = _weighing(sites, np.array([row]), 0.0, floor_m=floor_m)
    return Sites(
        lot_ids=np.delete(lifted.lot_ids, row),
        positions=np.delete(lifted.positions, row, axis=0),
        capability=np.delete(lifted.capability, row),
        potential=np.delete(lifted.potential, row),
        open_bays=np.delete(lifted.open_bays, row),
        free_bays=np.delete(lifted.free_bays, row),
    )


def _resized(sites: Sites, change: Change, lots: Mapping[int, Lot], *, rules: _Rules) -> Sites:
    row, lot = sites.row_of(change.lot_id or 0), _lot(lots, change.lot_id)
    ratio = (change.bays or 0) / (lot.capacity or 1)
    open_bays, free_bays = sites.open_bays.copy(), sites.free_bays.copy()
    in_use = open_bays[row] - free_bays[row]
    open_bays[row] *= ratio
    free_bays[row] = max(open_bays[row] - in_use, 0.0)
    weighed = _weighing(sites, np.array([row]), sites.capability[row] * ratio, floor_m=rules.rank.floor_m)
    return replace(weighed, open_bays=open_bays, free_bays=free_bays)


def _sharing(sites: Sites, lot_ids: Sequence[int], percent: int, lots: Mapping[int, Lot], *, rules: _Rules) -> Sites:
    """Shared bays are open to everybody and idle; a lot is as open as the share of its bays that it shares."""
    share = percent / 100
    rows = np.array([sites.row_of(lot_id) for lot_id in lot_ids], dtype=np.intp)
    theirs = [_lot(lots, lot_id) for lot_id in lot_ids]
    capacity = np.array([float(lot.capacity or 0) for lot in theirs])
    more = np.minimum(share * capacity, np.maximum(capacity - sites.open_bays[rows], 0.0))
    open_bays, free_bays = sites.open_bays.copy(), sites.free_bays.copy()
    open_bays[rows] += more
    free_bays[rows] += more
    weights = initial_capability(
        [max(float(lot.access_class.openness), share) for lot in theirs],
        capacity,
        [lot.peak_rate_cents / 100 for lot in theirs],
        rules=rules.capability,
    )
    weighed = _weighing(sites, rows, np.maximum(weights, sites.capability[rows]), floor_m=rules.rank.floor_m)
    return replace(weighed, open_bays=open_bays, free_bays=free_bays)


def _weighing(sites: Sites, rows: NDArray[np.intp], weights: ArrayLike, *, floor_m: float) -> Sites:
    """The same lots, some of another capability; potentials follow in O(n) each, or are made afresh for many."""
    capability = sites.capability.copy()
    capability[rows] = weights
    groups = np.zeros(len(capability), dtype=np.intp)
    if len(rows) > MOST_FOLLOWED:
        potential = potential_between(sites.positions, capability, groups=groups, floor_m=floor_m)
        return replace(sites, capability=capability, potential=potential)
    potential = sites.potential.copy()
    for row in rows.tolist():
        change = float(capability[row] - sites.capability[row])
        potential += potential_change(sites.positions, row, change, groups=groups, floor_m=floor_m)
    return replace(sites, capability=capability, potential=np.maximum(potential, 0.0))


def _settled(sites: Sites, row: int, weight: float, *, floor_m: float) -> Sites:
    """A lot that has come to its place: its own potential, then what it adds to that of the others."""
    distance = np.maximum(np.hypot(*(sites.positions - sites.positions[row]).T), floor_m)
    pulls = sites.capability / distance
    potential = sites.potential.copy()
    potential[row] = pulls.sum() - pulls[row]
    return _weighing(replace(sites, potential=potential), np.array([row]), weight, floor_m=floor_m)


def _position(change: Change, rules: _Rules) -> Floats:
    """The place in the plane, not far outside of the ground."""
    try:
        place = quantised(rules.plane.metres([change.latitude or 0.0], [change.longitude or 0.0]))
    except ValueError as error:
        raise ChangeRefused(_("This place lies in another city. Is it latitude first, and in degrees?")) from error
    if shapely.distance(rules.target, shapely.Point(place[0])) > FARTHEST_OUTSIDE_M:
        raise ChangeRefused(_("This place lies more than 5 km outside of the city. Is it latitude first?"))
    return place


def _lot(lots: Mapping[int, Lot], lot_id: int | None) -> Lot:
    lot = lots.get(lot_id or 0)
    if lot is None:
        raise ChangeRefused(_("A lot that is closed, or not on the map, can't be changed any more."))
    return lot


def _changed(before: Sites, after: Sites) -> frozenset[int]:
    """Lots that are not what they were; those that are gone or new are among them."""
    rows = {lot_id: row for row, lot_id in enumerate(before.lot_ids.tolist())}
    changed = set(rows) ^ set(after.lot_ids.tolist())
    for row, lot_id in enumerate(after.lot_ids.tolist()):
        if lot_id in rows:
            was = rows[lot_id]
            same = (
                np.array_equal(before.positions[was], after.positions[row])
                and before.capability[was] == after.capability[row]
                and before.open_bays[was] == after.open_bays[row]
            )
            if not same:
                changed.add(lot_id)
    return frozenset(changed)


def _nearest(before: Sites, after: Sites, lot_id: int) -> int:
    place = after.positions[after.row_of(lot_id)]
    return int(before.lot_ids[int(np.argmin(np.hypot(*(before.positions - place).T)))])
