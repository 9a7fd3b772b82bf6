"""`make rom-proof`: compare the ROM with everything that knows better, and write the table of docs/rom.md.

1. The C on the host against the host's hardware: all classes of operands, and random operands.
2. The C on the host against the reference machine's exact integers: all classes, and fewer random operands.
3. The image in the JIT engine against the C on the host: all classes, and the same random operands as in 1.
4. The image in the reference machine, micro-run by micro-run, against the same: all classes.
5. The image as a graph: the longest path from each entry.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.rom.exact import exact_results
from tests.rom.hardware import expected
from tests.rom.host import HostRom, U64Array
from tests.rom.machine import RomOnJit, RomOnReference, entry_of
from tests.rom.operands import Operands, class_operands, random_operands
from tests.rom.operations import OPERATIONS, Operation
from tests.rom.paths import CodeGraph
from truestep.guest.rom import IMAGE_NAME, PACKAGE, rom_root

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rom.md"
TABLE_START, TABLE_END = "<!-- table: written by make rom-proof -->\n", "<!-- end of table -->\n"
CHUNK = 1 << 18
"""Random operands compared at once: a few MiB."""
REFERENCE_SHARE = 50
"""Python's exact integers get one of so many random operands."""


@dataclass(slots=True, kw_only=True)
class Row:
    """What was seen of one operation."""

    operation: Operation
    hardware: int = 0
    exact: int = 0
    jit: int = 0
    micro_runs: int = 0
    differences: int = 0
    longest_cycles: int = 0
    bound_cycles: int = 0

    def cells(self) -> tuple[object, ...]:
        """As they stand in the table."""
        counts = (self.hardware, self.exact, self.jit, self.micro_runs, self.differences)
        numbers = tuple(f"{count:,}" for count in counts)
        return (
            self.operation.number,
            f"`{self.operation.name}`",
            *numbers,
            self.longest_cycles,
            self.bound_cycles,
        )


class Proof:
    """All implementations, side by side."""

    def __init__(self, image: bytes, directory: Path, generator: np.random.Generator) -> None:
        self._host = HostRom(directory)
        self._jit = RomOnJit(image, directory)
        self._reference = RomOnReference(image)
        self._graph = CodeGraph(image)
        self._generator = generator

    def row(self, operation: Operation, random_count: int) -> Row:
        """Compare one operation."""
        row = Row(operation=operation, bound_cycles=self._graph.longest_path(entry_of(operation)))
        classes = class_operands(operation)
        self._compare(row, classes, classes[0].size)
        self._run_micro(row, classes)
        remaining = random_count
        while remaining > 0:
            count = min(CHUNK, remaining)
            operands = random_operands(operation, count, self._generator)
            self._compare(row, operands, count // REFERENCE_SHARE)
            remaining -= count
        return row

    def compare_every_single(self, row: Row) -> None:
        """All 2^32 operands of an operation on one single: the C on the host against the hardware."""
        operation = row.operation
        zeros = np.zeros(CHUNK, dtype=np.uint64)
        for start in range(0, 1 << 32, CHUNK):
            operands = (np.arange(start, start + CHUNK, dtype=np.uint64), zeros, zeros)
            wanted = expected(self._host, operation, *operands)
            row.hardware += _count(row, operands, self._host.apply(operation, *operands), wanted)

    def _compare(self, row: Row, operands: Operands, exact_count: int) -> None:
        operation = row.operation
        found = self._host.apply(operation, *operands)
        first = tuple(np.ascontiguousarray(column[:exact_count]) for column in operands)
        row.hardware += _count(row, operands, found, expected(self._host, operation, *operands))
        row.exact += _count(row, operands, found[:exact_count], exact_results(operation, *first))
        row.jit += _count(row, operands, found, self._jit.apply(operation, *operands))

    def _run_micro(self, row: Row, operands: Operands) -> None:
        results, cycles = self._reference.apply(row.operation, *operands)
        row.micro_runs += _count(row, operands, self._host.apply(row.operation, *operands), results)
        row.longest_cycles = int(cycles.max())


def _count(row: Row, operands: Operands, found: U64Array, wanted: U64Array) -> int:
    """Compare two results; how many there were."""
    different = np.nonzero(found != wanted)[0]
    row.differences += different.size
    for index in different[:3]:
        shown = " ".join(f"{int(column[index]):#x}" for column in operands)
        print(f"{row.operation.name} {shown}: {int(found[index]):#x} and {int(wanted[index]):#x}")
    return found.size


def table(rows: list[Row], image: bytes, seed: int) -> str:
    """Everything that was measured, in Markdown."""
    longest = max(rows, key=lambda row: row.bound_cycles)
    total = sum(row.hardware + row.exact + row.jit + row.micro_runs for row in rows)
    different = sum(row.differences for row in rows)
    lines = [
        f"The image has {len(image):,} bytes; its root is `0x{rom_root(image).hex()}`.",
        f"The longest micro-run that its code allows has {longest.bound_cycles} cycles:"
        f" `{longest.operation.name}`.",
        f"{total:,} results compared (seed {seed}), {different} differences.",
        "",
        "| no. | operation | hardware | exact | JIT | micro-runs | differences | longest seen | bound |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(f"| {' | '.join(map(str, row.cells()))} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def page_with(page: str, measured: str) -> str:
    """The page with the table in its place."""
    before, start, rest = page.partition(TABLE_START)
    _, end, after = rest.partition(TABLE_END)
    if not start or not end:
        raise ValueError(f"expected the lines {TABLE_START!r} and {TABLE_END!r} in the page")
    return before + start + measured + end + after


def main() -> int:
    """The command; 1 if anything differs."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.rom.proof", description="Compare the ROM with all others."
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--random", type=int, default=2_000_000, help="random operands for each operation")
    parser.add_argument(
        "--every-single", action="store_true", help="all 2^32 operands where there is one single"
    )
    parser.add_argument("--write", action="store_true", help="write the table into docs/rom.md")
    options = parser.parse_args()
    image = (PACKAGE / IMAGE_NAME).read_bytes()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="truestep-rom-proof-") as name:
        proof = Proof(image, Path(name), np.random.default_rng(options.seed))
        for operation in OPERATIONS:
            started = time.monotonic()
            rows.append(proof.row(operation, options.random))
            if options.every_single and operation.takes_one_single:
                proof.compare_every_single(rows[-1])
            print(*rows[-1].cells(), f"{time.monotonic() - started:.1f} s", flush=True)
    measured = table(rows, image, options.seed)
    print(measured)
    if options.write:
        PAGE.write_text(page_with(PAGE.read_text("utf-8"), measured), "utf-8")
    return 1 if any(row.differences for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
