"""Programs and inputs: fetched from wherever they can be had, checked against the chain, held in memory."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.base.text import counted
from truestep.commitments.merkle import root_of_bytes
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.elf import FILE_LIMIT_BYTES, load_elf
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.program import Program, Task
from truestep.node.tasks.terms import TaskTerms
from truestep.ports.blobs import Blobs, never
from truestep.ports.executor import ShouldStop
from truestep.protocol.records import JobRecord, ProgramRecord

MATERIALS_LIMIT_BYTES = 2 << 30
"""Memory for inputs that are not in use at the moment: four of the largest size."""
Found = TypeVar("Found")
PROGRAMS_LIMIT_BYTES = 256 << 20
"""Memory for programs that are not in use at the moment: hundreds of honest ones, four of the largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMaterial:
    """A program and an input that are what the chain says."""

    program: Program
    input: bytes

    @property
    def code_bytes(self) -> int:
        """The size of the program's code."""
        return sum(len(segment.content) for segment in self.program.segments if segment.is_executable)

    def task(self, job: JobRecord, shard_index: int) -> Task:
        """One shard of the job as the machine sees it."""
        return Task(seed=job.seed, shard_index=shard_index, shard_count=job.shard_count, input=self.input)


class MaterialLost(Unavailable):
    """Material that was here is not any more, and could not be had again."""


class Materials:
    """Material by what its bytes are, for all threads of a process. Least recently used goes first."""

    def __init__(
        self,
        blobs: Blobs,
        limit_bytes: int = MATERIALS_LIMIT_BYTES,
        programs_limit_bytes: int = PROGRAMS_LIMIT_BYTES,
    ) -> None:
        self._blobs = blobs
        self._limit_bytes = limit_bytes
        self._programs_limit_bytes = programs_limit_bytes
        self._mutex = threading.Lock()
        self._programs: OrderedDict[tuple[Bytes32, int], Program] = OrderedDict()
        self._inputs: OrderedDict[tuple[Bytes32, int], bytes] = OrderedDict()

    def get(self, terms: TaskTerms, should_stop: ShouldStop = never) -> RunMaterial:
        """A task's material, from memory or from a store.

        Raises `Rejected` if every store that has something has something else, `Unavailable` if none has it,
        `Stopped` if asked to.
        """
        return RunMaterial(program=self._program(terms, should_stop), input=self._input(terms, should_stop))

    def get_again(self, terms: TaskTerms, should_stop: ShouldStop) -> RunMaterial:
        """A task's material, which was here before. Raises `MaterialLost` if it cannot be had any more."""
        try:
            return self.get(terms, should_stop)
        except (Rejected, Unavailable) as error:
            raise MaterialLost(f"{error}") from error

    def _program(self, terms: TaskTerms, should_stop: ShouldStop) -> Program:
        key = (terms.program.image_root, terms.program.entry)
        with self._mutex:
            if (held := self._programs.get(key)) is not None:
                self._programs.move_to_end(key)
                return held
        program = _first(_programs(self._blobs, terms.program, should_stop))
        with self._mutex:
            self._programs[key] = program
            while len(self._programs) > 1 and self._programs_bytes() > self._programs_limit_bytes:
                self._programs.popitem(last=False)
        return program

    def _programs_bytes(self) -> int:
        held = self._programs.values()
        return sum(len(segment.content) for program in held for segment in program.segments)

    def _input(self, terms: TaskTerms, should_stop: ShouldStop) -> bytes:
        key = (terms.job.input_root, terms.job.input_size)
        with self._mutex:
            if (held := self._inputs.get(key)) is not None:
                self._inputs.move_to_end(key)
                return held
        content = fetched_input(self._blobs, terms.job, should_stop)
        with self._mutex:
            self._inputs[key] = content
            while len(self._inputs) > 1 and sum(map(len, self._inputs.values())) > self._limit_bytes:
                self._inputs.popitem(last=False)
        return content


def fetched_input(blobs: Blobs, job: JobRecord, should_stop: ShouldStop) -> bytes:
    """A job's input, from wherever it can be had. Raises as `Materials.get`."""
    return _first(_inputs(blobs, job, should_stop))


def _programs(
    blobs: Blobs, program: ProgramRecord, should_stop: ShouldStop
) -> Iterator[Callable[[], Program]]:
    """Where a program may be: under the URI that its registration names, or under its root in any store."""

    def named() -> Program:
        loaded = load_elf(blobs.get(program.uri, FILE_LIMIT_BYTES, should_stop=should_stop))
        if (loaded.root(hash_many_pairs), loaded.entry) != (program.image_root, program.entry):
            raise Rejected(
                Reject.PROGRAM_MISMATCH,
                f"the file at {program.uri} is not program {program.program_id}: image root or entry differ",
            )
        return loaded

    yield named
    yield lambda: load_elf(blobs.get_program(program.image_root, program.entry, should_stop=should_stop))


def _inputs(blobs: Blobs, job: JobRecord, should_stop: ShouldStop) -> Iterator[Callable[[], bytes]]:
    """Where an input may be: under the URI that its job names, or under its root in any store."""

    def named() -> bytes:
        content = blobs.get(job.input_uri, job.input_size, should_stop=should_stop)
        if (
            len(content) != job.input_size
            or root_of_bytes(content, RANGE_LEVEL, hash_many_pairs) != job.input_root
        ):
            raise Rejected(
                Reject.INPUT_MISMATCH,
                f"the file at {job.input_uri} ({counted(len(content), 'byte')}) is not the input of job"
                f" {job.job_id}"
                f" ({counted(job.input_size, 'byte')}): size or root differ",
            )
        return content

    yield named
    yield lambda: blobs.get_input(job.input_root, job.input_size, should_stop=should_stop)


def _first(places: Iterator[Callable[[], Found]]) -> Found:
    """What the first place gives; else the first place's trouble, as it is the one that the chain names."""
    trouble: Rejected | Unavailable | None = None
    for get in places:
        try:
            return get()
        except (Rejected, Unavailable) as error:
            trouble = trouble or error
    raise trouble or Unavailable("there is no place to get this from")
