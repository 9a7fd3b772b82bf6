"""What runs in the background: fetching and checking, runs, state hashes, witnesses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from truestep.base.errors import Bug, Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.elf import FILE_LIMIT_BYTES, load_elf
from truestep.machine.layout import OUTPUT_START, RANGE_LEVEL
from truestep.machine.program import Program, Task
from truestep.machine.state import MachineState, Status
from truestep.node.tasks.deep_replay import DeepReplay
from truestep.ports.blobs import Blobs
from truestep.ports.clock import Clock
from truestep.ports.engine import Drive, Engine, Machine, Replay
from truestep.ports.executor import ShouldStop, Stopped
from truestep.protocol.claims import ClaimedState, claim_state
from truestep.protocol.records import JobRecord, ProgramRecord
from truestep.protocol.state_numbers import run_number_of
from truestep.roles.views import OwnRun, Reveal

FIRST_SLICE_CYCLES = 1 << 18
SLICE_SECONDS = 0.25
"""So often a run asks whether it should give up."""
PUBLISH_WAITS_SECONDS = (1.0, 2.0, 4.0, 8.0, 0.0)
"""After each failed try. Together far below what a worker allows itself to send a claim."""

Seconds = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMaterial:
    """A program and an input that are what the chain says."""

    program: Program
    input: bytes

    def task(self, job: JobRecord, shard_index: int) -> Task:
        """One shard of the job as the machine sees it."""
        return Task(seed=job.seed, shard_index=shard_index, shard_count=job.shard_count, input=self.input)


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
        """Raise `Bug` if state number 0 of an engine is not the chain's."""
        if actual != self.initial_hash:
            raise Bug(
                f"engine {engine.name} starts job {self.job.job_id} shard {self.shard_index} in state"
                f" {actual.hex()}, the chain in {self.initial_hash.hex()}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A self-check without a difference: the steps that the reference machine took, in so many segments."""

    segments: int
    steps: int
    seed: int
    """Decides which segments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCheck:
    """A self-check that found a difference: where the evidence lies (empty if nowhere), and what it was."""

    image_root: Bytes32
    place: str
    message: str


Check = Callable[[MachineState, Drive], Checked | FailedCheck]
"""Looks at a run again, by the state that it came to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """The end of a run, and why its output is not where requesters look for it; empty if it is."""

    own_run: OwnRun
    publish_trouble: str
    checked: Checked | None = None
    check_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundHashes:
    """State hashes by state number."""

    hashes: dict[int, Bytes32]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundWitness:
    """The witness of the step from state number `cycle`."""

    cycle: int
    witness: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundReveal:
    """What the float instruction gave whose micro-run begins at state number `low`."""

    low: int
    reveal: Reveal
    witness: bytes
    """Of the step of that instruction: the micro-run can be had from it, without the run."""


def fetch(blobs: Blobs, program: ProgramRecord, job: JobRecord) -> RunMaterial:
    """Get program and input, checked. Raises `Rejected` if they are wrong, `Unavailable` if not there."""
    loaded = load_elf(blobs.get(program.uri, FILE_LIMIT_BYTES))
    if (loaded.root(), loaded.entry) != (program.image_root, program.entry):
        raise Rejected(
            Reject.PROGRAM_MISMATCH,
            f"the file at {program.uri} is not program {program.program_id}: image root or entry differ",
        )
    content = blobs.get(job.input_uri, job.input_size)
    if len(content) != job.input_size or root_of_bytes(content, RANGE_LEVEL) != job.input_root:
        raise Rejected(
            Reject.INPUT_MISMATCH,
            f"the file at {job.input_uri} ({len(content)} bytes) is not the input of job {job.job_id}"
            f" ({job.input_size} bytes): size or root differ",
        )
    return RunMaterial(program=loaded, input=content)


def run_to_end(
    engine: Engine,
    spec: RunSpec,
    blobs: Blobs,
    clock: Clock,
    should_stop: ShouldStop,
    check: Check | None = None,
) -> FinishedRun | FailedCheck:
    """Run a task to its end, check it, and publish its output; what to claim, if anything."""
    drive = slices(clock.monotonic_seconds, should_stop)
    began = clock.monotonic_seconds()
    state, claimed, output = _end_of_run(spec.start(engine), spec.job.max_cycles, drive)
    seconds = clock.monotonic_seconds() - began
    checked = check(state, drive) if check else None
    if isinstance(checked, FailedCheck):
        return checked
    check_seconds = clock.monotonic_seconds() - began - seconds
    trouble = ""
    if claimed.is_accepted:
        trouble = publish(blobs, claimed.output_root, output, clock, should_stop)
    running_state = state.pack() if state.status is Status.RUNNING else b""
    own_run = OwnRun(claimed=claimed, running_state=running_state, seconds=seconds)
    return FinishedRun(own_run=own_run, publish_trouble=trouble, checked=checked, check_seconds=check_seconds)


def _end_of_run(machine: Machine, max_cycles: int, drive: Drive) -> tuple[MachineState, ClaimedState, bytes]:
    """The last state, what it claims, and its output. The machine, gigabytes perhaps, is not kept."""
    drive(machine, max_cycles)
    state = machine.state()
    claimed = claim_state(state, machine.node, machine.read_memory)
    output = machine.read_memory(OUTPUT_START, claimed.output_size) if claimed.is_accepted else b""
    return state, claimed, output


def publish(blobs: Blobs, output_root: Bytes32, output: bytes, clock: Clock, should_stop: ShouldStop) -> str:
    """Put an output where requesters look for it; why that failed, if it did.

    A store that is down is waited for a little: it must not cost the lease.
    """
    trouble = ""
    for wait_seconds in PUBLISH_WAITS_SECONDS:
        try:
            blobs.put_output(output_root, output)
        except Unavailable as error:
            trouble = str(error)
        else:
            return ""
        if should_stop():
            break
        clock.sleep(wait_seconds)
    return trouble


def hashes_at(
    replay: Replay, cycles: Sequence[int], seconds: Seconds, should_stop: ShouldStop
) -> FoundHashes:
    """Hashes of states with rising numbers, in one forward run; beyond the end the final state's (M2.4)."""
    hashes = replay.hashes(cycles, slices(seconds, should_stop))
    return FoundHashes(hashes=dict(zip(cycles, hashes, strict=True)))


def witness_at(replay: Replay, cycle: int, seconds: Seconds, should_stop: ShouldStop) -> FoundWitness:
    """The witness of the step from state number `cycle`."""
    return FoundWitness(cycle=cycle, witness=replay.witness(cycle, slices(seconds, should_stop)))


def reveal_at(replay: DeepReplay, low: int, seconds: Seconds, should_stop: ShouldStop) -> FoundReveal:
    """What the float instruction gave whose micro-run begins at state number `low`."""
    drive, number = slices(seconds, should_stop), run_number_of(low)
    witness = replay.witness(number, drive)
    replay.know({number: witness})
    return FoundReveal(low=low, reveal=replay.reveal(low, drive), witness=witness)


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
