"""A run that can be inspected at any cycle: hashes of many states in one pass, rewinding, witnesses.

While translated code runs on one core, another core hashes a copy of the pages that were changed before. The
copy stays as a snapshot, so that a later question about states in between starts there and not at 0.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from truestep.base.ids import Bytes32
from truestep.commitments.merkle import PAGE_SIZE_BYTES
from truestep.engine.runtime.keccak import Rows
from truestep.engine.runtime.machine import JitMachine
from truestep.engine.runtime.snapshots import Snapshot, Snapshots
from truestep.engine.runtime.tree import NodeTree
from truestep.machine.layout import PAGE_SHIFT, may_store
from truestep.machine.program import Program
from truestep.machine.state import MachineState
from truestep.machine.witness import build_witness
from truestep.ports.engine import Drive, Machine

SNAPSHOTS_LIMIT_BYTES = 1 << 30
"""The limit of one run. A split into 64 parts that each change 16 MiB fits."""
PENDING_LIMIT = 2
"""Copies that wait to be hashed. Each is as large as what was changed between two stops."""

AT_ONCE_LIMIT = 4
"""Pages that are hashed faster than they can be handed to another thread."""


def plain_drive(machine: Machine, until_cycle: int) -> None:
    """Advance in one call."""
    machine.advance(until_cycle)


class SnapshotReplay:
    """A run with snapshots, from a machine that was just started. Satisfies `truestep.ports.engine.Replay`.

    For one thread at a time. Snapshots use at most `snapshots_limit_bytes`, and briefly twice that.
    """

    def __init__(
        self,
        machine: JitMachine,
        program: Program,
        *,
        snapshots_limit_bytes: int = SNAPSHOTS_LIMIT_BYTES,
        stride_cycles: int | None = None,
    ) -> None:
        self._machine = machine
        self._memory = self._machine.memory
        self.initial_hash = self._machine.state().hash()
        """The hash of state number 0."""
        self._memory.touched.take()
        self._memory.since_snapshot.take()
        self._snapshots = Snapshots(_first_snapshot(self._machine, program), snapshots_limit_bytes)
        self._stride_cycles = stride_cycles

    @property
    def snapshot_cycles(self) -> list[int]:
        """The cycles of the present snapshots, in rising order; 0 is always one."""
        return self._snapshots.cycles

    @property
    def snapshots_size_bytes(self) -> int:
        """The size of the snapshots that can be dropped."""
        return self._snapshots.size_bytes

    @property
    def size_bytes(self) -> int:
        """The memory that it holds: the machine's, and all snapshots."""
        return self._memory.size_bytes + self._snapshots.held_bytes

    def hashes(self, cycles: Sequence[int], drive: Drive = plain_drive) -> list[Bytes32]:
        """State hashes at rising cycles in one forward pass; beyond the end the final state's (M2.4).

        `drive(machine, until_cycle)` runs the machine. What it raises is passed on, and no work is lost.
        """
        if list(cycles) != sorted(cycles):
            raise ValueError(f"expected rising cycles, got {cycles}")
        if not cycles:
            return []
        self.rewind(cycles[0])
        with ThreadPoolExecutor(1) as hashing:
            hasher = _Hasher(self._memory.tree, hashing)
            results: list[Future[Bytes32]] = []
            for cycle in cycles:
                self._advance(cycle, hasher, cycles, drive)
                results.append(self._cut(hasher, cycles))
            return [result.result() for result in results]

    def state(self, cycle: int, drive: Drive = plain_drive) -> MachineState:
        """The whole state number `cycle`, or the final state if the run ends before."""
        self._go_to(cycle, drive)
        return self._machine.state()

    def witness(self, cycle: int, drive: Drive = plain_drive) -> bytes:
        """The witness of the step from state number `cycle` (docs/machine.md M6)."""
        return build_witness(self.state(cycle, drive), self._machine.node)

    def read_memory(self, cycle: int, address: int, size_bytes: int, drive: Drive = plain_drive) -> bytes:
        """The memory at `address` in state number `cycle`."""
        self._go_to(cycle, drive)
        return self._machine.read_memory(address, size_bytes)

    def rewind(self, cycle: int) -> None:
        """Go to the last snapshot at or before `cycle`, unless the run is already between the two."""
        target = self._snapshots.before(cycle)
        if self._machine.is_lost or not target.cycle <= self._machine.cycle <= cycle:
            self._snapshots.restore(target, self._memory)
            self._machine.move_to(target.position)

    def _go_to(self, cycle: int, drive: Drive) -> None:
        self.rewind(cycle)
        with ThreadPoolExecutor(1) as hashing:
            self._advance(cycle, _Hasher(self._memory.tree, hashing), (cycle,), drive)

    def _advance(self, until_cycle: int, hasher: "_Hasher", cycles: Sequence[int], drive: Drive) -> None:
        """Run on, with a snapshot at each multiple of the stride."""
        if self._stride_cycles:
            first = (self._machine.cycle // self._stride_cycles + 1) * self._stride_cycles
            for stop in range(first, until_cycle, self._stride_cycles):
                drive(self._machine, stop)
                if self._machine.cycle < stop:
                    return
                self._cut(hasher, cycles)
        drive(self._machine, until_cycle)

    def _cut(self, hasher: "_Hasher", cycles: Sequence[int]) -> "Future[Bytes32]":
        """Take a snapshot here, if it can be kept. The hash of the state is computed later."""
        memory, position = self._memory, self._machine.position()
        written, since = memory.take_written(), memory.since_snapshot.take()
        if not self._snapshots.fits(len(since)):
            memory.since_snapshot.add(since)
            hasher.wait()
            memory.tree.update(written, memory.pages, written)
            return hasher.submit(lambda: position.state(memory.tree.root).hash())
        contents, roots = memory.copy_pages(since), np.empty((len(since), 4), np.uint64)
        snapshot = Snapshot(position=position, pages=since, contents=contents, roots=roots)

        def work() -> Bytes32:
            memory.tree.update(written, contents, np.searchsorted(since, written))
            roots[:] = memory.tree.page_roots(since)
            return position.state(memory.tree.root).hash()

        result = hasher.submit(work, len(written))
        self._snapshots.add(snapshot)
        if self._snapshots.is_over_limit():
            hasher.wait()
            self._snapshots.thin(cycles[0], cycles[-1], memory)
        return result


class _Hasher:
    """Hashes on another core, in order, a few at a time."""

    def __init__(self, tree: NodeTree, executor: ThreadPoolExecutor) -> None:
        self.tree = tree
        self._executor = executor
        self._pending: deque[Future[Bytes32]] = deque()

    def submit(self, work: Callable[[], Bytes32], page_count: int = 0) -> "Future[Bytes32]":
        """Do work later, or at once if it is small and nothing is waiting. Waits if too much is waiting."""
        while self._pending and self._pending[0].done():
            self._pending.popleft().result()
        if page_count <= AT_ONCE_LIMIT and not self._pending:
            finished: Future[Bytes32] = Future()
            finished.set_result(work())
            return finished
        while len(self._pending) >= PENDING_LIMIT:
            self._pending.popleft().result()
        future = self._executor.submit(work)
        self._pending.append(future)
        return future

    def wait(self) -> None:
        """Wait until all work is done."""
        while self._pending:
            self._pending.popleft().result()


def _first_snapshot(machine: JitMachine, program: Program) -> Snapshot:
    """The snapshot of state number 0: the image's pages that a guest may write."""
    memory, pages = machine.memory, _writable_pages(program)
    return Snapshot(
        position=machine.position(),
        pages=pages,
        contents=memory.copy_pages(pages),
        roots=memory.tree.page_roots(pages),
    )


def _writable_pages(program: Program) -> Rows:
    pages = {
        page
        for segment in program.segments
        for page in range(
            segment.address >> PAGE_SHIFT, -(-(segment.address + len(segment.content)) // PAGE_SIZE_BYTES)
        )
        if may_store(page << PAGE_SHIFT, 1)
    }
    return np.array(sorted(pages), np.int64)
