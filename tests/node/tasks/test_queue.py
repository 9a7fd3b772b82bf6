"""Background work: what may wait, what may not, and what nobody needs any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.floats import DIVISION, FLOAT_ELF, state_before
from tests.e2e.network import CYCLES, ELF, ENDLESS, INPUT, Log, ManualClock, elf_of
from tests.roles.views import JOB, PROGRAM
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.executor.threads import ThreadExecutor
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import Bytes32, JobId, ProgramId, task_of
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.tasks.queue import CHECK_SECONDS, Limits, TaskQueue, TaskTerms
from truestep.node.tasks.results import Results
from truestep.ports.blobs import never
from truestep.ports.engine import Engine, Machine
from truestep.ports.executor import ShouldStop
from truestep.protocol.state_numbers import micro_number
from truestep.roles.actions import BuildReveal, ComputeHashes, Run
from truestep.roles.views import MaterialStage

DAYS_OF_CYCLES = 2**48
PATIENCE_SECONDS = 60.0
"""For a loaded machine; nothing here takes a second."""


class Bench:
    """A workshop with room for one run or check and two moves, and the jobs that it works on."""

    def __init__(
        self,
        folder: Path,
        engine: Engine | None = None,
        results: Results | None = None,
        blobs: DirectoryBlobs | None = None,
    ) -> None:
        self.blobs, self.clock, self.log = blobs or DirectoryBlobs(folder), ManualClock(), Log()
        self.results = results or Results(SqliteStore())
        self.executor = ThreadExecutor(3)
        self.workshop = TaskQueue(
            engine=engine or ReferenceEngine(),
            blobs=self.blobs,
            results=self.results,
            executor=self.executor,
            clock=self.clock,
            reporter=self.log,
            limits=Limits(runs=1, materials_bytes=3 * len(INPUT)),
        )

    def terms(self, number: int, elf: bytes, content: bytes = INPUT) -> TaskTerms:
        """A job whose program and input are here."""
        loaded = load_elf(elf)
        program = replace(
            PROGRAM,
            program_id=ProgramId(number),
            image_root=loaded.root(),
            entry=loaded.entry,
            max_cycles=DAYS_OF_CYCLES,
            uri=self.blobs.put(elf),
        )
        job = replace(
            JOB,
            job_id=JobId(number),
            program_id=program.program_id,
            seed=Bytes32(bytes(32)),
            input_root=root_of_bytes(content, 24),
            input_size=len(content),
            input_uri=self.blobs.put(content),
            max_cycles=DAYS_OF_CYCLES,
        )
        terms = TaskTerms(task_id=task_of(JobId(number), 0), job=job, program=program)
        self.workshop.fetch(terms)
        self.until(lambda: self.workshop.material(terms).stage is MaterialStage.READY)
        return terms

    def check(self, terms: TaskTerms, cycle: int) -> None:
        self.workshop.begin(ComputeHashes(task_id=terms.task_id, cycles=(cycle,), is_check=True), terms)

    def move(self, terms: TaskTerms, *cycles: int) -> None:
        self.workshop.begin(ComputeHashes(task_id=terms.task_id, cycles=cycles), terms)

    def hashes(self, terms: TaskTerms) -> set[int]:
        return set(self.results.hashes(terms.initial_hash.hex()))

    def until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, self.log.lines
            time.sleep(0.005)
            self.workshop.collect()

    def close(self) -> None:
        self.executor.stop(PATIENCE_SECONDS)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    opened = Bench(tmp_path)
    yield opened
    opened.close()


def test_a_check_that_takes_days_lets_another_one_pass_when_it_had_its_time(bench: Bench) -> None:
    endless, short = bench.terms(1, elf_of(ENDLESS)), bench.terms(2, ELF)
    bench.check(endless, DAYS_OF_CYCLES)
    bench.check(short, CYCLES)
    assert bench.executor.running() == {f"run/{endless.initial_hash.hex()}"}
    assert bench.workshop.interruptions(endless) == 0
    bench.clock.sleep(CHECK_SECONDS + 1)
    bench.check(short, CYCLES)
    bench.until(lambda: not bench.executor.running())
    assert bench.workshop.interruptions(endless) == 1
    bench.check(short, CYCLES)
    bench.until(lambda: bench.hashes(short) == {CYCLES})
    bench.check(endless, DAYS_OF_CYCLES)
    bench.clock.sleep(CHECK_SECONDS + 1)
    bench.check(short, CYCLES + 1)
    assert not bench.workshop.has_room(), "the second time it has twice as long"


def test_a_move_waits_for_no_check_of_the_same_run(bench: Bench) -> None:
    endless = bench.terms(1, elf_of(ENDLESS))
    bench.check(endless, DAYS_OF_CYCLES)
    assert not bench.workshop.is_computing(endless.initial_hash.hex())
    bench.move(endless, 5, 6)
    bench.until(lambda: not bench.executor.running())
    bench.move(endless, 5, 6)
    bench.until(lambda: bench.hashes(endless) == {5, 6})


def test_work_that_nobody_needs_any_more_ends(bench: Bench) -> None:
    endless = bench.terms(1, elf_of(ENDLESS))
    bench.check(endless, DAYS_OF_CYCLES)
    bench.workshop.stop_except({endless.task_id}, set())
    assert bench.executor.running()
    bench.workshop.stop_except(set(), set())
    bench.until(lambda: not bench.executor.running())
    assert bench.workshop.slowness(endless) == ""


def test_a_program_that_outlasts_a_lease_is_not_taken_again(bench: Bench) -> None:
    endless, other = bench.terms(1, elf_of(ENDLESS)), bench.terms(2, ELF)
    bench.workshop.begin(Run(task_id=endless.task_id), endless)
    assert bench.workshop.slowness(endless) == ""
    bench.workshop.stop_except(set(), {endless.task_id})
    bench.until(lambda: not bench.executor.running())
    assert bench.workshop.slowness(endless)
    assert bench.workshop.slowness(other) == ""


def test_inputs_do_not_fill_the_memory(bench: Bench) -> None:
    terms = [bench.terms(number, ELF, INPUT[:-1] + bytes([number])) for number in range(1, 6)]
    stages = [bench.workshop.material(each).stage for each in terms]
    assert stages == [MaterialStage.MISSING] * 2 + [MaterialStage.READY] * 3
    large = bench.terms(6, ELF, INPUT * 4)
    assert [bench.workshop.material(each).stage for each in terms] == [MaterialStage.MISSING] * 5
    bench.workshop.fetch(terms[0])
    bench.workshop.fetch(terms[1])
    assert len(bench.executor.running()) == 1
    bench.until(lambda: bench.workshop.material(terms[0]).stage is MaterialStage.READY)
    assert bench.workshop.material(large).stage is MaterialStage.MISSING


class NoEngine:
    """It cannot run anything."""

    name = "none"

    def start(self, *_: object, **__: object) -> Machine:
        raise RuntimeError("the run was begun again")


def test_after_a_reveal_its_micro_run_is_split_without_the_run(bench: Bench, tmp_path: Path) -> None:
    """The operator's clock runs on through a restart, and through games that drive the replay out."""
    terms, low = bench.terms(1, FLOAT_ELF), micro_number(state_before(DIVISION, 40), 0)
    bench.workshop.begin(BuildReveal(task_id=terms.task_id, low=low), terms)
    bench.until(lambda: low in bench.results.reveals(terms.initial_hash.hex()))
    restarted = Bench(tmp_path, NoEngine(), bench.results)
    again = restarted.terms(1, FLOAT_ELF)
    restarted.move(again, low + 5, low + 9)
    restarted.until(lambda: not restarted.executor.running())
    restarted.workshop.collect()
    restarted.close()
    assert restarted.hashes(again) == {low + 5, low + 9}, restarted.log.lines


class SlowBlobs(DirectoryBlobs):
    """They answer when they are told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.is_answering = threading.Event()
        self.is_answering.set()

    def get(self, uri: str, limit_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The content, late."""
        self.is_answering.wait(PATIENCE_SECONDS)
        return super().get(uri, limit_bytes, should_stop=should_stop)


def test_moves_wait_for_no_fetch(tmp_path: Path) -> None:
    """Anybody can post jobs with half a gigabyte of input each; meanwhile a clock runs."""
    blobs = SlowBlobs(tmp_path)
    bench = Bench(tmp_path, blobs=blobs)
    terms = bench.terms(1, ELF)
    blobs.is_answering.clear()
    for number in range(9):
        job = replace(terms.job, input_root=Bytes32(bytes([number]) * 32), input_size=0)
        bench.workshop.fetch(replace(terms, job=job))
    bench.move(terms, 5, 6)
    bench.until(lambda: bench.hashes(terms) == {5, 6})
    blobs.is_answering.set()
    bench.close()
