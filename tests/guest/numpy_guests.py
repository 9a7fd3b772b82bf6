"""Guests whose output is compared with what NumPy gives for the same source."""

from __future__ import annotations

import importlib.util
import io
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from tests.guest.quick_engine import quick_engine
from truestep.client.runs import run_task
from truestep.guest import build_python
from truestep.machine.elf import load_elf
from truestep.machine.program import Program, Task

HEADER = "import numpy as np\nimport truestep\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One source, as a program and as plain Python."""

    program: Program
    module: ModuleType


def npy(array: np.ndarray) -> bytes:
    """The array as a file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def compile_guest(directory: Path, functions: str, main: str, kind: str | None = None) -> Comparison:
    """Build a source whose guest is `main`, given without its decorator; `kind` is its input's type."""
    declared = "" if kind is None else f"input={kind!r}, "
    source = directory / "model.py"
    source.write_text(f"{HEADER}{functions}@truestep.guest({declared}output='npy')\n{main}")
    guest = build_python(source, directory / "model.elf")
    spec = importlib.util.spec_from_file_location(f"plain_{directory.name}", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Comparison(program=load_elf(guest.path.read_bytes()), module=module)


def returned(comparison: Comparison, given: np.ndarray | None = None) -> np.ndarray:
    """What the guest returns; without an input it gets no bytes."""
    printed: list[bytes] = []
    task = Task(input=b"" if given is None else npy(given))
    report = run_task(quick_engine(), comparison.program, task, debug_sink=printed.append)
    assert report.exit_code == 0, b"".join(printed).decode()
    return np.load(io.BytesIO(report.output))


def refusal(comparison: Comparison, given: np.ndarray) -> str:
    """What a guest says that raises an exception."""
    printed: list[bytes] = []
    task = Task(input=npy(given))
    report = run_task(quick_engine(), comparison.program, task, debug_sink=printed.append)
    assert report.exit_code == 138
    return b"".join(printed).decode()


def compare(comparison: Comparison, given: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(what the guest returns, what the plain function returns); without an input both get no bytes."""
    found = returned(comparison, given)
    with np.errstate(all="ignore"):
        expected = comparison.module.main(np.empty(0, np.uint8) if given is None else given)
    return found, np.asarray(expected)
