"""The plan of the invented city: a grid of blocks, a lot in each, offices and shops in the middle."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from parking_share.demo import names
from parking_share.spaces.models import AccessClass, District, Gate, LandUse, Lot

# Nothing but fields lies here; positions are WGS-84 like all of ours.
SOUTH_WEST = (26.3300, 106.9200)
ROWS, COLUMNS = 16, 22
BLOCK_NORTH, BLOCK_EAST = 0.0026, 0.0031  # degrees: about 290 m and 310 m
COLUMNS_OF_NEIGHBOUR = 3
PEAK_RATE_CENTS = {
    LandUse.COMMERCIAL: 1000,
    LandUse.OFFICE: 800,
    LandUse.PUBLIC: 600,
    LandUse.RESIDENTIAL: 500,
}


@dataclass(frozen=True, kw_only=True)
class Streets:
    """Where the lots are; nothing is saved yet."""

    districts: list[District]
    lots: list[Lot]
    gates: list[Gate]


def lay_out(lots_by_use: Mapping[LandUse, int], rng: np.random.Generator) -> Streets:
    """Draw the city: the most central blocks go to shops and offices, public buildings lie scattered."""
    districts = [District(city=names.CITY, name=name) for name in (names.DISTRICT, names.NEIGHBOUR)]
    lots = []
    for land_use, blocks in _zones(lots_by_use, rng).items():
        access_class = AccessClass(code=land_use.value)
        for name, block in zip(names.lot_names(land_use), blocks, strict=False):
            district = districts[block[1] >= COLUMNS - COLUMNS_OF_NEIGHBOUR]
            lots.append(_lot(name, block, district, access_class, rng))
    return Streets(districts=districts, lots=lots, gates=[gate for lot in lots for gate in _gates(lot, rng)])


def _zones(lots_by_use: Mapping[LandUse, int], rng: np.random.Generator) -> dict[LandUse, list[tuple[int, int]]]:
    """Blocks by land use, each block once."""
    blocks = [(row, column) for row in range(ROWS) for column in range(COLUMNS)]
    scattered = rng.permutation(len(blocks))
    public = {blocks[index] for index in scattered[: lots_by_use[LandUse.PUBLIC]]}
    free = [block for block in blocks if block not in public]
    far = np.array([np.hypot(row - ROWS / 2, column - (COLUMNS - 4) / 2) for row, column in free])
    order = np.argsort(far + rng.normal(0, 2.2, len(free)), kind="stable")
    central = [free[index] for index in order]
    shops, offices = lots_by_use[LandUse.COMMERCIAL], lots_by_use[LandUse.OFFICE]
    return {
        LandUse.COMMERCIAL: central[:shops],
        LandUse.OFFICE: central[shops : shops + offices],
        LandUse.RESIDENTIAL: central[shops + offices :][: lots_by_use[LandUse.RESIDENTIAL]],
        LandUse.PUBLIC: sorted(public),
    }


def _lot(
    name: str, block: tuple[int, int], district: District, access_class: AccessClass, rng: np.random.Generator
) -> Lot:
    """A lot inside its block, its entrance on the road along the block's south side."""
    land_use = LandUse(access_class.code)
    row, column = block
    north, east = rng.uniform(0.25, 0.75), rng.uniform(0.2, 0.8)
    road = names.ROADS[row % len(names.ROADS)]
    return Lot(
        district=district,
        name=name,
        address=f"{names.CITY}{district.name}{road}{column * 40 + int(east * 20) * 2 + 1}号",
        latitude=round(SOUTH_WEST[0] + (row + north) * BLOCK_NORTH, 6),
        longitude=round(SOUTH_WEST[1] + (column + east) * BLOCK_EAST, 6),
        entrance_latitude=round(SOUTH_WEST[0] + row * BLOCK_NORTH, 6),
        entrance_longitude=round(SOUTH_WEST[1] + (column + east) * BLOCK_EAST, 6),
        land_use=land_use,
        access_class=access_class,
        peak_rate_cents=PEAK_RATE_CENTS[land_use],
    )


def _gates(lot: Lot, rng: np.random.Generator) -> list[Gate]:
    """One gate for both ways, or a second one to leave by."""
    latitude, longitude = lot.entrance
    if rng.random() < 0.6:
        return [Gate(lot=lot, name="南门", kind=Gate.Kind.BOTH, latitude=latitude, longitude=longitude)]
    way_out = round(lot.latitude + BLOCK_NORTH / 8, 6)
    return [
        Gate(lot=lot, name="南门", kind=Gate.Kind.ENTRY, latitude=latitude, longitude=longitude),
        Gate(lot=lot, name="北门", kind=Gate.Kind.EXIT, latitude=way_out, longitude=longitude),
    ]
