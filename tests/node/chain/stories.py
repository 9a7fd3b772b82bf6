"""Events as the contracts could have told them, without contracts: for tests of what is made of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from truestep.base.ids import (
    Address,
    Bytes32,
    ClaimId,
    GameId,
    JobId,
    ProgramId,
    TaskId,
    claim_of,
    game_of,
    job_of_task,
    task_of,
)
from truestep.machine.state import Status
from truestep.node.chain.task_state import task_of_event
from truestep.protocol import events
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.records import GameStage

ACCOUNTS = [Address(f"0x{number:040x}") for number in range(1, 5)]
HASH = Bytes32(b"h" * 32)
CLAIMED = ClaimedState(
    status=Status.EXITED,
    code=0,
    cycle=5,
    output_size=8,
    output_root=HASH,
    left_root=HASH,
    inner_root=HASH,
    running_state=Bytes32(bytes(32)),
)
EVENTS_EACH_BLOCK = 3
DEADLINE = 10**6


@dataclass
class Story:
    """What happens next is drawn by chance, from what the protocol allows."""

    rng: random.Random
    shard_counts: tuple[int, ...] = (1, 3, 2)
    told: list[ChainEvent] = field(default_factory=list)
    _stages: dict[TaskId, str] = field(default_factory=dict)
    _attempts: dict[TaskId, int] = field(default_factory=dict)
    _operators: dict[TaskId, Address] = field(default_factory=dict)
    _games: dict[GameId, Address] = field(default_factory=dict)
    _ordinals: dict[ClaimId, int] = field(default_factory=dict)

    def tell(self, event_count: int) -> list[ChainEvent]:
        """So many events more; all that were told."""
        if not self.told:
            self._begin()
        until = len(self.told) + event_count
        while len(self.told) < until:
            moves = self._moves()
            if not moves:
                break
            self.rng.choice(moves)()
        return self.told

    def _begin(self) -> None:
        for number, shard_count in enumerate(self.shard_counts, 1):
            self._add(events.ProgramRegistered, program_id=ProgramId(number), owner=ACCOUNTS[0],
                      image_root=HASH, entry=4, max_cycles=100, digest=HASH, uri="")  # fmt: skip
            self._add(events.JobPosted, job_id=JobId(number), program_id=ProgramId(number),
                      requester=ACCOUNTS[0], input_root=HASH, input_size=1, input_uri="", seed=HASH,
                      shard_count=shard_count, reward_wei=1, lease_seconds=10, deadline=DEADLINE)  # fmt: skip
            for shard in range(shard_count):
                self._stages[task_of(JobId(number), shard)] = "open"

    def _add(self, kind: Callable[..., ChainEvent], **fields: Any) -> None:
        block, index = divmod(len(self.told), EVENTS_EACH_BLOCK)
        at = LogPosition(block_number=block + 1, log_index=index, transaction_hash=HASH)
        self.told.append(kind(at=at, **fields))

    def _moves(self) -> list[Callable[[], None]]:
        moves: list[Callable[[], None]] = []
        for task_id, stage in self._stages.items():
            moves += [lambda move=move, task_id=task_id: move(task_id) for move in self._moves_of(stage)]
        for game_id in self._games:
            moves += [
                lambda game_id=game_id: self._split(game_id),
                lambda game_id=game_id: self._settle(game_id),
            ]
        return moves

    def _moves_of(self, stage: str) -> list[Callable[[TaskId], None]]:
        return {
            "open": [self._take, self._take, self._reclaim],
            "taken": [self._claim, self._claim, self._expire],
            "claimed": [self._open_game, self._finalize],
        }.get(stage, [])

    def _claim_id(self, task_id: TaskId) -> ClaimId:
        return claim_of(task_id, self._attempts[task_id])

    def _take(self, task_id: TaskId) -> None:
        self._attempts[task_id] = self._attempts.get(task_id, 0) + 1
        self._operators[task_id] = self.rng.choice(ACCOUNTS)
        self._stages[task_id] = "taken"
        self._add(events.TaskTaken, task_id=task_id, operator=self._operators[task_id],
                  attempt=self._attempts[task_id], until=50)  # fmt: skip

    def _reclaim(self, task_id: TaskId) -> None:
        self._stages[task_id] = "refunded"
        self._add(events.TaskReclaimed, task_id=task_id, requester=ACCOUNTS[0], amount_wei=1)

    def _claim(self, task_id: TaskId) -> None:
        self._stages[task_id] = "claimed"
        self._add(events.TaskClaimed, task_id=task_id, operator=self._operators[task_id],
                  claim_id=self._claim_id(task_id), until=90, claimed=CLAIMED)  # fmt: skip

    def _expire(self, task_id: TaskId) -> None:
        self._stages[task_id] = "open"
        self._add(events.LeaseExpired, task_id=task_id, operator=self._operators[task_id], penalty_wei=1)

    def _open_game(self, task_id: TaskId) -> None:
        claim_id = self._claim_id(task_id)
        ordinal = self._ordinals[claim_id] = self._ordinals.get(claim_id, 0) + 1
        game_id = game_of(claim_id, ordinal)
        self._games[game_id] = self.rng.choice(ACCOUNTS)
        self._add(events.GameOpened, game_id=game_id, claim_id=claim_id, challenger=self._games[game_id],
                  operator=self._operators[task_id], high=5, low_hash=HASH, high_hash=HASH)  # fmt: skip

    def _finalize(self, task_id: TaskId) -> None:
        if any(game_id >> 32 == self._claim_id(task_id) for game_id in self._games):
            return
        self._stages[task_id] = "final"
        self._add(events.TaskFinalized, task_id=task_id, operator=self._operators[task_id],
                  claim_id=self._claim_id(task_id), claimed=CLAIMED, is_accepted=True)  # fmt: skip

    def _split(self, game_id: GameId) -> None:
        kind = self.rng.choice([events.GameSplit, events.GamePicked])
        if kind is events.GameSplit:
            self._add(kind, game_id=game_id, low=0, high=5, hashes=(HASH,))
        else:
            self._add(kind, game_id=game_id, part=0, low=0, high=5, low_hash=HASH, high_hash=HASH)

    def _settle(self, game_id: GameId) -> None:
        claim_id = ClaimId(game_id >> 32)
        task_id = TaskId(claim_id >> 32)
        is_standing = self._stages[task_id] == "claimed" and self._claim_id(task_id) == claim_id
        if is_standing and self.rng.random() < 0.5:
            self._stages[task_id] = "open"
            self._add(
                events.ClaimStruck, task_id=task_id, operator=self._operators[task_id], claim_id=claim_id
            )
            self._add(events.BondSeized, operator=self._operators[task_id], amount_wei=1)
        del self._games[game_id]
        self._add(events.GameSettled, game_id=game_id, claim_id=claim_id, stage=GameStage.OPERATOR_WON,
                  operator_wei=1, challenger_wei=1, burned_wei=1)  # fmt: skip


@dataclass
class ListHistory:
    """Satisfies `History`: a list of events."""

    known: list[ChainEvent] = field(default_factory=list)

    def events_of_task(self, task_id: TaskId) -> list[ChainEvent]:
        found = [event for event in self.known if task_of_event(event) == task_id]
        return sorted(found, key=lambda event: event.at)

    def program_registered(self, program_id: ProgramId) -> events.ProgramRegistered | None:
        for event in self.known:
            if isinstance(event, events.ProgramRegistered) and event.program_id == program_id:
                return event
        return None

    def job_posted(self, job_id: JobId) -> events.JobPosted | None:
        for event in self.known:
            if isinstance(event, events.JobPosted) and event.job_id == job_id:
                return event
        return None


def tasks_of_story(story: Story) -> list[TaskId]:
    """Every task, known or not."""
    return [
        task_of(JobId(job), shard)
        for job, shard_count in enumerate(story.shard_counts, 1)
        for shard in range(shard_count)
    ]


__all__ = ["ACCOUNTS", "DEADLINE", "ListHistory", "Story", "job_of_task", "tasks_of_story"]
