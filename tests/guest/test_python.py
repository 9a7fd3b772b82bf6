"""Python guests against the plain Python functions that they are: the same bytes."""

from __future__ import annotations

import importlib.util
import inspect
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import truestep
from tests.guest.quick_engine import quick_engine
from truestep.client.runs import RunReport, run_task
from truestep.composition.engines import EngineName, open_engine
from truestep.guest import build_python
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.program import Program, Task
from truestep.ports.engine import Engine

CORPUS = sorted((Path(__file__).parent / "python").glob("*.py"))
ALSO_IN_THE_REFERENCE = ("constants", "exceptions", "returns_scalar", "shards", "tuples")
INPUT = random.Random(5).randbytes(256)
SEED = bytes(range(32))
TASK = Task(seed=SEED, shard_index=1, shard_count=4, input=INPUT)


def build(source: Path, directory: Path) -> Program:
    """The guest as a program; built once, whichever test asks first."""
    return load_elf(build_python(source, directory / f"{source.stem}.elf").path.read_bytes())


@pytest.fixture(scope="module")
def jit() -> Engine:
    return open_engine(EngineName.JIT)


def load(source: Path) -> ModuleType:
    """The module as an ordinary import would give it."""
    name = f"plain_{source.stem}"
    spec = importlib.util.spec_from_file_location(name, source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def called_directly(main: Callable[..., Any]) -> bytes:
    """What the undecorated function returns, as bytes."""
    content = np.frombuffer(INPUT, np.uint8).copy()
    with np.errstate(all="ignore"):
        if len(inspect.signature(main).parameters) == 2:
            task = truestep.Task(seed=np.frombuffer(SEED, np.uint8), shard_index=1, shard_count=4)
            return np.asarray(main(task, content)).tobytes()
        return np.asarray(main(content)).tobytes()


def run(engine: Engine, program: Program, task: Task = TASK) -> tuple[RunReport, str]:
    printed: list[bytes] = []
    report = run_task(engine, program, task, debug_sink=printed.append)
    return report, b"".join(printed).decode()


@pytest.mark.parametrize("source", CORPUS, ids=lambda source: source.stem)
def test_guest_gives_the_plain_functions_bytes(source: Path, tmp_path: Path) -> None:
    report, printed = run(quick_engine(), build(source, tmp_path))
    assert (report.exit_code, printed) == (0, "")
    assert report.output == called_directly(load(source).main)


@pytest.mark.parametrize("name", ALSO_IN_THE_REFERENCE)
def test_both_engines_end_in_the_same_state(name: str, tmp_path: Path, jit: Engine) -> None:
    program = build(Path(__file__).parent / "python" / f"{name}.py", tmp_path)
    compiled, _ = run(jit, program)
    interpreted, _ = run(ReferenceEngine(), program)
    assert (interpreted.state_hash, interpreted.cycles) == (compiled.state_hash, compiled.cycles)
