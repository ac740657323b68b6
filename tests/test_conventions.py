"""House rules that no other tool checks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ["parking_share", "allocation", "coverage", "sensors", "surveys"]
LONGEST_FILE, LONGEST_FUNCTION = 400, 40
SHELL = ("parking_share/web/", "parking_share/api/", "parking_share/demo/")


def python_files() -> Iterator[Path]:
    for room in [*ROOMS, "tests", "benchmarks", "scripts"]:
        yield from (path for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts)


def templates() -> Iterator[Path]:
    yield from sorted((ROOT / "templates").rglob("*.html"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return lines - ((first.end_lineno or first.lineno) - first.lineno + 1 if has_docstring else 0)


def test_files_stay_short():
    too_long = [name_of(path) for path in python_files() if len(path.read_text().splitlines()) > LONGEST_FILE]

    assert too_long == []


def test_functions_stay_short():
    too_long = [
        f"{name_of(path)}:{function.name}"
        for path in python_files()
        for function in functions(path)
        if length_without_docstring(function) > LONGEST_FUNCTION
    ]

    assert too_long == []


def test_init_files_are_empty():
    allowed = {"parking_share/__init__.py"}
    filled = [name_of(path) for path in python_files() if path.name == "__init__.py" and path.read_text().strip()]

    assert set(filled) <= allowed


def test_the_clock_is_read_in_the_shell_and_in_tasks_only():
    def may_read(path: Path) -> bool:
        name = name_of(path)
        is_edge = name.startswith(SHELL) or path.name in {"admin.py", "tasks.py"} or "/management/commands/" in name
        return is_edge or name == "parking_share/clock.py" or not name.startswith(tuple(f"{room}/" for room in ROOMS))

    reads = re.compile(r"\bclock\.now\(|\btimezone\.now\(|datetime\.now\(|\butcnow\(")
    wrong = [name_of(path) for path in python_files() if not may_read(path) and reads.search(path.read_text())]

    assert wrong == []


def test_the_shell_asks_the_platforms_clock_not_the_machines():
    machine = re.compile(r"\btimezone\.now\(|\bdatetime\.now\(|\btime\.time\(")
    shell = [path for path in python_files() if name_of(path).startswith(SHELL) or path.name == "tasks.py"]

    assert [name_of(path) for path in shell if machine.search(path.read_text())] == []


def test_there_is_no_sql_clock():
    sql_clock = re.compile(r"\b(now|clock_timestamp|statement_timestamp)\(\)|CURRENT_TIMESTAMP", re.IGNORECASE)
    files = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.sql"))]

    assert [name_of(path) for path in files if sql_clock.search(path.read_text())] == []


@pytest.mark.parametrize(
    "forbidden",
    [
        pytest.param(r"<script(?![^>]*\bsrc=)", id="inline script"),
        pytest.param(r"<style\b", id="inline style sheet"),
        pytest.param(r"\sstyle=", id="inline style"),
        pytest.param(r"\son[a-z]+=\"", id="inline handler"),
        pytest.param(r"\shx-on", id="htmx handler that evaluates"),
        pytest.param(r"https?://(?!www\.w3\.org)", id="address outside this site"),
    ],
)
def test_templates_hold_nothing_that_the_content_security_policy_forbids(forbidden):
    guilty = [name_of(path) for path in templates() if re.search(forbidden, path.read_text())]

    assert guilty == []


def test_fragments_say_what_they_need():
    silent = [name_of(path) for path in templates() if path.name.startswith("_") and "{#" not in path.read_text()[:200]]

    assert silent == []


def test_tasks_can_be_run_by_older_and_newer_callers():
    """Keyword-only arguments and a trailing **_future, so that a message of another version does no harm."""
    wrong = [
        f"{name_of(path)}:{function.name}"
        for path in python_files()
        if path.name == "tasks.py"
        for function in functions(path)
        if function.args.args or function.args.kwarg is None or function.args.kwarg.arg != "_future"
    ]

    assert wrong == []


def test_no_requirement_clashes_with_our_package_coverage():
    locked = [*ROOT.glob("requirements*.txt"), *ROOT.glob("requirements*.in")]
    clash = re.compile(r"^(coverage|pytest-cov)\b", re.MULTILINE)

    assert [path.name for path in locked if clash.search(path.read_text())] == []
