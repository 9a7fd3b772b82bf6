"""What has happened on a network, put together from its events. Facts forget what is over; this does not."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from truestep.base.ids import (
    Address,
    ClaimId,
    GameId,
    JobId,
    TaskId,
    job_of_task,
    shard_of_task,
    task_of_claim,
    task_of_game,
)
from truestep.protocol import events
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import GameStage

FEED_LIMIT = 200
"""Newest events that the first page can show."""
TIMELINE_LIMIT = 2_000
"""Newest events of a job: one of many shards has tens of thousands."""


class ShardStage(StrEnum):
    """How far a shard is, in a word."""

    OPEN = "open"
    TAKEN = "running"
    CLAIMED = "claimed"
    DISPUTED = "disputed"
    FINAL = "final"
    REFUNDED = "refunded"


@dataclass(slots=True, kw_only=True)
class Shard:
    """A shard as the newest event left it."""

    stage: ShardStage = ShardStage.OPEN
    operator: Address | None = None
    until: int = 0
    is_accepted: bool | None = None
    """Once final."""


@dataclass(slots=True, kw_only=True)
class JobHistory:
    """A job, its shards and what happened to them."""

    posted: events.JobPosted
    reward: int
    deadline: int
    shards: list[Shard]
    timeline: deque[ChainEvent] = field(default_factory=lambda: deque[ChainEvent](maxlen=TIMELINE_LIMIT))
    disputes: list[GameId] = field(default_factory=list[GameId])

    @property
    def job_id(self) -> JobId:
        """Its number."""
        return self.posted.job_id

    def count(self, stage: ShardStage) -> int:
        """How many shards are at a stage."""
        return sum(shard.stage is stage for shard in self.shards)

    @property
    def is_over(self) -> bool:
        """Whether no shard can change any more."""
        return all(shard.stage in (ShardStage.FINAL, ShardStage.REFUNDED) for shard in self.shards)


@dataclass(slots=True, kw_only=True)
class OperatorHistory:
    """What an operator has done."""

    taken: int = 0
    claimed: int = 0
    final: int = 0
    late: int = 0
    """Leases that it missed or gave back."""
    struck: int = 0
    tasks: deque[TaskId] = field(default_factory=lambda: deque[TaskId](maxlen=FEED_LIMIT))


@dataclass(slots=True, kw_only=True)
class DisputeHistory:
    """A game: who, about what, how it narrowed, how it ended."""

    opened: events.GameOpened
    intervals: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """After each move that narrows: both agree on the first state and disagree on the second."""
    moves: list[ChainEvent] = field(default_factory=list[ChainEvent])
    stepped: events.GameStepped | None = None
    settled: events.GameSettled | None = None
    rewarded_wei: int = 0

    @property
    def is_open(self) -> bool:
        """Whether nobody has settled it."""
        return self.settled is None

    @property
    def outcome(self) -> str:
        """How it stands or ended, in words."""
        if self.settled is None:
            return "goes on"
        if self.settled.stage is GameStage.OPERATOR_WON:
            return "the claim was defended"
        return "the claim fell"

    def add(self, event: ChainEvent) -> None:
        """Take in a move."""
        self.moves.append(event)
        match event:
            case events.GamePicked() | events.GameRevealed():
                self.intervals.append((event.low, event.high))
            case events.GameStepped():
                self.stepped = event
            case events.GameSettled():
                self.settled = event
            case events.GameRewarded():
                self.rewarded_wei += event.amount_wei
            case _:
                pass


class History:
    """All of it. Not for several threads: whoever reads holds the same lock as whoever adds."""

    def __init__(self) -> None:
        self.jobs: dict[JobId, JobHistory] = {}
        self.operators: dict[Address, OperatorHistory] = {}
        self.disputes: dict[GameId, DisputeHistory] = {}
        self.feed = deque[ChainEvent](maxlen=FEED_LIMIT)
        self.event_count = 0
        self.struck_count = 0
        self.final_count = 0

    def add(self, found: Iterable[ChainEvent]) -> None:
        """Take in events, in the chain's order."""
        for event in found:
            self.event_count += 1
            self.feed.append(event)
            self._job_event(event)
            self._shard_event(event)
            self._game_event(event)

    def operator(self, address: Address) -> OperatorHistory:
        """What an operator has done; begins when it is first heard of."""
        return self.operators.setdefault(address, OperatorHistory())

    def shard(self, task_id: TaskId) -> Shard | None:
        """A shard. None if its job is not known."""
        job = self.jobs.get(job_of_task(task_id))
        return job.shards[shard_of_task(task_id)] if job else None

    def open_disputes(self) -> list[DisputeHistory]:
        """Those that go on, the newest first."""
        return [dispute for dispute in reversed(self.disputes.values()) if dispute.is_open]

    def _job_event(self, event: ChainEvent) -> None:
        match event:
            case events.JobPosted():
                shards = [Shard() for _ in range(event.shard_count)]
                job = JobHistory(posted=event, reward=event.reward, deadline=event.deadline, shards=shards)
                job.timeline.append(event)
                self.jobs[event.job_id] = job
            case events.JobChanged():
                changed = self.jobs.get(event.job_id)
                if changed:
                    changed.reward, changed.deadline = event.reward, event.deadline
                    changed.timeline.append(event)
            case _:
                pass

    def _shard_event(self, event: ChainEvent) -> None:
        match event:
            case events.TaskTaken():
                operator = self.operator(event.operator)
                operator.taken += 1
                operator.tasks.append(event.task_id)
                self._set(event, event.task_id, ShardStage.TAKEN, event.operator, event.until)
            case events.TaskClaimed():
                self.operator(event.operator).claimed += 1
                self._set(event, event.task_id, ShardStage.CLAIMED, event.operator, event.until)
            case events.WindowExtended():
                shard = self.shard(event.task_id)
                if shard:
                    shard.until = event.until
            case events.LeaseExpired():
                self.operator(event.operator).late += 1
                self._set(event, event.task_id, ShardStage.OPEN)
            case events.ClaimStruck():
                self.struck_count += 1
                self.operator(event.operator).struck += 1
                self._set(event, event.task_id, ShardStage.OPEN)
            case events.TaskFinalized():
                self.final_count += 1
                self.operator(event.operator).final += 1
                self._set(event, event.task_id, ShardStage.FINAL, event.operator)
                shard = self.shard(event.task_id)
                if shard:
                    shard.is_accepted = event.is_accepted
            case events.TaskReclaimed():
                self._set(event, event.task_id, ShardStage.REFUNDED)
            case events.ClaimFailed() | events.ClaimRefuted():
                self._note(task_of_claim(event.claim_id), event)
            case _:
                pass

    def _game_event(self, event: ChainEvent) -> None:
        if isinstance(event, events.GameOpened):
            self._opened(event)
        elif isinstance(event, _MOVES):
            self._note(task_of_game(event.game_id), event)
            dispute = self.disputes.get(event.game_id)
            if dispute:
                dispute.add(event)
            if isinstance(event, events.GameSettled):
                self._settled(event.claim_id)

    def _opened(self, event: events.GameOpened) -> None:
        task_id = task_of_claim(event.claim_id)
        self._note(task_id, event)
        self.disputes[event.game_id] = DisputeHistory(opened=event, moves=[event])
        job = self.jobs.get(job_of_task(task_id))
        if job:
            job.disputes.append(event.game_id)
        shard = self.shard(task_id)
        if shard and shard.stage is ShardStage.CLAIMED:
            shard.stage = ShardStage.DISPUTED

    def _settled(self, claim_id: ClaimId) -> None:
        """A shard whose last open game is settled is claimed as before, unless its claim was struck."""
        shard = self.shard(task_of_claim(claim_id))
        if not shard or shard.stage is not ShardStage.DISPUTED:
            return
        games = self.jobs[job_of_task(task_of_claim(claim_id))].disputes
        on_claim = (self.disputes[game] for game in games if self.disputes[game].opened.claim_id == claim_id)
        if not any(dispute.is_open for dispute in on_claim):
            shard.stage = ShardStage.CLAIMED

    def _set(
        self,
        event: ChainEvent,
        task_id: TaskId,
        stage: ShardStage,
        operator: Address | None = None,
        until: int = 0,
    ) -> None:
        self._note(task_id, event)
        shard = self.shard(task_id)
        if shard:
            shard.stage, shard.operator, shard.until = stage, operator, until

    def _note(self, task_id: TaskId, event: ChainEvent) -> None:
        job = self.jobs.get(job_of_task(task_id))
        if job:
            job.timeline.append(event)


_MOVES = (
    events.GameSplit,
    events.GamePicked,
    events.GameStepped,
    events.GameDescended,
    events.GameRevealed,
    events.GameAdopted,
    events.GameSettled,
    events.GameRewarded,
)
