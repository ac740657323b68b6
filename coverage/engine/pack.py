"""Meshes, areas and numbers as bytes that a row of a database can keep; the same input gives the same bytes."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from coverage.engine.city import City
from coverage.engine.mesh import mesh_from_triangles
from coverage.engine.partition import Areas
from coverage.engine.plane import Indices
from coverage.engine.rank import network_with
from coverage.engine.shapes import EMPTY, Polygons

Array = NDArray[Any]

MAGIC = b"cov1"
LEVEL = 6
KINDS = {"i1", "i2", "i4", "i8", "u1", "u2", "u4", "f4", "f8"}


def to_bytes(arrays: Mapping[str, Array]) -> bytes:
    """Return arrays as one compressed block: a JSON header, then each array by planes of its bytes, little-endian.

    Raises
    ------
    ValueError
        For an array that is not of whole or floating-point numbers.
    """
    header, planes = [], []
    for name, array in arrays.items():
        kind = f"{array.dtype.kind}{array.dtype.itemsize}"
        if kind not in KINDS:
            raise ValueError(f"array {name} must hold numbers, got {array.dtype}.")
        header.append([name, kind, list(array.shape)])
        raw = np.ascontiguousarray(array.astype(f"<{kind}")).view(np.uint8)
        planes.append(np.ascontiguousarray(raw.reshape(-1, array.dtype.itemsize).T).tobytes())
    text = json.dumps(header, separators=(",", ":")).encode()
    return MAGIC + zlib.compress(len(text).to_bytes(4, "little") + text + b"".join(planes), LEVEL)


def from_bytes(block: bytes) -> dict[str, Array]:
    """Return the arrays that `to_bytes` packed.

    Raises
    ------
    ValueError
        For bytes that are not of this format.
    """
    if bytes(block[:4]) != MAGIC:
        raise ValueError(f"the block must begin with {MAGIC!r}, got {bytes(block[:4])!r}.")
    try:
        raw = zlib.decompress(block[4:])
    except zlib.error as error:
        raise ValueError(f"the block is damaged: {error}.") from error
    start = 4 + int.from_bytes(raw[:4], "little")
    arrays: dict[str, Array] = {}
    for name, kind, shape in json.loads(raw[4:start]):
        item, count = int(kind[1:]), int(np.prod(shape))
        planes = np.frombuffer(raw, np.uint8, count * item, start).reshape(item, count)
        arrays[name] = np.ascontiguousarray(planes.T).reshape(-1).view(f"<{kind}").reshape(shape)
        start += count * item
    return arrays


def city_to_bytes(city: City) -> bytes:
    """Pack what a tick needs: positions, triangles, target areas, capabilities, potentials."""
    mesh, network = city.mesh, city.network
    wkb = [shapely.to_wkb(target) for target in mesh.targets]
    return to_bytes(
        {
            "positions": mesh.positions[mesh.vertex_of] + mesh.origin,
            "vertex_of": mesh.vertex_of.astype(np.int32),
            "group_of": mesh.group_of.astype(np.int32),
            "simplices": mesh.triangles.corners.T.astype(np.int32),
            "target_lengths": np.array([len(block) for block in wkb], dtype=np.int32),
            "targets": np.frombuffer(b"".join(wkb), np.uint8),
            "capability": network.capability,
            "potential": network.potential,
            "groups": network.groups.astype(np.int32),
        }
    )


def city_from_bytes(block: bytes) -> City:
    """Return the city that was packed; its ticks are the same, bit for bit.

    Raises
    ------
    ValueError
        For bytes that are not of this format.
    """
    arrays = from_bytes(block)
    ends = np.cumsum(arrays["target_lengths"])
    raw = arrays["targets"].tobytes()
    lengths = arrays["target_lengths"].tolist()
    targets = tuple(shapely.from_wkb(raw[end - length : end]) for end, length in zip(ends, lengths, strict=True))
    vertex_of, group_of, simplices, groups = (
        arrays[name].astype(np.intp) for name in ("vertex_of", "group_of", "simplices", "groups")
    )
    mesh = mesh_from_triangles(arrays["positions"], targets, vertex_of, group_of, simplices)
    return City(network_with(arrays["capability"], arrays["potential"], groups), mesh)


def areas_to_bytes(areas: Areas, *, quantum_m: float | None = None) -> bytes:
    """Pack polygons.

    Parameters
    ----------
    quantum_m
        Coordinates are rounded to multiples of this, metres; None to keep them exactly. 0.01 m takes a fifth of the
        room; neighbours still share all points, but a cell of a few quanta may come back invalid.

    Raises
    ------
    ValueError
        For a quantum that is not positive.
    """
    _, coordinates, offsets = shapely.to_ragged_array([_as_multipolygon(polygon) for polygon in areas.polygons])
    arrays: dict[str, Array] = {"tolerance": np.array([areas.tolerance])}
    for name, offset in zip(("rings", "polygons", "sites"), offsets, strict=True):
        arrays[name] = np.diff(offset).astype(np.int32)
    if quantum_m is None:
        arrays["coordinates"] = coordinates
    else:
        if not quantum_m > 0:
            raise ValueError(f"quantum_m must be positive, got {quantum_m}.")
        whole = np.round(coordinates / quantum_m).astype(np.int64)
        arrays["quantum"] = np.array([quantum_m])
        arrays["start"] = whole[:1]
        arrays["steps"] = np.ascontiguousarray(np.diff(whole, axis=0).T).astype(np.int32)
    return to_bytes(arrays)


def areas_from_bytes(block: bytes) -> Areas:
    """Return the polygons that were packed.

    Raises
    ------
    ValueError
        For bytes that are not of this format.
    """
    arrays = from_bytes(block)
    if "coordinates" in arrays:
        coordinates = arrays["coordinates"]
    else:
        steps = np.concatenate((arrays["start"], arrays["steps"].T.astype(np.int64)))
        coordinates = np.ascontiguousarray(np.cumsum(steps, axis=0) * arrays["quantum"][0])
    offsets = tuple(_from_zero(arrays[name]) for name in ("rings", "polygons", "sites"))
    polygons: Polygons = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, coordinates, offsets)
    parts = np.diff(offsets[2])
    polygons[parts == 1] = shapely.get_geometry(polygons[parts == 1], 0)
    polygons[parts == 0] = EMPTY
    return Areas(polygons, float(arrays["tolerance"][0]))


def _as_multipolygon(polygon: shapely.Polygon | shapely.MultiPolygon) -> shapely.MultiPolygon:
    if isinstance(polygon, shapely.MultiPolygon):
        return polygon
    return shapely.MultiPolygon([] if polygon.is_empty else [polygon])


def _from_zero(lengths: Array) -> Indices:
    return np.concatenate(([0], np.cumsum(lengths, dtype=np.intp)))
