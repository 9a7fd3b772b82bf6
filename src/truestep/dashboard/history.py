"""What has happened on a network, put together from its events. Facts forget what is over; this does not."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

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
from truestep.base.text import counted
from truestep.protocol import events
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import GameStage

FEED_LIMIT = 200
"""Newest events that the first page can show."""
TIMELINE_LIMIT = 2_000
"""Newest events of a job: one of many shards has tens of thousands."""


class Impossible(Exception):
    """What no chain tells: a node lies, or has lost something."""


class ShardStage(StrEnum):
    """How far a shard is, in a word."""

    OPEN = "open"
    TAKEN = "running"
    CLAIMED = "claimed"
    DISPUTED = "disputed"
    FINAL = "final"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A shard as the newest event left it."""

    stage: ShardStage = ShardStage.OPEN
    operator: Address | None = None
    until: int = 0
    is_accepted: bool | None = None
    """Once final."""


_UNTOUCHED = Shard()


@dataclass(slots=True, kw_only=True)
class JobHistory:
    """A job, its shards and what happened to them."""

    posted: events.JobPosted
    reward: int
    deadline: int
    touched: dict[int, Shard] = field(default_factory=dict[int, Shard])
    """Shards that something has happened to. A job may have 65,535, and posting one costs little."""
    counts: Counter[ShardStage] = field(default_factory=Counter[ShardStage])
    """How many shards are at each stage."""
    timeline: deque[ChainEvent] = field(default_factory=lambda: deque[ChainEvent](maxlen=TIMELINE_LIMIT))
    disputes: list[GameId] = field(default_factory=list[GameId])

    @property
    def job_id(self) -> JobId:
        """Its number."""
        return self.posted.job_id

    @property
    def is_over(self) -> bool:
        """Whether no shard can change any more."""
        return self.counts[ShardStage.FINAL] + self.counts[ShardStage.REFUNDED] == self.posted.shard_count

    def shard(self, index: int) -> Shard:
        """A shard, to look at."""
        return self.touched.get(index, _UNTOUCHED)

    def put(self, index: int, shard: Shard) -> None:
        """What a shard of the job is now."""
        self.counts[self.shard(index).stage] -= 1
        self.counts[shard.stage] += 1
        self.touched[index] = shard


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
        """Take in events, in the chain's order. Raises Impossible, and is of no use then."""
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
        """A shard. None if its job is not known. Raises Impossible if its job does not have it."""
        job, index = self.jobs.get(job_of_task(task_id)), shard_of_task(task_id)
        if job and index >= job.posted.shard_count:
            has = counted(job.posted.shard_count, "shard")
            raise Impossible(f"it tells of shard {index} of job {job.job_id}, which has {has}")
        return job.shard(index) if job else None

    def open_disputes(self) -> list[DisputeHistory]:
        """Those that go on, the newest first."""
        return [dispute for dispute in reversed(self.disputes.values()) if dispute.is_open]

    def _job_event(self, event: ChainEvent) -> None:
        match event:
            case events.JobPosted():
                counts = Counter({ShardStage.OPEN: event.shard_count})
                job = JobHistory(posted=event, reward=event.reward, deadline=event.deadline, counts=counts)
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
                self._change(event.task_id, until=event.until)
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
                self._change(event.task_id, is_accepted=event.is_accepted)
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
            self._change(task_id, stage=ShardStage.DISPUTED)

    def _settled(self, claim_id: ClaimId) -> None:
        """A shard whose last open game is settled is claimed as before, unless its claim was struck."""
        shard = self.shard(task_of_claim(claim_id))
        if not shard or shard.stage is not ShardStage.DISPUTED:
            return
        games = self.jobs[job_of_task(task_of_claim(claim_id))].disputes
        on_claim = (self.disputes[game] for game in games if self.disputes[game].opened.claim_id == claim_id)
        if not any(dispute.is_open for dispute in on_claim):
            self._change(task_of_claim(claim_id), stage=ShardStage.CLAIMED)

    def _set(
        self,
        event: ChainEvent,
        task_id: TaskId,
        stage: ShardStage,
        operator: Address | None = None,
        until: int = 0,
    ) -> None:
        self._note(task_id, event)
        self._change(task_id, stage=stage, operator=operator, until=until)

    def _change(self, task_id: TaskId, **fields: Any) -> None:
        shard = self.shard(task_id)
        if shard:
            self.jobs[job_of_task(task_id)].put(shard_of_task(task_id), replace(shard, **fields))

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
