"""Models built once and run as guests."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.guest.quick_engine import quick_engine
from truestep.client.runs import RunReport, run_task
from truestep.machine.elf import load_elf
from truestep.machine.program import Program, Task
from truestep.models import Model, build_model


def program_of(model: Model) -> Program:
    """The program of a model."""
    with tempfile.TemporaryDirectory() as name:
        return load_elf(build_model(model, Path(name) / "model.elf").path.read_bytes())


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How a run ended."""

    report: RunReport
    printed: str

    @property
    def array(self) -> npt.NDArray[Any]:
        """The output as a .npy file."""
        assert self.report.is_accepted, self.printed
        return np.load(io.BytesIO(self.report.output))


def npy(rows: npt.NDArray[Any]) -> bytes:
    """A .npy file."""
    file = io.BytesIO()
    np.save(file, rows)
    return file.getvalue()


def run(program: Program, content: bytes, shard: tuple[int, int] = (0, 1)) -> Said:
    """Run a program on the bytes of an input."""
    printed: list[bytes] = []
    task = Task(input=content, shard_index=shard[0], shard_count=shard[1])
    report = run_task(quick_engine(), program, task, debug_sink=printed.append)
    return Said(report=report, printed=b"".join(printed).decode())


def predict(model: Model, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What a model says of rows."""
    return run(program_of(model), npy(rows)).array


def features(seed: int, rows: int, columns: int, *, strange: bool = False) -> npt.NDArray[np.float64]:
    """Rows of numbers; strange ones have missing values, infinities, zeros and tiny numbers in them."""
    rng = np.random.default_rng(seed)
    made = rng.normal(size=(rows, columns)) * 1.5
    if strange:
        for value, share in (
            (np.nan, 0.1),
            (np.inf, 0.02),
            (-np.inf, 0.02),
            (0.0, 0.05),
            (-1e-40, 0.02),
            (1e300, 0.01),
        ):
            made[rng.random(made.shape) < share] = value
    return made
