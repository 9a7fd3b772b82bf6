"""Programs with classes as newcomers write them: a guest prints what CPython prints, or is refused."""

from __future__ import annotations

import contextlib
import importlib
import io
from pathlib import Path

import pytest

from tests.guest.quick_engine import quick_engine
from truestep.client.runs import run_task
from truestep.guest import build_python
from truestep.guest.errors import GuestBuildError
from truestep.machine.elf import load_elf
from truestep.machine.program import Task

FOLDER = Path(__file__).with_name("class_programs")
NAMES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
SAMPLE = ["bank_account"]
"""Built in every run; the others in the long tests."""
RIGHT = [
    "protocols",
    *("binary_tree", "calculator", "event_simulation", "game_of_life", "kalman_filter", "kd_tree"),
    *("linked_list", "monte_carlo", "neural_network", "page_rank"),
    *("context_managers", "exceptions", "iterators", "orders", "employees", "dijkstra", "named_bases"),
    *("class_variables", "collections_in_fields", "enumerations", "lru_cache"),
    *("matrix_class", "vector_class", "date_arithmetic", "finally_blocks"),
]
GUEST = "\n\nimport truestep\n\n\n@truestep.guest\ndef main(input):\n    program()\n"


def check(folder: Path, name: str) -> None:
    """The guest prints what CPython prints. Raises GuestBuildError."""
    source = folder / "model.py"
    source.write_text((FOLDER / f"{name}.py").read_text(encoding="utf-8") + GUEST, encoding="utf-8")
    guest = build_python(source, folder / "model.elf")
    printed: list[bytes] = []
    program = load_elf(guest.path.read_bytes())
    report = run_task(quick_engine(), program, Task(input=b""), debug_sink=printed.append)
    expected = io.StringIO()
    with contextlib.redirect_stdout(expected):
        importlib.import_module(f"tests.guest.class_programs.{name}").program()
    assert report.exit_code == 0, b"".join(printed).decode()
    assert b"".join(printed).decode() == expected.getvalue()


@pytest.mark.parametrize("name", SAMPLE)
def test_prints_what_python_prints(tmp_path: Path, name: str) -> None:
    check(tmp_path, name)


@pytest.mark.long
@pytest.mark.parametrize("name", RIGHT)
def test_others_print_what_python_prints(tmp_path: Path, name: str) -> None:
    check(tmp_path, name)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in NAMES if name not in {*SAMPLE, *RIGHT}])
def test_what_is_not_known_to_be_right_is_refused_rather_than_wrong(tmp_path: Path, name: str) -> None:
    try:
        check(tmp_path, name)
    except GuestBuildError as error:
        assert str(error).startswith("model.py:")
