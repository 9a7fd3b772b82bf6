"""Python guests in the engine against native Numba of the same functions. Writes docs/python-benchmarks.md.

`--check` measures once and writes nothing. Native Numba needs SciPy for `@`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from _comparison import geometric_mean
from _kernels import BENCHMARKS, REPOSITORY
from _machine import machine_description
from _runners import MeasurementFailed, Sample, WorkerRun, worker_command, worker_sample

from truestep.guest import build_python

EXAMPLES = REPOSITORY / "examples" / "python"
PAGE = REPOSITORY / "docs" / "python-benchmarks.md"
ROUNDS = 9
WARM_UP_CPU_SECONDS = 4.0
"""The examples take some 0.1 s: their code is optimised after some runs, as it would be in a longer one."""
CLOSE_ENOUGH = 1e-3
"""Singles summed in another order, and libm's last bits; k-means must be equal."""

HEAD = """# Python guests against native Numba

Written by `benchmarks/python_guests.py` (`make bench`), never by hand. The three programs of
`examples/python`, shard 0 of 1, as guests in the engine, compared with the same
functions compiled by Numba for this computer: one thread, no fast-math. CPU time of the run only, without
compiling; the median over {rounds} rounds of the ratio in the same round.

`matrix_product` shows the cost of `@`: natively it is a BLAS that uses the processor's vector units, in a
guest it goes one element at a time, in an order that is the same everywhere.

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A guest and what it is given; `copies` of the rows make the run long enough to be measured."""

    module: str
    input: str
    dtype: str
    folder: Path = EXAMPLES
    copies: int = 1
    is_exact: bool = False
    counts: bool = True
    """Whether it is one of the three that the mean is of."""

    @property
    def path(self) -> Path:
        """The module."""
        return self.folder / f"{self.module}.py"

    def rows(self) -> npt.NDArray[Any]:
        """The input."""
        rows = np.load(EXAMPLES / self.input)
        return np.tile(rows if self.counts else rows.astype(self.dtype), (self.copies, 1))


TABLE = (
    Example(module="value_at_risk/simulate", input="value_at_risk/prices.npy", dtype="float64"),
    Example(module="k_means/cluster", input="k_means/digits.npy", dtype="float64", is_exact=True),
    Example(module="digits_network/classify", input="digits_network/images.npy", dtype="float32", copies=200),
    Example(
        module="matrix_product",
        input="digits_network/images.npy",
        dtype="float32",
        folder=BENCHMARKS / "python",
        copies=200,
        counts=False,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One example's."""

    name: str
    counts: bool
    native_seconds: float
    ratio: float
    cycles: int


def measure(example: Example, rounds: int) -> Figures:
    """Rounds in turn: native, guest, native, guest."""
    with tempfile.TemporaryDirectory(prefix="truestep-bench-") as name:
        folder = Path(name)
        np.save(folder / "input.npy", example.rows())
        build_python(example.path, folder / "guest.elf")
        worker = [sys.executable, str(BENCHMARKS / "_numba_worker.py")]
        native = WorkerRun([*worker, str(example.path), str(folder / "input.npy")])
        guest = WorkerRun(worker_command("jit", folder / "guest.elf", folder / "input.npy"))
        try:
            require_alike(example, worker_sample(native.first), worker_sample(guest.first))
            guest.warm_up(WARM_UP_CPU_SECONDS)
            pairs = [(native.sample(), guest.sample()) for _ in range(rounds)]
        finally:
            native.close()
            guest.close()
    return Figures(
        name=example.module,
        counts=example.counts,
        native_seconds=statistics.median(first.cpu_seconds for first, _ in pairs),
        ratio=statistics.median(second.cpu_seconds / first.cpu_seconds for first, second in pairs),
        cycles=pairs[0][1].cycles or 0,
    )


def require_alike(example: Example, native: Sample, guest: Sample) -> None:
    """Both have computed the same."""
    if example.is_exact and native.output != guest.output:
        raise MeasurementFailed(f"expected {example.module} to give Numba's bytes, got others")
    expected, found = (np.frombuffer(each.output, example.dtype) for each in (native, guest))
    if not np.allclose(expected, found, rtol=CLOSE_ENOUGH, atol=CLOSE_ENOUGH):
        raise MeasurementFailed(f"expected {example.module} to give Numba's numbers, got others")


def page(figures: list[Figures], rounds: int) -> str:
    """docs/python-benchmarks.md."""
    mean = geometric_mean([each.ratio for each in figures if each.counts])
    rows = [
        "| guest | native Numba, s | guest / native | M instructions |",
        "| --- | ---: | ---: | ---: |",
        *(
            f"| {each.name} | {each.native_seconds:.3f} | {each.ratio:.2f} | {each.cycles / 1e6:,.0f} |"
            for each in figures
        ),
        f"| **geometric mean of the first three** | | **{mean:.2f}** | |",
    ]
    machine = machine_description()
    where = [f"| {label} | {machine[label]} |" for label in ("processor", "engine", "date", "load")]
    lines = [*rows, "", "| measured on | |", "| --- | --- |", *where]
    return HEAD.format(rounds=rounds) + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="measure once, write nothing")
    arguments = parser.parse_args()
    rounds = 1 if arguments.check else ROUNDS
    text = page([measure(example, rounds) for example in TABLE], rounds)
    print(text)
    if not arguments.check:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
