"""How long and how much a map of service areas takes, as multiples of scipy's Voronoi diagram of the same points.

Runs in a process of its own with one thread, so that its memory can be measured; times are processor time.
"""

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import Voronoi

from benchmarks.coverage_city import City as Places
from benchmarks.coverage_city import synthetic_city
from coverage.engine.city import City, flat_city, nested_city, tick
from coverage.engine.cluster import cluster_sites
from coverage.engine.mesh import Mesh, build_mesh
from coverage.engine.owner import owner_of
from coverage.engine.partition import Areas, service_areas
from coverage.engine.rank import network_of, rank

LOTS, DISTRICT, LARGE, SMALL = 13_000, 1_096, 100_000, 10_000
CHAIN = 5_000
TOLERANCE = 0.5
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
LONGEST_S = 3600

Call = Callable[[], object]


def report(*, quick: bool) -> None:
    """Measure in a fresh process and let it print."""
    command = [sys.executable, "-m", "benchmarks.coverage", "quick" if quick else "full"]
    root = Path(__file__).resolve().parent.parent
    subprocess.run(command, check=True, cwd=root, env=os.environ | ONE_THREAD, timeout=LONGEST_S)


def main(arguments: list[str]) -> int:
    what = arguments[0] if arguments else "quick"
    if what in {"memory-tick", "memory-anchor"}:
        sys.stdout.write(f"{memory_of(what, int(arguments[1]))}\n")
        return 0
    full = what == "full"
    print(f"\nService areas as multiples of scipy.spatial.Voronoi on the same points (V0); {LOTS} lots unless said")
    measure_city(repeats=9 if full else 5)
    measure_district(repeats=31 if full else 15)
    measure_chain(CHAIN if full else 1_500)
    if full:
        measure_growth(repeats=9)
        measure_mean_shift()
    measure_memory(LARGE if full else SMALL)
    return 0


def interleaved(calls: dict[str, Call], repeats: int) -> dict[str, float]:
    """Return the median seconds of each call; every round makes all calls once."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            started = time.process_time()
            call()
            seconds[name].append(time.process_time() - started)
    return {name: median(values) for name, values in seconds.items()}


def row(name: str, value: float, bar: float, *, at_least: bool = False) -> None:
    kept = value >= bar if at_least else value <= bar
    print(
        f"  {name:<52} {value:>12.3g}   bar {'>=' if at_least else '<='} {bar:<8g} {'' if kept else 'MISSED'}".rstrip()
    )


def measure_city(*, repeats: int) -> None:
    """The flat and the nested city, their static parts, and whether they are right."""
    places = synthetic_city(LOTS)
    flat = flat_city(places.positions, places.capability, places.area)
    nested = nested_city(places.positions, places.capability, places.area, tolerance=TOLERANCE)
    vacancy = places.vacancy(0)
    calls: dict[str, Call] = {
        "anchor": lambda: Voronoi(places.positions),
        "tick": lambda: tick(flat, vacancy, tolerance=TOLERANCE),
        "mesh": lambda: build_mesh(places.positions, places.area),
        "rank": lambda: rank(flat.network, vacancy),
        "potential": lambda: network_of(places.positions, places.capability),
        "clusters": lambda: cluster_sites(places.positions, places.capability),
        "nested": lambda: tick(nested, vacancy, tolerance=TOLERANCE),
    }
    seconds = interleaved(calls, repeats)
    unit = seconds["anchor"]
    print(f"  V0 is {unit * 1000:.0f} ms of processor time")
    row("flat tick, rank to clipped polygons, 0.5 m", seconds["tick"] / unit, 1.2)
    row("static mesh, Delaunay included", seconds["mesh"] / unit, 1.6)
    row("rank per tick", seconds["rank"] / unit, 0.01)
    row("V, exact", seconds["potential"] / unit, 5.5)
    row("clustering", seconds["clusters"] / unit, 2.5)
    row(f"nested tick, {len(nested.mesh.targets)} clusters", seconds["nested"] / unit, 9)
    for name, city, bar in (("flat", flat, 1e-12), ("nested", nested, 1e-10)):
        areas = tick(city, vacancy, tolerance=TOLERANCE).areas
        row(f"sum of areas, {name}, relative error", abs(areas.area_m2.sum() / places.area.area - 1), bar)
        row(f"probe points in another cell, {name}", float(misplaced(city, places, vacancy)), 0)


def misplaced(city: City, places: Places, vacancy: NDArray[np.float64], *, probes: int = 20_000) -> int:
    """Count random points that are clear of borders and not in the cell that definition 4.1 gives."""
    moment = tick(city, vacancy, tolerance=TOLERANCE)
    low_x, low_y, high_x, high_y = places.area.bounds
    points = np.random.default_rng(1).uniform((low_x, low_y), (high_x, high_y), size=(probes, 2))
    targets = np.array(city.mesh.targets, dtype=object)
    point, network = shapely.STRtree(targets).query(shapely.points(points), predicate="within")
    owner = owner_of(city.mesh, moment.ranking.scores, points[point], networks=network)
    cells, shapes = moment.areas.polygons[owner], np.asarray(shapely.points(points[point]), dtype=object)
    clear = shapely.distance(shapely.boundary(cells), shapes) > 2 * TOLERANCE
    return int((clear & ~shapely.contains(cells, shapes)).sum())


def measure_district(*, repeats: int) -> None:
    """A district as large as the paper's."""
    places = synthetic_city(DISTRICT)
    city, vacancy = flat_city(places.positions, places.capability, places.area), places.vacancy(0)
    seconds = interleaved(
        {"anchor": lambda: Voronoi(places.positions), "tick": lambda: tick(city, vacancy, tolerance=TOLERANCE)}, repeats
    )
    row(f"flat tick, {DISTRICT} lots", seconds["tick"] / seconds["anchor"], 2.2)


def measure_chain(lots: int) -> None:
    """The closed form against the paper's way: build T, multiply until the change is below 1e-9."""
    places = synthetic_city(lots)
    vacancy = np.random.default_rng(2).uniform(0, 0.9, size=lots)
    network = network_of(places.positions, places.capability)
    seconds = interleaved(
        {
            "iterated": lambda: iterated(places, vacancy),
            "closed": lambda: rank(network_of(places.positions, places.capability), vacancy),
        },
        3,
    )
    tick_seconds = interleaved({"tick": lambda: rank(network, vacancy)}, 101)["tick"]
    row(f"iterating / closed form with V, {lots} lots", seconds["iterated"] / seconds["closed"], 20, at_least=True)
    row(f"iterating / rank of one tick, {lots} lots", seconds["iterated"] / tick_seconds, 5000, at_least=True)
    error = np.abs(iterated(places, vacancy) - rank(network, vacancy).scores).max()
    print(f"    largest difference between them {error:.1e}")


def iterated(places: Places, vacancy: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = places.positions.T
    moves = places.capability / np.maximum(np.hypot(x[:, None] - x, y[:, None] - y), 10.0)
    np.fill_diagonal(moves, 0)
    moves *= ((1 - vacancy) / moves.sum(axis=1))[:, None]
    np.fill_diagonal(moves, vacancy)
    ranks = np.full(len(x), 1 / len(x))
    while True:
        new = ranks @ moves
        if np.abs(new - ranks).max() < 1e-9:
            return np.asarray(new)
        ranks = new


def measure_growth(*, repeats: int) -> None:
    """Time per lot from 10,000 to 100,000 lots, by capability: the potential of so many is not for a benchmark."""
    calls: dict[str, Call] = {}
    for lots in (SMALL, LARGE):
        places = synthetic_city(lots)
        calls[f"partition {lots}"] = partial(partition, build_mesh(places.positions, places.area), places)
        calls[f"mesh {lots}"] = partial(build_mesh, places.positions, places.area)
    seconds = interleaved(calls, repeats)
    for name in ("partition", "mesh"):
        growth = seconds[f"{name} {LARGE}"] / seconds[f"{name} {SMALL}"] * SMALL / LARGE
        row(f"{name}: time per lot, {LARGE} over {SMALL} lots", growth, 1.6)


def partition(mesh: Mesh, places: Places) -> Areas:
    return service_areas(mesh, places.capability / (1.01 - places.vacancy(0)), tolerance=TOLERANCE)


def measure_mean_shift() -> None:
    """scikit-learn's mean shift, which is another algorithm (section 5) with the same purpose."""
    try:
        theirs = importlib.import_module("sklearn.cluster").MeanShift(bandwidth=220.0)
    except ImportError:
        print("    scikit-learn is not installed: no comparison with its MeanShift")
        return
    places = synthetic_city(LOTS)
    started = time.process_time()
    theirs.fit(places.positions)
    seconds = time.process_time() - started
    ours = interleaved({"ours": lambda: cluster_sites(places.positions, places.capability)}, 3)["ours"]
    row("scikit-learn's MeanShift / clustering", seconds / ours, 100, at_least=True)


def measure_memory(lots: int) -> None:
    """Peak of a process over its level before, in fresh processes."""
    peaks = {}
    for what in ("memory-tick", "memory-anchor"):
        command = [sys.executable, "-m", "benchmarks.coverage", what, str(lots)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=LONGEST_S)
        peaks[what] = float(done.stdout)
    name = f"memory of a tick, {lots} lots ({peaks['memory-tick'] / 1024:.0f} MiB)"
    row(name, peaks["memory-tick"] / peaks["memory-anchor"], 3)


def memory_of(what: str, lots: int) -> float:
    """Return the peak over the level before, KiB; needs Linux."""
    places = synthetic_city(lots)
    call: Call = partial(Voronoi, places.positions)
    if what == "memory-tick":
        call = partial(partition, build_mesh(places.positions, places.area), places)
    Path("/proc/self/clear_refs").write_text("5")
    level = _status("VmRSS")
    kept = call()
    peak = _status("VmHWM")
    del kept
    return peak - level


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith(field)).split()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
