"""A small program without end, by which an engine is tried: whether it computes rightly, and how quickly."""

import time
from dataclasses import dataclass

from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.program import Program, Segment, Task
from truestep.ports.engine import Engine

CODE_START = 0x1_0000
_WORDS = (
    0x200002B7,  # lui t0, DATA_START
    0x41C653B7,  # lui t2, …
    0x66D38393,  # addi t2, t2, …: an odd multiplier
    0x02730333,  # mul t1, t1, t2
    0x00130313,  # addi t1, t1, 1
    0x02B35E13,  # srli t3, t1, 43
    0x003E1E13,  # slli t3, t3, 3: a place in 16 MiB
    0x005E0E33,  # add t3, t3, t0
    0x000E3E83,  # ld t4, 0(t3)
    0x006ECEB3,  # xor t4, t4, t1
    0x01DE3023,  # sd t4, 0(t3)
    0xFE1FF06F,  # jal zero, back to mul
)
PROGRAM = Program(
    entry=CODE_START,
    segments=(
        Segment(
            address=CODE_START,
            content=b"".join(word.to_bytes(4, "little") for word in _WORDS),
            is_executable=True,
        ),
    ),
)
TOUCHED_PAGES = 4_096
"""The 16 MiB that it writes to: all of them in each slice."""
COMPARED_CYCLES = (1, 1_000, 20_003)
"""Where states are compared with the reference machine's, which takes a second for them."""
WARM_CYCLES = 50_000_000
"""Until then it is compiled, by other threads too."""
MEASURED_SECONDS = 2.0
SLICE_CYCLES = 20_000_000
HASHES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSpeed:
    """What an engine manages on one core."""

    cycles_per_second: float
    hashed_pages_per_second: float


def differs_at(engine: Engine) -> int | None:
    """The first compared cycle at which an engine's state is another than the reference machine's."""
    machine, reference = engine.start(PROGRAM, Task()), ReferenceEngine().start(PROGRAM, Task())
    for cycle in COMPARED_CYCLES:
        machine.advance(cycle)
        reference.advance(cycle)
        if machine.state() != reference.state():
            return cycle
    return None


def measured_speed(engine: Engine) -> MeasuredSpeed:
    """How quickly an engine runs the program, and hashes the pages that it has written."""
    machine = engine.start(PROGRAM, Task())
    machine.advance(WARM_CYCLES)
    began, cycle = time.perf_counter(), machine.cycle
    while (seconds := time.perf_counter() - began) < MEASURED_SECONDS:
        machine.advance(machine.cycle + SLICE_CYCLES)
    cycles_per_second = (machine.cycle - cycle) / seconds
    hash_seconds = 0.0
    for _ in range(HASHES):
        machine.advance(machine.cycle + SLICE_CYCLES)
        began = time.perf_counter()
        machine.state()
        hash_seconds += time.perf_counter() - began
    pages = HASHES * TOUCHED_PAGES
    return MeasuredSpeed(
        cycles_per_second=cycles_per_second, hashed_pages_per_second=pages / max(hash_seconds, 1e-9)
    )
