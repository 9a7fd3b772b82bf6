"""Items of background work as picklable values, and their results."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.machine.program import Task
from truestep.machine.state import MachineState, Status
from truestep.node.tasks.deep_replay import DeepReplay
from truestep.node.tasks.materials import RunMaterial
from truestep.node.tasks.outputs import keep_output, key_of
from truestep.node.tasks.terms import TaskTerms
from truestep.ports.blobs import OutputFolder
from truestep.ports.clock import Clock
from truestep.ports.engine import Drive, Engine, Machine
from truestep.ports.executor import ShouldStop, Stopped
from truestep.protocol.claims import ClaimedState, claim_state
from truestep.protocol.records import JobRecord
from truestep.protocol.state_numbers import is_micro, run_number_of
from truestep.roles.views import OwnRun, Reveal

FIRST_SLICE_CYCLES = 1 << 18
SLICE_SECONDS = 0.25
"""Interval at which a run asks whether to stop."""

Seconds = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One run: what to execute, and the state number 0 that the chain computes for it."""

    material: RunMaterial
    job: JobRecord
    shard_index: int
    initial_hash: Bytes32

    def start(self, engine: Engine) -> Machine:
        """A machine in state number 0, which must be the chain's."""
        machine = engine.start(self.material.program, self.task)
        self.check_start(engine, machine.state().hash())
        return machine

    @property
    def task(self) -> Task:
        """The shard as the machine sees it."""
        return self.material.task(self.job, self.shard_index)

    def check_start(self, engine: Engine, actual: Bytes32) -> None:
        """Refuse a run whose state number 0 is not the chain's: nothing that comes of it could be claimed."""
        if actual != self.initial_hash:
            raise Rejected(
                Reject.START_MISMATCH,
                f"engine {engine.name} starts job {self.job.job_id} shard {self.shard_index} in state"
                f" {actual.hex()}, the chain in {self.initial_hash.hex()}; nothing is claimed of it",
            )

    @classmethod
    def of(cls, terms: TaskTerms, material: RunMaterial) -> "RunSpec":
        """The run of a task whose material is here."""
        return cls(
            material=material,
            job=terms.job,
            shard_index=terms.shard_index,
            initial_hash=terms.initial_hash,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A self-check without a difference: the steps that the reference machine took, in so many segments."""

    segments: int
    steps: int
    seed: int
    """Determines the segments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCheck:
    """A self-check that found a difference: where the evidence lies (empty if nowhere), and what it was."""

    image_root: Bytes32
    place: str
    message: str


Check = Callable[[MachineState, Drive], Checked | FailedCheck]
"""Checks a run again, given its final state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """The end of a run, and why its output is not on this node's disk; empty if it is."""

    own_run: OwnRun
    output_trouble: str
    checked: Checked | None = None
    check_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Program and input are here, and this is the size of the program's code."""

    code_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundReveal:
    """What a float instruction gave (S11.10), and the witness of its step, which shows the micro-run."""

    reveal: Reveal
    witness: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was looked for in a run, by state number; a reveal by that of its micro-run's first state."""

    hashes: Mapping[int, Bytes32]
    witnesses: Mapping[int, bytes]
    reveals: Mapping[int, FoundReveal]
    halted_state: bytes = b""
    """The packed final state, if the last of the hashes is that of a halted one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchItem:
    """Get a task's program and input, and check them against the chain. Gives `Fetched`."""

    terms: TaskTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class RunItem:
    """Run a task to its end, keep its output, check the run. Gives `FinishedRun` or `FailedCheck`."""

    terms: TaskTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class LookItem:
    """Look at states of a task's run, for all games on it in one pass. Gives `Found`."""

    terms: TaskTerms
    hashes: tuple[int, ...] = ()
    witnesses: tuple[int, ...] = ()
    reveals: tuple[int, ...] = ()
    known_witnesses: Mapping[int, bytes] = field(default_factory=dict[int, bytes])
    """Witnesses found earlier, which make another run unnecessary."""


Item = FetchItem | RunItem | LookItem


def run_to_end(
    engine: Engine,
    spec: RunSpec,
    outputs: OutputFolder,
    clock: Clock,
    should_stop: ShouldStop,
    check: Check | None = None,
) -> FinishedRun | FailedCheck:
    """Run a task to its end, keep its output, and check it; what to claim, if anything."""
    drive = slices(clock.monotonic_seconds, should_stop)
    began = clock.monotonic_seconds()
    state, claimed, trouble = _end_of_run(spec.start(engine), spec.job.max_cycles, drive, outputs)
    seconds = clock.monotonic_seconds() - began
    checked = check(state, drive) if check else None
    if isinstance(checked, FailedCheck):
        with suppress(Unavailable):  # it is in nobody's way
            outputs.remove(key_of(claimed))
        return checked
    check_seconds = clock.monotonic_seconds() - began - seconds
    running_state = state.pack() if state.status is Status.RUNNING else b""
    own_run = OwnRun(claimed=claimed, running_state=running_state, seconds=seconds)
    return FinishedRun(own_run=own_run, output_trouble=trouble, checked=checked, check_seconds=check_seconds)


def _end_of_run(
    machine: Machine, max_cycles: int, drive: Drive, outputs: OutputFolder
) -> tuple[MachineState, ClaimedState, str]:
    """The last state, what it claims, and why its output was not kept. The machine, perhaps large, is not."""
    drive(machine, max_cycles)
    state = machine.state()
    claimed = claim_state(state, machine.node, machine.read_memory)
    return state, claimed, keep_output(outputs, machine, claimed)


def look(replay: DeepReplay, item: LookItem, drive: Drive) -> Found:
    """Everything that an item asks for, in rising order, so that one forward run serves as much as it can.

    Hashes beyond the end are the final state's (M2.4).
    """
    replay.know(item.known_witnesses)
    numbers = sorted(item.hashes)
    hashes = dict(zip(numbers, replay.hashes(numbers, drive), strict=True)) if numbers else {}
    halted_state = _halted_state(replay, numbers, drive)
    witnesses = {number: replay.witness(number, drive) for number in sorted(item.witnesses)}
    reveals = {low: _reveal(replay, low, item, drive) for low in sorted(item.reveals)}
    return Found(hashes=hashes, witnesses=witnesses, reveals=reveals, halted_state=halted_state)


def _halted_state(replay: DeepReplay, numbers: list[int], drive: Drive) -> bytes:
    """What shows that a run has halted where somebody may claim that it runs (S5.4)."""
    last = max((number for number in numbers if not is_micro(number)), default=None)
    state = replay.state(last, drive) if last is not None else None
    return state.pack() if state is not None and state.status is not Status.RUNNING else b""


def _reveal(replay: DeepReplay, low: int, item: LookItem, drive: Drive) -> FoundReveal:
    number = run_number_of(low)
    witness = replay.witness(number, drive)
    replay.know({**item.known_witnesses, number: witness})
    return FoundReveal(reveal=replay.reveal(low, drive), witness=witness)


def slices(seconds: Seconds, should_stop: ShouldStop) -> Drive:
    """`advance` as a replay takes it."""
    return lambda machine, until_cycle: advance(machine, until_cycle, seconds, should_stop)


def advance(machine: Machine, until_cycle: int, seconds: Seconds, should_stop: ShouldStop) -> None:
    """Run in slices of about `SLICE_SECONDS`. Raises `Stopped` between two of them if asked to stop."""
    slice_cycles = FIRST_SLICE_CYCLES
    while machine.cycle < until_cycle and machine.status is Status.RUNNING:
        if should_stop():
            raise Stopped
        began = seconds()
        machine.advance(min(until_cycle, machine.cycle + slice_cycles))
        is_quick = seconds() - began < SLICE_SECONDS
        slice_cycles = slice_cycles * 2 if is_quick else max(slice_cycles // 2, 1)
