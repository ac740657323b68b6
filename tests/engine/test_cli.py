import copy
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from allocation import engine
from allocation.engine.__main__ import main
from allocation.engine.instance import read_instance
from allocation.engine.registry import ALL_POLICIES

DAY = {
    "slot_minutes": 15,
    "opens_at": "08:00",
    "slots": 8,
    "importance": [0, 0.25, 0.5, 1, 1, 0.5, 0.25, 0],
    "peak_rate": 1.0,
    "mode_hours": 3.0,
    "threshold": 1.5,
    "weights": [0.7, 0.3],
    "spaces": [{"id": "A1", "free": [[0, 8]]}, {"id": "A2", "free": [[6, 8], [2, 5]]}],
    "requests": [
        {"id": "r1", "start": 2, "end": 5, "requested_at": -2},
        {"id": "r2", "start": 3, "end": 4, "requested_at": 0, "eligible": ["A2"]},
        {"id": "r3", "start": 3, "end": 4, "requested_at": 0},
    ],
}
MISSING = object()
NAN = float("nan")


def changed(path: tuple[str | int, ...], value: object) -> dict[str, object]:
    day = copy.deepcopy(DAY)
    inner: object = day
    for step in path[:-1]:
        inner = inner[step]  # type: ignore[index]
    if value is MISSING:
        del inner[path[-1]]  # type: ignore[attr-defined]
    else:
        inner[path[-1]] = value  # type: ignore[index]
    return day


@pytest.fixture
def run(tmp_path, capsys):
    def run(text: object, *options: str) -> tuple[int, str, str]:
        instance = tmp_path / "day.json"
        instance.write_bytes(text if isinstance(text, bytes) else json.dumps(text).encode())
        status = main(["run", str(instance), *(options or ("--policy", "two_stage"))])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_run_prints_the_result_and_nothing_else(run):
    status, out, err = run(DAY, "--policy", "two_stage", "--mode", "online")
    result = json.loads(out)
    seconds = result.pop("seconds")

    assert (status, err) == (0, "")
    assert result == {
        "policy": "two_stage",
        "mode": "online",
        "decisions": [
            {"id": "r1", "accepted": True, "tentative": "A2", "space": "A2", "reason": None},
            {"id": "r2", "accepted": False, "tentative": None, "space": None, "reason": "no_free_space"},
            {"id": "r3", "accepted": False, "tentative": None, "space": None, "reason": "fragments_outweigh_revenue"},
        ],
        "metrics": {
            "accepted": 1,
            "utilisation": 3 / 13,
            "revenue": 2.5,
            "fragmentation": 12 / 8 + 12 / 2,
            "importance": 3.75,
            "new_fragmentation": 0.0,
            "new_importance": 0.0,
            "fragmentation_per_unsold_hour": (12 / 8 + 12 / 2) / 2.5,
        },
    }
    assert list(seconds) == ["decide_median", "decide_p99", "total"]
    assert 0 < seconds["decide_median"] <= seconds["decide_p99"] <= seconds["total"]


@pytest.mark.parametrize("mode", ["sequential", "online"])
@pytest.mark.parametrize("policy", ALL_POLICIES)
def test_every_policy_runs_in_every_mode_and_repeats_itself(run, policy, mode):
    results = [json.loads(run(DAY, "--policy", policy, "--mode", mode)[1]) for _ in range(2)]
    for result in results:
        del result["seconds"]

    assert results[0] == results[1]
    assert (results[0]["policy"], results[0]["mode"]) == (policy, mode)


def test_the_horizon_is_an_option(run):
    day = DAY | {
        "spaces": [{"id": "A1", "free": [[1, 5]]}, {"id": "A2", "free": [[3, 6]]}],
        "requests": [{"id": "r1", "start": 3, "end": 5, "requested_at": 3}],
    }

    results = [
        json.loads(run(day, "--policy", "decision_only", "--horizon", horizon)[1])
        for horizon in ("whole_day", "from_now_on")
    ]

    assert [result["decisions"][0]["space"] for result in results] == ["A2", "A1"]
    assert [result["metrics"]["accepted"] for result in results] == [1, 1]


def test_a_dash_reads_standard_input(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(DAY).encode())))

    assert main(["run", "-", "--policy", "fcfs"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["accepted"] == 2


def test_a_day_without_spaces_or_requests_is_a_day(run):
    status, out, _ = run(DAY | {"spaces": [], "requests": []})

    assert status == 0
    assert json.loads(out)["seconds"]["decide_median"] == 0


def test_an_instance_becomes_arrays():
    instance = read_instance(json.dumps(DAY | {"expected_demand": [1] * 8, "peak_rate": 2}).encode())

    assert instance.free[1].tolist() == [False, False, True, True, True, False, True, True]
    assert instance.space_ids == ("A1", "A2")
    assert instance.request_ids == ("r1", "r2", "r3")
    assert instance.requests[0].eligible is None
    np.testing.assert_array_equal(instance.requests[1].eligible, [False, True])
    assert instance.rates.tolist() == [0, 0.5, 1, 2, 2, 1, 0.5, 0]
    np.testing.assert_array_equal(instance.expected_demand, [1] * 8)
    assert instance.opens_at == "08:00"


def test_touching_intervals_are_one_run():
    instance = read_instance(json.dumps(changed(("spaces", 0, "free"), [[4, 8], [0, 4]])).encode())

    np.testing.assert_array_equal(instance.free[0], True)


MALFORMED = [
    (("slot_minutes",), 7, "slot_minutes: must be 5, 10 or 15, got 7."),
    (("slot_minutes",), True, "slot_minutes: must be a whole number, got true."),
    (("slot_minutes",), 15.0, "slot_minutes: must be a whole number, got 15.0."),
    (("slot_minutes",), MISSING, "slot_minutes: is missing."),
    (("opens_at",), "8:00", 'opens_at: must be a time from 00:00 to 23:59, got "8:00".'),
    (("opens_at",), "24:00", 'opens_at: must be a time from 00:00 to 23:59, got "24:00".'),
    (("opens_at",), "08:00\n", 'opens_at: must be a time from 00:00 to 23:59, got "08:00\\n".'),
    (("opens_at",), 800, "opens_at: must be a time from 00:00 to 23:59, got 800."),
    (("slots",), 0, "slots: must be at least 1, got 0."),
    (("slots",), 40000, "slots: must be at most 32767, got 40000."),
    (("slots",), "8", 'slots: must be a whole number, got "8".'),
    (("slots",), None, "slots: must be a whole number, got null."),
    (("slots",), 9, "importance: must have 9 entries, got 8."),
    (("importance",), {}, "importance: must be a list, got {}."),
    (("importance", 2), 1.5, "importance[2]: must be at most 1, got 1.5."),
    (("importance", 2), -0.1, "importance[2]: must be at least 0, got -0.1."),
    (("importance", 7), False, "importance[7]: must be a number, got false."),
    (("importance", 7), NAN, "instance: must have finite numbers only, got NaN."),
    (("peak_rate",), float("inf"), "instance: must have finite numbers only, got Infinity."),
    (("peak_rate",), -float("inf"), "instance: must have finite numbers only, got -Infinity."),
    (("peak_rate",), -1, "peak_rate: must be at least 0, got -1."),
    (("peak_rate",), 10**400, f"peak_rate: must be at most 1000000000, got 1{'0' * 36}...."),
    (("mode_hours",), 0, "mode_hours: must be greater than 0, got 0."),
    (("mode_hours",), 9000, "mode_hours: must be at most 8760, got 9000."),
    (("threshold",), "1.5", 'threshold: must be a number, got "1.5".'),
    (("threshold",), -1, "threshold: must be at least 0, got -1."),
    (("weights",), [0.7, 0.4], "weights: must add up to 1, got [0.7, 0.4]."),
    (("weights",), [1], "weights: must have 2 entries, got 1."),
    (("weights", 1), 1.3, "weights[1]: must be at most 1, got 1.3."),
    (("colour",), 1, "colour: is not a known field."),
    (("a\nb",), 1, "a\\nb: is not a known field."),
    (("spaces",), None, "spaces: must be a list, got null."),
    (("spaces", 1), "A2", 'spaces[1]: must be an object, got "A2".'),
    (("spaces", 1, "id"), "A1", 'spaces[1].id: must be unique, got "A1" again.'),
    (("spaces", 1, "id"), "", 'spaces[1].id: must be a text that is not empty, got "".'),
    (("spaces", 1, "id"), 2, "spaces[1].id: must be a text that is not empty, got 2."),
    (("spaces", 1, "id"), MISSING, "spaces[1].id: is missing."),
    (("spaces", 1, "height"), 2, "spaces[1].height: is not a known field."),
    (("spaces", 0, "free"), [0, 8], "spaces[0].free[0]: must be a list, got 0."),
    (("spaces", 0, "free", 0), [0, 4, 8], "spaces[0].free[0]: must have 2 entries, got 3."),
    (("spaces", 0, "free", 0), [-1, 4], "spaces[0].free[0][0]: must be at least 0, got -1."),
    (("spaces", 0, "free", 0), [8, 9], "spaces[0].free[0][0]: must be at most 7, got 8."),
    (("spaces", 0, "free", 0), [0, 9], "spaces[0].free[0][1]: must be at most 8, got 9."),
    (("spaces", 0, "free", 0), [4, 4], "spaces[0].free[0][1]: must be greater than start (4), got 4."),
    (("spaces", 0, "free", 0), [0, 1.5], "spaces[0].free[0][1]: must be a whole number, got 1.5."),
    (
        ("spaces", 1, "free"),
        [[2, 5], [4, 8]],
        "spaces[1].free[1]: must not overlap an earlier interval of the space, got [4, 8].",
    ),
    (("requests",), {}, "requests: must be a list, got {}."),
    (("requests", 0), [], "requests[0]: must be an object, got []."),
    (("requests", 2, "id"), "r1", 'requests[2].id: must be unique, got "r1" again.'),
    (("requests", 2, "id"), None, "requests[2].id: must be a text that is not empty, got null."),
    (("requests", 2, "end"), 3, "requests[2].end: must be greater than start (3), got 3."),
    (("requests", 2, "end"), 9, "requests[2].end: must be at most 8, got 9."),
    (("requests", 2, "end"), True, "requests[2].end: must be a whole number, got true."),
    (("requests", 2, "end"), MISSING, "requests[2].end: is missing."),
    (("requests", 2, "start"), -1, "requests[2].start: must be at least 0, got -1."),
    (("requests", 2, "start"), 8, "requests[2].start: must be at most 7, got 8."),
    (("requests", 2, "requested_at"), 4, "requests[2].requested_at: must not be after start (3), got 4."),
    (
        ("requests", 2, "requested_at"),
        -1,
        "requests[2].requested_at: must not be before the previous request's (0), got -1.",
    ),
    (
        ("requests", 0, "requested_at"),
        -(10**7),
        "requests[0].requested_at: must be at least -1000000, got -10000000.",
    ),
    (("requests", 2, "requested_at"), MISSING, "requests[2].requested_at: is missing."),
    (("requests", 2, "elligible"), [], "requests[2].elligible: is not a known field."),
    (("requests", 1, "eligible"), "A2", 'requests[1].eligible: must be a list, got "A2".'),
    (("requests", 1, "eligible"), None, "requests[1].eligible: must be a list, got null."),
    (("requests", 1, "eligible"), ["A9"], 'requests[1].eligible[0]: must be the id of a space, got "A9".'),
    (("requests", 1, "eligible"), [["A2"]], 'requests[1].eligible[0]: must be the id of a space, got ["A2"].'),
    (("requests", 1, "eligible"), ["A2", "A2"], 'requests[1].eligible[1]: must be given once, got "A2" again.'),
    (("expected_demand",), [1], "expected_demand: must have 8 entries, got 1."),
    (("expected_demand",), None, "expected_demand: must be a list, got null."),
    (("expected_demand",), [-1] * 8, "expected_demand[0]: must be at least 0, got -1."),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "sentence"), MALFORMED)
def test_a_malformed_field_is_named_in_one_sentence(run, path, value, sentence):
    assert run(changed(path, value)) == (2, "", f"{sentence}\n")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "instance: is not JSON in line 1, column 1."),
        (b'{\n"slots": }', "instance: is not JSON in line 2, column 10."),
        (b'{"slots": 1, "slots": 2}', "slots: must be given once in an object, got it 2 times."),
        (b"[1]", "instance: must be an object, got [1]."),
        (b'{"a": "\xff"}', "instance: is not UTF-8 at byte 7."),
        (b"[" * 100_000, "instance: has a number that is too long or is nested too deeply."),
        (b"1" * 5000, "instance: has a number that is too long or is nested too deeply."),
        (b"[1e999]", "instance: must be an object, got [Infinity]."),
        (json.dumps(DAY).replace("3.0", "1e999").encode(), "mode_hours: must be a finite number, got Infinity."),
        (b'"' + b"x" * 99 + b'"', f'instance: must be an object, got "{"x" * 36}....'),
    ],
)
def test_a_document_that_is_no_instance_is_refused(run, text, sentence):
    assert run(text) == (2, "", f"{sentence}\n")


@pytest.mark.parametrize(("objective", "value", "accepted"), [("revenue", 3.5, {"r1", "r2"}), ("count", 2, None)])
def test_bound_prints_the_best_that_is_possible(tmp_path, capsys, objective, value, accepted):
    instance = tmp_path / "day.json"
    instance.write_text(json.dumps(DAY))

    status = main(["bound", str(instance), "--objective", objective])

    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert (status, err) == (0, "")
    assert list(answer) == ["objective", "value", "accepted"]
    assert (answer["objective"], answer["value"]) == (objective, value)
    assert len(answer["accepted"]) == 2
    assert accepted is None or set(answer["accepted"]) <= {"r1", "r2", "r3"}


def test_generate_prints_an_instance_that_run_reads(tmp_path, capsys):
    assert main(["generate", "--seed", "7", "--spaces", "4", "--requests", "9"]) == 0
    text, err = capsys.readouterr()
    instance = tmp_path / "day.json"
    instance.write_text(text)

    assert err == ""
    assert main(["generate", "--seed", "7", "--spaces", "4", "--requests", "9"]) == 0
    assert capsys.readouterr().out == text
    for policy in ALL_POLICIES:
        assert main(["run", str(instance), "--policy", policy, "--mode", "online"]) == 0
        assert len(json.loads(capsys.readouterr().out)["decisions"]) == 9


def test_compare_prints_a_line_for_each_policy(tmp_path, capsys):
    names = [str(tmp_path / name) for name in ("one.json", "other.json")]
    for name in names:
        Path(name).write_text(json.dumps(DAY))

    assert main(["compare", *names, "--mode", "online"]) == 0
    out, err = capsys.readouterr()

    assert err == ""
    assert [line.split()[0] for line in out.splitlines()] == ["policy", *ALL_POLICIES]


@pytest.mark.parametrize("command", [["bound"], ["compare"]])
def test_every_command_names_the_malformed_field(tmp_path, capsys, command):
    instance = tmp_path / "day.json"
    instance.write_text(json.dumps(changed(("slots",), 0)))

    assert main([*command, str(instance)]) == 2
    assert capsys.readouterr() == ("", "slots: must be at least 1, got 0.\n")


def test_compare_names_the_file_as_well(tmp_path, capsys):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(DAY))
    bad.write_text(json.dumps(changed(("slots",), 0)))

    assert main(["compare", str(good), str(bad)]) == 2
    assert capsys.readouterr() == ("", f"{bad}: slots: must be at least 1, got 0.\n")


def test_a_file_that_cannot_be_read_is_named(tmp_path, capsys):
    for name, why in ((tmp_path / "none.json", "No such file or directory"), (tmp_path, "Is a directory")):
        assert main(["run", str(name), "--policy", "fcfs"]) == 2
        assert capsys.readouterr() == ("", f"{name}: cannot be read ({why}).\n")


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["run"],
        ["run", "x"],
        ["run", "x", "--policy", "lottery"],
        ["bound", "x", "--objective", "fame"],
        ["generate"],
        ["generate", "--seed", "-1"],
        ["generate", "--seed", "1", "--spaces", "-1"],
        ["compare"],
    ],
)
def test_a_wrong_command_line_has_status_2(options, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(options)

    assert stopped.value.code == 2
    assert capsys.readouterr().out == ""


def test_the_engine_knows_nothing_of_django():
    sources = Path(engine.__path__[0]).rglob("*.py")

    assert not [source.name for source in sources if "django" in source.read_text(encoding="utf-8").lower()]


def test_the_example_of_the_documentation_runs():
    example = Path(__file__).resolve().parents[2] / "docs" / "examples" / "instance.json"

    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "allocation.engine",
            "run",
            str(example),
            "--policy",
            "two_stage",
            "--mode",
            "sequential",
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (answer.returncode, answer.stderr) == (0, "")
    assert len(json.loads(answer.stdout)["decisions"]) == 4
