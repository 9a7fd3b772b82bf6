"""What a piece of work depends on, as keys: work on one task must never stand in for another's by mistake."""

from dataclasses import dataclass

from truestep.base.ids import Bytes32, TaskId, shard_of_task
from truestep.protocol.records import JobRecord, ProgramRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
    """A run: its first state, which commits to program, input, seed and shard, and where it is cut off."""

    initial_hash: Bytes32
    max_cycles: int

    @property
    def states(self) -> str:
        """Names the run's states in the store: they are the same whatever the maximum."""
        return self.initial_hash.hex()

    @property
    def end(self) -> str:
        """Names the run's end in the store: a smaller maximum may cut it off before it halts."""
        return f"{self.initial_hash.hex()}-{self.max_cycles}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialKey:
    """A program and an input by what the chain says of their bytes."""

    image_root: Bytes32
    entry: int
    input_root: Bytes32
    input_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKey:
    """Material, and where one job says that it lies: another job may know a better place for it."""

    material: MaterialKey
    program_uri: str
    input_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTerms:
    """A task with its job, its program, and the hash of its first state as the chain computes it."""

    task_id: TaskId
    job: JobRecord
    program: ProgramRecord
    run: RunKey
    """The run that the task asks for."""
    source: SourceKey
    """Where the job says that its material lies."""

    @property
    def initial_hash(self) -> Bytes32:
        """The hash of the task's first state as the chain computes it."""
        return self.run.initial_hash

    @property
    def material(self) -> MaterialKey:
        """What must be here before the task can be run."""
        return self.source.material

    @property
    def shard_index(self) -> int:
        """Which shard of the job the task is."""
        return shard_of_task(self.task_id)


def task_terms(task_id: TaskId, job: JobRecord, program: ProgramRecord) -> TaskTerms:
    """The terms of a task. It takes some hundred hashes, so keep them."""
    initial_hash = job.initial_state_hash(program, shard_of_task(task_id))
    return TaskTerms(
        task_id=task_id,
        job=job,
        program=program,
        run=RunKey(initial_hash=initial_hash, max_cycles=job.max_cycles),
        source=source_of(job, program),
    )


def source_of(job: JobRecord, program: ProgramRecord) -> SourceKey:
    """Where a job says that its material lies."""
    material = MaterialKey(
        image_root=program.image_root,
        entry=program.entry,
        input_root=job.input_root,
        input_size=job.input_size,
    )
    return SourceKey(material=material, program_uri=program.uri, input_uri=job.input_uri)
