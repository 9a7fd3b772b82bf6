"""One local run of a program, from start to final state, with progress."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from truestep.base.ids import Bytes32
from truestep.machine.layout import (
    DATA_END,
    DATA_START,
    OUTPUT_LIMIT_BYTES,
    OUTPUT_NODE,
    OUTPUT_SIZE_START,
    OUTPUT_START,
)
from truestep.machine.program import Program, Task
from truestep.machine.state import MachineState, Status, TrapCause
from truestep.ports.engine import Engine, Machine

DEFAULT_MAX_CYCLES = 2**40
"""A few minutes on the JIT engine: a program that loops forever ends while the user is still waiting."""

CYCLES_HEADROOM = 2
"""Shards differ, so each one may take twice the cycles of a trial."""

_STACK_POINTER = 2
"""The register of the RISC-V calling convention."""
_FIRST_SLICE_CYCLES = 1 << 14
_SLICE_SECONDS = 0.2
"""Interval of progress reports and checks for Ctrl-C. It does not change results: engines stop exactly."""

ProgressSink = Callable[[int], None]
"""Called with the cycle that the run has reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """How a run ended and what it produced."""

    engine: str
    status: Status
    code: int
    cycles: int
    output_size: int
    output_root: Bytes32
    output: bytes
    state_hash: Bytes32
    run_cpu_seconds: float
    """CPU time of the run itself, without loading the program and hashing the memory."""

    @property
    def exit_code(self) -> int | None:
        """The guest's exit code; None if it trapped or has not halted."""
        return self.code if self.status is Status.EXITED else None

    @property
    def trap(self) -> TrapCause | None:
        """Why it trapped; None if it did not."""
        return TrapCause(self.code) if self.status is Status.TRAPPED else None

    @property
    def is_accepted(self) -> bool:
        """Whether the run succeeded, so that its output counts (docs/protocol.md S5.5)."""
        return self.exit_code == 0 and self.output_size <= OUTPUT_LIMIT_BYTES


def headroom_cycles(cycles: int) -> int:
    """Maximum cycles by a trial: a power of two, so that the same program is registered only once."""
    return 1 << (CYCLES_HEADROOM * cycles).bit_length()


def run_task(
    engine: Engine,
    program: Program,
    task: Task,
    *,
    max_cycles: int = DEFAULT_MAX_CYCLES,
    debug_sink: Callable[[bytes], None] | None = None,
    progress: ProgressSink | None = None,
) -> RunReport:
    """Run one shard until it halts or has taken `max_cycles` steps."""
    machine = engine.start(program, task, debug_sink=debug_sink)
    started = time.process_time()
    advance_in_slices(machine, max_cycles, progress)
    run_cpu_seconds = time.process_time() - started
    return _report(engine.name, machine, machine.state(), run_cpu_seconds)


def is_stack_overflow(
    engine: Engine, program: Program, task: Task, report: RunReport, progress: ProgressSink | None = None
) -> bool:
    """Whether the run trapped because its stack had grown out of the memory for variables.

    A final state has no registers (M2.3), so a run that trapped at a store is repeated up to that store.
    The stack grows down from the start of the data range into code, which cannot be stored to (M3.3).
    """
    if report.trap is not TrapCause.STORE_ACCESS:
        return False
    machine = engine.start(program, task)
    advance_in_slices(machine, report.cycles - 1, progress)
    pointer = machine.state().registers[_STACK_POINTER]
    return pointer != 0 and not DATA_START <= pointer <= DATA_END


def advance_in_slices(machine: Machine, until_cycle: int, progress: ProgressSink | None = None) -> None:
    """Advance to exactly `until_cycle` and report progress about five times a second."""
    slice_cycles = _FIRST_SLICE_CYCLES
    while machine.cycle < until_cycle and machine.status is Status.RUNNING:
        started = time.monotonic()
        machine.advance(min(machine.cycle + slice_cycles, until_cycle))
        seconds = max(time.monotonic() - started, 1e-6)
        slice_cycles = max(1, int(slice_cycles * min(4.0, _SLICE_SECONDS / seconds)))
        if progress:
            progress(machine.cycle)


def output_of(machine: Machine) -> tuple[int, bytes]:
    """The output's size as the guest states it, and its bytes; none if it exceeds the limit (M3.6)."""
    size_bytes = int.from_bytes(machine.read_memory(OUTPUT_SIZE_START, 8), "little")
    if size_bytes > OUTPUT_LIMIT_BYTES:
        return size_bytes, b""
    return size_bytes, machine.read_memory(OUTPUT_START, size_bytes)


def _report(engine_name: str, machine: Machine, state: MachineState, run_cpu_seconds: float) -> RunReport:
    output_size, output = output_of(machine)
    return RunReport(
        engine=engine_name,
        status=state.status,
        code=state.code,
        cycles=state.cycle,
        output_size=output_size,
        output_root=machine.node(*OUTPUT_NODE),
        output=output,
        state_hash=state.hash(),
        run_cpu_seconds=run_cpu_seconds,
    )
