"""Rank, cluster or divide the sites of a JSON file: ``python -m coverage.engine rank|cluster|areas FILE``."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry import mapping

from coverage.engine.cluster import ClusterRules, NotConvergedError, cluster_sites
from coverage.engine.documents import DocumentError, read_document, read_sites, read_target
from coverage.engine.mesh import build_mesh
from coverage.engine.partition import service_areas
from coverage.engine.rank import network_of, rank
from coverage.engine.verify import verify_areas

MALFORMED = 2
PROBE_SEED = 0

Document = dict[str, object]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the result on stdout and return 0, or one sentence on stderr and return 2."""
    options = _parser().parse_args(arguments)
    answer: Callable[[Document, argparse.Namespace], Document] = options.answer
    try:
        result = answer(read_document(_bytes_of(options.file)), options)
    except (ValueError, NotConvergedError) as error:
        sys.stderr.write(f"{error}\n")
        return MALFORMED
    sys.stdout.write(json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m coverage.engine", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, answer, summary in (
        ("rank", _rank, "ParkingRank of each site: id, x, y, capability, vacancy"),
        ("cluster", _cluster, "cluster of each site: id, x, y, capability"),
        ("areas", _areas, "service area of each site within the target: id, x, y, weight"),
    ):
        command = commands.add_parser(name, help=summary)
        command.add_argument("file", metavar="FILE", help="a JSON file, or - for standard input")
        command.set_defaults(answer=answer)
        if name == "cluster":
            command.add_argument("--radius", type=float, default=220.0, metavar="METRES")
        if name == "areas":
            command.add_argument("--tolerance", type=float, default=0.5, metavar="METRES")
    return parser


def _bytes_of(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise DocumentError(f"{name}: cannot be read ({error.strerror}).") from error


def _rank(document: Document, _options: argparse.Namespace) -> Document:
    sites = read_sites(document, [("capability",), ("vacancy",)])
    network = network_of(sites.positions, sites.values["capability"])
    scores = rank(network, sites.values["vacancy"]).scores
    return {"scores": _by_id(sites.ids, scores)}


def _cluster(document: Document, options: argparse.Namespace) -> Document:
    sites = read_sites(document, [("capability", "weight")])
    clusters = cluster_sites(sites.positions, sites.values["capability"], rules=ClusterRules(radius_m=options.radius))
    return {"clusters": _by_id(sites.ids, clusters.labels), "steps": clusters.steps}


def _areas(document: Document, options: argparse.Namespace) -> Document:
    sites = read_sites(document, [("weight",)])
    mesh = build_mesh(sites.positions, read_target(document))
    weights = sites.values["weight"]
    areas = service_areas(mesh, weights, tolerance=options.tolerance)
    verification = verify_areas(mesh, weights, areas, generator=np.random.default_rng(PROBE_SEED))
    rows = zip(sites.ids, areas.area_m2.tolist(), shapely.orient_polygons(areas.polygons), strict=True)
    result: Document = {
        "areas": [{"id": identifier, "area": area, "geometry": mapping(polygon)} for identifier, area, polygon in rows],
        "verified": verification.passed,
    }
    if not verification.passed:
        result["problems"] = list(verification.problems)
    return result


def _by_id(ids: Sequence[str | int], values: np.ndarray) -> Document:
    return {str(identifier): value for identifier, value in zip(ids, values.tolist(), strict=True)}


if __name__ == "__main__":
    sys.exit(main())
