"""Background work: what may wait, what may not, what is done once, and what nobody needs any more."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.floats import DIVISION, FLOAT_ELF, state_before
from tests.e2e.network import A0, CYCLES, ELF, ENDLESS, INPUT, Log, ManualClock, elf_of
from tests.machine.encode import encode
from tests.roles.views import JOB, PROGRAM
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.outputs import OutputDirectory
from truestep.adapters.executor.threads import ThreadExecutor
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32, JobId, ProgramId, task_of
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.program import Program, Task
from truestep.node.tasks.bench import Bench
from truestep.node.tasks.demands import Kind, Work, merged
from truestep.node.tasks.items import Found, LookItem
from truestep.node.tasks.queue import (
    CHECK_TURN_SECONDS,
    FETCH_TURN_SECONDS,
    SLOW_LEASE_FACTOR,
    Limits,
    TaskQueue,
)
from truestep.node.tasks.results import Results
from truestep.node.tasks.terms import TaskTerms, task_terms
from truestep.ports.blobs import never
from truestep.ports.engine import Engine, Machine
from truestep.ports.executor import ShouldStop, Stopped
from truestep.protocol.state_numbers import micro_number
from truestep.roles.actions import BuildReveal, BuildWitness, ComputeHashes, Run
from truestep.roles.views import MaterialStage

DAYS_OF_CYCLES = 2**48
PATIENCE_SECONDS = 60.0
"""For a loaded machine; nothing here takes a second."""


class Shop:
    """A queue with room for one run or check and two moves, and the jobs that it works on."""

    def __init__(
        self,
        folder: Path,
        engine: Engine | None = None,
        results: Results | None = None,
        blobs: DirectoryBlobs | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.blobs, self.clock, self.log = blobs or DirectoryBlobs(folder), ManualClock(), Log()
        self.store = SqliteStore()
        self.results = results or Results(self.store)
        self.bench = Bench(
            engine=engine or ReferenceEngine(),
            blobs=self.blobs,
            outputs=OutputDirectory(folder / "own"),
            clock=self.clock,
        )
        self.executor = ThreadExecutor(3, self.bench.perform)
        self.queue = TaskQueue(
            results=self.results,
            executor=self.executor,
            clock=self.clock,
            reporter=self.log,
            limits=limits or Limits(runs=1, fetches=2),
        )
        self.wanted: dict[tuple[int, bool], tuple[Work, TaskTerms]] = {}

    def terms(self, number: int, elf: bytes, content: bytes = INPUT, **job: object) -> TaskTerms:
        """A job whose program and input are here."""
        terms = self.unfetched(number, elf, content, **job)
        self.queue.want([], [terms])
        self.until(lambda: self.queue.material(terms.source).stage is MaterialStage.READY)
        return terms

    def unfetched(self, number: int, elf: bytes, content: bytes = INPUT, **terms: object) -> TaskTerms:
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
        return task_terms(task_of(JobId(number), 0), replace(job, **terms), program)

    def want(self, *work: tuple[Work, TaskTerms]) -> None:
        self.queue.want(work, [])

    def until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, self.log.lines
            time.sleep(0.005)
            self.queue.collect()

    def idle(self) -> bool:
        return not self.executor.running()

    def hashes(self, terms: TaskTerms) -> set[int]:
        return set(self.results.hashes(terms.run))

    def close(self) -> None:
        self.executor.stop(PATIENCE_SECONDS)


def check(terms: TaskTerms, cycle: int) -> tuple[Work, TaskTerms]:
    return ComputeHashes(task_id=terms.task_id, cycles=(cycle,), is_check=True), terms


def move(terms: TaskTerms, *cycles: int) -> tuple[Work, TaskTerms]:
    return ComputeHashes(task_id=terms.task_id, cycles=cycles), terms


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(tmp_path)
    yield opened
    opened.close()


def test_the_next_check_begins_when_one_ends(shop: Shop) -> None:
    """Not at the next look at the chain: between two looks a flood of claims comes in."""
    many = [shop.terms(number, ELF, INPUT + bytes([number])) for number in range(1, 20)]
    shop.want(*[check(terms, CYCLES) for terms in many])
    shop.until(lambda: all(shop.hashes(terms) for terms in many))
    assert shop.log.kinds().count("computing") == len(many)


def test_what_many_tasks_need_is_computed_once(shop: Shop) -> None:
    """Jobs with the same program, input, seed and shard ask for the same run."""
    twins = [shop.terms(number, ELF) for number in range(1, 6)]
    shop.want(*[check(terms, CYCLES) for terms in twins])
    shop.until(shop.idle)
    assert shop.log.kinds().count("computing") == 1
    assert all(shop.hashes(terms) == {CYCLES} for terms in twins)


def test_all_games_on_a_run_are_served_by_one_pass(shop: Shop) -> None:
    terms, low = shop.terms(1, FLOAT_ELF), micro_number(state_before(DIVISION, 40), 0)
    wanted: Sequence[tuple[Work, TaskTerms]] = [
        move(terms, 5, 6),
        move(terms, 3, 7),
        (BuildWitness(task_id=terms.task_id, cycle=4), terms),
        (BuildReveal(task_id=terms.task_id, low=low), terms),
    ]
    (demand,) = merged(wanted, shop.results)
    assert isinstance(demand.item, LookItem)
    assert (demand.kind, demand.item.hashes, demand.item.witnesses) == (Kind.MOVE, (3, 5, 6, 7), (4,))
    shop.want(*wanted)
    shop.until(shop.idle)
    assert shop.hashes(terms) == {3, 5, 6, 7}
    assert 4 in shop.results.witnesses(terms.run)
    assert low in shop.results.reveals(terms.run)
    assert shop.log.kinds().count("computing") == 1


def test_items_and_what_comes_of_them_can_be_sent_to_another_process(shop: Shop) -> None:
    terms = shop.terms(1, ELF)
    wanted = [move(terms, 5), check(terms, CYCLES), (Run(task_id=terms.task_id), terms)]
    for demand in merged(wanted, shop.results):
        again = pickle.loads(pickle.dumps(demand.item))
        assert again == demand.item
        found = shop.bench.perform(again, lambda: False)
        assert pickle.loads(pickle.dumps(found)) == found


def test_an_endless_check_gives_way_to_one_that_has_used_less(shop: Shop) -> None:
    """Whatever its claim says: two such claims must not hold a node for their windows."""
    endless, short = shop.terms(1, elf_of(ENDLESS)), shop.terms(2, ELF)
    both = [check(endless, DAYS_OF_CYCLES), check(short, CYCLES)]
    shop.want(*both)
    assert shop.executor.running() == {endless.run}
    for _ in range(9):
        shop.clock.sleep(CHECK_TURN_SECONDS)
        shop.want(*both)
        shop.until(lambda: CYCLES in shop.hashes(short))
        both[1] = check(short, CYCLES + 1)
        if CYCLES + 1 in shop.hashes(short):
            break
        shop.want(both[0])
        assert shop.executor.running() == {endless.run}
    shop.want(both[0])
    assert not shop.queue.has_room(), "it goes on when nothing else waits"


def test_a_stream_of_short_checks_does_not_starve_a_long_one(tmp_path: Path) -> None:
    shop = Shop(tmp_path, limits=Limits(runs=2))
    long, endless, short = (
        shop.terms(1, elf_of(ENDLESS)),
        shop.terms(2, elf_of(ENDLESS * 2)),
        shop.terms(3, ELF),
    )
    wanted = [check(long, DAYS_OF_CYCLES), check(endless, DAYS_OF_CYCLES), check(short, CYCLES)]
    shop.want(*wanted[:1])
    shop.clock.sleep(CHECK_TURN_SECONDS / 2)
    shop.want(*wanted[:2])
    shop.clock.sleep(CHECK_TURN_SECONDS)
    shop.want(*wanted)
    shop.until(lambda: shop.hashes(short) == {CYCLES})
    assert long.run in shop.executor.running(), "one place is kept for as long as a long turn lasts"
    shop.close()


def test_a_store_that_hangs_keeps_no_place_from_what_was_never_asked_for(tmp_path: Path) -> None:
    blobs = SlowBlobs(tmp_path)
    shop = Shop(tmp_path, blobs=blobs, limits=Limits(runs=1, fetches=1))
    slow, other = (shop.unfetched(number, ELF, INPUT + bytes([number])) for number in range(2))
    blobs.is_answering.clear()
    shop.queue.want([], [slow, other])
    assert shop.executor.running() == {slow.source}
    shop.clock.sleep(FETCH_TURN_SECONDS)
    shop.queue.want([], [slow, other])
    shop.until(lambda: shop.executor.running() == {other.source})
    assert shop.queue.material(slow.source).stage is MaterialStage.MISSING, "to be asked for again, later"
    blobs.is_answering.set()
    shop.until(shop.idle)
    shop.close()


def test_a_move_waits_for_no_check_of_the_same_run(shop: Shop) -> None:
    endless = shop.terms(1, elf_of(ENDLESS))
    shop.want(check(endless, DAYS_OF_CYCLES))
    assert not shop.queue.is_computing(endless.run)
    shop.want(move(endless, 5, 6))
    shop.until(shop.idle)
    shop.want(move(endless, 5, 6))
    shop.until(lambda: shop.hashes(endless) == {5, 6})


def test_work_that_nobody_needs_any_more_ends(shop: Shop) -> None:
    endless = shop.terms(1, elf_of(ENDLESS))
    shop.want(check(endless, DAYS_OF_CYCLES))
    shop.queue.stop_except({endless.task_id}, set())
    assert shop.executor.running()
    shop.queue.stop_except(set(), set())
    shop.until(shop.idle)
    assert shop.queue.slowness(endless.program, JOB.lease_seconds) == ""


def test_a_program_that_outlasts_a_lease_is_not_taken_again(shop: Shop) -> None:
    endless, other = shop.terms(1, elf_of(ENDLESS)), shop.terms(2, ELF)
    shop.want((Run(task_id=endless.task_id), endless))
    assert shop.queue.slowness(endless.program, JOB.lease_seconds) == ""
    shop.queue.stop_except(set(), {endless.task_id})
    shop.until(shop.idle)
    assert shop.queue.slowness(endless.program, JOB.lease_seconds)
    assert shop.queue.slowness(other.program, JOB.lease_seconds) == ""


def test_after_a_restart_a_program_that_outlasted_a_lease_is_known(tmp_path: Path) -> None:
    """Each run of it would cost a penalty again. A lease twice as long gives it another chance."""
    store = SqliteStore()
    before = Shop(tmp_path, results=Results(store))
    endless = before.terms(1, elf_of(ENDLESS))
    before.want((Run(task_id=endless.task_id), endless))
    before.queue.stop_except(set(), {endless.task_id})
    before.until(before.idle)
    before.close()
    after = Shop(tmp_path, results=Results(store))
    same, longer = (
        after.unfetched(number, elf_of(ENDLESS), lease_seconds=factor * JOB.lease_seconds)
        for number, factor in ((2, 1), (3, SLOW_LEASE_FACTOR))
    )
    assert f"a lease of {JOB.lease_seconds} s" in after.queue.slowness(same.program, same.job.lease_seconds)
    assert after.queue.slowness(longer.program, longer.job.lease_seconds) == ""
    after.close()


def test_after_a_restart_what_has_had_its_turn_lets_others_go_first(tmp_path: Path) -> None:
    """Whoever can make a node start again must not get the first turns for its endless claims each time."""
    store = SqliteStore()
    before = Shop(tmp_path, results=Results(store))
    endless, short = before.terms(1, elf_of(ENDLESS)), before.terms(2, ELF)
    before.want(check(endless, DAYS_OF_CYCLES))
    before.clock.sleep(CHECK_TURN_SECONDS)
    before.want(check(endless, DAYS_OF_CYCLES), check(short, CYCLES))
    before.until(lambda: before.hashes(short) == {CYCLES})
    before.close()
    before.queue.collect()
    after = Shop(tmp_path, results=Results(store))
    endless, other = after.terms(1, elf_of(ENDLESS)), after.terms(3, elf_of(ENDLESS * 2))
    after.want(check(endless, DAYS_OF_CYCLES), check(other, DAYS_OF_CYCLES))
    assert after.executor.running() == {other.run}
    after.queue.keep_only([], [])
    after.results.forget_except([])
    assert store.rows("turns") == []
    after.close()


class NoEngine:
    """It cannot run anything."""

    name = "none"

    def start(self, *_: object, **__: object) -> Machine:
        raise RuntimeError("the run was begun again")


def test_after_a_reveal_its_micro_run_is_split_without_the_run(shop: Shop, tmp_path: Path) -> None:
    """The operator's clock runs on through a restart, and through games that drive the replay out."""
    terms, low = shop.terms(1, FLOAT_ELF), micro_number(state_before(DIVISION, 40), 0)
    shop.want((BuildReveal(task_id=terms.task_id, low=low), terms))
    shop.until(lambda: low in shop.results.reveals(terms.run))
    restarted = Shop(tmp_path, NoEngine(), shop.results)
    again = restarted.terms(1, FLOAT_ELF)
    restarted.want(move(again, low + 5, low + 9))
    restarted.until(restarted.idle)
    restarted.queue.collect()
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
        while not self.is_answering.wait(0.01):
            if should_stop():
                raise Stopped
        return super().get(uri, limit_bytes, should_stop=should_stop)


def test_moves_wait_for_no_fetch(tmp_path: Path) -> None:
    """Anybody can post jobs with half a gigabyte of input each; meanwhile a clock runs."""
    blobs = SlowBlobs(tmp_path)
    shop = Shop(tmp_path, blobs=blobs)
    terms = shop.terms(1, ELF)
    blobs.is_answering.clear()
    others = [shop.unfetched(number, ELF, INPUT + bytes([number])) for number in range(9)]
    shop.queue.want([move(terms, 5, 6)], others)
    shop.until(lambda: shop.hashes(terms) == {5, 6})
    blobs.is_answering.set()
    shop.close()


def test_large_inputs_are_fetched_one_after_the_other(tmp_path: Path) -> None:
    blobs = SlowBlobs(tmp_path)
    shop = Shop(tmp_path, blobs=blobs, limits=Limits(runs=1, fetches=2, fetches_bytes=len(INPUT) + 1))
    blobs.is_answering.clear()
    two = [shop.unfetched(number, ELF, INPUT + bytes([number])) for number in range(2)]
    shop.queue.want([], two)
    assert shop.executor.running() == {two[0].source}
    blobs.is_answering.set()
    shop.until(lambda: all(shop.queue.material(each.source).stage is MaterialStage.READY for each in two))
    shop.close()


# --- twins: what one job does must not stand in for another's ---------------------------------------


def test_the_failures_of_a_twin_are_its_own(shop: Shop) -> None:
    """A job that copies another's roots and lies about its size or its place is refused alone."""
    honest = shop.unfetched(1, ELF)
    twins = {
        "smaller": shop.unfetched(2, ELF, input_size=len(INPUT) - 1),
        "larger": shop.unfetched(3, ELF, input_size=len(INPUT) + 1),
        "dead": shop.unfetched(4, ELF, input_uri="blob:" + "00" * 32),
        "no uri": shop.unfetched(5, ELF, input_uri="ftp://nowhere"),
    }
    shop.queue.want([], list(twins.values()))
    shop.until(shop.idle)
    shop.queue.want([], list(twins.values()))
    shop.until(shop.idle)
    assert {name: shop.queue.material(terms.source).stage for name, terms in twins.items()} == {
        "smaller": MaterialStage.WRONG,
        "larger": MaterialStage.WRONG,
        "dead": MaterialStage.UNREACHABLE,
        "no uri": MaterialStage.WRONG,
    }
    assert shop.queue.material(honest.source).stage is MaterialStage.MISSING
    shop.queue.want([], [honest])
    shop.until(lambda: shop.queue.material(honest.source).stage is MaterialStage.READY)
    for name in ("dead", "no uri"):
        assert shop.queue.material(twins[name].source).stage is MaterialStage.READY, "the bytes are the same"
    for name in ("smaller", "larger"):
        assert shop.queue.material(twins[name].source).stage is MaterialStage.WRONG


def test_material_is_found_by_its_root_where_a_job_names_no_place(shop: Shop) -> None:
    named = shop.unfetched(1, ELF, INPUT, input_uri="blob:" + "00" * 32)
    terms = task_terms(named.task_id, named.job, replace(named.program, uri="nowhere"))
    shop.blobs.put_input(terms.job.input_root, INPUT)
    shop.blobs.put_program(terms.program.image_root, terms.program.entry, ELF)
    shop.queue.want([], [terms])
    shop.until(lambda: shop.queue.material(terms.source).stage is MaterialStage.READY)


def test_the_size_of_a_programs_code_is_known_once_it_is_here(shop: Shop) -> None:
    words = (*ENDLESS, *[encode("addi", rd=A0)] * 1_000)
    terms = shop.unfetched(1, elf_of(words))
    assert shop.queue.material(terms.source).code_bytes == 0
    shop.queue.want([], [terms])
    shop.until(lambda: shop.queue.material(terms.source).stage is MaterialStage.READY)
    assert shop.queue.material(terms.source).code_bytes == 4 * len(words)


def test_a_wrong_place_is_asked_again_in_time(shop: Shop) -> None:
    """Somebody may bring what is missing while a claim's window is open."""
    terms = shop.unfetched(1, ELF, input_uri="nowhere")
    shop.queue.want([], [terms])
    shop.until(shop.idle)
    assert shop.queue.material(terms.source).stage is MaterialStage.WRONG
    shop.blobs.put_input(terms.job.input_root, INPUT)
    shop.clock.sleep(10.0)
    shop.queue.want([], [terms])
    shop.until(lambda: shop.queue.material(terms.source).stage is MaterialStage.READY)


def test_a_twin_with_a_smaller_maximum_is_cut_off_alone(shop: Shop) -> None:
    whole, cut = shop.terms(1, ELF), shop.terms(2, ELF, max_cycles=9)
    assert whole.initial_hash == cut.initial_hash
    for _ in range(2):
        shop.want(*[(Run(task_id=terms.task_id), terms) for terms in (cut, whole)])
        shop.until(shop.idle)
    ends = [shop.results.own_run(terms.run) for terms in (whole, cut)]
    assert [end.claimed.cycle for end in ends if end] == [CYCLES, 9]
    sizes = [end.claimed.output_size for end in ends if end and end.claimed.is_accepted]
    assert [shop.queue.output_bytes(each) for each in (whole, cut)] == [max(sizes)] * 2, "one material"
    again = Results(shop.store)  # after a restart
    assert again.output_bytes(whole.material) == sizes[0]
    assert sizes[0] and shop.queue.output_bytes(shop.unfetched(3, ELF, b"other")) is None
    assert shop.queue.distrust(whole.program) == ""


class MovedEngine:
    """It starts where the chain does not."""

    name = "moved"

    def start(self, program: Program, task: Task, **_: object) -> Machine:
        machine = ReferenceEngine().start(program, task)
        machine.advance(1)
        return machine


def test_a_start_in_another_state_is_one_runs_failure(tmp_path: Path) -> None:
    shop = Shop(tmp_path, MovedEngine())
    terms, other = shop.terms(1, ELF), shop.terms(2, ELF, INPUT * 2)
    for _ in range(3):
        shop.want((Run(task_id=terms.task_id), terms))
        shop.until(shop.idle)
    assert Reject.START_MISMATCH.value in shop.queue.run_failure(terms.run)
    assert shop.queue.run_failure(other.run) == ""
    shop.close()


def test_an_engine_that_contradicts_itself_is_distrusted_and_the_node_lives(shop: Shop) -> None:
    terms, other = shop.terms(1, ELF), shop.terms(2, FLOAT_ELF)
    shop.results.keep(terms.run, Found(hashes={6: Bytes32(b"6" * 32)}, witnesses={}, reveals={}))
    shop.want((BuildWitness(task_id=terms.task_id, cycle=6), terms), move(terms, 5))
    shop.until(shop.idle)
    assert shop.queue.distrust(terms.program) == ""
    shop.want(move(terms, 6))
    shop.until(shop.idle)
    assert shop.queue.distrust(terms.program)
    assert shop.queue.distrust(other.program) == ""
    assert "self_check_failed" in shop.log.kinds()


def test_every_line_about_a_run_names_its_task(shop: Shop) -> None:
    terms = shop.terms(7, ELF)
    check = ComputeHashes(task_id=terms.task_id, cycles=(CYCLES,), is_check=True)
    for work in (Run(task_id=terms.task_id), check, BuildWitness(task_id=terms.task_id, cycle=1)):
        shop.want((work, terms))
        shop.until(shop.idle)
        shop.queue.collect()
    assert {"computing", "ran", "hashed", "witnessed"} <= set(shop.log.kinds())
    assert all(line.startswith("job 7 shard 0: ") for _, line in shop.log.lines), shop.log.lines
