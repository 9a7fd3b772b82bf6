"""Which containers of a class have one type for what is in them, and what becomes of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.guest.quick_engine import quick_engine
from truestep.client.runs import run_task
from truestep.guest import build_python
from truestep.guest.errors import GuestBuildError
from truestep.guest.python.compiler.alike import has_one_type
from truestep.machine.elf import load_elf
from truestep.machine.program import Task

RECORDS = """\
import truestep


class Planet:
    known = {"io": {"name": "Io", "radius": 1.5}, "moon": {"name": "Moon", "radius": 2.5}}
    mixed = {1: "x", 2: 5}
    rows = [("a", 1), (2, 3)]
    absent = {"a": None, "b": 3}

    def __init__(self, radius):
        self.radius = radius

    @classmethod
    def named(cls, name):
        return cls(cls.known[name]["radius"])


@truestep.guest
def main(input):
    print(Planet(3).radius)
"""


@pytest.mark.parametrize(
    "value",
    [
        *([], {}, [1, 2.5, True], ["a", None], {"a": 1, "b": 2}, {1: "x"}, {"a", "b"}),
        *([("a", 1), ("b", 2)], {"a": [], "b": [1]}, {"a": {"v": 1.0}, "b": {"v": 2.0}}),
        *({"a": [1, 2], "b": [2.5]}, [[1], [2.5]]),
    ],
)
def test_items_are_alike(value: Any) -> None:
    assert has_one_type(value)


@pytest.mark.parametrize(
    "value",
    [
        *({"a": 1, "b": 2.5}, {"n": "x", "v": 1}, {"a": None, "b": 3}, {"a": 1, 2: 3}),
        *([1, "x"], [("a", 1), (2, 3)], {"a": (1, 2), "b": (3,)}, [{"n": "x", "v": 1.5}]),
        *({"a": {"n": "x", "v": 1.5}}, ({"n": "x", "v": 1.5},), {"a": [1], "b": ["x"]}),
    ],
)
def test_items_differ(value: Any) -> None:
    assert not has_one_type(value)


def test_records_of_a_class_that_nobody_reads_are_no_hindrance(tmp_path: Path) -> None:
    source = tmp_path / "model.py"
    source.write_text(RECORDS, encoding="utf-8")
    guest = build_python(source, tmp_path / "model.elf")
    printed: list[bytes] = []
    program = load_elf(guest.path.read_bytes())
    run_task(quick_engine(), program, Task(input=b""), debug_sink=printed.append)
    assert b"".join(printed) == b"3\n"


def test_a_record_that_is_changed_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "model.py"
    changed = RECORDS.replace("print(Planet(3).radius)", 'Planet(3).known["io"]["radius"] = 2.5')
    source.write_text(changed, encoding="utf-8")
    with pytest.raises(GuestBuildError, match="a dict, as a value"):
        build_python(source, tmp_path / "model.elf")
