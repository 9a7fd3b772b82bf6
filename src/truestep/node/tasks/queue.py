"""Long work in the background: fetching, runs, hashes, witnesses; what comes of it goes into the store."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from truestep.base.errors import Bug, Rejected, Unavailable
from truestep.base.ids import Bytes32, TaskId, shard_of_task
from truestep.node.tasks import items as work
from truestep.node.tasks.deep_replay import DeepReplay
from truestep.node.tasks.items import (
    Check,
    FailedCheck,
    FinishedRun,
    FoundHashes,
    FoundReveal,
    FoundWitness,
    RunMaterial,
    RunSpec,
)
from truestep.node.tasks.replays import Replays
from truestep.node.tasks.results import Results
from truestep.node.tasks.self_check import CheckedTask, SelfCheck, check_run
from truestep.ports.blobs import Blobs
from truestep.ports.clock import Clock
from truestep.ports.engine import Engine
from truestep.ports.executor import Executor, Finished, ShouldStop, Stopped
from truestep.ports.reporter import Reporter
from truestep.protocol.records import JobRecord, ProgramRecord
from truestep.protocol.state_numbers import run_number_of, steps_in_words
from truestep.roles.actions import BuildReveal, BuildWitness, ComputeHashes, Run
from truestep.roles.views import Material, MaterialStage

FETCH_AGAIN_SECONDS = 15.0
"""After a failed fetch; doubles with each failure."""
FETCH_AGAIN_LIMIT_SECONDS = 600.0
FETCHES_LIMIT = 2
"""At a time. Anybody can post jobs with inputs that take minutes to fetch: they must leave room for moves."""
FAILURE_LIMIT = 3
"""So often may work on a run fail before it is left alone."""
MATERIALS_LIMIT_BYTES = 2 << 30
"""Inputs held in memory besides those being worked on: four of the largest size."""
CHECK_SECONDS = 120.0
"""A check that takes longer is interrupted when another one waits; twice as long the next time, and so on."""

Work = Run | ComputeHashes | BuildWitness | BuildReveal


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTerms:
    """A task with its job and program, and the name of its run: its first state's hash, in hex."""

    task_id: TaskId
    job: JobRecord
    program: ProgramRecord

    @property
    def initial_hash(self) -> Bytes32:
        """The hash of state number 0 as the chain computes it."""
        return self.job.initial_state_hash(self.program, shard_of_task(self.task_id))

    @property
    def material_key(self) -> str:
        """Names program and input."""
        return f"{self.program.image_root.hex()}{self.program.entry:x}{self.job.input_root.hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """A fetch that failed: why, for how long to wait, and until when."""

    material: Material
    wait_seconds: float
    until_seconds: float


@dataclass(slots=True, kw_only=True)
class _Running:
    """Work under way. Its thread asks `is_stopping`."""

    task_id: TaskId
    image_root: Bytes32
    is_run: bool
    is_check: bool
    began_seconds: float
    is_stopping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a workshop takes on at a time."""

    runs: int
    """Runs and checks; moves of games come on top."""
    materials_bytes: int = MATERIALS_LIMIT_BYTES


class TaskQueue:
    """Starts work and collects what came of it. At most one work for each run at a time."""

    def __init__(
        self,
        *,
        engine: Engine,
        blobs: Blobs,
        results: Results,
        executor: Executor,
        clock: Clock,
        reporter: Reporter,
        limits: Limits,
        self_check: SelfCheck | None = None,
    ) -> None:
        self._self_check = self_check
        self._distrusted = self_check.evidence.places() if self_check else {}
        self._limits = limits
        self._engine = engine
        self._replays = Replays(engine)
        self._blobs = blobs
        self._results = results
        self._executor = executor
        self._clock = clock
        self._reporter = reporter
        self._materials: dict[str, RunMaterial] = {}
        self._failures: dict[str, _Failure] = {}
        self._run_failures: dict[str, list[str]] = {}
        self._running: dict[str, _Running] = {}
        self._interruptions: dict[str, int] = {}
        self._slow_programs: set[Bytes32] = set()

    def material(self, terms: TaskTerms) -> Material:
        """Whether a task's program and input are here."""
        key = terms.material_key
        if key in self._materials:
            return Material(stage=MaterialStage.READY)
        if f"fetch/{key}" in self._executor.running():
            return Material(stage=MaterialStage.FETCHING)
        failure = self._failures.get(key)
        return failure.material if failure else Material(stage=MaterialStage.MISSING)

    def is_computing(self, run: str) -> bool:
        """Whether work on a run is under way; a check does not count, as what a game needs goes first."""
        running = self._running.get(run)
        return running is not None and not running.is_check

    def has_room(self) -> bool:
        """Whether another task could be run or checked now. Both leave room for the moves of games."""
        running = sum(key.startswith("run/") for key in self._executor.running())
        return running < self._limits.runs and self._executor.has_room()

    def run_failure(self, run: str) -> str:
        """Why a run is left alone; empty if it is not."""
        failures = self._run_failures.get(run, [])
        return failures[-1] if len(failures) >= FAILURE_LIMIT else ""

    def interruptions(self, terms: TaskTerms) -> int:
        """How often the check of a run was interrupted."""
        return self._interruptions.get(terms.initial_hash.hex(), 0)

    def slowness(self, terms: TaskTerms) -> str:
        """Why this node should not take another task of this program; empty if it may."""
        if terms.program.image_root not in self._slow_programs:
            return ""
        return f"program {terms.program.program_id} outlasted a lease here: lower --cycles-per-second"

    def distrust(self, terms: TaskTerms) -> str:
        """Why this node must not claim anything about a program again; empty if it may."""
        place = self._distrusted.get(terms.program.image_root)
        if place is None:
            return ""
        return f"this node once computed program {terms.program.program_id} wrongly; the evidence: {place}"

    def fetch(self, terms: TaskTerms) -> None:
        """Begin to get program and input, unless the last try failed a moment ago."""
        key = terms.material_key
        failure = self._failures.get(key)
        if failure and self._clock.monotonic_seconds() < failure.until_seconds:
            return
        fetches = sum(work.startswith("fetch/") for work in self._executor.running())
        if fetches >= FETCHES_LIMIT:
            return
        if fetches and self._held_bytes() + terms.job.input_size > self._limits.materials_bytes:
            return  # one at a time, as each one drives out another
        blobs = self._blobs
        self._executor.start(f"fetch/{key}", lambda _: work.fetch(blobs, terms.program, terms.job))

    def begin(self, action: Work, terms: TaskTerms) -> None:
        """Begin work on a run, if there is room and its material is here. Checks make room for others."""
        material, initial_hash = self._materials.get(terms.material_key), terms.initial_hash
        run = initial_hash.hex()
        is_run = isinstance(action, Run)
        is_check = isinstance(action, ComputeHashes) and action.is_check
        if material is None:
            return
        if (present := self._running.get(run)) is not None:
            present.is_stopping |= present.is_check and not is_check
            return
        if (is_run or is_check) and not self.has_room():
            self._interrupt_a_check(is_urgent=is_run)
            return
        shard_index = shard_of_task(terms.task_id)
        spec = RunSpec(material=material, job=terms.job, shard_index=shard_index, initial_hash=initial_hash)
        running = self._running[run] = _Running(
            task_id=terms.task_id,
            image_root=terms.program.image_root,
            is_run=is_run,
            is_check=is_check,
            began_seconds=self._clock.monotonic_seconds(),
        )
        work_on = self._work(action, spec, terms.program)
        key = f"{'run' if is_run or is_check else 'move'}/{run}"
        if self._executor.start(
            key, lambda should_stop: work_on(lambda: running.is_stopping or should_stop())
        ):
            self._reporter.report("computing", _title(action), task_id=terms.task_id)
        else:
            del self._running[run]
            self._interrupt_a_check(is_urgent=not is_check)

    def stop_except(self, task_ids: set[TaskId], late_task_ids: set[TaskId]) -> None:
        """End the work on all other tasks. A run that outlasted its lease makes its program a slow one."""
        for running in self._running.values():
            running.is_stopping |= running.task_id not in task_ids
            if running.is_run and running.task_id in late_task_ids:
                self._slow_programs.add(running.image_root)

    def _interrupt_a_check(self, *, is_urgent: bool) -> None:
        """End the longest check: for work that cannot wait, or because it has had its time for now."""
        checks = [(run, running) for run, running in self._running.items() if running.is_check]
        if any(running.is_stopping for _, running in checks):
            return
        now = self._clock.monotonic_seconds()
        overdue = [
            (running.began_seconds, run)
            for run, running in checks
            if is_urgent or now - running.began_seconds > CHECK_SECONDS * 2 ** self._interruptions.get(run, 0)
        ]
        if overdue:
            _, run = min(overdue)
            self._running[run].is_stopping = True

    def collect(self) -> None:
        """Put what has come of finished work into the store."""
        for finished in self._executor.collect():
            kind, _, key = finished.key.partition("/")
            if kind == "fetch":
                self._collect_fetch(key, finished)
            else:
                self._collect_run(key, finished)

    def keep_only(self, material_keys: set[str]) -> None:
        """Drop material that no task needs any more."""
        for key in self._materials.keys() - material_keys:
            del self._materials[key]
        self._replays.keep_only(self._materials.values())

    def _held_bytes(self) -> int:
        return sum(len(material.input) for material in self._materials.values())

    def _drop_oldest_materials(self) -> None:
        """Keep the newest within the limit, at least one; whoever needs another fetches it again."""
        for key in list(self._materials)[:-1]:
            if self._held_bytes() > self._limits.materials_bytes:
                del self._materials[key]

    def _work(self, action: Work, spec: RunSpec, program: ProgramRecord) -> Callable[[ShouldStop], object]:
        engine, blobs, clock, seconds = self._engine, self._blobs, self._clock, self._clock.monotonic_seconds
        match action:
            case Run():
                check = self._check(spec, program)
                return lambda should_stop: work.run_to_end(engine, spec, blobs, clock, should_stop, check)
            case ComputeHashes(cycles=cycles):
                return self._on_replay(
                    spec, lambda replay, should_stop: work.hashes_at(replay, cycles, seconds, should_stop)
                )
            case BuildWitness(cycle=cycle):
                return self._on_replay(
                    spec, lambda replay, should_stop: work.witness_at(replay, cycle, seconds, should_stop)
                )
            case BuildReveal(low=low):
                return self._on_replay(
                    spec, lambda replay, should_stop: work.reveal_at(replay, low, seconds, should_stop)
                )

    def _check(self, spec: RunSpec, program: ProgramRecord) -> Check | None:
        if self._self_check is None:
            return None
        engine, self_check = self._engine, self._self_check
        checked = CheckedTask(program=program, spec=spec, seed=self_check.draw_seed())
        return lambda end, drive: check_run(self_check, engine, checked, end, drive)

    def _on_replay(
        self, spec: RunSpec, look: Callable[[DeepReplay, ShouldStop], object]
    ) -> Callable[[ShouldStop], object]:
        witnesses = self._results.witnesses(spec.initial_hash.hex())

        def work_on(should_stop: ShouldStop) -> object:
            with self._replays.borrow(spec) as replay:
                replay.know(witnesses)
                return look(replay, should_stop)

        return work_on

    def _collect_fetch(self, key: str, finished: Finished) -> None:
        match finished.error:
            case None:
                self._materials[key] = cast(RunMaterial, finished.value)
                self._failures.pop(key, None)
                self._drop_oldest_materials()
            case Rejected():
                self._fail_fetch(key, MaterialStage.WRONG, finished.error)
            case Unavailable():
                self._fail_fetch(key, MaterialStage.UNREACHABLE, finished.error)
            case _:
                raise finished.error

    def _fail_fetch(self, key: str, stage: MaterialStage, error: Exception) -> None:
        before = self._failures.get(key)
        wait_seconds = (
            min(before.wait_seconds * 2, FETCH_AGAIN_LIMIT_SECONDS) if before else FETCH_AGAIN_SECONDS
        )
        self._failures[key] = _Failure(
            material=Material(stage=stage, message=str(error)),
            wait_seconds=wait_seconds,
            until_seconds=self._clock.monotonic_seconds() + wait_seconds,
        )

    def _collect_run(self, run: str, finished: Finished) -> None:
        running = self._running.pop(run)
        task_id, seconds = running.task_id, self._clock.monotonic_seconds() - running.began_seconds
        match finished.error or finished.value:
            case FinishedRun(own_run=own_run, publish_trouble=trouble) as finished_run:
                self._results.keep_run(run, own_run)
                self._report_check(finished_run, task_id)
                if trouble:
                    message = f"its output is not published, so its requester must run it again: {trouble}"
                    self._reporter.report("unpublished", message, task_id=task_id)
                cycles = own_run.claimed.cycle
                self._reporter.report(
                    "ran", "ran to its end", task_id=task_id, cycles=cycles, seconds=seconds
                )
            case FailedCheck(image_root=image_root, place=place, message=message):
                self._distrusted[image_root] = place or "nowhere, it could not be written"
                message = f"NOTHING IS CLAIMED, nor of this program ever again: {message}"
                self._reporter.report("self_check_failed", message, task_id=task_id)
            case FoundHashes(hashes=hashes):
                self._results.keep_hashes(run, hashes)
                message = f"computed {len(hashes)} state hashes up to {steps_in_words(max(hashes))}"
                cycles = run_number_of(max(hashes))
                self._reporter.report("hashed", message, task_id=task_id, cycles=cycles, seconds=seconds)
            case FoundWitness(cycle=cycle, witness=witness):
                self._results.keep_witness(run, cycle, witness)
                message, cycles = f"built the witness of {steps_in_words(cycle + 1)}", run_number_of(cycle)
                self._reporter.report("witnessed", message, task_id=task_id, cycles=cycles, seconds=seconds)
            case FoundReveal(low=low, reveal=reveal, witness=witness):
                cycles = run_number_of(low)
                self._results.keep_reveal(run, low, reveal, witness)
                message = f"found what step {cycles + 1:,} gives, in a micro-run of {reveal.cycles:,} steps"
                self._reporter.report("micro_ran", message, task_id=task_id, cycles=cycles, seconds=seconds)
            case Stopped():
                if running.is_check:
                    self._interruptions[run] = self._interruptions.get(run, 0) + 1
            case Bug() as error:
                raise error
            case Exception() as error:
                self._run_failures.setdefault(run, []).append(repr(error))
                self._reporter.report("run_failed", f"the run failed: {error!r}", task_id=task_id)
            case other:
                raise Bug(f"work of an unknown kind ended with {type(other)}")

    def _report_check(self, finished: FinishedRun, task_id: TaskId) -> None:
        if (checked := finished.checked) is not None:
            self._reporter.report(
                "self_checked",
                f"ran again, {checked.steps} steps of it on the reference machine too: the same",
                task_id=task_id,
                segments=checked.segments,
                steps=checked.steps,
                seed=checked.seed,
                seconds=finished.check_seconds,
            )


def _title(action: Work) -> str:
    match action:
        case Run():
            return "run the task"
        case ComputeHashes():
            return f"compute {len(action.cycles)} state hashes up to {steps_in_words(action.cycles[-1])}"
        case BuildWitness():
            return f"build the witness of {steps_in_words(action.cycle + 1)}"
        case BuildReveal():
            return f"find what step {run_number_of(action.low) + 1:,} gives, by its micro-run"
