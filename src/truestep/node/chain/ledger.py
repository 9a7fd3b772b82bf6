"""What the events add up to: every program, job, task, claim and game, as the chain has them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from truestep.base.ids import (
    Address,
    ClaimId,
    GameId,
    JobId,
    ProgramId,
    TaskId,
    claim_of_game,
    job_of_task,
    task_of,
    task_of_claim,
)
from truestep.protocol import events
from truestep.protocol.claims import ZERO_HASH
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import JobRecord, ProgramRecord, TaskRecord, TaskStage

NOBODY = Address("0x" + "0" * 40)


@dataclass(slots=True)
class Ledger:
    """Filled event by event, in the chain's order."""

    programs: dict[ProgramId, ProgramRecord] = field(default_factory=dict[ProgramId, ProgramRecord])
    jobs: dict[JobId, JobRecord] = field(default_factory=dict[JobId, JobRecord])
    claims: dict[ClaimId, events.TaskClaimed] = field(default_factory=dict[ClaimId, events.TaskClaimed])
    games: dict[GameId, events.GameOpened] = field(default_factory=dict[GameId, events.GameOpened])
    splits: dict[GameId, events.GameSplit] = field(default_factory=dict[GameId, events.GameSplit])
    struck: dict[ClaimId, Address] = field(default_factory=dict[ClaimId, Address])
    _tasks: dict[TaskId, TaskRecord] = field(default_factory=dict[TaskId, TaskRecord])
    _closed: dict[JobId, set[TaskId]] = field(default_factory=dict[JobId, set[TaskId]])

    def task(self, task_id: TaskId) -> TaskRecord:
        """A task of a known job as it stands; its claim hash is left out."""
        return self._tasks.get(task_id) or TaskRecord(
            task_id=task_id,
            stage=TaskStage.OPEN,
            attempt=0,
            operator=NOBODY,
            until=0,
            claim_hash=ZERO_HASH,
        )

    def busy_tasks(self) -> list[TaskRecord]:
        """The tasks that somebody has taken or claimed."""
        return [task for task in self._tasks.values() if task.stage in (TaskStage.TAKEN, TaskStage.CLAIMED)]

    def live_jobs(self) -> list[JobRecord]:
        """The jobs with a task that is neither final nor refunded."""
        return [job for job in self.jobs.values() if len(self._closed.get(job.job_id, ())) < job.shard_count]

    def open_tasks(self, job: JobRecord, first_shard: int, now: int) -> Iterator[TaskRecord]:
        """The job's tasks that can be taken, from `first_shard` on and around."""
        for position in range(job.shard_count):
            task = self.task(task_of(job.job_id, (first_shard + position) % job.shard_count))
            if task.stage is TaskStage.OPEN or (task.stage is TaskStage.TAKEN and now > task.until):
                yield task

    def games_on(self, claim_id: ClaimId) -> list[events.GameOpened]:
        """The games on a claim that were not settled."""
        return [game for game in self.games.values() if game.claim_id == claim_id]

    def claims_in_question(self, task_id: TaskId) -> list[events.TaskClaimed]:
        """The task's standing claim, and any other with a game that was not settled."""
        task = self.task(task_id)
        disputed = {claim_of_game(game) for game in self.games}
        return [
            claim
            for claim in self.claims.values()
            if claim.task_id == task_id
            and (
                claim.claim_id in disputed
                or (task.stage is TaskStage.CLAIMED and task.claim_id == claim.claim_id)
            )
        ]

    def disputed_tasks(
        self, *, operator: Address | None = None, challenger: Address | None = None
    ) -> set[TaskId]:
        """The tasks with a game of this operator or this challenger that was not settled."""
        return {
            task_of_claim(game.claim_id)
            for game in self.games.values()
            if operator == game.operator or challenger == game.challenger
        }

    def apply(self, event: ChainEvent) -> None:
        """Take in one event; if a lagging node left out its cause, it counts once that is found."""
        match event:
            case events.ProgramRegistered():
                self.programs[event.program_id] = _program(event)
            case events.JobPosted():
                program = self.programs.get(event.program_id)
                if program is not None:
                    self.jobs[event.job_id] = _job(event, program.max_cycles)
            case events.TaskTaken():
                self._change(event.task_id, TaskStage.TAKEN, event.operator, event.until, event.attempt)
            case events.TaskClaimed():
                self.claims[event.claim_id] = event
                self._change(event.task_id, TaskStage.CLAIMED, event.operator, event.until)
            case events.LeaseExpired():
                self._change(event.task_id, TaskStage.OPEN, NOBODY, 0)
            case events.ClaimStruck():
                self.struck[event.claim_id] = event.operator
                self._change(event.task_id, TaskStage.OPEN, NOBODY, 0)
            case events.TaskFinalized():
                self._close(event.task_id, TaskStage.FINAL)
            case events.TaskReclaimed():
                self._close(event.task_id, TaskStage.REFUNDED)
            case events.GameOpened():
                self.games[event.game_id] = event
            case events.GameSplit():
                self.splits[event.game_id] = event
            case events.GameSettled():
                self._settle(event.game_id)
            case (
                events.GamePicked()
                | events.GameStepped()
                | events.GameDescended()
                | events.GameRevealed()
                | events.BondSeized()
            ):
                pass

    def _settle(self, game_id: GameId) -> None:
        game = self.games.pop(game_id, None)
        self.splits.pop(game_id, None)
        if game is None:
            return
        task = self.task(task_of_claim(game.claim_id))
        is_over = task.claim_id != game.claim_id or task.stage is not TaskStage.CLAIMED
        if is_over and not self.games_on(game.claim_id):
            self.claims.pop(game.claim_id, None)

    def _change(
        self, task_id: TaskId, stage: TaskStage, operator: Address, until: int, attempt: int | None = None
    ) -> None:
        before = self.task(task_id)
        self._tasks[task_id] = replace(
            before,
            stage=stage,
            operator=operator,
            until=until,
            attempt=before.attempt if attempt is None else attempt,
        )

    def _close(self, task_id: TaskId, stage: TaskStage) -> None:
        task = self.task(task_id)
        self._change(task_id, stage, task.operator, 0)
        self._closed.setdefault(job_of_task(task_id), set()).add(task_id)
        if stage is TaskStage.FINAL and not self.games_on(task.claim_id):
            self.claims.pop(task.claim_id, None)


def _program(event: events.ProgramRegistered) -> ProgramRecord:
    return ProgramRecord(
        program_id=event.program_id,
        image_root=event.image_root,
        entry=event.entry,
        max_cycles=event.max_cycles,
        digest=event.digest,
        owner=event.owner,
        uri=event.uri,
    )


def _job(event: events.JobPosted, max_cycles: int) -> JobRecord:
    return JobRecord(
        job_id=event.job_id,
        program_id=event.program_id,
        input_root=event.input_root,
        input_size=event.input_size,
        input_uri=event.input_uri,
        seed=event.seed,
        shard_count=event.shard_count,
        reward_wei=event.reward_wei,
        lease_seconds=event.lease_seconds,
        deadline=event.deadline,
        max_cycles=max_cycles,
        requester=event.requester,
        final_count=0,
    )
