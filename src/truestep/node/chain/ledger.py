"""What the events add up to: the live programs, jobs, tasks, claims and games, found without searching.

Finished work leaves memory: of a finished task one bit stays until its job is over, of a job that is over one
bit. What it was can be asked of the history.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from truestep.base.ids import (
    Address,
    ClaimId,
    GameId,
    JobId,
    ProgramId,
    TaskId,
    job_of_task,
    shard_of_task,
    task_of,
    task_of_claim,
)
from truestep.node.chain.event_records import History, NoHistory
from truestep.node.chain.programs import Programs
from truestep.node.chain.spans import Spans
from truestep.node.chain.task_state import (
    OpenGame,
    TaskState,
    task_of_event,
    untouched,
)
from truestep.protocol import events
from truestep.protocol.event_records import changed_job, job_record, posted_job, program_record
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.records import JobRecord, TaskRecord, TaskStage


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What events came about, or were undone: every task whose own, claims' or games' events they were."""

    tasks: frozenset[TaskId]
    jobs: frozenset[JobId]
    """Posted, changed, over, or undone."""


@dataclass(slots=True)
class _Shards:
    """Of one job: which shards nobody can take, and which are finished."""

    unavailable: Spans = field(default_factory=Spans)
    """Taken, claimed or finished."""
    finished: Spans = field(default_factory=Spans)
    live: set[TaskId] = field(default_factory=set[TaskId])
    """The tasks with a state in memory."""


class Ledger:
    """Filled event by event. The public dictionaries hold what is live, and are only to be read."""

    def __init__(self, history: History | None = None) -> None:
        self._history = history or NoHistory()
        self._changed_tasks: set[TaskId] = set()
        self._changed_jobs: set[JobId] = set()
        self.revision = 0
        """Another number after each change: what was made of the ledger before may be another by now."""
        self._clear()

    def _clear(self) -> None:
        self.revision += 1
        self._programs = Programs(self._history)
        self.programs = self._programs.records
        self.jobs: dict[JobId, JobRecord] = {}
        self.claims: dict[ClaimId, events.TaskClaimed] = {}
        self.games: dict[GameId, OpenGame] = {}
        self.struck: dict[ClaimId, Address] = {}
        """Of finished tasks too: each cost somebody a bond."""
        self.failed: dict[ClaimId, Address] = {}
        """The same of claims whose outputs were not kept."""
        self._states: dict[TaskId, TaskState] = {}
        self._shards: dict[JobId, _Shards] = {}
        self._over: Spans = Spans()
        """Jobs of which nothing is in memory: no task of theirs is or can be taken, claimed or disputed."""
        self._busy: dict[TaskId, TaskRecord] = {}
        self._busy_of: dict[Address, dict[TaskId, None]] = {}
        self._games_of: dict[Address, dict[GameId, None]] = {}
        self._waiting_jobs: dict[ProgramId, dict[JobId, JobRecord]] = {}
        self._jobs_changed_at: dict[JobId, LogPosition] = {}
        """Of jobs that are live: most never change."""
        self._newly_finished: set[TaskId] = set()
        self._newly_over: set[JobId] = set()

    # --- questions ----------------------------------------------------------------------------------------

    def task(self, task_id: TaskId) -> TaskRecord:
        """A task as it stands, a finished one by the history."""
        state = self._states.get(task_id)
        if state is None and self.is_finished(task_id):
            state = self._folded(task_id)
        return (state or untouched(task_id)).record

    def is_finished(self, task_id: TaskId) -> bool:
        """Whether nothing can happen to a task any more: it is in memory no longer."""
        job_id = job_of_task(task_id)
        shards = self._shards.get(job_id)
        return job_id in self._over or (shards is not None and shard_of_task(task_id) in shards.finished)

    def knows_job(self, job_id: JobId) -> bool:
        """Whether a job is live, or over."""
        return job_id in self.jobs or job_id in self._over

    def busy_tasks(self) -> list[TaskRecord]:
        """The tasks of known jobs that somebody has taken or claimed."""
        return [task for task_id, task in self._busy.items() if job_of_task(task_id) in self.jobs]

    def claimed_tasks(self) -> list[TaskRecord]:
        """The tasks of known jobs with a standing claim."""
        return [task for task in self.busy_tasks() if task.stage is TaskStage.CLAIMED]

    def tasks_of(self, operator: Address) -> list[TaskRecord]:
        """The tasks of known jobs that an operator has taken or claimed."""
        tasks = self._busy_of.get(operator, ())
        return [self._busy[task_id] for task_id in tasks if job_of_task(task_id) in self.jobs]

    def live_jobs(self) -> list[JobRecord]:
        """The jobs with a task that is neither final nor refunded, or with a game that goes on."""
        return list(self.jobs.values())

    def has_open_task(self, job: JobRecord, now: int) -> bool:
        """Whether a task of the job can be taken."""
        shards = self._shards.get(job.job_id)
        if shards is None or now >= job.deadline or not job.is_ready:
            return False
        return any(True for _ in shards.unavailable.gaps(0, job.shard_count))

    def open_tasks(self, job: JobRecord, first_shard: int) -> Iterator[TaskRecord]:
        """The job's tasks that nobody has taken, from `first_shard` on and around.

        Those whose lease was missed are free only once their batch has been expired.
        """
        shards = self._shards.get(job.job_id)
        if shards is None:
            return
        for start, end in ((first_shard, job.shard_count), (0, first_shard)):
            for gap in shards.unavailable.gaps(start, end):
                yield from (self.task(task_of(job.job_id, shard)) for shard in range(*gap))

    def games_on(self, claim_id: ClaimId) -> list[OpenGame]:
        """The games on a claim that were not settled."""
        state = self._states.get(task_of_claim(claim_id))
        return state.games_on(claim_id) if state else []

    def claims_in_question(self, task_id: TaskId) -> list[events.TaskClaimed]:
        """The task's standing claim, and any other with a game that was not settled."""
        state = self._states.get(task_id)
        return state.claims_in_question() if state else []

    def games_of(self, account: Address) -> list[OpenGame]:
        """The games that an account defends, or has opened, and that were not settled."""
        return [self.games[game_id] for game_id in self._games_of.get(account, ())]

    def disputed_tasks(
        self, *, operator: Address | None = None, challenger: Address | None = None
    ) -> set[TaskId]:
        """The tasks of known jobs with a game of this defender or this challenger that was not settled."""
        games = (*self.games_of(operator or Address("")), *self.games_of(challenger or Address("")))
        tasks = {
            task_of_claim(game.claim_id)
            for game in games
            if operator == game.operator or challenger == game.challenger
        }
        return {task_id for task_id in tasks if job_of_task(task_id) in self.jobs}

    def drain_changes(self) -> Changes:
        """What changed since the last call. Its jobs and tasks may be over, and gone from memory, by now."""
        changes = Changes(
            tasks=frozenset(self._changed_tasks),
            jobs=frozenset(self._changed_jobs),
        )
        self._changed_tasks, self._changed_jobs = set(), set()
        return changes

    # --- events -------------------------------------------------------------------------------------------

    def learn(self, found: Iterable[ChainEvent]) -> None:
        """Take in events that the history has by now, in the chain's order.

        If one is older than what its task knows already, the task is made anew from the history.
        """
        anew = set[TaskId]()
        for event in found:
            self.revision += 1
            task_id = task_of_event(event)
            if task_id is not None and (task_id in anew or self._is_late(task_id, event)):
                anew.add(task_id)
                self._changed_tasks.add(task_id)
            elif isinstance(event, events.JobChanged) and self._is_late_change(event):
                self._make_job_anew(event.job_id)
            else:
                self.apply(event)
            if isinstance(event, events.JobPosted):  # its changes may have been known before
                self._make_job_anew(event.job_id)
        self._make_anew(anew)

    def unlearn(self, undone: Iterable[ChainEvent], after_block: int | None = None) -> None:
        """Forget events that the history has no longer, and whatever was of blocks after `after_block`."""
        self.revision += 1
        states = self._states.items() if after_block is not None else ()
        tasks = {
            task_id
            for task_id, state in states
            if state.newest is not None
            and after_block is not None
            and state.newest.block_number > after_block
        }
        for event in undone:
            match event:
                case events.ProgramRegistered():
                    self._programs.discard(event.program_id)  # its jobs are undone with it
                case events.JobPosted():
                    self._unpost(event)
                case events.JobChanged():
                    self._make_job_anew(event.job_id)
                case _ if (task_id := task_of_event(event)) is not None:
                    tasks.add(task_id)
                case _:
                    pass
        self._changed_tasks |= tasks
        self._make_anew(tasks)

    def apply(self, event: ChainEvent) -> None:
        """Take in one event that is newer than all others about the same thing."""
        self.revision += 1
        match event:
            case events.ProgramRegistered():
                self._register(event)
            case events.JobPosted():
                self._post(posted_job(event))
            case events.JobChanged():
                self._change_job(event)
            case _ if (task_id := task_of_event(event)) is not None:
                self._changed_tasks.add(task_id)
                self.change(task_id, lambda state: state.apply(event))
            case _:
                pass

    def change(self, task_id: TaskId, apply: Callable[[TaskState], None]) -> None:
        """Change a task's state and everything that is found by it."""
        self.revision += 1
        state = self._states.get(task_id) or untouched(task_id)
        struck = set(state.struck)
        self._remove(state)
        apply(state)
        for claim_id in struck - state.struck.keys():  # not proved false after all
            self.struck.pop(claim_id, None)
        self._put(state)

    # --- what the contracts say where events are missing ------------------------------------------------

    def adopt_task(self, record: TaskRecord) -> None:
        """Take a task as a contract has it, until an event says otherwise. It is not noted as finished."""
        task_id = record.task_id
        self._unfinish(task_id)
        self._changed_tasks.add(task_id)
        self.change(task_id, lambda state: state.adopt(record))
        self._newly_finished.discard(task_id)
        self._newly_over.discard(job_of_task(task_id))

    def adopt_game(self, game_id: GameId, operator: Address) -> None:
        """Take a game's defender as the game's record has it."""
        task_id = task_of_claim(self.games[game_id].claim_id)
        self._changed_tasks.add(task_id)
        self.change(task_id, lambda state: state.adopt_game(game_id, operator))

    def drop_game(self, game_id: GameId) -> None:
        """Forget a game that a contract says is closed."""
        task_id = task_of_claim(self.games[game_id].claim_id)
        self._changed_tasks.add(task_id)
        self.change(task_id, lambda state: state.drop_game(game_id))

    def retire(self, job_id: JobId) -> bool:
        """Drop a job of which no task can be taken any more, if none is taken, claimed or disputed."""
        shards, job = self._shards.get(job_id), self.jobs.get(job_id)
        if shards is None or job is None:
            return False
        live = [self._states[task_id] for task_id in shards.live]
        if any(state.is_busy or state.games for state in live):
            return False
        self.revision += 1
        for state in live:
            self._remove(state)
        self._end(job)
        return True

    def load(self, over: Spans, finished: Mapping[JobId, Spans], unfinished: Iterable[ChainEvent]) -> None:
        """Begin anew with what the history has: jobs that are over, finished shards, and all other events."""
        self._clear()
        self._over = Spans(over)
        for job_id, spans in finished.items():
            self._shards[job_id] = _Shards(unavailable=Spans(spans), finished=Spans(spans))
        for event in unfinished:
            self.apply(event)

    def drain_finished(self) -> tuple[set[TaskId], set[JobId]]:
        """The tasks that finished and the jobs that were over since the last call: no start need load them.

        Those with a struck claim are never among them: who lost a bond is to be known.
        """
        finished = self._newly_finished, self._newly_over
        self._newly_finished, self._newly_over = set(), set()
        return finished

    @property
    def newly_finished_count(self) -> int:
        """How much `drain_finished` would return."""
        return len(self._newly_finished) + len(self._newly_over)

    # --- how ----------------------------------------------------------------------------------------------

    def _is_late(self, task_id: TaskId, event: ChainEvent) -> bool:
        state = self._states.get(task_id)
        if state is None:
            return self.is_finished(task_id)
        return state.newest is not None and event.at <= state.newest

    def _make_anew(self, tasks: Iterable[TaskId]) -> None:
        for task_id in tasks:
            old = self._states.get(task_id)
            if old is not None:
                self._remove(old)
            self._unfinish(task_id)
            state = self._folded(task_id)
            for lost in (self.struck, self.failed):
                for claim_id in [claim for claim in lost if task_of_claim(claim) == task_id]:
                    del lost[claim_id]
            if state is not None:
                self._put(state)

    def _unfinish(self, task_id: TaskId) -> None:
        """A finished task is not, by an event that was found late or undone, or by what a contract says."""
        job_id = job_of_task(task_id)
        self._newly_finished.discard(task_id)
        if job_id in self._over:
            self._revive(job_id)
        shards = self._shards.setdefault(job_id, _Shards())
        if shards.finished.discard(shard_of_task(task_id)):
            shards.unavailable.discard(shard_of_task(task_id))

    def _folded(self, task_id: TaskId) -> TaskState | None:
        history = self._history.events_of_task(task_id)
        state = untouched(task_id)
        for event in history:
            state.apply(event)
        return state if history else None

    def _revive(self, job_id: JobId) -> None:
        """A job that was over is not, by an event that was found late or undone."""
        self._over.discard(job_id)
        self._newly_over.discard(job_id)
        job = job_record(self._history.events_of_job(job_id))
        if job is not None:
            self._post(job)
            every_shard = [(0, job.shard_count)]
            shards = self._shards.setdefault(job_id, _Shards())
            shards.finished, shards.unavailable = Spans(every_shard), Spans(every_shard)

    def _remove(self, state: TaskState) -> None:
        """Take a state, as it is, out of everything that finds it."""
        task_id, record = state.record.task_id, state.record
        self._states.pop(task_id, None)
        for claim_id in state.claims:
            self.claims.pop(claim_id, None)
        for game in state.games.values():
            del self.games[game.game_id]
            for account in (game.operator, game.challenger):
                _drop(self._games_of, account, game.game_id)
        if self._busy.pop(task_id, None) is not None:
            _drop(self._busy_of, record.operator, task_id)
        shards = self._shards.get(job_of_task(task_id))
        if shards is not None:
            shards.live.discard(task_id)
            shards.unavailable.discard(shard_of_task(task_id))

    def _put(self, state: TaskState) -> None:
        task_id, record = state.record.task_id, state.record
        shards = self._shards.setdefault(job_of_task(task_id), _Shards())
        self.struck.update(state.struck)
        self.failed.update(state.failed)
        if state.is_finished:
            shards.finished.add(shard_of_task(task_id))
            shards.unavailable.add(shard_of_task(task_id))
            if not state.struck and not state.failed:
                self._newly_finished.add(task_id)
            self._end_if_over(job_of_task(task_id))
            return
        self._states[task_id] = state
        shards.live.add(task_id)
        self.claims.update(state.claims)
        self.games.update(state.games)
        for game in state.games.values():
            for account in (game.operator, game.challenger):
                self._games_of.setdefault(account, {})[game.game_id] = None
        if state.is_busy:
            self._busy[task_id] = record
            self._busy_of.setdefault(record.operator, {})[task_id] = None
        if record.stage is not TaskStage.OPEN:
            shards.unavailable.add(shard_of_task(task_id))

    def _register(self, event: events.ProgramRegistered) -> None:
        self._programs.add(program_record(event))
        for job in self._waiting_jobs.pop(event.program_id, {}).values():
            self._post(job)

    def _post(self, job: JobRecord) -> None:
        """A job counts once its program is known."""
        if self.knows_job(job.job_id):
            return
        if self._programs.find(job.program_id) is None:
            self._waiting_jobs.setdefault(job.program_id, {})[job.job_id] = job
            return
        self._changed_jobs.add(job.job_id)
        self.jobs[job.job_id] = job
        self._shards.setdefault(job.job_id, _Shards())
        self._programs.use(job.program_id)
        self._end_if_over(job.job_id)

    def _change_job(self, event: events.JobChanged) -> None:
        """A change that is newer than all that is known of the job. Of one that is over, nothing is kept."""
        job_id = event.job_id
        for jobs in (self.jobs, *self._waiting_jobs.values()):
            if job_id in jobs:
                jobs[job_id] = changed_job(jobs[job_id], event)
                self._jobs_changed_at[job_id] = event.at
                self._changed_jobs.add(job_id)

    def _is_late_change(self, event: events.JobChanged) -> bool:
        last = self._jobs_changed_at.get(event.job_id)
        return last is not None and event.at <= last

    def _make_job_anew(self, job_id: JobId) -> None:
        """Events of a job came out of order, or were undone: it is what the history says."""
        found = self._history.events_of_job(job_id)
        job = job_record(found)
        for jobs in (self.jobs, *self._waiting_jobs.values()):
            if job is not None and job_id in jobs:
                jobs[job_id] = job
                self._jobs_changed_at[job_id] = found[-1].at
                self._changed_jobs.add(job_id)

    def _unpost(self, event: events.JobPosted) -> None:
        self._changed_jobs.add(event.job_id)
        self._over.discard(event.job_id)
        self._newly_over.discard(event.job_id)
        self._waiting_jobs.get(event.program_id, {}).pop(event.job_id, None)
        self._jobs_changed_at.pop(event.job_id, None)
        job = self.jobs.pop(event.job_id, None)
        if job is not None:
            self._programs.release(job.program_id)

    def _end_if_over(self, job_id: JobId) -> None:
        job, shards = self.jobs.get(job_id), self._shards[job_id]
        if job is not None and len(shards.finished) == job.shard_count and not shards.live:
            self._end(job)

    def _end(self, job: JobRecord) -> None:
        self._changed_jobs.add(job.job_id)
        del self.jobs[job.job_id], self._shards[job.job_id]
        self._jobs_changed_at.pop(job.job_id, None)
        self._over.add(job.job_id)
        lost = {*self.struck, *self.failed}
        if not any(job_of_task(task_of_claim(claim_id)) == job.job_id for claim_id in lost):
            self._newly_over.add(job.job_id)
        self._programs.release(job.program_id)


def _drop(index: dict[Address, dict[Any, None]], account: Address, key: object) -> None:
    """Take a key out of an account's entries; an account without entries leaves too."""
    keys = index.get(account)
    if keys is not None:
        keys.pop(key, None)
        if not keys:
            del index[account]
