"""A run in translated code."""

from dataclasses import dataclass

import numpy as np

from truestep.base.ids import Bytes32
from truestep.commitments.merkle import ZERO_NODES
from truestep.engine.codegen.support import TRAP_FLAG, TRAP_SHIFT
from truestep.engine.compilation.compile import (
    kept_walk_address,
    run_translated,
    shared_addresses,
    walk_address,
    walk_to,
)
from truestep.engine.compilation.translation import STEP_IN_WALKS, Translation
from truestep.engine.layout import (
    CONTROL_CYCLE,
    CONTROL_OVER_LIMIT,
    CONTROL_PC,
    CONTROL_TABLE,
    CONTROL_WALK_START,
    CONTROL_WALKS_LEFT,
)
from truestep.engine.runtime.memory import MappedMemory
from truestep.engine.runtime.snapshots import Position
from truestep.machine.interpreter import DebugSink, ReferenceMachine
from truestep.machine.layout import TREE_DEPTH, may_fetch
from truestep.machine.state import REGISTER_COUNT, MachineState, Status, TrapCause

SLICE_CYCLES = 1 << 28
"""The most cycles run in one call without the GIL: a fraction of a second, so that signals are handled."""
SLICE_REST_CYCLES = 1 << 10
"""Translated code leaves a slice before its end by less than this: the longest way to a check (flow)."""
STEPS_LIMIT = 512
"""Instructions stepped by the reference machine before something faster is tried again: they take as long as
loading the walk from disk."""
WALK_LIMIT_CYCLES = 4096
"""This close to an exact stop, the native walk goes all the way; translated code stops even closer (flow)."""
FEWEST_WALKS, MOST_WALKS = 1 << 10, 1 << 16
"""Instructions walked before the translation is asked for better: few where it has just found something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much work a run cost besides running translated code."""

    stepped: int
    """Instructions that the reference machine executed."""
    walked: int
    """Instructions that the native walk executed."""
    compiled_cost: int
    """The cost of what this process has compiled of its program, in plain instructions."""


class JitMachine:
    """A run in the JIT engine. Satisfies `truestep.ports.engine.Machine`."""

    def __init__(
        self, memory: MappedMemory, entry: int, translation: Translation, debug_sink: DebugSink | None
    ) -> None:
        self.memory = memory
        """The memory of the run. Code that takes its written pages must keep its tree up to date."""
        self._control = memory.control
        self._control[CONTROL_TABLE] = translation.table_address
        self._control[CONTROL_PC] = entry
        for word, address in shared_addresses().items():
            self._control[word] = address
        self._translation = translation
        self._run = run_translated()
        # Steps what translated code does not execute, on the same memory.
        self._stepper = ReferenceMachine(memory, entry, debug_sink=debug_sink)
        self._steps = 0
        self._walked = 0
        self._walk = kept_walk_address() if translation.policy.walk_after_steps else self._find_walk()
        self._walks = FEWEST_WALKS
        self._slice_cycles = 0
        self._slice_end = 0

    @property
    def cycle(self) -> int:
        """Steps taken so far."""
        return int(self._control[CONTROL_CYCLE])

    @property
    def status(self) -> Status:
        """Whether it still runs."""
        return self._stepper.status

    @property
    def code(self) -> int:
        """Exit code or trap cause, 0 while running."""
        return self._stepper.code

    @property
    def effort(self) -> Effort:
        """What was not done by translated code, and what was translated."""
        return Effort(stepped=self._steps, walked=self._walked, compiled_cost=self._translation.compiled_cost)

    def advance(self, until_cycle: int) -> None:
        """Run until `cycle` is `until_cycle` exactly, or the machine is final before that.

        Raises `MemoryLimitReached`; then the machine cannot be used until it is moved.
        """
        self.memory.check_limit()
        while self.status is Status.RUNNING and self.cycle < until_cycle:
            if self._is_slice_over():
                self._begin_slice()
            before = self.cycle
            self._control[CONTROL_WALKS_LEFT] = self._walks
            self._run(self.memory.address, min(until_cycle, self._slice_end) - before, self._walk)
            pc = int(self._control[CONTROL_PC])
            walked = self._walks - int(self._control[CONTROL_WALKS_LEFT])
            if walked:
                self._walked += walked
                self._translation.note_steps(int(self._control[CONTROL_WALK_START]), walked)
            if pc & TRAP_FLAG:
                self.memory.check_limit()
                self._trap(TrapCause(pc >> TRAP_SHIFT))
            elif pc % 4:
                self._trap(TrapCause.JUMP_MISALIGNED)
            elif walked == self._walks or (walked and self._is_slice_over()):
                found = self._translation.prepare(int(self._control[CONTROL_WALK_START]))
                self._walks = FEWEST_WALKS if found else min(2 * self._walks, MOST_WALKS)
            elif self.cycle < until_cycle and not (self._is_slice_over() and self.cycle > before):
                self._step_until_translated(pc, until_cycle)

    def _is_slice_over(self) -> bool:
        return self.cycle + SLICE_REST_CYCLES >= self._slice_end

    def _begin_slice(self) -> None:
        """Begin the next slice: a short one, while this program may get better code."""
        translation, cycles = self._translation, self._slice_cycles
        is_soon = translation.note_sample(int(self._control[CONTROL_PC]), cycles)
        shortest = max(translation.policy.sample_cycles, 2 * SLICE_REST_CYCLES)
        self._slice_cycles = shortest if is_soon else min(max(2 * cycles, shortest), SLICE_CYCLES)
        self._slice_end = self.cycle + self._slice_cycles

    def state(self) -> MachineState:
        """The whole state with its memory root; hashes the pages written since the last call."""
        return self.position().state(self.memory.root())

    def state_without_memory(self) -> MachineState:
        """The state with the root of an empty memory, which distinguishes two runs cheaply."""
        return self.position().state(ZERO_NODES[TREE_DEPTH])

    def position(self) -> Position:
        """The state without its memory. Raises `MemoryLimitReached` if the run reached its limit."""
        self.memory.check_limit()
        return Position(
            registers=tuple(self._control[:REGISTER_COUNT].tolist()),
            pc=int(self._control[CONTROL_PC]),
            cycle=self.cycle,
            status=self.status,
            code=self.code,
        )

    @property
    def is_lost(self) -> bool:
        """Whether it stopped in the middle of an instruction, at the memory limit."""
        return bool(self._control[CONTROL_OVER_LIMIT])

    def move_to(self, position: Position) -> None:
        """Go on from `position`. The caller must restore the memory."""
        self._control[:REGISTER_COUNT] = position.registers
        self._control[CONTROL_PC], self._control[CONTROL_CYCLE] = position.pc, position.cycle
        self._control[CONTROL_OVER_LIMIT] = 0
        self._slice_cycles = self._slice_end = 0
        self._stepper.status, self._stepper.code = position.status, position.code

    def node(self, level: int, index: int) -> Bytes32:
        """A node of the memory tree (M3.2)."""
        return self.memory.node(level, index)

    def read_memory(self, address: int, size_bytes: int) -> bytes:
        """`size_bytes` of memory at `address`."""
        return self.memory.read(address, size_bytes)

    def _step_until_translated(self, pc: int, until_cycle: int) -> None:
        """Step at least one instruction, and go on until translated code can take over."""
        stepper, translation = self._stepper, self._translation
        if may_fetch(pc) and (translation.prepare(pc) or self._walk_to(until_cycle)):
            return
        stepper.registers = self._control[:REGISTER_COUNT].tolist()
        stepper.pc, stepper.cycle = pc, self.cycle
        limit = min(until_cycle, stepper.cycle + (1 if self._walk else STEPS_LIMIT))
        try:
            while stepper.cycle < limit and stepper.status is Status.RUNNING:
                stepper.step()
                if may_fetch(stepper.pc) and translation.has_entry(stepper.pc):
                    break
        finally:
            # Even if a debug sink raises, memory and registers remain those of one cycle.
            steps = stepper.cycle - self.cycle
            self._steps += steps
            self._control[:REGISTER_COUNT] = stepper.registers
            self._control[CONTROL_PC], self._control[CONTROL_CYCLE] = stepper.pc, stepper.cycle
        if may_fetch(pc):
            translation.note_steps(pc, steps * STEP_IN_WALKS)
        if not self._walk:
            self._walk = self._find_walk()

    def _find_walk(self) -> int:
        """The address of the walk, or 0 if it would have to be compiled and this run is still too short."""
        policy = self._translation.policy
        find = walk_address if self._steps >= policy.walk_after_steps else kept_walk_address
        return find(policy.objects)

    def _walk_to(self, until_cycle: int) -> bool:
        """Walk to a near exact stop. Returns whether anything was executed."""
        left = until_cycle - self.cycle
        if left > WALK_LIMIT_CYCLES or not self._walk:
            return False
        taken = walk_to()(self.memory.address, left, self._walk)
        self._control[CONTROL_CYCLE] += np.uint64(taken)
        self._walked += taken
        return taken > 0

    def _trap(self, cause: TrapCause) -> None:
        """Enter the final state of a trap that translated code met (M2.3)."""
        self._stepper.status, self._stepper.code = Status.TRAPPED, int(cause)
        self._control[: REGISTER_COUNT + 1] = 0
