"""A run that can be looked at again in the micro-runs of its float instructions too (docs/machine.md M9)."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import groupby

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.micro import micro_end, micro_machine
from truestep.machine.state import MachineState
from truestep.machine.witness import build_witness
from truestep.ports.engine import Drive, Replay
from truestep.protocol.claims import ZERO_HASH
from truestep.protocol.float_steps import micro_start_of
from truestep.protocol.state_numbers import is_micro, micro_index_of, run_number_of
from truestep.roles.views import Reveal

STARTS_LIMIT = 64
"""Micro-runs whose first states are kept: one for each game on the run that has descended."""


class DeepReplay:
    """A replay, and the micro-runs inside it. A `truestep.ports.engine.Replay` for all state numbers."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self.initial_hash = replay.initial_hash
        self._starts: OrderedDict[int, MachineState | None] = OrderedDict()
        self._witnesses: Mapping[int, bytes] = {}

    @property
    def size_bytes(self) -> int:
        """The memory that the run holds; what is known of micro-runs is small."""
        return self._replay.size_bytes

    def know(self, witnesses: Mapping[int, bytes]) -> None:
        """Take witnesses of this run, by state number: what they show costs no run again."""
        self._witnesses = witnesses

    def hashes(self, numbers: Sequence[int], drive: Drive) -> list[Bytes32]:
        """Hashes of states with rising numbers; beyond an end the final state's (M2.4).

        Of a micro-run that this run does not have they are zero: a game over it is none of this run's.
        """
        own = [number for number in numbers if not is_micro(number)]
        found = self._replay.hashes(own, drive) if own else []
        for run_number, indices in groupby(numbers[len(own) :], run_number_of):
            start = self._start(run_number, drive)
            found += _micro_hashes(start, [micro_index_of(number) for number in indices])
        return found

    def state(self, number: int, drive: Drive) -> MachineState:
        """The whole state with a number."""
        if is_micro(number):
            return self._micro_machine_at(number, drive).state()
        return self._replay.state(number, drive)

    def witness(self, number: int, drive: Drive) -> bytes:
        """The witness of the step from the state with a number."""
        if not is_micro(number):
            return self._witnesses.get(number) or self._replay.witness(number, drive)
        machine = self._micro_machine_at(number, drive)
        return build_witness(machine.state(), machine.node)

    def reveal(self, low: int, drive: Drive) -> Reveal:
        """What the float instruction gave whose micro-run begins at state number `low` (S11.10)."""
        run_number = run_number_of(low)
        end = micro_end(self._known_start(run_number, drive))
        after = self._replay.state(run_number + 1, drive)
        return Reveal(after=after.pack(), cycles=end.cycle, memory_root=end.memory_root)

    def _micro_machine_at(self, number: int, drive: Drive) -> ReferenceMachine:
        machine = micro_machine(self._known_start(run_number_of(number), drive))
        machine.advance(micro_index_of(number))
        return machine

    def _known_start(self, run_number: int, drive: Drive) -> MachineState:
        start = self._start(run_number, drive)
        if start is None:
            raise Rejected(Reject.STEP_NOT_FLOAT, f"step {run_number + 1} of this run has no micro-run")
        return start

    def _start(self, run_number: int, drive: Drive) -> MachineState | None:
        """State number 0 of a micro-run. Its operands are all that it needs of the run, so it is kept."""
        if run_number not in self._starts:
            self._starts[run_number] = micro_start_of(self.witness(run_number, drive))
            if len(self._starts) > STARTS_LIMIT:
                self._starts.popitem(last=False)
        return self._starts[run_number]


def _micro_hashes(start: MachineState | None, indices: Sequence[int]) -> list[Bytes32]:
    if start is None:
        return [ZERO_HASH] * len(indices)
    machine, found = micro_machine(start), list[Bytes32]()
    for index in indices:
        machine.advance(index)
        found.append(machine.state().hash())
    return found
