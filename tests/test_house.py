"""The limits of docs/architecture.md that no other tool checks: sizes, names, purity, one machine's paths."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import truestep

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "src" / "truestep"

MODULE_LINES_MAX = 500
# A contract is one file: the events, structs and limits that Python keeps elsewhere come first in it.
CONTRACT_LINES_MAX = 700
# Of a function's body: a command's signature declares its options and their help.
FUNCTION_LINES_MAX = 60
# Names that say nothing about what is inside.
EMPTY_NAMES = {"common", "data", "helper", "helpers", "info", "manager", "misc", "util", "utils"}
PURE_PACKAGES = ("base", "commitments", "availability", "machine", "protocol", "roles", "ports")
IMPURE_BUILTINS = {"breakpoint", "exec", "eval", "hash", "id", "input", "open", "print"}
# Each pattern is broken up so that this file does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w./:{}*$-])/(?:" + r"root|home|work|Users|tmp|opt)/[\w.]")
REGISTRY_HOST = re.compile(
    r"(?:pypi|registry\.npmjs|files\.python" + r"hosted|npmjs|proxy\.golang)\.(?:org|com)\b"
)
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def tracked_files() -> list[Path]:
    """Every file that git knows or would add."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for name in listing.split("\0") if name and (path := REPOSITORY / name).is_file()]


def texts(*suffixes: str) -> Iterator[tuple[Path, str]]:
    """The tracked files with one of these suffixes (all if none is given) that hold text."""
    for path in tracked_files():
        if not suffixes or path.suffix in suffixes:
            try:
                yield path.relative_to(REPOSITORY), path.read_text("utf-8")
            except UnicodeDecodeError:
                continue


def matches(pattern: re.Pattern[str], *suffixes: str) -> list[str]:
    """Where the pattern stands, as `path:line: text`."""
    return [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts(*suffixes)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_modules_are_short() -> None:
    lengths = {path: len(text.splitlines()) for path, text in texts(".py", ".vy", ".c", ".h")}
    limits = {path: CONTRACT_LINES_MAX if path.suffix == ".vy" else MODULE_LINES_MAX for path in lengths}
    assert {path: count for path, count in lengths.items() if count > limits[path]} == {}


def test_functions_are_short() -> None:
    too_long = [
        f"{path}:{node.lineno}: {node.name} has {length} lines"
        for path, text in texts(".py")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.body[0].lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert too_long == []


def test_names_say_something() -> None:
    empty = [
        str(path)
        for path in (path.relative_to(REPOSITORY) for path in tracked_files())
        if path.suffix in {".py", ".vy"} and EMPTY_NAMES & {*path.parent.parts, path.stem.strip("_")}
    ]
    assert empty == []


@pytest.mark.parametrize("package", PURE_PACKAGES)
def test_pure_packages_do_no_input_or_output(package: str) -> None:
    """The import contract cannot see builtins: `open`, `print`, and those that differ from run to run."""
    calls = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}: {node.func.id}"
        for path in sorted((SOURCE / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_BUILTINS
    ]
    assert calls == []


def test_nothing_belongs_to_one_machine() -> None:
    assert matches(MACHINE_PATH) == []
    assert matches(REGISTRY_HOST) == []


def test_people_read_coins_not_wei() -> None:
    spoken = re.compile(r"_wei(\(\))?(:,)?\} wei")
    found = matches(spoken, ".py")
    assert [line for line in found if line.startswith("src/") and "base/units.py" not in line] == []


def test_nothing_is_marked_unfinished() -> None:
    assert matches(UNFINISHED, ".py", ".vy", ".vyi", ".sol", ".c", ".h", ".md", ".toml") == []


def project_table() -> dict[str, Any]:
    """The `[project]` table of pyproject.toml."""
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]


def required(*extras: str) -> set[str]:
    """The requirements of the core and of these extras, without a requirement's own extras and platform."""
    project = project_table()
    chosen = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    return {re.sub(r"\[.*?\]|;.*", "", line) for line in chain.from_iterable(chosen)}


def locked(name: str) -> set[str]:
    """The `package==version` lines of a lock file."""
    lines = (REPOSITORY / name).read_text("utf-8").splitlines()
    return {line.removesuffix(" \\").split(" ;")[0] for line in lines if "==" in line}


def test_every_dependency_is_pinned() -> None:
    requirements = required(*project_table()["optional-dependencies"])
    assert {line for line in requirements if not re.fullmatch(r"[\w.-]+==[\w.]+", line)} == set()


def test_locks_hold_every_pin() -> None:
    assert required(*project_table()["optional-dependencies"]) - locked("requirements.lock") == set()
    assert required("guest", "devnet") - locked("requirements-demo.lock") == set()


def test_demo_lock_is_a_subset() -> None:
    assert locked("requirements-demo.lock") - locked("requirements.lock") == set()


def test_version_is_said_once() -> None:
    assert truestep.__version__ == project_table()["version"]
