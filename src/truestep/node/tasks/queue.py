"""The queue of background work: what waits, what runs, in which order, and its results.

At each look, roles say what they want, the most urgent first; what they no longer want is dropped. The next
item starts when one ends, not at the next look. Two items never work on the same run at the same time.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from truestep.base.errors import Bug, Rejected, Unavailable
from truestep.base.ids import Bytes32, TaskId, task_in_words
from truestep.node.loop.backoff import Backoff
from truestep.node.tasks.demands import Demand, Kind, Work, hashes_in_words, merged
from truestep.node.tasks.items import FailedCheck, Fetched, FetchItem, FinishedRun, Found
from truestep.node.tasks.materials import MaterialLost
from truestep.node.tasks.pace import Pacemaker
from truestep.node.tasks.results import Results
from truestep.node.tasks.terms import MaterialKey, RunKey, SourceKey, TaskTerms
from truestep.node.tasks.turns import Turns
from truestep.ports.clock import Clock
from truestep.ports.executor import Executor, Finished, Stopped
from truestep.ports.reporter import Reporter
from truestep.ports.vitals import Load
from truestep.protocol.claims import ClaimedState
from truestep.protocol.records import ProgramRecord
from truestep.protocol.state_numbers import run_number_of, steps_in_words
from truestep.roles.views import Material, MaterialStage, Pace

FETCH_AGAIN_SECONDS = 5.0
"""Pause after a failed fetch; it doubles with each failure."""
FETCH_AGAIN_LIMIT_SECONDS = 120.0
"""A challenger must soon notice that an input is available again, because its window is running."""
MESSAGE_LIMIT = 500
"""Characters kept of a failure: enough for its reason, and a stranger's addresses may be long."""
FETCHES_LIMIT = 8
"""Fetches at the same time: a slow store must not keep others from being asked."""
FETCHES_LIMIT_BYTES = 2 << 30
"""Memory for inputs that are being fetched: four of the largest size."""
FAILURE_LIMIT = 3
"""Attempts before giving up on a run."""
CHECK_TURN_SECONDS = 1.0
"""The first turn of a check: most end in it. A stranger's endless one gives way to them that soon."""
LONG_TURN_SECONDS = 30.0
"""The longest turn while other checks wait: a small part of any window."""
SLOW_LEASE_FACTOR = 2
"""How much longer a lease must be than one that a run of the program outlasted. Each penalty doubles what is
asked for, so a program can cost only a few."""
FETCH_TURN_SECONDS = 5.0
"""After that a fetch gives way to one that has used less time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """A fetch that failed: why, how often, and until when it is not tried again."""

    material: Material
    count: int
    until_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetching:
    """A fetch under way."""

    terms: TaskTerms
    began_seconds: float


@dataclass(slots=True, kw_only=True)
class _Running:
    """Work in progress on a run."""

    terms: TaskTerms
    kind: Kind
    cycles: int
    began_seconds: float
    is_stopping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a queue does at the same time."""

    runs: int
    """Runs and checks. Moves of games are in addition."""
    fetches: int = FETCHES_LIMIT
    fetches_bytes: int = FETCHES_LIMIT_BYTES


class TaskQueue:
    """Starts work and collects its results. For one thread; other threads do the work."""

    def __init__(
        self,
        *,
        results: Results,
        executor: Executor,
        clock: Clock,
        reporter: Reporter,
        limits: Limits,
        distrusted: dict[Bytes32, str] | None = None,
        on_end: Callable[[ClaimedState], None] = lambda _: None,
    ) -> None:
        """`distrusted`: where the evidence lies, for each program that this node once computed wrongly.

        `on_end` is told what each run ended in, once that is stored.
        """
        self._results = results
        self._on_end = on_end
        self._executor = executor
        self._clock = clock
        self._reporter = reporter
        self._limits = limits
        self._distrusted = dict(distrusted or {})
        self._ended_well: set[Bytes32] = set()
        self._failed: set[Bytes32] = set()
        """Programs of which a run failed, whatever became of it when it was tried again."""
        self._ready: dict[MaterialKey, Material] = {}
        self._failures: dict[SourceKey, _Failure] = {}
        self._fetching: dict[SourceKey, _Fetching] = {}
        self._run_failures: dict[RunKey, list[str]] = {}
        self._running: dict[RunKey, _Running] = {}
        self._ended: list[tuple[Finished, float]] = []
        """What ended, and when, and is not in the store yet."""
        self._check_turns = Turns(CHECK_TURN_SECONDS, results.used_seconds)
        self._fetch_turns = Turns(FETCH_TURN_SECONDS)
        self._waiting: list[Demand] = []
        self._wanted_fetches: list[TaskTerms] = []
        self._pace = Pacemaker()
        self._backoff = Backoff(first_seconds=FETCH_AGAIN_SECONDS, limit_seconds=FETCH_AGAIN_LIMIT_SECONDS)

    # --- what roles see ---------------------------------------------------------------------------------

    def material(self, source: SourceKey) -> Material:
        """Whether a task's program and input are here."""
        if (ready := self._ready.get(source.material)) is not None:
            return ready
        if source in self._fetching:
            return Material(stage=MaterialStage.FETCHING)
        failure = self._failures.get(source)
        return failure.material if failure else Material(stage=MaterialStage.MISSING)

    def attempts(self, source: SourceKey) -> int:
        """How much was done in vain to get material: failed fetches, and turns at slow ones."""
        failure = self._failures.get(source)
        return (failure.count if failure else 0) + self._fetch_turns.level(source)

    def is_resting(self, source: SourceKey) -> bool:
        """Whether a fetch has failed so recently that it is not tried again yet."""
        failure = self._failures.get(source)
        return failure is not None and self._clock.monotonic_seconds() < failure.until_seconds

    def is_computing(self, run: RunKey) -> bool:
        """Whether work on a run is under way; a check does not count, as what a game needs goes first."""
        running = self._running.get(run)
        return running is not None and running.kind is not Kind.CHECK

    def has_room(self) -> bool:
        """Whether another task could be run or checked now. Both leave room for the moves of games."""
        busy = sum(running.kind is not Kind.MOVE for running in self._running.values())
        return busy < self._limits.runs and self._executor.has_room()

    def run_failure(self, run: RunKey) -> str:
        """Why a run is given up; empty if it is not."""
        failures = self._run_failures.get(run, [])
        return failures[-1] if len(failures) >= FAILURE_LIMIT else ""

    def slowness(self, program: ProgramRecord, lease_seconds: int) -> str:
        """Why this node should not take another task of this program; empty if it may."""
        outlasted = self._results.slow_leases.get(program.image_root, 0)
        needed = SLOW_LEASE_FACTOR * outlasted
        if lease_seconds >= needed:
            return ""
        return (
            f"program {program.program_id} ran longer than a lease of {outlasted} s here, so its tasks are"
            f" taken only with leases of {needed} s or more; lower --cycles-per-second, so that other"
            " programs are judged better"
        )

    def distrust(self, program: ProgramRecord) -> str:
        """Why this node must not claim anything about a program again; empty if it may."""
        place = self._distrusted.get(program.image_root)
        if place is None:
            return ""
        return f"this node once computed program {program.program_id} wrongly; the evidence: {place}"

    def is_proven(self, program: ProgramRecord) -> bool:
        """Whether a run of a program has ended here since the start, and none has failed."""
        return program.image_root in self._ended_well - self._failed

    def output_bytes(self, terms: TaskTerms) -> int | None:
        """The largest output of a task's program and input that was seen; None if none was."""
        return self._results.output_bytes(terms.material)

    def refusal(self, program: ProgramRecord, lease_seconds: int) -> str:
        """Why this node should not take another task of a program; empty if it may."""
        return self.slowness(program, lease_seconds) or self.distrust(program)

    @property
    def pace(self) -> Pace:
        """How quickly this node checks claims, as measured."""
        return self._pace.pace(self._limits.runs)

    def load(self) -> Load:
        """What runs and what waits."""
        running = Counter(each.kind.value for each in self._running.values())
        return Load(running=running, waiting=len(self._waiting), fetching=len(self._fetching))

    # --- what roles want --------------------------------------------------------------------------------

    def want(self, work: Sequence[tuple[Work, TaskTerms]], fetches: Sequence[TaskTerms]) -> None:
        """Everything that is wanted now, the most urgent first; whatever waited before is forgotten."""
        self._waiting = sorted(merged(work, self._results), key=self._rank)
        self._wanted_fetches = sorted(fetches, key=lambda terms: self._fetch_turns.level(terms.source))
        self.pump()

    def pump(self) -> None:
        """Begin as much of what waits as there is room for."""
        self._wanted_fetches = [terms for terms in self._wanted_fetches if not self._fetch(terms)]
        self._waiting = [demand for demand in self._waiting if not self._begin(demand)]

    def _rank(self, demand: Demand) -> int:
        """Checks come last, and among them those that have used the least time."""
        return 1 + self._check_turns.level(demand.terms.run.end) if demand.kind is Kind.CHECK else 0

    def stop_except(self, task_ids: set[TaskId], late_task_ids: set[TaskId]) -> None:
        """End the work on all other tasks. A run that outlasted its lease makes its program a slow one."""
        for run, running in self._running.items():
            if running.terms.task_id not in task_ids:
                self._stop(run)
            if running.kind is Kind.RUN and running.terms.task_id in late_task_ids:
                with suppress(Unavailable):  # it is remembered until the end of this process
                    terms = running.terms
                    self._results.keep_slow(terms.program.image_root, terms.job.lease_seconds)

    def keep_only(self, terms: Sequence[TaskTerms], live: Iterable[SourceKey]) -> None:
        """Forget what belongs neither to these tasks nor, of material, to live jobs.

        A job that is not looked at for a while must not come back as if nothing had been tried.
        """
        sources = {*live, *(each.source for each in terms)}
        materials = {each.material for each in sources}
        runs = {each.run for each in terms}
        self._ready = {material: each for material, each in self._ready.items() if material in materials}
        self._failures = {source: each for source, each in self._failures.items() if source in sources}
        self._run_failures = {run: each for run, each in self._run_failures.items() if run in runs}
        self._check_turns.keep_only({run.end for run in runs})
        self._fetch_turns.keep_only(sources)

    def _fetch(self, terms: TaskTerms) -> bool:
        """Begin to get program and input; whether there is nothing left to want."""
        if terms.material in self._ready or terms.source in self._fetching:
            return True
        if self.is_resting(terms.source):
            return True
        under_way = sum(each.terms.job.input_size for each in self._fetching.values())
        is_much = bool(self._fetching) and under_way + terms.job.input_size > self._limits.fetches_bytes
        if is_much or len(self._fetching) >= self._limits.fetches:
            self._interrupt_a_fetch(self._fetch_turns.level(terms.source))
            return False
        if not self._executor.start(terms.source, FetchItem(terms=terms)):
            return False
        self._fetching[terms.source] = _Fetching(terms=terms, began_seconds=self._clock.monotonic_seconds())
        return True

    def _interrupt_a_fetch(self, level: int) -> None:
        """End a fetch that has had its turn, for one that has used less: a store may answer very slowly."""
        now = self._clock.monotonic_seconds()
        for source, fetching in self._fetching.items():
            seconds = now - fetching.began_seconds
            if seconds >= FETCH_TURN_SECONDS and level < self._fetch_turns.level(source, seconds):
                self._executor.ask_to_stop(source)
                return

    def _begin(self, demand: Demand) -> bool:
        """Begin work on a run; whether it is begun or not to be wanted any more."""
        run = demand.terms.run
        if demand.terms.material not in self._ready:
            return True  # the role sees that, and wants it fetched
        if (present := self._running.get(run)) is not None:
            if present.kind is Kind.CHECK and demand.kind is not Kind.CHECK:
                self._stop(run)
            return False
        if demand.kind is not Kind.MOVE and not self.has_room():
            self._interrupt_a_check(demand)
            return False
        if not self._executor.start(run, demand.item):
            self._interrupt_a_check(demand)
            return False
        self._running[run] = _Running(
            terms=demand.terms,
            kind=demand.kind,
            cycles=demand.cycles,
            began_seconds=self._clock.monotonic_seconds(),
        )
        self._tell("computing", demand.title, demand.terms.task_id)
        return True

    def _stop(self, run: RunKey) -> None:
        self._running[run].is_stopping = True
        self._executor.ask_to_stop(run)

    def _interrupt_a_check(self, demand: Demand) -> None:
        """End a check for what cannot wait, or for a check that has used less time."""
        now = self._clock.monotonic_seconds()
        checks = [
            (now - running.began_seconds, run)
            for run, running in self._running.items()
            if running.kind is Kind.CHECK
        ]
        if not checks or any(self._running[run].is_stopping for _, run in checks):
            return
        checks.sort(key=lambda check: check[0], reverse=True)
        if demand.kind is not Kind.CHECK:
            self._stop(checks[0][1])
            return
        level = self._check_turns.level(demand.terms.run.end)
        for index, (seconds, run) in enumerate(checks):
            # With several places, one goes on for longer: a stream of short checks must not starve long ones.
            is_kept = index == 0 and self._limits.runs > 1
            own_level = self._check_turns.level(run.end)
            turn_seconds = CHECK_TURN_SECONDS if level < own_level else CHECK_TURN_SECONDS * 2**own_level
            turn_seconds = LONG_TURN_SECONDS if is_kept else min(turn_seconds, LONG_TURN_SECONDS)
            if seconds >= turn_seconds and level <= self._check_turns.level(run.end, seconds):
                self._stop(run)
                return

    # --- what came of it --------------------------------------------------------------------------------

    def collect(self) -> bool:
        """Put what has come of finished work into the store, and begin what waits; whether anything ended.

        Raises `Unavailable` if the store failed: what it did not take is kept here for the next call.
        """
        now, trouble = self._clock.monotonic_seconds(), None
        self._ended.extend((finished, now) for finished in self._executor.collect())
        ended, self._ended = self._ended, []
        for finished, at_seconds in ended:
            try:
                self._collect_one(finished, at_seconds)
            except Unavailable as error:
                self._ended.append((finished, at_seconds))
                trouble = error
        if ended:
            self.pump()
        if trouble:
            raise trouble
        return bool(ended)

    def _collect_one(self, finished: Finished, at_seconds: float) -> None:
        match finished.key:
            case SourceKey() as source:
                self._collect_fetch(source, finished)
            case RunKey() as run:
                self._collect_run(run, finished, at_seconds)
            case other:
                raise Bug(f"work under an unknown key ended: {other!r}")

    def _collect_fetch(self, source: SourceKey, finished: Finished) -> None:
        seconds = self._clock.monotonic_seconds() - self._fetching.pop(source).began_seconds
        match finished.error or finished.value:
            case Fetched(code_bytes=code_bytes):
                self._ready[source.material] = Material(stage=MaterialStage.READY, code_bytes=code_bytes)
                self._failures.pop(source, None)
            case Rejected() as error:
                self._fail_fetch(source, MaterialStage.WRONG, error, seconds)
            case Stopped():
                self._fetch_turns.add(source, seconds)
            case Exception() as error:
                self._fail_fetch(source, MaterialStage.UNREACHABLE, error, seconds)
            case other:
                raise Bug(f"a fetch ended with {type(other)}")

    def _fail_fetch(self, source: SourceKey, stage: MaterialStage, error: Exception, seconds: float) -> None:
        """One job's failure: it says nothing about another job with the same bytes elsewhere."""
        self._fetch_turns.add(source, seconds)
        before = self._failures.get(source)
        count = before.count + 1 if before else 1
        self._failures[source] = _Failure(
            material=Material(stage=stage, message=(str(error) or repr(error))[:MESSAGE_LIMIT]),
            count=count,
            until_seconds=self._clock.monotonic_seconds() + self._backoff.seconds(count),
        )

    def _collect_run(self, run: RunKey, finished: Finished, at_seconds: float) -> None:
        running = self._running[run]
        # What waits for this run was wanted before its outcome was known; roles want it again if they must.
        self._waiting = [demand for demand in self._waiting if demand.terms.run != run]
        seconds = at_seconds - running.began_seconds
        try:
            self._keep(run, running, finished.error or finished.value, seconds)
        except Bug as error:
            # Ours, but of this program: what else this node does must go on, above all its moves in games.
            self._distrust(running, "the log", f"{error}")
        self._running.pop(run)

    def _keep(self, run: RunKey, running: _Running, outcome: object, seconds: float) -> None:
        task_id = running.terms.task_id
        match outcome:
            case FinishedRun() as finished_run:
                self._keep_end(run, finished_run, task_id, seconds)
                self._ended_well.add(running.terms.program.image_root)
                claimed = finished_run.own_run.claimed
                self._results.keep_size(
                    running.terms.material, claimed.output_size if claimed.is_accepted else 0
                )
            case FailedCheck(place=place, message=message):
                self._distrust(running, place or "nowhere, it could not be written", message)
            case Found() as found:
                self._results.keep(run, found)
                self._pace.add(running.cycles, seconds, is_check=running.kind is Kind.CHECK)
                self._report_found(found, running, seconds)
            case Stopped():
                if running.kind is Kind.CHECK:
                    used_seconds = self._check_turns.add(run.end, seconds)
                    with suppress(Unavailable):  # it is remembered until the end of this process
                        self._results.keep_used(run, used_seconds)
            case Bug() as error:
                raise error
            case MaterialLost() as error:
                self._ready.pop(running.terms.material, None)
                message = f"program or input is no longer available, fetching it again: {error}"
                self._tell("run_failed", message, task_id)
            case Exception() as error:
                self._run_failures.setdefault(run, []).append(repr(error))
                self._failed.add(running.terms.program.image_root)
                self._tell("run_failed", f"the run failed: {error!r}", task_id)
            case other:
                raise Bug(f"work on a run ended with {type(other)}")

    def _keep_end(self, run: RunKey, finished: FinishedRun, task_id: TaskId, seconds: float) -> None:
        self._results.keep_run(run, finished.own_run)
        cycles = finished.own_run.claimed.cycle
        self._tell("ran", f"ran to its end, {cycles:,} steps", task_id, cycles=cycles, seconds=seconds)
        self._report_check(finished, task_id)
        self._on_end(finished.own_run.claimed)
        if finished.output_trouble:
            message = f"its output is lost, so its requester must run it again: {finished.output_trouble}"
            self._tell("output_lost", message, task_id)

    def _distrust(self, running: _Running, place: str, message: str) -> None:
        self._distrusted[running.terms.program.image_root] = place
        message = f"NOTHING IS CLAIMED, and this program is never taken again: {message}"
        self._tell("self_check_failed", message, running.terms.task_id)

    def _tell(self, kind: str, message: str, task_id: TaskId, **fields: int | float) -> None:
        """Report something about a task, which the line names."""
        self._reporter.report(kind, f"{task_in_words(task_id)}: {message}", task_id=task_id, **fields)

    def _report_found(self, found: Found, running: _Running, seconds: float) -> None:
        task_id = running.terms.task_id
        if found.hashes:
            last = max(found.hashes)
            is_check = running.kind is Kind.CHECK
            what = "ran it again" if is_check else f"computed {hashes_in_words(len(found.hashes))}"
            cycles = run_number_of(last)
            message = f"{what} up to {steps_in_words(last)}"
            self._tell("hashed", message, task_id, cycles=cycles, seconds=seconds)
        for number in found.witnesses:
            message, cycles = f"built the witness of {steps_in_words(number + 1)}", run_number_of(number)
            self._tell("witnessed", message, task_id, cycles=cycles, seconds=seconds)
        for low, each in found.reveals.items():
            cycles, steps = run_number_of(low), each.reveal.cycles
            message = f"found what step {cycles + 1:,} gives, in a micro-run of {steps:,} steps"
            self._tell("micro_ran", message, task_id, cycles=cycles, seconds=seconds)

    def _report_check(self, finished: FinishedRun, task_id: TaskId) -> None:
        if (checked := finished.checked) is not None:
            self._tell(
                "self_checked",
                f"ran again with the same result, {checked.steps:,} steps of it on the reference machine too",
                task_id,
                segments=checked.segments,
                steps=checked.steps,
                seed=checked.seed,
                seconds=finished.check_seconds,
            )
