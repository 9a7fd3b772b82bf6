"""Runs that games ask about again and again, kept from move to move with the snapshots that they have."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from truestep.base.ids import Bytes32
from truestep.machine.state import MachineState
from truestep.machine.witness import build_witness
from truestep.node.tasks.deep_replay import DeepReplay
from truestep.node.tasks.items import RunSpec
from truestep.ports.engine import Drive, Engine, Machine, Replay, ReplayingEngine
from truestep.ports.executor import Stopped

KEPT_REPLAYS_LIMIT = 32
"""Replays kept that are not in use. Each needs address space and a few objects."""
KEPT_LIMIT_BYTES = 1 << 30
"""Memory that they hold together, snapshots and all: as much as for the snapshots of one run."""


class FreshReplay:
    """A replay without snapshots: what came before is a new run. A `ports.engine.Replay`.

    There is nothing in it that is worth its memory from move to move, so it is not kept.
    """

    def __init__(self, initial_hash: Bytes32, start: Callable[[], Machine]) -> None:
        self.initial_hash = initial_hash
        self._start = start
        self._machine: Machine | None = None
        self.size_bytes = 0
        """Nothing that lasts: its machine goes when it does."""

    def hashes(self, cycles: Sequence[int], drive: Drive) -> list[Bytes32]:
        """State hashes at rising cycles; beyond the end the final state's (M2.4)."""
        machine, found = self._start(), list[Bytes32]()
        self._machine = machine
        for cycle in cycles:
            drive(machine, cycle)
            found.append(machine.state().hash())
        return found

    def state(self, cycle: int, drive: Drive) -> MachineState:
        """The whole state number `cycle`; beyond the end the final state."""
        return self._machine_at(cycle, drive).state()

    def witness(self, cycle: int, drive: Drive) -> bytes:
        """The witness of the step from state number `cycle`."""
        machine = self._machine_at(cycle, drive)
        return build_witness(machine.state(), machine.node)

    def _machine_at(self, cycle: int, drive: Drive) -> Machine:
        if self._machine is None or self._machine.cycle > cycle:
            self._machine = self._start()
        drive(self._machine, cycle)
        return self._machine


class Replays:
    """Replays by run. One that is being used is nobody else's."""

    def __init__(
        self, engine: Engine, limit: int = KEPT_REPLAYS_LIMIT, limit_bytes: int = KEPT_LIMIT_BYTES
    ) -> None:
        self._engine = engine
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Bytes32, DeepReplay] = OrderedDict()

    @contextmanager
    def borrow(self, spec: RunSpec) -> Generator[DeepReplay, None, None]:
        """The replay of a run, new or kept; kept again afterwards unless it failed or takes too much."""
        with self._lock:
            replay = self._kept.pop(spec.initial_hash, None)
        replay = replay or DeepReplay(open_replay(self._engine, spec))
        try:
            yield replay
        except Stopped:
            self._keep(spec, replay)
            raise
        self._keep(spec, replay)

    def _keep(self, spec: RunSpec, replay: DeepReplay) -> None:
        """Keep it instead of the oldest ones that leave it no room; if it is too large alone, by itself."""
        if not isinstance(self._engine, ReplayingEngine):
            return
        with self._lock:
            self._kept[spec.initial_hash] = replay
            while len(self._kept) > self._limit or (len(self._kept) > 1 and self._is_over_size()):
                self._kept.popitem(last=False)

    def _is_over_size(self) -> bool:
        return sum(kept.size_bytes for kept in self._kept.values()) > self._limit_bytes


def open_replay(engine: Engine, spec: RunSpec) -> Replay:
    """A run to look at; its state number 0 must be the chain's."""
    if not isinstance(engine, ReplayingEngine):
        return FreshReplay(spec.initial_hash, lambda: spec.start(engine))
    replay = engine.replay(spec.material.program, spec.task)
    spec.check_start(engine, replay.initial_hash)
    return replay
