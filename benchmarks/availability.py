"""Items: what encoding and recovery cost next to the bare calls of ckzg, and what recovery takes in memory.

Writes docs/availability-benchmarks.md, unless `--quick` makes it small.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import ckzg

from truestep.adapters.trusted_setup import PRECOMPUTE_LEVEL, open_kzg, setup_path, trusted_setup
from truestep.availability.blobs import blob_of
from truestep.availability.cells import Cell, wrong_cells
from truestep.availability.encoding import EncodedBlob, Encoder, range_tree
from truestep.availability.parts import BLOB_PAYLOAD_BYTES
from truestep.availability.recovery import BATCH_BLOBS, reconstruct
from truestep.commitments.kzg import (
    BLOB_SIZE_BYTES,
    CELLS_PER_BLOB,
    CELLS_TO_RECOVER,
    CellCheck,
    Kzg,
    element_point,
)
from truestep.engine.hashing import hash_many_pairs

PAGE = Path(__file__).resolve().parent.parent / "docs" / "availability-benchmarks.md"
TIME_RATIO_LIMIT = 1.1
MEMORY_BATCHES_LIMIT = 3
DIFFERENT_BLOBS = 16
"""An item to recover repeats these: making others costs as much as recovering them, and changes nothing."""
LEVELS = (0, 4, 5, 6, 7, 8, 9, 10)
MIB = 1 << 20

HEAD = f"""# Benchmarks of availability

Written by `python -m benchmarks.availability`. CPU time of one thread; truestep and
the bare calls of ckzg do the same work in turn, blob by blob. Memory is what a
process that does nothing else grows by at most; `--memory 64` measures that alone.

|  |  |
| --- | --- |
| date | {date.today()} |
| ckzg | {version("ckzg")}, precompute level {PRECOMPUTE_LEVEL} |
| Python | {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores |
| load | {os.getloadavg()[0]:.1f} before the first measurement |
"""


@dataclass(slots=True)
class Comparison:
    """CPU time of truestep and of the bare calls for the same work.

    Blob by blob in turn, so that what slows the computer down slows down both.
    """

    size_bytes: int
    seconds: float = 0
    bare_seconds: float = 0

    def run(self, ours: Iterator[object], bare: Iterator[object]) -> Comparison:
        """Both to the end, which they must reach in as many steps."""
        ended = object()
        while True:
            start = time.process_time()
            step = next(ours, ended)
            middle = time.process_time()
            bare_step = next(bare, ended)
            self.seconds += middle - start
            self.bare_seconds += time.process_time() - middle
            assert (step is ended) == (bare_step is ended)
            if step is ended:
                return self

    @property
    def ratio(self) -> float:
        """Ours to bare."""
        return self.seconds / self.bare_seconds

    def row(self, what: str) -> str:
        """A line of the table."""
        mib = self.size_bytes / MIB
        return f"| {what} | {self.seconds / mib:.2f} | {self.bare_seconds / mib:.2f} |"


def cpu_milliseconds(call: Callable[[], object]) -> float:
    """The least of five."""
    times: list[float] = []
    for _ in range(5):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def encoded(payload: bytes) -> Iterator[EncodedBlob]:
    """As an item of one input."""
    return Encoder(open_kzg(), hash_many_pairs).blobs([range_tree([payload])])


def encoding(blob_count: int) -> Comparison:
    """Layout, roots, commitments, cells and proofs, against commitments, cells and proofs."""
    payload = random.Random(1).randbytes(blob_count * BLOB_PAYLOAD_BYTES)
    starts = range(0, len(payload), BLOB_PAYLOAD_BYTES)
    blobs, setup = [blob_of(payload[start : start + BLOB_PAYLOAD_BYTES]) for start in starts], trusted_setup()
    hash_many_pairs(bytes(1 << 20))  # loads LLVM

    def bare() -> Iterator[object]:
        for blob in blobs:
            yield ckzg.blob_to_kzg_commitment(blob, setup), ckzg.compute_cells_and_kzg_proofs(blob, setup)

    return Comparison(len(payload)).run(encoded(payload), bare())


class HalfAnItem:
    """An item of many blobs, of each of which half of the cells are left, not the same ones of each."""

    def __init__(self, blob_count: int) -> None:
        rng = random.Random(2)
        self._blobs = list(encoded(rng.randbytes(DIFFERENT_BLOBS * BLOB_PAYLOAD_BYTES)))
        self._kept = [sorted(rng.sample(range(CELLS_PER_BLOB), CELLS_TO_RECOVER)) for _ in self._blobs]
        self.commitments = [self._blobs[i % DIFFERENT_BLOBS].commitment for i in range(blob_count)]

    def fetched(self, batch: range) -> Iterator[Cell]:
        """Copies, as they come from a network."""
        for blob in batch:
            extended, kept = self._blobs[blob % DIFFERENT_BLOBS].extended, self._kept[blob % DIFFERENT_BLOBS]
            assert extended is not None
            for number in kept:
                content, proof = bytearray(extended.cells[number]), bytearray(extended.proofs[number])
                yield Cell(
                    blob=blob, cell=number, content=bytes(content), proof=bytes(proof), source="keeper"
                )

    def recovered(self) -> Iterator[object]:
        """As a reader does, and compare."""
        for found in reconstruct(open_kzg(), self.commitments, self.fetched):
            assert found.blob == self._blobs[found.index % DIFFERENT_BLOBS].blob
            yield found

    def recovered_bare(self) -> Iterator[object]:
        """The library's calls alone: verify the cells of a batch in one go, recover each blob."""
        setup = trusted_setup()
        for start in range(0, len(self.commitments), BATCH_BLOBS):
            cells = list(self.fetched(range(start, min(start + BATCH_BLOBS, len(self.commitments)))))
            assert ckzg.verify_cell_kzg_proof_batch(
                [self.commitments[cell.blob] for cell in cells],
                [cell.cell for cell in cells],
                [cell.content for cell in cells],
                [cell.proof for cell in cells],
                setup,
            )
            for first in range(0, len(cells), CELLS_TO_RECOVER):
                half = cells[first : first + CELLS_TO_RECOVER]
                yield ckzg.recover_cells_and_kzg_proofs(
                    [cell.cell for cell in half], [cell.content for cell in half], setup
                )


def recovery(blob_count: int) -> Comparison:
    """Of cells that the caller has, half of each blob."""
    item = HalfAnItem(blob_count)
    return Comparison(blob_count * BLOB_PAYLOAD_BYTES).run(item.recovered(), item.recovered_bare())


def memory_of_recovery(blob_count: int) -> float:
    """How much this process grows while it recovers the item, at the most, in batches of blobs."""
    item = HalfAnItem(blob_count)
    ctypes.CDLL(None).malloc_trim(0)  # what was freed before must not be used again unseen
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # forgets the peak
    before = status_bytes("VmRSS")
    for _ in reconstruct(open_kzg(), item.commitments, item.fetched):
        pass
    return (status_bytes("VmHWM") - before) / (BATCH_BLOBS * BLOB_SIZE_BYTES)


def memory_in_new_process(size_mib: int) -> float:
    """The same, in a process that has done nothing else."""
    command = (sys.executable, "-m", "benchmarks.availability", "--memory", str(size_mib))
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def status_bytes(name: str) -> int:
    """A size in this process's status."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"expected {name} in the process's status")


def single_calls() -> list[tuple[str, float]]:
    """What each operation takes, in milliseconds of CPU time."""
    kzg, item = open_kzg(), list(encoded(random.Random(3).randbytes(2 * BLOB_PAYLOAD_BYTES)))
    commitments, blob = [each.commitment for each in item], item[0].blob
    extended = item[0].extended
    assert extended is not None
    cells = [
        Cell(blob=0, cell=number, content=extended.cells[number], proof=extended.proofs[number])
        for number in range(CELLS_PER_BLOB)
    ]
    half = {number: extended.cells[number] for number in range(64, 128)}
    y, proof = kzg.open(blob, element_point(5))
    wrong = [*cells[:-1], Cell(blob=1, cell=127, content=cells[127].content, proof=cells[127].proof)]
    calls: list[tuple[str, Callable[[], object]]] = [
        ("commit to a blob", lambda: kzg.commit(blob)),
        ("cells and proofs of a blob", lambda: kzg.extend(blob)),
        ("recover a blob, its cells and proofs from 64 cells", lambda: kzg.recover(half)),
        ("open an element", lambda: kzg.open(blob, element_point(5))),
        ("verify an opening", lambda: kzg.verify_opening(commitments[0], element_point(5), y, proof)),
        ("verify one cell", lambda: wrong_cells(kzg, commitments, cells[:1])),
        ("verify 64 cells", lambda: wrong_cells(kzg, commitments, cells[:64])),
        ("verify 128 cells", lambda: wrong_cells(kzg, commitments, cells)),
        ("find the one wrong cell of 128", lambda: wrong_cells(kzg, commitments, wrong)),
    ]
    return [(what, cpu_milliseconds(call)) for what, call in calls]


def level_row(level: int, blob: bytes) -> str:
    """What a precompute level costs and gives."""
    before, start = status_bytes("VmRSS"), time.process_time()
    setup = ckzg.load_trusted_setup(str(setup_path()), level)
    seconds, memory_mib = time.process_time() - start, (status_bytes("VmRSS") - before) / MIB
    kzg = Kzg(lambda: setup)
    extended, commitment = kzg.extend(blob), kzg.commit(blob)
    checks = [
        CellCheck(commitment=commitment, cell=number, content=extended.cells[number], proof=proof)
        for number, proof in enumerate(extended.proofs)
    ]
    half = {number: extended.cells[number] for number in range(64, 128)}
    times = (
        cpu_milliseconds(lambda: kzg.extend(blob)),
        cpu_milliseconds(lambda: kzg.recover(half)),
        cpu_milliseconds(lambda: kzg.verify_cells(checks)),
    )
    chosen = " (chosen)" if level == PRECOMPUTE_LEVEL else ""
    cells = (f"{level}{chosen}", f"{seconds:.1f}", f"{memory_mib:.0f}", *(f"{each:.0f}" for each in times))
    return f"| {' | '.join(cells)} |"


def levels() -> Iterator[str]:
    """The table of precompute levels."""
    yield "| level | load, s | memory, MiB | cells and proofs, ms | recover, ms | verify 128 cells, ms |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: |"
    blob = blob_of(random.Random(4).randbytes(BLOB_PAYLOAD_BYTES))
    for level in LEVELS:
        yield level_row(level, blob)


def bar_row(what: str, limit: float, measured: float) -> str:
    return f"| {what} | ≤ {limit} | {measured:.2f} | {'yes' if measured <= limit else '**no**'} |"


def page(*, encoded_blobs: int, size_mib: int) -> str:
    """The page; a bar that is not reached says **no**."""
    blob_count = -(-size_mib * MIB // BLOB_PAYLOAD_BYTES)
    coded, recovered = encoding(encoded_blobs), recovery(blob_count)
    batches = memory_in_new_process(size_mib)
    memory = f"memory to recover {size_mib} MiB from half of the cells, in batches of {BATCH_BLOBS} blobs"
    lines = [
        HEAD,
        "| what | bar | measured | reached |",
        "| --- | ---: | ---: | --- |",
        bar_row("encode and commit with cell proofs, against the bare calls", TIME_RATIO_LIMIT, coded.ratio),
        bar_row(f"recover {size_mib} MiB, against the bare calls", TIME_RATIO_LIMIT, recovered.ratio),
        bar_row(memory, MEMORY_BATCHES_LIMIT, batches),
        "",
        "| per MiB, one core | truestep, CPU s | bare calls, CPU s |",
        "| --- | ---: | ---: |",
        coded.row("encode"),
        recovered.row("verify and recover"),
        "",
        "## Single operations",
        "",
        "| what | CPU ms |",
        "| --- | ---: |",
        *(f"| {what} | {milliseconds:.1f} |" for what, milliseconds in single_calls()),
        "",
        "## Precompute levels",
        "",
        "The setup is loaded once in a process, when it is first needed.",
        "",
        *levels(),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 MiB and 8 MiB; writes nothing")
    parser.add_argument("--levels", action="store_true", help="only the precompute levels; writes nothing")
    parser.add_argument("--memory", type=int, metavar="MIB", help="only the memory to recover so much")
    options = parser.parse_args()
    if options.memory:
        print(memory_of_recovery(-(-options.memory * MIB // BLOB_PAYLOAD_BYTES)))
        return
    if options.levels:
        for line in levels():
            print(line, flush=True)
        return
    text = page(encoded_blobs=17, size_mib=8) if options.quick else page(encoded_blobs=133, size_mib=64)
    print(text)
    if not options.quick:
        PAGE.write_text(text, "utf-8")
    sys.exit("**no**" in text)


if __name__ == "__main__":
    main()
