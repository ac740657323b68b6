import copy
import io
import json
import subprocess
import sys
from typing import Any

import pytest
import shapely

from coverage import engine
from coverage.engine.__main__ import main

TOWN: dict[str, Any] = {
    "sites": [
        {"id": "a", "x": 0, "y": 0, "capability": 2, "vacancy": 0.5, "weight": 2},
        {"id": "b", "x": 300, "y": 0, "capability": 1, "vacancy": 0, "weight": 1},
        {"id": 3, "x": 0, "y": 400, "capability": 1, "vacancy": 0.75, "weight": 1.5},
    ],
    "target": {
        "type": "Polygon",
        "coordinates": [
            [[-100, -100], [500, -100], [500, 500], [-100, 500], [-100, -100]],
            [[10, 10], [10, 50], [50, 50], [50, 10], [10, 10]],
        ],
    },
}


@pytest.fixture
def run(tmp_path, capsys):
    def run(document: object, *arguments: str) -> tuple[int, str, str]:
        file = tmp_path / "town.json"
        file.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
        status = main([arguments[0], str(file), *arguments[1:]])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def changed(**fields: object) -> dict[str, object]:
    """The town with some fields of its second site replaced, or removed where the value is None."""
    town = copy.deepcopy(TOWN)
    site = town["sites"][1]
    for name, value in fields.items():
        if value is None:
            del site[name]
        else:
            site[name] = value
    return town


def test_rank_prints_the_scores_and_nothing_else(run):
    status, out, err = run(TOWN, "rank")

    assert (status, err) == (0, "")
    assert json.loads(out) == {"scores": pytest.approx({"a": 7 / 18, "b": 13 / 90, "3": 7 / 15})}


def test_cluster_prints_labels_and_steps(run):
    status, out, err = run(TOWN, "cluster", "--radius", "350")

    assert (status, err) == (0, "")
    assert json.loads(out) == {"clusters": {"a": 0, "b": 0, "3": 1}, "steps": 1}


def test_cluster_has_a_radius_of_220_and_takes_weights_for_capabilities(run):
    sites = [
        {"id": name, "x": x, "y": 0, "weight": w}
        for name, x, w in (("p", 0, 4), ("q", 200, 1), ("r", 410, 1), ("s", 1000, 2))
    ]

    assert json.loads(run({"sites": sites}, "cluster")[1]) == {"clusters": {"p": 0, "q": 0, "r": 0, "s": 1}, "steps": 3}


def test_areas_prints_polygons_that_fill_the_target(run):
    status, out, err = run(TOWN, "areas")
    result = json.loads(out)
    shapes = [shapely.geometry.shape(row["geometry"]) for row in result["areas"]]

    assert (status, err, result["verified"]) == (0, "", True)
    assert [row["id"] for row in result["areas"]] == ["a", "b", 3]
    assert [row["area"] for row in result["areas"]] == pytest.approx([shape.area for shape in shapes])
    assert sum(row["area"] for row in result["areas"]) == pytest.approx(360_000 - 1600, rel=1e-12)
    assert all(shape.exterior.is_ccw for shape in shapes)


def test_areas_have_as_many_chords_as_the_tolerance_asks_for(run):
    rough, fine = (json.loads(run(TOWN, "areas", "--tolerance", metres)[1]) for metres in ("5", "0.01"))

    def corners(result):
        return sum(len(ring) for row in result["areas"] for ring in row["geometry"]["coordinates"])

    assert corners(fine) > corners(rough)


def test_the_target_may_be_a_feature_of_several_parts(run):
    shape = {"type": "MultiPolygon", "coordinates": [[TOWN["target"]["coordinates"][0]]]}

    result = json.loads(run({**TOWN, "target": {"type": "Feature", "geometry": shape}}, "areas")[1])

    assert sum(row["area"] for row in result["areas"]) == pytest.approx(360_000, rel=1e-12)


def test_a_bare_list_counts_as_sites(run):
    assert run(TOWN["sites"], "rank") == run(TOWN, "rank")


@pytest.mark.parametrize(
    ("command", "document", "sentence"),
    [
        (
            "rank",
            b"{",
            "the file is not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1)).",
        ),
        ("rank", b"\xff\xfe", "the file is not JSON"),
        ("rank", b"3", "the file must hold an object with sites, got 3."),
        ("rank", b'{"sites": [], "sites": []}', 'the key "sites" occurs twice.'),
        ("rank", b'{"sites": [{"id": 1, "x": NaN}]}', "numbers must be finite, got NaN."),
        ("rank", {}, "sites: is missing."),
        ("rank", {"sites": {}}, "sites: must be a list."),
        ("rank", {"sites": [3]}, "sites[0]: must be an object, got 3."),
        ("rank", changed(id=None), "sites[1].id: is missing."),
        ("rank", changed(id="a"), 'sites[1].id: must be unique, got "a" again.'),
        ("rank", changed(id=1.5), "sites[1].id: must be a text or a whole number, got 1.5."),
        ("rank", changed(x="0"), 'sites[1].x: must be a number, got "0".'),
        ("rank", changed(y=1e10), "sites[1].y: must be finite and within 1e+09, got 10000000000.0."),
        ("rank", changed(vacancy=None), "sites[1].vacancy: is missing."),
        ("rank", changed(vacancy=1.5), "vacancy 1 must be in [0, 1], got 1.5."),
        ("rank", changed(capability=-1), "capability 1 must be finite and at least 0, got -1.0."),
        ("cluster", changed(capability=None, weight=None), "sites[1].capability: is missing."),
        ("areas", changed(weight=None), "sites[1].weight: is missing."),
        ("areas", {"sites": TOWN["sites"]}, "target: is missing."),
        ("areas", {**TOWN, "sites": []}, "a target area needs at least one site, got none."),
        ("areas", {**TOWN, "target": {"type": "Point", "coordinates": [0, 0]}}, "target: must be a GeoJSON polygon"),
        (
            "areas",
            {**TOWN, "target": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}},
            "target: has coordinates",
        ),
        ("areas", {**TOWN, "target": {"type": "Polygon", "coordinates": 3}}, "target: has coordinates"),
        ("areas", {**TOWN, "target": {"type": "Polygon", "coordinates": []}}, "target: must have finite coordinates"),
        (
            "areas",
            {**TOWN, "target": {"type": "Polygon", "coordinates": [[[0, 0], [9, 9], [9, 0], [0, 9], [0, 0]]]}},
            "target: must be a valid polygon with an area, got Self-intersection[4.5 4.5].",
        ),
    ],
)
def test_what_cannot_be_read_gives_one_sentence_and_status_2(run, command, document, sentence):
    status, out, err = run(document, command)

    assert (status, out) == (2, "")
    assert err.startswith(sentence)
    assert err.endswith(".\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["rank", "cluster", "areas"])
def test_degrees_are_refused(run, command):
    town = copy.deepcopy(TOWN)
    for site, (x, y) in zip(town["sites"], [(114.05, 22.54), (114.06, 22.55), (114.1, 22.6)], strict=True):
        site["x"], site["y"] = x, y

    status, _, err = run(town, command)

    assert status == 2
    assert "looks like degrees" in err


@pytest.mark.parametrize("options", [("cluster", "--radius", "-1"), ("areas", "--tolerance", "0")])
def test_lengths_that_are_not_positive_are_refused(run, options):
    status, out, err = run(TOWN, *options)

    assert (status, out, err.count("\n")) == (2, "", 1)


def test_a_missing_file_is_named(capsys):
    assert main(["rank", "/nowhere.json"]) == 2
    assert capsys.readouterr().err == "/nowhere.json: cannot be read (No such file or directory).\n"


def test_standard_input_is_read_for_a_dash(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(TOWN).encode())))

    assert main(["rank", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"].keys() == {"a", "b", "3"}


def test_the_engine_runs_as_a_module_without_django(tmp_path):
    file = tmp_path / "town.json"
    file.write_text(json.dumps(TOWN))
    code = f"import runpy, sys; sys.argv = ['engine', 'rank', {str(file)!r}]\n"
    code += "try: runpy.run_module('coverage.engine', run_name='__main__')\n"
    code += "except SystemExit as end: assert end.code == 0\n"
    code += "assert 'django' not in sys.modules"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout)["scores"]
    assert engine.__doc__ is None
